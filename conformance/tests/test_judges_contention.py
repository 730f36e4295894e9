"""Events of calls that overlap: their order proves nothing, and that of all others still does."""

from virtproof.evidence import Kind, Record
from virtproof.judges import judge_case
from virtproof.judges.contention import LAG, Span, contention, is_contended, melee
from virtproof.judges.reading import read_case
from virtproof.judges.tape import DOMAIN, Tape


def called(tape: Tape, number: int, method: str) -> Record:
    data: dict[str, object] = {
        "object": "Domain",
        "key": DOMAIN,
        "method": method,
        "arguments": [],
        "operation": None,
        "thread": f"t{number}",
    }
    return tape.write(Kind.CALL, call=number, **data)


def hammered(*, at_once: bool) -> Tape:
    """Two suspends and a resume, told in the wrong order: of calls that overlapped, or that came one after another."""
    tape = Tape(case="concurrency.pause.opposed")
    tape.running()
    tape.wait(LAG + 1)
    for number, method in ((101, "suspend"), (102, "resume"), (103, "suspend")):
        called(tape, number, method)
        if not at_once:
            tape.write(Kind.RETURN, call=number, value=0)
    if at_once:
        for number in (101, 102, 103):
            tape.write(Kind.RETURN, call=number, value=0)
    tape.events((3, 0), (3, 0), (4, 0))
    return tape


def rules_of(tape: Tape) -> set[str]:
    return {violation.rule for violation in judge_case(tape.done())}


def test_overlapping_changes_may_be_told_out_of_order() -> None:
    assert rules_of(hammered(at_once=True)) == set()


def test_changes_one_after_another_may_not() -> None:
    assert "events.duplicate" in rules_of(hammered(at_once=False))


def test_order_counts_again_when_the_overlap_is_over() -> None:
    tape = hammered(at_once=True)
    tape.wait(LAG + 1)
    tape.events((3, 0), (3, 0))
    assert rules_of(tape) == {"events.duplicate"}


def test_a_span_is_from_the_later_begin_to_the_last_end() -> None:
    tape = hammered(at_once=True)
    (spans,) = contention(read_case(tape.done()).calls).values()
    assert [type(span) for span in spans] == [Span, Span]
    assert spans[0].begin < spans[1].begin < spans[0].end <= spans[1].end
    found = {DOMAIN: spans}
    assert is_contended(found, DOMAIN, spans[0].begin)
    assert is_contended(found, DOMAIN, spans[1].end + LAG)
    assert not is_contended(found, DOMAIN, spans[0].begin - 0.001)
    assert not is_contended(found, "another", spans[0].begin)


def test_changes_of_one_thread_are_no_contention() -> None:
    assert contention(read_case(hammered(at_once=False).done()).calls) == {}


def suspended_at_once(told: int) -> Tape:
    """Two threads suspend one domain at once, which `told` events tell; a third change after that, which is told."""
    tape = Tape(case="concurrency.pause.opposed")
    tape.running()
    for number in (101, 102):
        called(tape, number, "suspend")
    tape.events(*[(3, 0)] * told)
    for number in (101, 102):
        tape.write(Kind.RETURN, call=number, value=0)
    tape.wait(2 * LAG)
    tape.call("destroy")
    tape.events((5, 1))
    return tape


def test_one_event_tells_of_two_suspends_at_once_because_the_second_finds_the_work_done() -> None:
    assert rules_of(suspended_at_once(1)) == set()


def test_two_suspends_at_once_that_no_event_tells_are_missed() -> None:
    assert "events.missing" in rules_of(suspended_at_once(0))


def test_a_melee_goes_from_the_first_begin_to_the_last_end_of_what_overlaps() -> None:
    calls = read_case(hammered(at_once=True).done()).calls
    spans = {melee(calls, call) for call in calls}
    assert spans == {Span(calls[0].begin.t, calls[-1].end.t if calls[-1].end else 0.0)}


def test_who_is_alone_is_in_no_melee() -> None:
    calls = read_case(hammered(at_once=False).done()).calls
    assert [melee(calls, call) for call in calls] == [None] * 3
