"""Whether a container's first program can be asked, over a domain that is no libvirt's."""

from typing import Any, cast

import pytest

from virtproof.guests import reach
from virtproof.guests.reach import OutOfReach, await_reach, hears
from virtproof.lanes.bare import bare_binding
from virtproof_driver.binding import Domain
from virtproof_driver.constants import ErrorCode


def refusal(code: int) -> Exception:
    """libvirt's error of a code."""
    error: Any = bare_binding().libvirtError("refused")
    error.err = (code, 0, "refused", 2, None, None, None, 0, 0)
    return cast("Exception", error)


class Container:
    """A container whose first process libvirt knows after so many questions."""

    def __init__(self, refusals: int, code: int = ErrorCode.OPERATION_INVALID, *, active: bool = True) -> None:
        self.refusals = refusals
        self.code = code
        self.active = active
        self.asked: list[tuple[int, int]] = []

    def sendProcessSignal(self, process: int, signal: int) -> int:
        self.asked.append((process, signal))
        if len(self.asked) <= self.refusals:
            raise refusal(self.code)
        return 0

    def isActive(self) -> int:
        return int(self.active)

    def name(self) -> str:
        return "vm"


def domain(container: Container) -> Domain:
    """The container as a domain."""
    anything: Any = container
    return cast("Domain", anything)


def test_a_process_that_is_known_late_is_waited_for() -> None:
    container = Container(refusals=2)
    await_reach(domain(container))
    assert container.asked == [(1, 0)] * 3


def test_a_process_that_is_never_known_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "SECONDS", 0.05)
    with pytest.raises(OutOfReach, match="vm"):
        await_reach(domain(Container(refusals=1000)))
    assert not hears(domain(Container(refusals=1000)))


def test_the_host_has_heard_of_a_container_that_ended() -> None:
    ended = Container(refusals=1000, active=False)
    assert hears(domain(ended))
    assert len(ended.asked) == 1


def test_a_machine_has_no_such_process_to_wait_for() -> None:
    machine = Container(refusals=1000, code=ErrorCode.NO_SUPPORT)
    await_reach(domain(machine))
    assert len(machine.asked) == 1
