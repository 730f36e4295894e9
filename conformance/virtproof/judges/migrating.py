"""Judge of waiting for a migration: its progress and its end are told, so nobody asks for them again and again.

What belongs here: reads between the beginning and the end of a call that migrates, whatever thread makes them. What does not:
waits after a call that has returned (`polling`). While it migrates, a host tells iterations, a job's end and changes of state by
events. A case that looks at the progress is answered by at most one read a look; between two events nothing is read a second time
otherwise.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from virtproof.evidence import Kind, Record
from virtproof.judges.calls import STATE_READS
from virtproof.judges.facts import Facts
from virtproof.judges.reading import Call, CaseEvidence, text
from virtproof.judges.rules import violation
from virtproof.verdicts import Violation

MIGRATING: Final = frozenset({"migrate", "migrate2", "migrate3", "migrateToURI", "migrateToURI2", "migrateToURI3"})
# Operations whose reads are the driver's waiting; what a case asks for meanwhile by other operations is read for its sake.
WAITING: Final = frozenset({"migrate", "migration.wait"})
LOOK: Final = "migration.progress"
OFTEN: Final = 2


def judge(case: CaseEvidence, _facts: Facts) -> tuple[Violation, ...]:
    """Violations of `polling.while-migrating` and `polling.look`."""
    return (*_while_migrating(case), *_looks(case))


def _while_migrating(case: CaseEvidence) -> Iterator[Violation]:
    waiting = {operation.number for operation in case.operations if operation.method in WAITING}
    for migration in (call for call in case.calls if call.method in MIGRATING and call.end is not None):
        events = [record for record in case.of(Kind.EVENT) if text(record, "uuid") == migration.key]
        reads = [call for call in _reads(case, migration) if call.operation is None or call.operation in waiting]
        counted = Counter((_what(read), _told_before(read, events)) for read in reads)
        (what, _), times = max(counted.items(), key=lambda item: item[1], default=(("", 0), 0))
        if times >= OFTEN:
            last = [read for read in reads if _what(read) == what][-1]
            message = f"{what} was read {times} times between two events while {migration.method}() was under way"
            yield violation("polling.while-migrating", message, migration.begin, last.begin)


def _reads(case: CaseEvidence, migration: Call) -> list[Call]:
    end = migration.end.line if migration.end else 0
    inside = (call for call in case.calls if migration.begin.line < call.begin.line < end)
    return [call for call in inside if call.family in STATE_READS and call.key == migration.key]


def _what(read: Call) -> str:
    return f"{read.method}() of {read.key}"


def _told_before(read: Call, events: list[Record]) -> int:
    return sum(event.line < read.begin.line for event in events)


def _looks(case: CaseEvidence) -> Iterator[Violation]:
    for look in (operation for operation in case.operations if operation.method == LOOK):
        reads = [call for call in case.calls_in(look) if call.family in STATE_READS]
        if len(reads) >= OFTEN:
            message = f"one look at the progress of {look.uuid} read {len(reads)} times"
            yield violation("polling.look", message, reads[0].begin, reads[-1].begin)
