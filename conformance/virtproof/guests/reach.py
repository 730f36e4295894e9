"""Whether libvirt hears of what becomes of a container: it must have learnt its first process's id.

What belongs here: asking that past every driver, and the error that says no. What does not: whether the program hears signals
(`first_line`). libvirt's controller tells the id once, to the first that connects. libvirtd may not be ready for it yet, and then
hangs up: of 60 containers 17 were known 10 to 50 ms late and 1 never was (measured on libvirt 11.3.0; 9.0.0 has it too). Such a
container runs, but virDomainShutdown and virDomainReboot are refused (55) for as long as it does, its devices cannot be changed,
and when it ends or restarts by itself no event tells: libvirt says that it runs, until somebody destroys it ("Dropping event
because libvirtd is not connected" in the container's log).
"""

import time
from threading import Event
from typing import Any, Final, cast

from virtproof.lanes.bare import bare_binding
from virtproof_driver.binding import Domain
from virtproof_driver.constants import ErrorCode

SECONDS: Final = 1.0
MOST_TRIES: Final = 4
"""How many instances are tried, one after the other, until the host hears of one."""

_BETWEEN: Final = 0.01
_FIRST_PROGRAM: Final = 1
_NO_SIGNAL: Final = 0  # VIR_DOMAIN_PROCESS_SIGNAL_NOP


class OutOfReach(AssertionError):
    """libvirt never learnt the container's first process, and will not hear of its end; another instance must do."""


def await_reach(domain: Domain) -> None:
    """Return once libvirt hears of the container, or has heard of its end, and for a machine at once. Raises OutOfReach."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            cast("Any", domain).sendProcessSignal(_FIRST_PROGRAM, _NO_SIGNAL)
        except bare_binding().libvirtError as refusal:
            if refusal.get_error_code() == ErrorCode.NO_SUPPORT or not domain.isActive():
                return
            if time.monotonic() > deadline:
                raise OutOfReach(f"libvirt did not learn the first process of {domain.name()} within {SECONDS:g} s") from refusal
            Event().wait(_BETWEEN)
        else:
            return


def hears(domain: Domain) -> bool:
    """Whether libvirt hears of what becomes of the container from now on, or has heard of its end."""
    try:
        await_reach(domain)
    except OutOfReach:
        return False
    return True
