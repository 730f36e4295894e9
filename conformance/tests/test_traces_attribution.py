"""Which act a host's event is put down to, and which cases say nothing of a host."""

import pytest

from virtproof.evidence import Kind
from virtproof.judges.reading import read_case
from virtproof.judges.tape import DOMAIN, Tape
from virtproof.traces.acts import ACTS, UNASKED
from virtproof.traces.asking import ASKED, REVERT
from virtproof.traces.attribution import Told, told

Rows = list[tuple[str, str, tuple[str, ...]]]


def seen(tape: Tape, outcome: str = "passed") -> Told:
    return told(read_case(tape.done(outcome)))


def rows(tape: Tape) -> Rows:
    return [(each.situation.act, each.situation.before, each.trace) for each in seen(tape).sightings]


def defined(tape: Tape) -> None:
    tape.connection_call("defineXML", "<xml>", value=f"Domain:{DOMAIN}")
    tape.event(0)


def running(tape: Tape) -> None:
    defined(tape)
    tape.call("create")
    tape.event(2)


MADE: Rows = [("define", "none", ("DEFINED added",)), ("create", "off", ("STARTED booted",))]


def test_each_call_has_what_came_of_it() -> None:
    tape = Tape()
    defined(tape)
    tape.call("create")
    tape.events((4, 0), (2, 0))
    tape.call("destroy")
    tape.events((6, 2), (5, 1))
    tape.call("undefineFlags", 0)
    tape.event(1)
    assert rows(tape) == [
        ("define", "none", ("DEFINED added",)),
        ("create", "off", ("RESUMED unpaused", "STARTED booted")),
        ("destroy", "running", ("SHUTDOWN host", "STOPPED destroyed")),
        ("undefine", "off", ("UNDEFINED removed",)),
    ]


def test_an_event_that_comes_after_further_calls_is_of_its_own() -> None:
    tape = Tape()
    tape.connection_call("defineXML", "<xml>", value=f"Domain:{DOMAIN}")
    tape.call("create")
    tape.call("destroy")
    tape.call("undefine")
    tape.events((0, 0), (2, 0), (5, 1), (1, 0))
    assert rows(tape) == [
        *MADE,
        ("destroy", "running", ("STOPPED destroyed",)),
        ("undefine", "off", ("UNDEFINED removed",)),
    ]


def test_a_stray_end_beside_the_one_that_was_asked_for_is_of_the_same_call() -> None:
    tape = Tape()
    running(tape)
    tape.call("destroy")
    tape.event(5, 5)
    tape.call("undefine")
    tape.events((5, 1), (1, 0))
    assert rows(tape)[2:] == [
        ("destroy", "running", ("STOPPED failed", "STOPPED destroyed")),
        ("undefine", "off", ("UNDEFINED removed",)),
    ]


def test_what_follows_an_attachment_late_is_not_the_next_calls() -> None:
    tape = Tape()
    running(tape)
    with tape.operation("attach_interface"):
        tape.call("attachDeviceFlags", "<xml>", 3)
        tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=19, event="net1", detail=None)
    with tape.operation("detach_interface"):
        tape.call("detachDeviceFlags", "<xml>", 1)
        tape.event(0, 1)
        tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=15, event="net1", detail=None)
    assert rows(tape)[2:] == [
        ("attach interface", "running", ("DEVICE_ADDED", "DEFINED updated")),
        ("detach interface", "running", ("DEVICE_REMOVED",)),
    ]


def test_a_silent_call_takes_nothing_of_a_later_one() -> None:
    tape = Tape()
    running(tape)
    tape.call("snapshotCreateXML", "<xml>", 16, value="DomainSnapshot:first")
    tape.call("suspend")
    tape.event(3)
    assert rows(tape)[2:] == [("snapshot external", "running", ()), ("suspend", "running", ("SUSPENDED paused",))]


def test_a_snapshots_end_that_comes_late_is_not_the_next_ones() -> None:
    tape = Tape()
    running(tape)
    tape.call("snapshotCreateXML", "<xml>", 0, value="DomainSnapshot:first")
    tape.event(3)
    tape.call("snapshotCreateXML", "<xml>", 0, value="DomainSnapshot:second")
    tape.events((4, 0), (3, 0), (4, 0))
    assert rows(tape)[2:] == [("snapshot", "running", ("SUSPENDED paused", "RESUMED unpaused"))] * 2


def test_a_reset_told_again_while_the_domain_is_destroyed_is_no_part_of_that() -> None:
    tape = Tape(case="lifecycle.ends.reset")
    running(tape)
    tape.reboot()
    tape.call("destroy")
    tape.reboot()
    tape.events((6, 2), (5, 1))
    assert rows(tape)[2:] == [
        ("guest reset", "running", ("REBOOT x2",)),
        ("destroy", "running", ("SHUTDOWN host", "STOPPED destroyed")),
    ]


def test_what_a_guest_does_while_it_is_destroyed_makes_it_no_less_running_then_and_no_less_off_afterwards() -> None:
    tape = Tape(case="lifecycle.ends.panic-restarted")
    running(tape)
    tape.call("destroy")
    tape.event(8)
    tape.reboot()
    tape.events((4, 0), (6, 2), (5, 1))
    tape.call("undefine")
    tape.event(1)
    assert rows(tape)[2:] == [
        ("destroy", "running", ("SHUTDOWN host", "STOPPED destroyed")),
        ("panic restarted", "running", ("CRASHED panicked", "REBOOT", "RESUMED unpaused")),
        ("undefine", "off", ("UNDEFINED removed",)),
    ]


def test_what_comes_late_of_another_client_takes_nothing_of_a_call() -> None:
    tape = Tape()
    defined(tape)
    tape.event(4)
    tape.call("setMetadata", 2, "<xml>", "prefix", "urn:x", 1)
    with tape.operation("attach_volume"):
        tape.call("attachDeviceFlags", "<xml>", 1)
    tape.event(2)
    tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=19, event="virtio-disk1", detail=None)
    tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=23, event=2, detail="urn:x")
    assert [(act, trace) for act, _, trace in rows(tape)[1:]] == [
        ("set metadata", ("METADATA_CHANGE",)),
        ("attach disk live", ("DEVICE_ADDED",)),
    ]


def test_a_migration_is_told_on_both_hosts_apart() -> None:
    tape = Tape()
    running(tape)
    tape.call("migrate3", "<connection>", {}, 1)
    tape.event(3, 1)
    tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=0, event=2, detail=1, host="b")
    tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=20, event=1, detail=None)
    tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=0, event=4, detail=1, host="b")
    tape.event(5, 3)
    assert rows(tape)[2:] == [
        ("migrate", "running", ("SUSPENDED migrated", "STOPPED migrated")),
        ("arrive", "none", ("STARTED migrated", "RESUMED migrated")),
    ]


def test_a_migration_that_fails_and_the_next_one_are_two_arrivals() -> None:
    tape = Tape()
    running(tape)
    tape.call("migrate3", "<connection>", {}, 1, raises=(78, 10))
    tape.call("migrate3", "<connection>", {}, 1)
    for event, detail in ((2, 1), (6, 2), (5, 5), (2, 1), (4, 1)):
        tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=0, event=event, detail=detail, host="b")
    tape.events((3, 1), (5, 3))
    assert rows(tape)[2:] == [
        ("migrate refused", "running", ()),
        ("migrate", "running", ("SUSPENDED migrated", "STOPPED migrated")),
        ("arrive failed", "none", ("STARTED migrated", "SHUTDOWN host", "STOPPED failed")),
        ("arrive", "none", ("STARTED migrated", "RESUMED migrated")),
    ]


def test_flags_make_another_act_of_a_call() -> None:
    tape = Tape()
    defined(tape)
    tape.call("createWithFlags", 1)
    tape.events((2, 0), (3, 0))
    tape.call("blockCommit", "vda", "base", "top", 0, 4)
    tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=16, event="vda", detail="4,3")
    tape.call("blockJobAbort", "vda", 2)
    tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=16, event="vda", detail="4,0")
    assert rows(tape)[1:] == [
        ("create paused", "off", ("STARTED booted", "SUSPENDED paused")),
        ("active commit", "paused", ("BLOCK_JOB_2 active-commit ready",)),
        ("pivot", "paused", ("BLOCK_JOB_2 active-commit completed",)),
    ]


def test_a_revert_is_told_by_what_its_snapshot_is_of() -> None:
    tape = Tape()
    running(tape)
    tape.call("snapshotCreateXML", "<xml>", 0, value="DomainSnapshot:first")
    tape.call("destroy")
    tape.event(5, 1)
    tape.call("revertToSnapshot", "DomainSnapshot:first")
    tape.events((2, 3), (0, 3))
    assert rows(tape)[-1] == ("revert to running", "off", ("STARTED from-snapshot", "DEFINED from-snapshot"))


def test_a_start_after_a_managed_save_is_of_a_saved_domain() -> None:
    tape = Tape()
    running(tape)
    tape.call("managedSave")
    tape.event(5, 4)
    tape.call("state", value=[5, 5])
    tape.call("create")
    tape.event(2, 2)
    assert rows(tape)[2:] == [
        ("managed save", "running", ("STOPPED saved",)),
        ("create", "saved", ("STARTED restored",)),
    ]


def test_a_domain_that_was_saved_paused_or_lost_its_image_is_another_situation() -> None:
    tape = Tape()
    running(tape)
    tape.call("suspend")
    tape.event(3)
    tape.call("managedSave")
    tape.event(5, 4)
    tape.call("create")
    tape.events((2, 2), (3, 4))
    tape.call("managedSave")
    tape.event(5, 4)
    tape.call("hasManagedSaveImage", value=0)
    tape.call("create")
    tape.event(2)
    assert [(act, before) for act, before, _ in rows(tape) if act == "create"] == [
        *(("create", "off"), ("create", "saved paused"), ("create", "off")),
    ]


def test_an_agents_channel_has_a_life_beside_its_domains() -> None:
    tape = Tape()
    defined(tape)
    tape.call("create")
    tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=18, event=2, detail=1)
    tape.event(2)
    assert rows(tape) == [*MADE, ("agent awaited", "any", ("AGENT_LIFECYCLE disconnected domain-started",))]


def test_what_a_case_brings_about_is_told_though_nobody_asked_for_it() -> None:
    tape = Tape(case="lifecycle.ends.poweroff")
    running(tape)
    tape.events((6, 1), (5, 0))
    assert rows(tape)[2:] == [("guest off", "running", ("SHUTDOWN guest", "STOPPED shutdown"))]


def test_what_nobody_asked_for_elsewhere_is_heard_and_not_in_the_table() -> None:
    tape = Tape(case="lifecycle.start.again")
    running(tape)
    tape.events((6, 1), (5, 0))
    assert rows(tape) == MADE
    assert seen(tape).heard == 4


def test_another_clients_doing_is_no_end_of_a_guest() -> None:
    tape = Tape(case="lifecycle.ends.poweroff")
    running(tape)
    tape.event(5, 1)
    assert rows(tape) == MADE


def test_a_state_that_was_read_before_its_event_came_is_not_that_of_an_event() -> None:
    tape = Tape(case="events.disk.full")
    running(tape)
    tape.call("state", value=[3, 5])
    tape.event(3, 2)
    assert rows(tape)[2:] == [("disk full", "running", ("SUSPENDED ioerror",))]


def test_a_refused_call_tells_nothing_and_a_refused_start_what_it_got_to() -> None:
    tape = Tape()
    defined(tape)
    tape.call("suspend", raises=(55, 10))
    tape.call("create", raises=(1, 10))
    tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=7, event=None, detail=None)
    assert rows(tape)[1:] == [("create refused", "off", ("CONTROL_ERROR",)), ("refused", "any", ())]


def test_resets_in_a_row_are_counted_up_to_many() -> None:
    tape = Tape(case="lifecycle.ends.reset")
    running(tape)
    for _ in range(3):
        tape.reboot()
    assert rows(tape)[2:] == [("guest reset", "running", ("REBOOT x3",))]


def test_domains_of_others_are_not_heard() -> None:
    tape = Tape()
    tape.running()
    assert seen(tape) == Told()


def test_a_domain_that_several_threads_changed_at_once_says_nothing() -> None:
    tape = Tape()
    running(tape)
    first, second = 900, 901
    for number, method in ((first, "suspend"), (second, "resume")):
        data: dict[str, object] = {"object": "Domain", "key": DOMAIN, "method": method, "arguments": [], "operation": None}
        tape.write(Kind.CALL, call=number, thread="t", **data)
    for number in (first, second):
        tape.write(Kind.RETURN, call=number, value=0)
    tape.events((3, 0), (4, 0))
    assert rows(tape) == []


@pytest.mark.parametrize("why", ["failed", "fault", "connection"])
def test_cases_that_say_nothing_of_a_host(why: str) -> None:
    tape = Tape(case="connection.lost" if why == "connection" else "lifecycle.case")
    running(tape)
    if why == "fault":
        tape.call("suspend", fault="swallow")
    assert seen(tape, "failed" if why == "failed" else "passed") == Told()


def test_lines_lead_to_the_evidence() -> None:
    tape = Tape()
    running(tape)
    sighting = seen(tape).sightings[1]
    kinds = [tape.records[line - 1].kind for line in sighting.lines]
    assert (sighting.case, kinds) == ("lifecycle.case", [Kind.CALL, Kind.EVENT])


def test_every_call_asks_for_an_act_of_the_table() -> None:
    names = [name for asked in ASKED.values() for name in (asked.name, *(name for _, name in asked.flagged))]
    devices = {name.format(device=device) for name in names for device in ("disk", "interface")} - {REVERT}
    assert devices - ACTS.keys() == set()


def test_the_cases_that_bring_something_about_are_in_the_suite() -> None:
    from virtproof.discovery import found_cases

    assert UNASKED.keys() - {found.case.id for found in found_cases()} == set()


def test_what_tells_an_act_can_be_caused_by_it() -> None:
    asked = {name: act for name, act in ACTS.items() if act.causes}
    assert [name for name, act in asked.items() for each in (*act.tells, *act.follows) if not causable(name, each)] == []


def causable(act: str, event: str) -> bool:
    return ACTS[act].may_cause(event) or any(cause.startswith(f"{event} ") for cause in ACTS[act].causes)
