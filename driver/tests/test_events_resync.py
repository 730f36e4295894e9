"""What an outage hid is found by comparing, in the fewest events, and only where no newer event spoke."""

from math import inf
from uuid import UUID

import pytest

from virtproof_driver.events.fold import Known
from virtproof_driver.events.resync import PHASES, Found, Reading, compare
from virtproof_driver.values import EventKind, LifecycleEvent, PowerState

UUID_A = UUID(int=10)
READING = Reading(since=100.0, stamp=101.0)
OFF, RUNNING, PAUSED, CRASHED, ASLEEP = (
    PowerState.OFF,
    PowerState.RUNNING,
    PowerState.PAUSED,
    PowerState.CRASHED,
    PowerState.PM_SUSPENDED,
)
STARTED = (EventKind.STARTED,)
MOVING = [(PAUSED, "migration"), (PAUSED, "postcopy")]


@pytest.mark.parametrize(("state", "reason"), MOVING)
def test_a_guest_that_stands_still_for_its_migration_was_not_paused(state: PowerState, reason: str) -> None:
    after, events = compare(UUID_A, known(RUNNING), found(state, reason), READING)
    assert events == ()
    assert (after.state, after.arriving) == (RUNNING, False)


@pytest.mark.parametrize(("state", "reason"), MOVING)
def test_a_guest_that_is_arriving_has_not_started(state: PowerState, reason: str) -> None:
    after, events = compare(UUID_A, None, found(state, reason, persistent=False), READING)
    assert events == ()
    assert (after.state, after.arriving, after.exists) == (OFF, True, True)


def test_a_guest_that_was_off_and_is_about_to_leave_was_started() -> None:
    after, events = compare(UUID_A, known(OFF), found(PAUSED, "migration"), READING)
    assert [(event.kind, event.reason) for event in events] == [(EventKind.STARTED, "unknown")]
    assert (after.state, after.arriving) == (RUNNING, False)


def known(state: PowerState, *, persistent: bool = True, domain_id: int | None = None, stamp: float = -inf) -> Known:
    return Known(name="a", state=state, persistent=persistent, domain_id=domain_id, state_stamp=stamp, definition_stamp=stamp)


def found(
    state: PowerState, reason: str = "r", *, persistent: bool = True, domain_id: int | None = None, name: str = "a"
) -> Found:
    return Found(name=name, state=state, reason=reason, persistent=persistent, domain_id=domain_id)


def missed(before: Known | None, after: Found | None) -> list[tuple[EventKind, str]]:
    return [(event.kind, event.reason) for event in compare(UUID_A, before, after, READING)[1]]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (OFF, OFF, []),
        (OFF, RUNNING, [EventKind.STARTED]),
        (OFF, PAUSED, [EventKind.STARTED, EventKind.PAUSED]),
        (OFF, CRASHED, [EventKind.STARTED, EventKind.CRASHED]),
        (OFF, ASLEEP, [EventKind.STARTED, EventKind.PM_SUSPENDED]),
        (RUNNING, RUNNING, []),
        (RUNNING, OFF, [EventKind.STOPPED]),
        (RUNNING, PAUSED, [EventKind.PAUSED]),
        (RUNNING, CRASHED, [EventKind.CRASHED]),
        (RUNNING, ASLEEP, [EventKind.PM_SUSPENDED]),
        (PAUSED, RUNNING, [EventKind.RESUMED]),
        (PAUSED, OFF, [EventKind.STOPPED]),
        (PAUSED, PAUSED, []),
        (CRASHED, OFF, [EventKind.STOPPED]),
        (ASLEEP, RUNNING, [EventKind.RESUMED]),
        (RUNNING, PowerState.BLOCKED, []),
        (RUNNING, PowerState.SHUTTING_DOWN, []),
        (OFF, PowerState.NO_STATE, []),
    ],
    ids=str,
)
def test_the_fewest_changes_between_two_states(before: PowerState, after: PowerState, expected: list[EventKind]) -> None:
    now, events = compare(UUID_A, known(before), found(after), READING)
    assert [event.kind for event in events] == expected
    assert now == known(PHASES[after])


def test_every_state_has_a_phase() -> None:
    assert set(PHASES) == set(PowerState)


def test_another_domain_id_is_another_run() -> None:
    assert missed(known(RUNNING, domain_id=3), found(RUNNING, "booted", domain_id=4)) == [
        (EventKind.STOPPED, "unknown"),
        (EventKind.STARTED, "booted"),
    ]
    assert missed(known(RUNNING, domain_id=3), found(PAUSED, "user", domain_id=4)) == [
        (EventKind.STOPPED, "unknown"),
        (EventKind.STARTED, "unknown"),
        (EventKind.PAUSED, "paused"),
    ]
    assert missed(known(RUNNING), found(RUNNING, domain_id=4)) == []


def test_a_new_domain_is_defined_before_it_starts() -> None:
    assert missed(None, found(RUNNING, "booted")) == [(EventKind.DEFINED, "added"), (EventKind.STARTED, "booted")]


def test_a_domain_that_is_gone_stopped_before_it_was_undefined() -> None:
    assert missed(known(RUNNING), None) == [(EventKind.STOPPED, "unknown"), (EventKind.UNDEFINED, "removed")]


def test_a_transient_domain_is_never_defined() -> None:
    assert missed(None, found(RUNNING, "booted", persistent=False)) == [(EventKind.STARTED, "booted")]
    assert missed(known(RUNNING, persistent=False), None) == [(EventKind.STOPPED, "unknown")]


def test_undefined_while_it_ran() -> None:
    assert missed(known(RUNNING), found(RUNNING, persistent=False)) == [(EventKind.UNDEFINED, "removed")]


def test_renamed() -> None:
    now, events = compare(UUID_A, known(OFF), found(OFF, name="b"), READING)
    assert [(event.kind, event.reason, event.name) for event in events] == [(EventKind.DEFINED, "renamed", "b")]
    assert now.name == "b"


def test_the_events_are_marked_and_stamped_with_the_reading() -> None:
    _, events = compare(UUID_A, known(RUNNING), found(OFF, "destroyed"), READING)
    assert events == (
        LifecycleEvent(uuid=UUID_A, name="a", kind=EventKind.STOPPED, reason="destroyed", stamp=101.0, resynced=True),
    )


def test_an_event_that_came_while_reading_is_the_newer_word() -> None:
    spoken = known(RUNNING, stamp=100.5)
    assert compare(UUID_A, spoken, found(OFF, persistent=False), READING) == (spoken, ())
    assert compare(UUID_A, spoken, None, READING) == (spoken, ())


def test_what_an_event_told_of_the_state_leaves_the_definition_to_the_reading() -> None:
    spoken = Known(name="a", state=RUNNING, persistent=False, state_stamp=100.5)
    now, events = compare(UUID_A, spoken, found(OFF), READING)
    assert [event.kind for event in events] == [EventKind.DEFINED]
    assert now == Known(name="a", state=RUNNING, persistent=True, state_stamp=100.5)


def test_a_second_comparison_finds_nothing() -> None:
    now, events = compare(UUID_A, None, found(PAUSED), READING)
    assert events
    assert compare(UUID_A, now, found(PAUSED), READING) == (now, ())


@pytest.mark.parametrize(
    ("before", "expected"),
    [(OFF, []), (RUNNING, [(EventKind.STOPPED, "unknown")])],
    ids=["off", "ran before"],
)
def test_a_domain_that_is_being_started_has_not_started(before: PowerState, expected: list[tuple[EventKind, str]]) -> None:
    """QEMU's domains are paused while their process begins; RESUMED and STARTED are still to come."""
    after, _ = compare(UUID_A, known(before), found(PAUSED, "starting-up", domain_id=7), READING)
    assert (after.state, after.domain_id) == (OFF, None)
    assert missed(known(before), found(PAUSED, "starting-up", domain_id=7)) == expected
