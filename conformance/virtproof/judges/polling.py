"""Judge of polling: who waits for an event does not ask again and again.

What belongs here: counting reads. What does not: which names are reads (`calls`). One read after a wait, and one when a
deadline has passed, are as it should be; the second read of the same thing between a change and the event that ends the wait
for it is polling.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from virtproof.evidence import Kind, Record
from virtproof.judges.calls import STATE_READS
from virtproof.judges.facts import Facts
from virtproof.judges.reading import Call, CaseEvidence, Operation, text
from virtproof.judges.rules import violation
from virtproof.verdicts import Violation

WHILE_WAITING: Final = 2
IN_A_ROW: Final = 3
_OBJECTS: Final = frozenset({"Domain", "Connection"})
# Finding an object before each read of it is a driver's habit, and by itself no polling; but finding it again and again is.
_FINDS: Final = "lookupBy"


def judge(case: CaseEvidence, facts: Facts) -> tuple[Violation, ...]:
    """Violations of `polling.state-read-while-waiting` (where the host tells of changes) and `polling.repeated-read`."""
    found: list[Violation] = []
    for operation in case.operations:
        calls = case.calls_in(operation)
        events = tuple(record for record in case.of(Kind.EVENT) if text(record, "uuid") == operation.uuid)
        waiting = tuple(_while_waiting(operation, calls, events)) if facts.has_events else ()
        found += waiting or _repeated(operation, calls, events)
    return tuple(found)


def _while_waiting(operation: Operation, calls: Sequence[Call], events: Sequence[Record]) -> Iterator[Violation]:
    changes = [call for call in calls if call.mutating]
    for change, following in zip(changes, (*changes[1:], None), strict=False):
        if change.end is None or not change.succeeded or change.begin.data.get("object") not in _OBJECTS:
            continue  # what was refused is not waited for
        until = _end_of_wait(change, following, events)
        reads = [call for call in calls if _is_read(call) and change.end.line < call.begin.line < until]
        counted = Counter(_what(read) for read in reads)
        what, times = max(counted.items(), key=lambda item: item[1], default=("", 0))
        if times >= WHILE_WAITING:
            message = f"{operation.method}() read {what} {times} times while it waited after {change.method}()"
            yield violation("polling.state-read-while-waiting", message, change.begin, reads[-1].begin)


def _end_of_wait(change: Call, following: Call | None, events: Sequence[Record]) -> float:
    told = [event.line for event in events if event.line > change.begin.line]
    return min(*told[:1], following.begin.line if following else float("inf"), float("inf"))


def _repeated(operation: Operation, calls: Sequence[Call], events: Sequence[Record]) -> list[Violation]:
    """The first read that is made a third time with nothing but reads in between, and no event."""
    for stretch in _stretches(calls, events):
        made: dict[str, list[Call]] = {}
        for call in [call for call in stretch if not call.family.startswith(_FINDS)] or stretch:
            same = made.setdefault(_what(call) + call.arguments, [])
            same.append(call)
            if len(same) == IN_A_ROW:
                message = (
                    f"{operation.method}() made the same read, {_what(call)}, {IN_A_ROW} times and nothing but reads in between"
                )
                return [violation("polling.repeated-read", message, same[0].begin, call.begin)]
    return []


def _stretches(calls: Sequence[Call], events: Sequence[Record]) -> Iterator[list[Call]]:
    """The calls divided into reads that nothing parts: neither another call nor an event."""
    stretch: list[Call] = []
    for call in calls:
        if stretch and (not _is_read(call) or _told_between(stretch[-1], call, events)):
            yield stretch
            stretch = []
        stretch += [call] if _is_read(call) else []
    yield stretch


def _told_between(first: Call, second: Call, events: Sequence[Record]) -> bool:
    return any(first.begin.line < event.line < second.begin.line for event in events)


def _is_read(call: Call) -> bool:
    return call.family in STATE_READS and call.begin.data.get("object") in _OBJECTS


def _what(call: Call) -> str:
    arguments = call.arguments if call.begin.data.get("object") == "Connection" else ""
    return f"{call.method}() of {call.key}{arguments if arguments not in ('', '[]', 'None') else ''}"
