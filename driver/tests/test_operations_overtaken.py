"""Tests of changes that somebody else had made already, by an event that is told while the operation waits for its own.

The host is libvirt's test driver; the wait is a script of events, told after a call that was made before or after them.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import pytest

from virtproof_driver.binding import Domain
from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.errors import OperationTimeout
from virtproof_driver.link import Expectation, Wait
from virtproof_driver.operations.transitions import PAUSE, UNPAUSE, drive
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import EventKind, LifecycleEvent, PowerState

ARMED = 10.0
EARLIER, LATER = ARMED - 1, ARMED + 1


class Script:
    """A wait that was armed at ARMED, which is told events with these stamps and then none."""

    since = ARMED

    def __init__(self, uuid: UUID, stamps: list[float]) -> None:
        self._uuid = uuid
        self._stamps = stamps

    def until(self, seconds: float) -> LifecycleEvent:
        if not self._stamps:
            raise OperationTimeout("event", seconds)
        return LifecycleEvent(uuid=self._uuid, name="a", kind=EventKind.PAUSED, reason="paused", stamp=self._stamps.pop(0))


def told(driver: LibvirtDriver, monkeypatch: pytest.MonkeyPatch, *stamps: float) -> list[float]:
    """Have each wait told these; what is returned loses an entry an event."""
    left = list(stamps)

    @contextmanager
    def expect(uuid: UUID, _awaited: Expectation[LifecycleEvent]) -> Generator[Wait[LifecycleEvent]]:
        yield Script(uuid, left)

    monkeypatch.setattr(driver.link, "expect", expect)
    return left


def name_of(domain: Domain) -> Callable[[], object]:
    """A call that changes nothing."""
    return domain.name


def test_what_was_there_before_the_call_is_found_by_one_read(
    driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.spawn(small)
    told(driver, monkeypatch, EARLIER)
    found = drive(driver.link, small.uuid, PAUSE)
    assert found is not None
    assert found.state is PowerState.PAUSED


def test_an_earlier_event_is_no_proof_where_the_state_is_another(
    driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.spawn(small)
    left = told(driver, monkeypatch, EARLIER, LATER)
    without_effect = replace(PAUSE, act=name_of)
    assert drive(driver.link, small.uuid, without_effect) is None
    assert left == []


def test_the_event_of_the_call_itself_needs_no_read(
    driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.spawn(small)
    left = told(driver, monkeypatch, LATER, LATER)
    assert drive(driver.link, small.uuid, PAUSE) is None
    assert left == [LATER]


def test_at_the_deadline_one_read_decides_and_is_what_is_returned(
    driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.spawn(small)
    driver.pause(small.uuid)
    told(driver, monkeypatch)
    found = drive(driver.link, small.uuid, UNPAUSE)
    assert found is not None
    assert found.state is PowerState.RUNNING
