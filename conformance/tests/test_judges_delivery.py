"""The judge of delivery: what a listener heard against what the host told."""

from virtproof.evidence import Kind
from virtproof.judges import Facts, judge_case
from virtproof.judges.tape import Tape
from virtproof_driver import Capability

OTHER = "11111111-2222-3333-4444-555555555555"


def subscribed() -> Tape:
    tape = Tape()
    with tape.operation("subscribe", listener="<method>"):
        pass
    return tape


def rules_of(tape: Tape, facts: Facts | None = None) -> list[str]:
    return [violation.rule for violation in judge_case(tape.done(), facts)]


def test_each_change_heard_once_in_order_is_well() -> None:
    tape = subscribed()
    tape.events((0, 0), (2, 0), (3, 0), (4, 0), (5, 1), (1, 0))
    tape.heard("defined", "started", "paused", "resumed", "stopped", "undefined")
    assert rules_of(tape) == []


def test_preliminaries_and_duplicates_of_the_hypervisor_are_folded() -> None:
    tape = subscribed()
    tape.events((0, 0), (4, 0), (2, 0))
    tape.reboot()
    tape.reboot()
    tape.events((6, 2), (5, 4), (2, 2), (4, 2), (5, 1), (5, 5))
    tape.heard("defined", "started", "rebooted", "stopped", "started", "stopped")
    assert rules_of(tape) == []


def test_a_change_that_was_not_heard_is_missing_once_a_later_one_was() -> None:
    tape = subscribed()
    tape.events((0, 0), (2, 0), (3, 0), (4, 0), (5, 1))
    tape.heard("defined", "started", "resumed", "stopped")
    (violation,) = judge_case(tape.done())
    assert (violation.rule, violation.evidence) == ("delivery.missing", (6, 6))


def test_the_last_changes_may_be_on_their_way() -> None:
    tape = subscribed()
    tape.events((0, 0), (2, 0), (3, 0))
    tape.heard("defined", "started")
    assert rules_of(tape) == []


def test_nothing_is_due_to_a_listener_that_has_left() -> None:
    tape = subscribed()
    tape.events((0, 0), (2, 0))
    tape.heard("defined", "started")
    tape.write(Kind.LISTENER_END, listener=1)
    tape.event(5, 1)
    tape.wait(3)
    assert rules_of(tape) == []


def test_what_came_before_it_left_was_due_to_it() -> None:
    tape = subscribed()
    tape.events((0, 0), (2, 0), (3, 0))
    tape.heard("defined", "started")
    tape.wait(3)
    tape.write(Kind.LISTENER_END, listener=1)
    assert rules_of(tape) == ["delivery.missing"]


def test_but_not_for_ever() -> None:
    tape = subscribed()
    tape.events((0, 0), (2, 0), (3, 0))
    tape.heard("defined", "started")
    tape.wait(3)
    assert rules_of(tape) == ["delivery.missing"]


def test_a_change_heard_twice_is_a_duplicate() -> None:
    tape = subscribed()
    tape.events((0, 0), (2, 0), (3, 0))
    tape.heard("defined", "started", "started", "paused")
    assert rules_of(tape) == ["delivery.duplicate"]


def test_an_end_that_the_host_never_told_is_not_taken_for_the_next_one() -> None:
    tape = subscribed()
    tape.events((0, 0), (2, 0))
    tape.heard("defined", "started")
    tape.connection_call("open", "uri")
    tape.connection_call("open", "uri")
    tape.heard("stopped", resynced=True)
    tape.events((2, 0), (5, 5), (5, 1))
    tape.heard("started", "stopped")
    assert rules_of(tape) == []


def test_a_change_heard_again_as_resynced_is_a_duplicate_too() -> None:
    tape = subscribed()
    tape.events((0, 0), (2, 0), (5, 1))
    tape.heard("defined", "started", "stopped")
    tape.heard("stopped", resynced=True)
    assert rules_of(tape) == ["delivery.duplicate"]


def test_changes_heard_in_another_order_are_named() -> None:
    tape = subscribed()
    tape.events((0, 0), (2, 0), (3, 0), (5, 1))
    tape.heard("defined", "paused", "started", "stopped")
    assert rules_of(tape) == ["delivery.order"]


def test_a_change_that_the_host_did_not_tell_is_stray() -> None:
    tape = subscribed()
    tape.running()
    tape.heard("defined", "started", "crashed")
    assert rules_of(tape) == ["delivery.stray"]


def test_what_was_missed_in_an_outage_needs_no_event() -> None:
    tape = subscribed()
    tape.running()
    tape.heard("defined", "started")
    tape.heard("stopped", "undefined", resynced=True)
    assert rules_of(tape) == []


def test_what_came_before_the_subscription_may_be_heard_or_not() -> None:
    heard, not_heard = Tape(), Tape()
    for tape in (heard, not_heard):
        tape.running()
        with tape.operation("subscribe", listener="<method>"):
            pass
        tape.event(3, 0)
    heard.heard("started", "paused")
    not_heard.heard("paused")
    assert [rules_of(heard), rules_of(not_heard)] == [[], []]


def test_a_lost_event_excuses_a_driver_but_not_its_duplicates() -> None:
    excused, doubled = subscribed(), subscribed()
    for tape in (excused, doubled):
        tape.events((0, 0), (2, 0), (3, 0), (4, 0))
        tape.call("state", value=[1, 1], fault="drop_event")
    excused.heard("defined", "started", "resumed")
    doubled.heard("defined", "started", "started", "resumed")
    assert [rules_of(excused), rules_of(doubled)] == [[], ["delivery.duplicate"]]


def test_listeners_are_judged_each_by_itself() -> None:
    tape = subscribed()
    tape.running()
    tape.heard("defined", "started", listener=1)
    tape.heard("defined", "started", listener=2)
    assert rules_of(tape) == []


def test_a_listener_of_one_instance_hears_of_no_other() -> None:
    tape = subscribed()
    tape.running()
    tape.events((3, 0), (4, 0))
    tape.event(2, 0, uuid=OTHER)
    tape.event(5, 1, uuid=OTHER)
    tape.heard("started", "stopped", uuid=OTHER, only=OTHER)
    assert rules_of(tape) == []


def test_reboots_are_due_only_where_the_host_tells_them() -> None:
    told, untold = subscribed(), subscribed()
    for tape in (told, untold):
        tape.running()
        tape.reboot()
        tape.event(5, 1)
        tape.heard("defined", "started", "stopped")
    without = Facts(supported=frozenset(Capability) - {Capability.EVENTS_REBOOT})
    assert [rules_of(told), rules_of(untold, without)] == [["delivery.missing"], []]


def test_without_a_listener_nothing_is_judged() -> None:
    tape = subscribed()
    tape.events((0, 0), (2, 0), (3, 0))
    tape.wait(10)
    assert rules_of(tape) == []
