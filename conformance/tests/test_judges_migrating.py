"""Migrations in evidence: two lives of one instance, each possible by itself, and a driver that waits by asking."""

from virtproof.evidence import HOST, Kind, Record
from virtproof.judges import judge_case
from virtproof.judges.hosts import by_host
from virtproof.judges.reading import read_case
from virtproof.judges.tape import DOMAIN, Tape

THERE = "destination"


def told(tape: Tape, host: str, *pairs: tuple[int, int]) -> None:
    for event, detail in pairs:
        where = {HOST: host} if host else {}
        tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=0, event=event, detail=detail, **where)


def called(tape: Tape, number: int, method: str, operation: int | None = None, **more: object) -> Record:
    return tape.write(
        Kind.CALL,
        call=number,
        object="Domain",
        key=DOMAIN,
        method=method,
        arguments=[],
        operation=operation,
        thread="virtproof-migration",
        **more,
    )


def returned(tape: Tape, number: int) -> Record:
    return tape.write(Kind.RETURN, call=number, value=0)


def begun(tape: Tape, number: int, method: str) -> Record:
    return tape.write(Kind.OPERATION_BEGIN, operation=number, method=method, arguments={"uuid": DOMAIN}, thread="MainThread")


def ended(tape: Tape, number: int, method: str) -> Record:
    return tape.write(Kind.OPERATION_END, operation=number, method=method, result=None, error=None)


def iteration(tape: Tape, number: int) -> Record:
    return tape.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=20, event=number, detail=None)


def moved(*, mixed: bool) -> Tape:
    """An instance that leaves one host for another; what the other told is told of the first where it is `mixed`."""
    tape = Tape(case="migration.case", lane="qemu")
    there = "" if mixed else THERE
    tape.running()
    told(tape, there, (2, 1), (0, 0))
    told(tape, "", (3, 1))
    told(tape, there, (4, 1))
    told(tape, "", (5, 3))
    return tape


def waited(reads: int, *, operation: int | None = 2, heard_between: bool = False) -> Tape:
    """A wait during which the job is read so often by one thread, `operation` being the one that it belongs to."""
    tape = Tape(case="migration.case", lane="qemu")
    tape.running()
    begun(tape, 1, "migrate")
    called(tape, 101, "migrate3", 1)
    ended(tape, 1, "migrate")
    begun(tape, 2, "migration.wait")
    for number in range(102, 102 + reads):
        called(tape, number, "jobStats", operation)
        returned(tape, number)
        if heard_between:
            iteration(tape, number)
    returned(tape, 101)
    ended(tape, 2, "migration.wait")
    return tape


def looked(reads: int) -> Tape:
    """A look at the progress that reads so often."""
    tape = Tape(case="migration.case", lane="qemu")
    tape.running()
    begun(tape, 1, "migration.progress")
    for number in range(101, 101 + reads):
        called(tape, number, "jobInfo", 1)
        returned(tape, number)
    ended(tape, 1, "migration.progress")
    return tape


def rules_of(tape: Tape) -> set[str]:
    return {violation.rule for violation in judge_case(tape.done())}


def test_each_host_has_its_own_life_of_a_moved_instance() -> None:
    assert rules_of(moved(mixed=False)) == set()


def test_the_same_on_one_host_is_impossible() -> None:
    assert {rule.partition(".")[0] for rule in rules_of(moved(mixed=True))} == {"events"}


def test_a_part_has_what_its_host_told_and_what_is_of_none() -> None:
    here, there = by_host(read_case(moved(mixed=False).done()))
    assert [record.data["event"] for record in here.of(Kind.EVENT)] == [0, 2, 3, 5]
    assert [record.data["event"] for record in there.of(Kind.EVENT)] == [2, 0, 4]
    assert [part.records[0].kind for part in (here, there)] == [Kind.CASE_BEGIN, Kind.CASE_BEGIN]


def test_an_end_is_in_the_part_of_its_begin() -> None:
    tape = moved(mixed=False)
    called(tape, 7, "state", host=THERE)
    returned(tape, 7)
    here, there = by_host(read_case(tape.done()))
    assert ([call.method for call in here.calls], [call.method for call in there.calls]) == ([], ["state"])
    assert there.calls[0].succeeded


def test_a_case_of_one_host_is_not_taken_apart() -> None:
    case = read_case(waited(1).done())
    assert by_host(case) == (case,)


def test_a_wait_that_reads_again_and_again_is_polling() -> None:
    assert rules_of(waited(2)) == {"polling.while-migrating"}


def test_so_it_is_on_a_thread_that_belongs_to_no_operation() -> None:
    assert rules_of(waited(2, operation=None)) == {"polling.while-migrating"}


def test_one_read_is_none_nor_is_one_after_each_event() -> None:
    assert rules_of(waited(1)) == set()
    assert rules_of(waited(5, heard_between=True)) == set()


def test_a_look_reads_once() -> None:
    assert rules_of(looked(1)) == set()
    assert rules_of(looked(2)) == {"polling.look"}
