"""What each of libvirt's events means, compared with the names of the real module."""

from uuid import UUID

import pytest

from virtproof_driver.binding import Binding
from virtproof_driver.constants import DomainEvent, DomainEventId
from virtproof_driver.events.table import DETAILS, KINDS, RawChange, RawEvent, change_of
from virtproof_driver.states import UNKNOWN
from virtproof_driver.values import EventKind

UUID_A = UUID(int=10)


def raw(event_id: DomainEventId, event: int = 0, detail: int = 0, domain_id: int = -1) -> RawEvent:
    return RawEvent(uuid=str(UUID_A), name="a", domain_id=domain_id, event_id=event_id, event=event, detail=detail, stamp=1.5)


@pytest.mark.parametrize("event", DomainEvent, ids=lambda event: event.name)
def test_each_detail_is_libvirts_name_for_it(event: DomainEvent, binding: Binding) -> None:
    ours = {detail.upper().replace("-", "_"): number for number, detail in enumerate(DETAILS[event])}
    prefix = f"VIR_DOMAIN_EVENT_{event.name}_"
    theirs = {name.removeprefix(prefix): getattr(binding, name) for name in dir(binding) if name.startswith(prefix)}
    assert ours == theirs


def test_every_event_has_a_row() -> None:
    assert set(KINDS) == set(DETAILS) == set(DomainEvent)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        pytest.param((0, 0), (EventKind.DEFINED, "added"), id="define"),
        pytest.param((0, 1), (EventKind.DEFINED, "updated"), id="define again"),
        pytest.param((0, 2), (EventKind.DEFINED, "renamed"), id="rename, second half"),
        pytest.param((1, 0), (EventKind.UNDEFINED, "removed"), id="undefine"),
        pytest.param((1, 1), None, id="rename, first half"),
        pytest.param((2, 0), (EventKind.STARTED, "booted"), id="start"),
        pytest.param((2, 4), (EventKind.RESUMED, "wakeup"), id="wake up"),
        pytest.param((3, 0), (EventKind.PAUSED, "paused"), id="suspend"),
        pytest.param((3, 2), (EventKind.PAUSED, "ioerror"), id="disk full"),
        pytest.param((4, 0), (EventKind.RESUMED, "unpaused"), id="resume"),
        pytest.param((5, 4), (EventKind.STOPPED, "saved"), id="managed save"),
        pytest.param((6, 1), None, id="shutdown, before stopped"),
        pytest.param((7, 1), (EventKind.PM_SUSPENDED, "disk"), id="suspend to disk"),
        pytest.param((8, 0), (EventKind.CRASHED, "panicked"), id="panic"),
        pytest.param((5, 99), (EventKind.STOPPED, UNKNOWN), id="a newer detail"),
        pytest.param((99, 0), None, id="a newer event"),
    ],
)
def test_lifecycle(numbers: tuple[int, int], expected: tuple[EventKind, str] | None) -> None:
    change = change_of(raw(DomainEventId.LIFECYCLE, *numbers))
    assert (change and (change.kind, change.reason)) == expected


def test_a_change_carries_all_that_the_event_told() -> None:
    assert change_of(raw(DomainEventId.LIFECYCLE, 2, 0, domain_id=7)) == RawChange(
        uuid=UUID_A, name="a", kind=EventKind.STARTED, reason="booted", stamp=1.5, domain_id=7
    )


def test_a_domain_that_is_off_has_no_id() -> None:
    change = change_of(raw(DomainEventId.LIFECYCLE, 5, 1, domain_id=-1))
    assert change is not None
    assert change.domain_id is None


def test_a_reboot_is_an_event_id_of_its_own() -> None:
    change = change_of(raw(DomainEventId.REBOOT, domain_id=7))
    assert change is not None
    assert (change.kind, change.reason) == (EventKind.REBOOTED, UNKNOWN)


@pytest.mark.parametrize(
    "event_id", sorted(set(DomainEventId) - {DomainEventId.LIFECYCLE, DomainEventId.REBOOT}), ids=lambda each: each.name
)
def test_other_event_ids_change_no_state(event_id: DomainEventId) -> None:
    assert change_of(raw(event_id)) is None
