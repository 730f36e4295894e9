"""The judges of what operations report: early success, hidden errors, polling."""

import pytest

from virtproof.judges import Facts, judge_case
from virtproof.judges.tape import DOMAIN, Tape
from virtproof_driver import Capability


def rules_of(tape: Tape, facts: Facts | None = None) -> list[str]:
    return [violation.rule for violation in judge_case(tape.done(), facts)]


# --- early success ---------------------------------------------------------------------------------------------------


def test_stop_that_waits_for_the_event_is_well() -> None:
    tape = Tape()
    tape.running()
    with tape.operation("stop", timeout=5):
        tape.call("shutdown", fault="defer")
        tape.wait(1)
        tape.event(5, 0)
        tape.call("state", value=[5, 1])
    assert rules_of(tape) == []


def test_stop_that_does_not_wait_is_early() -> None:
    tape = Tape()
    tape.running()
    with tape.operation("stop", timeout=5):
        tape.call("shutdown", fault="defer")
    tape.wait(1)
    tape.event(5, 0)
    (violation,) = judge_case(tape.done())
    assert violation.rule == "operation.early"
    assert violation.message == f"stop() of {DOMAIN} reported success before anything showed that it was off"
    assert violation.evidence == (4, 9)


def test_an_event_a_moment_after_the_operation_counts() -> None:
    tape = Tape()
    tape.running()
    with tape.operation("stop", timeout=5):
        tape.call("shutdown")
    tape.event(5, 0)
    assert rules_of(tape) == []


def test_an_event_of_the_next_operation_does_not_count() -> None:
    tape = Tape()
    tape.running()
    with tape.operation("stop", timeout=5):
        tape.call("shutdown", fault="swallow")
    with tape.operation("destroy"):
        tape.call("destroy")
        tape.event(5, 1)
    assert rules_of(tape) == ["operation.early"]


CALLS = {
    "start": ("create", ()),
    "pause": ("suspend", ((2, 0),)),
    "unpause": ("resume", ((2, 0), (3, 0))),
    "suspend": ("managedSave", ((2, 0),)),
    "resume": ("create", ()),
    "destroy": ("destroy", ((2, 0),)),
}


@pytest.mark.parametrize("method", CALLS)
def test_a_synchronous_call_shows_the_state(method: str) -> None:
    call, before = CALLS[method]
    tape = Tape()
    tape.events((0, 0), *before)
    with tape.operation(method):
        tape.call(call)
    assert rules_of(tape) == []


@pytest.mark.parametrize("method", CALLS)
def test_success_without_a_sign_is_early(method: str) -> None:
    _, before = CALLS[method]
    tape = Tape()
    tape.events((0, 0), *before)
    with tape.operation(method):
        pass
    assert rules_of(tape) == ["operation.early"]


@pytest.mark.parametrize("method", CALLS)
def test_a_call_without_effect_shows_nothing(method: str) -> None:
    call, before = CALLS[method]
    tape = Tape()
    tape.events((0, 0), *before)
    with tape.operation(method):
        tape.call(call, fault="defer")
    assert rules_of(tape) == ["operation.early"]


@pytest.mark.parametrize("method", CALLS)
def test_an_operation_that_failed_promised_nothing(method: str) -> None:
    _, before = CALLS[method]
    tape = Tape()
    tape.events((0, 0), *before)
    with tape.operation(method, error="OperationTimeout: no event"):
        pass
    assert rules_of(tape) == []


def test_what_was_there_already_needs_no_sign() -> None:
    tape = Tape()
    tape.events((0, 0), (2, 0), (3, 0))
    with tape.operation("pause"):
        pass
    assert rules_of(tape) == []


def test_a_state_that_was_read_is_a_sign() -> None:
    tape = Tape()
    tape.running()
    with tape.operation("stop", timeout=5):
        tape.call("shutdown")
        tape.call("state", value=[5, 1])
    assert rules_of(tape) == []


def test_destroy_of_what_is_gone_is_well() -> None:
    tape = Tape()
    tape.running()
    with tape.operation("destroy"):
        tape.connection_call("lookupByUUIDString", DOMAIN, raises=(42, 12))
    assert rules_of(tape) == []


def without_events(*calls: tuple[str, object]) -> Tape:
    """pause() of a domain that the driver started, of a host whose events nobody hears."""
    tape = Tape()
    with tape.operation("start"):
        tape.call("create")
        tape.call("state", value=[1, 1])
    with tape.operation("pause"):
        for method, value in calls:
            tape.call(method, value=value)
    return tape


def test_without_events_the_calls_before_tell_where_the_domain_was() -> None:
    early, shown = without_events(("state", [1, 1])), without_events(("suspend", 0), ("state", [3, 1]))
    assert [rules_of(early), rules_of(shown)] == [["operation.early"], []]


def test_without_events_what_a_list_showed_cannot_be_told() -> None:
    assert rules_of(without_events(("XMLDesc", "<domain>"))) == []


def test_without_events_a_guest_that_was_asked_may_have_obeyed() -> None:
    tape = Tape()
    with tape.operation("start"):
        tape.call("create")
    tape.call("shutdown")
    with tape.operation("stop", timeout=5):
        pass
    assert rules_of(tape) == []


def test_a_destroy_that_is_refused_since_the_instance_is_off_shows_it() -> None:
    tape, other = Tape(), Tape()
    for each, code in ((tape, 55), (other, 38)):
        each.call("state", value=[1, 1])
        with each.operation("destroy"):
            each.call("destroy", raises=(code, 12))
            each.call("undefineFlags", 3)
    assert [rules_of(tape), rules_of(other)] == [[], ["operation.early", "operation.swallowed-error"]]


def test_spawn_has_to_show_that_it_started_unless_asked_not_to() -> None:
    started, early, off = Tape(), Tape(), Tape()
    with started.operation("spawn", spec={"uuid": DOMAIN}):
        started.connection_call("defineXML", "<xml>", value=f"Domain:{DOMAIN}")
        started.call("create")
        started.running()
    with early.operation("spawn", spec={"uuid": DOMAIN}):
        early.connection_call("defineXML", "<xml>", value=f"Domain:{DOMAIN}")
        early.event(0, 0)
    with off.operation("spawn", spec={"uuid": DOMAIN}, start=False):
        off.event(0, 0)
    assert [rules_of(tape) for tape in (started, early, off)] == [[], ["operation.early"], []]


# --- hidden errors ---------------------------------------------------------------------------------------------------


def test_an_error_that_success_hides_is_named() -> None:
    tape = Tape()
    with tape.operation("set_autostart", enabled=True):
        tape.call("setAutostart", 1, raises=(38, 10))
    (violation,) = judge_case(tape.done())
    assert violation.rule == "operation.swallowed-error"
    assert violation.message == (
        f"set_autostart() reported success though setAutostart() of {DOMAIN} failed with 38 (domain 10): refused"
    )
    assert violation.evidence == (3, 5)


def test_an_error_that_the_operation_reports_is_the_cases_matter() -> None:
    tape = Tape()
    with tape.operation("set_autostart", error="HypervisorError: 38"):
        tape.call("setAutostart", 1, raises=(38, 10))
    assert rules_of(tape) == []


ABSORBED = {
    "destroy of what is off": ("destroy", (55, 20)),
    "destroy of what is gone": ("destroy", (42, 12)),
    "undefine of what is gone": ("undefine", (42, 12)),
    "suspend of what is paused, QEMU": ("suspend", (55, 10)),
    "suspend of what is paused, test driver": ("suspend", (1, 12)),
    "create of what runs": ("create", (55, 20)),
    "shutdown of what is off": ("shutdown", (1, 12)),
    "no managed save to remove": ("managedSaveRemove", (38, 10)),
    "a volume that is gone": ("delete", (50, 18)),
}


@pytest.mark.parametrize(("method", "error"), ABSORBED.values(), ids=ABSORBED.keys())
def test_refusals_of_what_was_done_already_may_be_absorbed(method: str, error: tuple[int, int]) -> None:
    tape = Tape()
    with tape.operation("diagnostics"):
        tape.call(method, raises=error)
    assert rules_of(tape) == []


HIDDEN = {
    "destroy, busy": ("destroy", (38, 0)),
    "create, internal error of QEMU": ("create", (1, 10)),
    "undefine, refused": ("undefine", (55, 10)),
    "suspend, connection lost": ("suspend", (1, 7)),
    "resume, permission": ("resume", (29, 20)),
    "shutdown, no answer": ("shutdown", (68, 10)),
}


@pytest.mark.parametrize(("method", "error"), HIDDEN.values(), ids=HIDDEN.keys())
def test_other_refusals_may_not(method: str, error: tuple[int, int]) -> None:
    tape = Tape()
    with tape.operation("diagnostics"):
        tape.call(method, raises=error)
    assert rules_of(tape) == ["operation.swallowed-error"]


def test_another_way_to_the_same_end_answers_a_failure() -> None:
    forced, again = Tape(), Tape()
    with forced.operation("diagnostics"):
        forced.call("shutdown", raises=(68, 10))
        forced.call("destroyFlags", 0)
    with again.operation("diagnostics"):
        again.call("undefineFlags", 3, raises=(55, 10))
        again.call("undefineFlags", 1)
    assert [rules_of(forced), rules_of(again)] == [[], []]


def test_a_read_that_failed_hides_nothing() -> None:
    tape = Tape()
    with tape.operation("instances"):
        tape.call("state", raises=(42, 12))
    assert rules_of(tape) == []


# --- polling ---------------------------------------------------------------------------------------------------------


def stop_with_reads(reads: int, *methods: str) -> Tape:
    tape = Tape()
    tape.running()
    with tape.operation("stop", timeout=5):
        tape.call("shutdown", fault="defer")
        for _ in range(reads):
            tape.wait(0.5)
            for method in methods:
                tape.call(method, value=[1, 1])
        tape.event(5, 0)
        tape.call("state", value=[5, 1])
    return tape


def test_one_read_while_waiting_is_none_too_many() -> None:
    assert rules_of(stop_with_reads(1, "state")) == []


@pytest.mark.parametrize("method", ["state", "info", "isActive", "XMLDesc"])
def test_the_second_read_while_waiting_is_polling(method: str) -> None:
    assert rules_of(stop_with_reads(2, method)) == ["polling.state-read-while-waiting"]


def test_two_different_reads_are_no_loop() -> None:
    assert rules_of(stop_with_reads(1, "state", "XMLDesc")) == []


def test_reads_are_counted_and_the_change_is_cited() -> None:
    (violation,) = judge_case(stop_with_reads(4, "state").done())
    assert violation.message == f"stop() read state() of {DOMAIN} 4 times while it waited after shutdown()"
    assert violation.evidence == (5, 14)


def test_polling_by_lists_counts_too() -> None:
    tape = Tape()
    tape.running()
    with tape.operation("stop", timeout=5):
        tape.call("shutdown")
        tape.connection_call("listAllDomains", 1, value=[])
        tape.connection_call("listAllDomains", 1, value=[])
        tape.event(5, 0)
    assert rules_of(tape) == ["polling.state-read-while-waiting"]


def test_a_read_after_each_of_two_changes_is_no_polling() -> None:
    tape = Tape()
    tape.running()
    with tape.operation("stop", timeout=5):
        tape.call("shutdown", fault="swallow")
        tape.wait(5)
        tape.call("state", value=[1, 1])
        tape.call("destroy")
        tape.call("state", value=[5, 2])
        tape.event(5, 1)
    assert rules_of(tape) == []


def test_after_a_refusal_nothing_is_waited_for() -> None:
    tape = Tape()
    tape.running()
    with tape.operation("destroy"):
        tape.call("destroy", raises=(55, 20))
        tape.connection_call("lookupByUUIDString", DOMAIN, raises=(42, 12))
        tape.connection_call("lookupByUUIDString", DOMAIN, raises=(42, 12))
    tape.event(5, 1)
    assert rules_of(tape) == []


def test_where_the_host_has_no_events_waiting_may_poll() -> None:
    facts = Facts(supported=frozenset(Capability) - {Capability.EVENTS_LIFECYCLE})
    assert rules_of(stop_with_reads(2, "state"), facts) == []


def test_the_same_read_three_times_in_a_row_is_named() -> None:
    twice, thrice = Tape(), Tape()
    for tape, times in ((twice, 2), (thrice, 3)):
        with tape.operation("instance"):
            for _ in range(times):
                tape.call("info", value=[1, 1024])
    assert [rules_of(twice), rules_of(thrice)] == [[], ["polling.repeated-read"]]


def test_finding_the_instance_before_each_read_hides_no_loop() -> None:
    tape = Tape()
    with tape.operation("stop", timeout=5):
        for _ in range(3):
            tape.connection_call("lookupByUUIDString", DOMAIN, value=f"Domain:{DOMAIN}")
            tape.call("isActive", value=1)
            tape.call("info", value=[1, 1024])
    (violation,) = judge_case(tape.done())
    assert violation.rule == "polling.repeated-read"
    assert violation.message == f"stop() made the same read, isActive() of {DOMAIN}, 3 times and nothing but reads in between"
    assert violation.evidence == (5, 17)


def test_finding_the_instance_thrice_to_read_it_in_three_ways_is_no_loop() -> None:
    tape = Tape()
    with tape.operation("instance"):
        for method in ("isActive", "info", "XMLDesc"):
            tape.connection_call("lookupByUUIDString", DOMAIN, value=f"Domain:{DOMAIN}")
            tape.call(method)
    assert rules_of(tape) == []


def test_a_document_read_with_three_kinds_of_flags_is_no_loop() -> None:
    tape = Tape()
    with tape.operation("spec"):
        for flags in (0, 1, 2):
            tape.call("XMLDesc", flags, value="<domain>")
    assert rules_of(tape) == []


def test_reads_of_different_objects_are_a_list() -> None:
    tape = Tape()
    with tape.operation("instances"):
        for number in range(5):
            tape.connection_call("lookupByUUIDString", f"uuid-{number}")
    assert rules_of(tape) == []
