"""Changes, and questions to the guest, that a domain refuses for a moment after its start, though it runs.

What belongs here: trying such a change again, for hypervisors that need it (`Hypervisor.settles`). What does not: waiting for
anything that an event tells; this is the driver's only retry by time, and it is bounded. libvirt's LXC driver reports a start
before it knows the container's first process, without which it changes no devices and passes no signal on (55); 13 of 40
containers refused an interface at once and took it within 0.1 s (measured on libvirt 11.3.0). No event tells when it knows. Of
one container in about 60 it never does, and then the refusal stands.
"""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from virtproof_driver.errors import InvalidState, OperationTimeout
from virtproof_driver.link import Awaited, Link
from virtproof_driver.values import EventKind

T = TypeVar("T")
PAUSE_SECONDS = 0.02
MOST_PAUSES = 50


def settled(link: Link, uuid: UUID, change: Callable[[], T]) -> T:
    """Make a change of a running domain; where it is refused for its state, again for a second, until the domain stops."""
    try:
        return change()
    except InvalidState as refusal:
        if not link.hypervisor.settles:
            raise
        first = refusal
    stopped = Awaited(kinds=frozenset({EventKind.STOPPED}), what=f"stopped event of instance {uuid}")
    with link.expect(uuid, stopped) as wait:
        for _ in range(MOST_PAUSES):
            try:
                wait.until(PAUSE_SECONDS)
            except OperationTimeout:
                pass
            else:
                break
            try:
                return change()
            except InvalidState:
                continue
    raise first
