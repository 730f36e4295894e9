"""The judges of leaks and completeness, and what holds for all: rules have sentences, records need no lines."""

from dataclasses import replace

import pytest

from virtproof.evidence import FIELDS, Kind, Record
from virtproof.judges import RULES, judge_case
from virtproof.judges.calls import family
from virtproof.judges.reading import read_case
from virtproof.judges.tape import DOMAIN, Tape


def rules_of(records: tuple[Record, ...]) -> list[str]:
    return [violation.rule for violation in judge_case(records)]


@pytest.mark.parametrize("what", [rule.removeprefix("leak.") for rule in RULES if rule.startswith("leak.")])
def test_each_thing_left_behind_is_a_leak(what: str) -> None:
    tape = Tape()
    tape.write(Kind.LEFTOVER, what=what, name="vp-1-vm", detail="running")
    (violation,) = judge_case(tape.done())
    assert violation.rule == f"leak.{what}"
    assert (violation.message, violation.evidence) == ("vp-1-vm was left behind: running", (2, 2))


def test_an_empty_case_is_complete() -> None:
    assert rules_of(Tape().done()) == []


def test_no_records_break_no_rule() -> None:
    assert rules_of(()) == []


def test_a_case_that_was_cut_off_is_incomplete() -> None:
    tape = Tape()
    tape.running()
    records = tape.done()
    assert [rules_of(records[:-1]), rules_of(records[1:])] == [["complete.unfinished-case"]] * 2


def test_a_case_that_is_there_twice_is_incomplete() -> None:
    assert rules_of(Tape().done() + Tape().done()) == ["complete.unfinished-case"]


def test_calls_and_operations_must_end() -> None:
    tape = Tape()
    with tape.operation("pause"):
        tape.call("suspend")
    records = tape.done()
    ends = (Kind.RETURN, Kind.OPERATION_END)
    assert rules_of(tuple(record for record in records if record.kind not in ends)) == [
        "complete.unfinished-operation",
        "complete.unfinished-call",
    ]


def test_what_ends_must_have_begun() -> None:
    tape = Tape()
    with tape.operation("instances"):
        tape.connection_call("listAllDomains", 0, value=[])
    records = tape.done()
    begins = (Kind.CALL, Kind.OPERATION_BEGIN)
    assert rules_of(tuple(record for record in records if record.kind not in begins)) == ["complete.unknown-operation"] * 2


def test_records_without_lines_are_numbered() -> None:
    tape = Tape()
    tape.events((0, 0), (2, 0), (2, 0))
    (violation,) = judge_case(tuple(replace(record, line=0) for record in tape.done()))
    assert violation.evidence == (3, 4)


def test_a_tape_has_the_fields_of_evidence() -> None:
    tape = Tape()
    with tape.operation("pause"):
        tape.call("suspend", fault="swallow")
        tape.call("resume", raises=(55, 10))
    tape.running()
    tape.heard("started")
    tape.state(None)
    for record in tape.done():
        assert set(record.data) >= set(FIELDS[record.kind]), record.kind


def test_calls_know_their_operation_and_their_end() -> None:
    tape = Tape()
    with tape.operation("pause"):
        tape.call("suspend")
        tape.call("state", raises=(1, 7))
    case = read_case(tape.done())
    (operation,) = case.operations
    first, second = case.calls_in(operation)
    assert (operation.uuid, operation.succeeded, case.span) == (DOMAIN, True, (1, 8))
    assert (first.succeeded, first.mutating, first.error) == (True, True, None)
    assert (second.succeeded, second.mutating, second.error, second.lost_connection) == (False, False, (1, 7), True)


@pytest.mark.parametrize(
    ("method", "expected"),
    [("createWithFlags", "create"), ("destroyFlags", "destroy"), ("defineXMLFlags", "defineXML"), ("state", "state")],
)
def test_variants_with_flags_are_one_family(method: str, expected: str) -> None:
    assert family(method) == expected
