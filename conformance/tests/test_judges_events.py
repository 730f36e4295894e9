"""The judges of the host's events: every measured sequence is legal, every impossible one is named."""

import pytest

from virtproof.judges import Facts, judge_case
from virtproof.judges.tape import Tape
from virtproof_driver import Capability

Pairs = tuple[tuple[int, int], ...]


def rules_of(tape: Tape, facts: Facts | None = None) -> list[str]:
    return [violation.rule for violation in judge_case(tape.done(), facts)]


MEASURED: dict[str, Pairs] = {
    "test driver, lifecycle": ((0, 0), (2, 0), (3, 0), (4, 0), (5, 1), (1, 0)),
    "test driver, managed save and start": ((0, 0), (2, 0), (5, 4), (2, 0), (5, 0)),
    "test driver, save and restore": ((0, 0), (2, 0), (5, 4), (2, 2), (3, 0), (4, 0), (5, 1)),
    "test driver, restore of a paused domain": ((0, 0), (2, 0), (3, 0), (5, 4), (2, 2), (5, 1)),
    "test driver, revert": ((0, 0), (2, 0), (5, 6), (2, 3), (5, 6), (2, 3), (3, 5), (4, 0), (5, 6)),
    "test driver, core dump with crash": ((0, 0), (2, 0), (5, 2), (2, 0)),
    "test driver, on_reboot destroy": ((0, 0), (2, 0), (3, 0), (5, 0)),
    "rename": ((0, 0), (1, 1), (0, 2), (1, 0)),
    "undefine while running": ((0, 0), (2, 0), (1, 0), (5, 1)),
    "define over a transient domain": ((2, 0), (0, 0), (5, 1), (1, 0)),
    "redefine": ((0, 0), (0, 1), (2, 0), (0, 1)),
    "QEMU, start": ((0, 0), (4, 0), (2, 0), (6, 2), (5, 1)),
    "QEMU, start paused": ((0, 0), (2, 0), (3, 0), (4, 0)),
    "QEMU, guest powers off": ((4, 0), (2, 0), (6, 1), (5, 0)),
    "QEMU, killed": ((4, 0), (2, 0), (5, 5)),
    "QEMU, terminated": ((4, 0), (2, 0), (6, 2), (5, 0)),
    "QEMU, managed save and restore": ((4, 0), (2, 0), (3, 0), (6, 2), (5, 4), (2, 2), (4, 2), (3, 0)),
    "QEMU, restore paused": ((4, 0), (2, 0), (3, 0), (5, 4), (2, 2), (3, 4), (4, 0)),
    "QEMU, revert": ((4, 0), (2, 0), (6, 2), (5, 6), (2, 3), (4, 2), (0, 3), (3, 0)),
    "QEMU, live snapshot and dump": ((4, 0), (2, 0), (3, 0), (4, 0), (3, 0), (4, 0)),
    "QEMU, disk full": ((4, 0), (2, 0), (3, 2), (4, 0), (3, 2)),
    "QEMU, panic destroyed": ((4, 0), (2, 0), (3, 0), (8, 0), (6, 2), (5, 2)),
    "QEMU, panic restarted": ((4, 0), (2, 0), (8, 0), (4, 0), (3, 0)),
    "QEMU, shut down, then destroyed": ((4, 0), (2, 0), (6, 1), (6, 2), (5, 1)),
    "QEMU, migrated away": ((4, 0), (2, 0), (3, 1), (6, 2), (5, 3)),
    "QEMU, migrated away and defined again": ((0, 0), (4, 0), (2, 0), (3, 1), (5, 3), (0, 0)),
    "QEMU, migrated here": ((2, 1), (0, 0), (4, 1), (3, 0)),
    "QEMU, migration failed": ((2, 1), (6, 2), (5, 5)),
    "QEMU, post-copy source": ((4, 0), (2, 0), (3, 1), (3, 7), (5, 3)),
    "QEMU, post-copy destination": ((2, 1), (4, 3), (4, 1), (3, 0)),
    "LXC, stray after": ((0, 0), (2, 0), (5, 1), (5, 5), (2, 0)),
    "LXC, stray before": ((0, 0), (2, 0), (5, 5), (5, 1), (2, 0)),
    "Xen": ((2, 0), (3, 0), (4, 0), (5, 1)),
    "guest suspends and wakes": ((2, 0), (7, 0), (2, 4), (3, 0)),
}


@pytest.mark.parametrize("pairs", MEASURED.values(), ids=MEASURED.keys())
def test_what_was_measured_is_legal(pairs: Pairs) -> None:
    tape = Tape()
    tape.events(*pairs)
    assert rules_of(tape) == []


IMPOSSIBLE: dict[str, tuple[Pairs, str]] = {
    "never started": (((0, 0), (5, 1)), "events.stray"),
    "a second stray": (((0, 0), (2, 0), (5, 1), (5, 5), (5, 5)), "events.duplicate"),
    "stopped twice": (((0, 0), (2, 0), (5, 1), (5, 1)), "events.duplicate"),
    "stopped in two ways": (((0, 0), (2, 0), (5, 1), (5, 0)), "events.stray"),
    "two STARTED": (((0, 0), (2, 0), (2, 0)), "events.duplicate"),
    "STARTED while running": (((0, 0), (2, 0), (3, 0), (4, 0), (2, 0)), "events.illegal-transition"),
    "RESUMED after STARTED": (((0, 0), (2, 0), (4, 0)), "events.order"),
    "RESUMED while running": (((0, 0), (2, 0), (3, 0), (4, 0), (0, 1), (4, 0)), "events.illegal-transition"),
    "suspended twice": (((0, 0), (2, 0), (3, 0), (3, 0)), "events.duplicate"),
    "suspended before it started": (((0, 0), (3, 0), (2, 0)), "events.order"),
    "resumed before it was suspended": (((0, 0), (2, 0), (4, 0), (3, 0)), "events.order"),
    "stopped before it was suspended": (((0, 0), (2, 0), (5, 1), (3, 0)), "events.order"),
    "defined twice": (((0, 0), (0, 0)), "events.duplicate"),
    "undefined twice": (((0, 0), (1, 0), (1, 0)), "events.duplicate"),
    "STARTED of a paused domain": (((0, 0), (2, 0), (3, 0), (2, 1)), "events.illegal-transition"),
}


@pytest.mark.parametrize(("pairs", "rule"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_is_impossible_is_named_once(pairs: Pairs, rule: str) -> None:
    tape = Tape()
    tape.events(*pairs)
    assert rules_of(tape) == [rule]


def test_a_violation_cites_the_lines_that_show_it() -> None:
    tape = Tape(first_line=40)
    tape.events((0, 0), (2, 0), (2, 0))
    (violation,) = judge_case(tape.done())
    assert (violation.rule, violation.message, violation.evidence) == (
        "events.duplicate",
        "STARTED (2,0) was sent twice",
        (42, 43),
    )


def test_a_reboot_of_a_paused_domain_may_be_silent() -> None:
    tape = Tape()
    tape.events((0, 0), (2, 0), (3, 0))
    tape.call("reboot", 0)
    tape.events((3, 0), (5, 1))
    assert rules_of(tape) == []


def test_a_stop_that_belongs_to_a_panic_may_be_told_after_it() -> None:
    tape = Tape()
    tape.running()
    tape.events((8, 0), (3, 0), (6, 2), (5, 1))
    assert rules_of(tape) == []


def test_a_guest_that_panicked_is_paused_by_nobody() -> None:
    tape = Tape()
    tape.running()
    tape.events((8, 0), (3, 1))
    assert rules_of(tape) == ["events.order"]


def test_the_event_that_a_silent_reboot_undid_may_come_after_it() -> None:
    tape = Tape()
    tape.running()
    tape.call("suspend")
    tape.call("reboot", 0)
    tape.event(3, 0)
    tape.call("suspend")
    tape.events((3, 0), (5, 1))
    assert rules_of(tape) == []


def test_a_state_that_somebody_read_is_possible() -> None:
    tape = Tape()
    tape.events((0, 0), (2, 0), (3, 0))
    tape.state(1, 1)
    tape.event(3, 0)
    assert rules_of(tape) == []


def test_a_new_connection_has_missed_what_it_missed() -> None:
    tape = Tape()
    tape.running()
    tape.connection_call("open", "test:///default")
    tape.event(2, 0)
    assert rules_of(tape) == []


def test_reboots_come_in_bursts_but_not_of_a_domain_that_is_off() -> None:
    tape = Tape()
    tape.running()
    tape.reboot()
    tape.reboot()
    tape.event(5, 1)
    tape.reboot()
    assert rules_of(tape) == ["events.stray"]


def test_other_domains_are_their_own() -> None:
    tape = Tape()
    tape.running()
    tape.event(2, 0, uuid="11111111-2222-3333-4444-555555555555")
    assert rules_of(tape) == []


def test_a_lane_without_events_is_not_judged_by_them() -> None:
    tape = Tape()
    tape.events((0, 0), (2, 0), (2, 0))
    assert rules_of(tape, Facts(supported=frozenset(Capability) - {Capability.EVENTS_LIFECYCLE})) == []


PROMISES = {"create": (2, 0), "suspend": (3, 0), "resume": (4, 0), "destroy": (5, 1), "managedSave": (5, 4), "undefine": (1, 0)}
BEFORE = {"create": (), "resume": ((2, 0), (3, 0)), "undefine": ()}


@pytest.mark.parametrize("method", PROMISES)
def test_a_change_without_its_event_is_missing_when_a_later_one_came(method: str) -> None:
    tape = Tape()
    tape.events((0, 0), *BEFORE.get(method, ((2, 0),)))
    tape.call(method)
    tape.call("undefine")
    tape.event(1, 0)
    if method == "undefine":
        assert rules_of(tape) == []  # the event of the second call keeps the promise of the first; the second's may be on its way
    else:
        assert rules_of(tape) == ["events.missing"]


@pytest.mark.parametrize("method", PROMISES)
def test_a_change_with_its_event_is_well(method: str) -> None:
    tape = Tape()
    tape.events((0, 0), *BEFORE.get(method, ((2, 0),)))
    tape.call(method)
    tape.event(*PROMISES[method])
    tape.wait(10)
    assert rules_of(tape) == []


def test_silence_proves_nothing_at_once_and_something_after_a_while() -> None:
    soon, long = Tape(), Tape()
    for tape in (soon, long):
        tape.running()
        tape.call("destroy")
    long.wait(3)
    assert (rules_of(soon), rules_of(long)) == ([], ["events.missing"])


def test_silence_after_a_lost_connection_proves_nothing() -> None:
    tape = Tape()
    tape.running()
    tape.call("destroy")
    tape.call("state", raises=(1, 7))
    tape.wait(10)
    assert rules_of(tape) == []


def test_a_call_that_had_no_effect_promises_no_event() -> None:
    tape = Tape()
    tape.running()
    tape.call("suspend", fault="swallow")
    tape.wait(10)
    assert rules_of(tape) == []


def test_suspending_a_paused_domain_may_be_silent() -> None:
    tape = Tape()
    tape.events((0, 0), (2, 0), (3, 0))
    tape.call("suspend")
    tape.wait(10)
    assert rules_of(tape) == []


def test_an_event_that_comes_long_after_the_change_is_late() -> None:
    tape = Tape()
    tape.running()
    tape.call("destroy")
    tape.wait(6)
    tape.event(5, 1)
    assert rules_of(tape) == ["events.late"]


@pytest.mark.parametrize("pairs", [((5, 0), (5, 1)), ((5, 1), (5, 0))], ids=["before", "after"])
@pytest.mark.parametrize(("hypervisor", "outage", "fine"), [("lxc", True, True), ("lxc", False, False), ("qemu", True, False)])
def test_a_container_may_tell_its_end_twice_after_an_outage(pairs: Pairs, hypervisor: str, outage: bool, fine: bool) -> None:
    tape = Tape()
    tape.connection_call("open")
    tape.events((0, 0), (2, 0))
    if outage:
        tape.connection_call("open")
        tape.state(1)
    tape.events(*pairs)
    found = [rule for rule in rules_of(tape, Facts(hypervisor=hypervisor)) if rule in ("events.stray", "events.duplicate")]
    assert (found == []) is fine
