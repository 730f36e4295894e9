"""A listener hears each change once, whatever the hypervisor sends around it."""

from dataclasses import replace
from math import inf
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtproof_driver.events.fold import (
    AWAITED_BURST_SECONDS,
    IMPLIED_AFTER_OUTAGE,
    NEWS_IN,
    REBOOT_BURST_SECONDS,
    STATE_AFTER,
    Known,
    fold,
)
from virtproof_driver.events.table import RawChange
from virtproof_driver.values import EventKind, LifecycleEvent, PowerState

UUID_A = UUID(int=10)
D, U, S, P, R, X, B, C, M = (
    EventKind.DEFINED,
    EventKind.UNDEFINED,
    EventKind.STARTED,
    EventKind.PAUSED,
    EventKind.RESUMED,
    EventKind.STOPPED,
    EventKind.REBOOTED,
    EventKind.CRASHED,
    EventKind.PM_SUSPENDED,
)
OFF = Known(name="a", persistent=True)
ON = Known(name="a", persistent=True, state=PowerState.RUNNING, domain_id=1)


def change(kind: EventKind, reason: str = "r", stamp: float = 1.0, name: str = "a") -> RawChange:
    return RawChange(uuid=UUID_A, name=name, kind=kind, reason=reason, stamp=stamp, domain_id=1)


def heard(known: Known | None, *changes: RawChange) -> tuple[Known | None, list[tuple[EventKind, bool]]]:
    told: list[tuple[EventKind, bool]] = []
    for each in changes:
        known, events = fold(known, each)
        told += [(event.kind, event.resynced) for event in events]
    return known, told


def kinds(known: Known | None, *sent: EventKind) -> list[EventKind]:
    return [kind for kind, _ in heard(known, *map(change, sent))[1]]


MOVED, ARRIVING, COPIED_LATE = (S, "migrated"), (R, "migrated"), (R, "postcopy")


@pytest.mark.parametrize(
    ("known", "sent", "expected"),
    [
        pytest.param(None, [MOVED, (D, "added"), ARRIVING], [(D, "added"), MOVED], id="arrives"),
        pytest.param(None, [MOVED, ARRIVING], [MOVED], id="arrives without a definition"),
        pytest.param(None, [MOVED, (D, "added"), (P, "paused")], [(D, "added"), MOVED, (P, "paused")], id="arrives paused"),
        pytest.param(None, [MOVED, COPIED_LATE, (D, "added"), ARRIVING], [MOVED, (D, "added")], id="arrives by post-copy"),
        pytest.param(None, [MOVED, (X, "failed")], [], id="is given up"),
        pytest.param(None, [MOVED, (X, "destroyed"), MOVED, ARRIVING], [MOVED], id="is given up, and arrives later"),
        pytest.param(None, [MOVED, (C, "panicked")], [MOVED, (C, "panicked")], id="crashes at once"),
        pytest.param(OFF, [ARRIVING], [MOVED], id="an arrival whose begin was missed"),
        pytest.param(ON, [(P, "migrated"), (X, "migrated")], [(X, "migrated")], id="leaves"),
        pytest.param(ON, [(P, "migrated"), (P, "postcopy"), (X, "migrated")], [(X, "migrated")], id="leaves by post-copy"),
        pytest.param(ON, [(P, "migrated"), ARRIVING], [], id="stays"),
        pytest.param(ON, [(P, "postcopy"), (P, "postcopy-failed")], [(P, "postcopy-failed")], id="is torn in two"),
    ],
)
def test_what_is_heard_of_a_migration(
    known: Known | None, sent: list[tuple[EventKind, str]], expected: list[tuple[EventKind, str]]
) -> None:
    told: list[LifecycleEvent] = []
    for kind, reason in sent:
        known, events = fold(known, change(kind, reason))
        told += events
    assert [(event.kind, event.reason) for event in told] == expected
    assert not any(event.resynced for event in told)
    assert known is not None
    assert not known.arriving


@pytest.mark.parametrize(
    ("known", "sent", "expected"),
    [
        pytest.param(None, [D, S, P, R, X, U], [D, S, P, R, X, U], id="a life"),
        pytest.param(OFF, [R, S], [S], id="QEMU resumes before it has started"),
        pytest.param(OFF, [S, P], [S, P], id="started paused"),
        pytest.param(OFF, [S, R], [S], id="QEMU restores"),
        pytest.param(ON, [X, X], [X], id="a second stopped"),
        pytest.param(ON, [P, P, R, R], [P, R], id="each twice"),
        pytest.param(ON, [X, S], [X, S], id="reverted from running to running"),
        pytest.param(ON, [X, S, P], [X, S, P], id="reverted to paused"),
        pytest.param(ON, [C, X], [C, X], id="crashed and collected"),
        pytest.param(ON, [M, R], [M, R], id="slept and woken"),
        pytest.param(ON, [U, U, X], [U, X], id="undefined twice while running"),
        pytest.param(None, [S, X], [S, X], id="a transient domain"),
        pytest.param(OFF, [D], [], id="added again"),
        pytest.param(None, [X], [], id="stopped and never seen"),
        pytest.param(None, [U], [], id="undefined and never seen"),
        pytest.param(OFF, [B], [], id="rebooted while off"),
    ],
)
def test_what_is_heard(known: Known | None, sent: list[EventKind], expected: list[EventKind]) -> None:
    assert kinds(known, *sent) == expected


@pytest.mark.parametrize("sent", [P, C, M], ids=str)
def test_a_change_that_cannot_follow_off_says_that_the_start_was_missed(sent: EventKind) -> None:
    known, told = heard(OFF, change(sent))
    assert told == [(S, True), (sent, False)]
    assert known is not None
    assert known.state is STATE_AFTER[sent]


def test_after_an_outage_a_resume_follows_on_a_start_that_was_missed() -> None:
    known, events = fold(OFF, change(R), IMPLIED_AFTER_OUTAGE)
    assert [(event.kind, event.resynced) for event in events] == [(S, True), (P, True), (R, False)]
    assert known.state is PowerState.RUNNING


def test_after_an_outage_a_start_follows_on_a_stop_that_was_missed() -> None:
    paused = Known(name="a", persistent=True, state=PowerState.PAUSED)
    known, events = fold(paused, change(S), IMPLIED_AFTER_OUTAGE)
    assert [(event.kind, event.resynced) for event in events] == [(X, True), (S, False)]
    assert known.state is PowerState.RUNNING


def test_an_update_and_a_rename_are_news_each_time() -> None:
    known, told = heard(OFF, change(D, "updated"), change(D, "updated"), change(D, "renamed", name="b"))
    assert told == [(D, False)] * 3
    assert known is not None
    assert known.name == "b"


def test_a_burst_of_reboots_is_one() -> None:
    gap = REBOOT_BURST_SECONDS
    _, told = heard(
        ON, change(B, stamp=1.0), change(B, stamp=1.0 + gap / 3), change(B, stamp=1.0 + gap / 2), change(B, stamp=1.0 + gap)
    )
    assert told == [(B, False)] * 2


def test_a_reboot_that_is_waited_for_ends_a_burst_sooner() -> None:
    echo, own = AWAITED_BURST_SECONDS / 2, AWAITED_BURST_SECONDS
    known, _ = fold(ON, change(B, stamp=1.0))
    assert fold(known, replace(change(B, stamp=1.0 + echo), awaited=True))[1] == ()
    assert fold(known, change(B, stamp=1.0 + own))[1] == ()
    assert [event.kind for event in fold(known, replace(change(B, stamp=1.0 + own), awaited=True))[1]] == [B]


def test_a_reboot_after_another_start_is_no_echo() -> None:
    assert kinds(ON, B, X, S, B) == [B, X, S, B]


def test_an_event_tells_all_that_the_change_told() -> None:
    _, events = fold(ON, change(P, "ioerror", stamp=4.5))
    assert events == (LifecycleEvent(uuid=UUID_A, name="a", kind=P, reason="ioerror", stamp=4.5),)


def test_what_is_folded_away_is_remembered_as_the_newest_word() -> None:
    known, events = fold(ON, change(S, stamp=9.0))
    assert events == ()
    assert known == Known(name="a", persistent=True, state=PowerState.RUNNING, domain_id=1, state_stamp=9.0)


def test_a_stop_takes_the_id_with_it() -> None:
    known, _ = fold(ON, change(X, stamp=9.0))
    assert known == Known(name="a", persistent=True, state_stamp=9.0, definition_stamp=-inf)


def test_undefined_and_off_is_gone() -> None:
    known, _ = fold(OFF, change(U))
    assert not known.exists
    assert fold(ON, change(U))[0].exists


@given(st.lists(st.sampled_from(list(EventKind))))
def test_whatever_is_sent_the_same_state_is_never_told_twice_in_a_row(sent: list[EventKind]) -> None:
    _, told = heard(None, *(change(kind, stamp=float(number)) for number, kind in enumerate(sent)))
    state = PowerState.OFF
    for kind, _ in told:
        if kind in STATE_AFTER:
            assert state in NEWS_IN[kind]
            state = STATE_AFTER[kind]
