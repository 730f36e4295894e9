"""The panel: every judge, and one case put before all of them.

What belongs here: the list of judges. What does not: any rule. A judge is a pure function of a case's evidence and the lane's
facts.
"""

from collections.abc import Callable, Sequence
from typing import Final

from virtproof.evidence import Record
from virtproof.judges import complete, delivery, descriptors, errors, events, leaks, migrating, operations, polling, promises
from virtproof.judges.facts import Facts
from virtproof.judges.hosts import by_host
from virtproof.judges.reading import CaseEvidence, read_case
from virtproof.verdicts import Violation

Judge = Callable[[CaseEvidence, Facts], tuple[Violation, ...]]

JUDGES: Final[tuple[Judge, ...]] = (
    complete.judge,
    events.judge,
    promises.judge,
    delivery.judge,
    operations.judge,
    errors.judge,
    polling.judge,
    descriptors.judge,
    migrating.judge,
    leaks.judge,
)
# Those that follow an instance's life, of which each host knows its own.
OF_ONE_HOST: Final = frozenset({events.judge, promises.judge, delivery.judge, operations.judge})


def judge_case(records: Sequence[Record], facts: Facts | None = None) -> tuple[Violation, ...]:
    """What one case's records on one lane break, sorted by line. Records without lines are numbered from 1.

    `facts` says what the lane has; without it everything is judged.
    """
    case = read_case(records)
    known = facts or Facts()
    found = (each for judge in JUDGES for part in _parts(judge, case) for each in judge(part, known))
    return tuple(sorted(found, key=lambda violation: (violation.evidence, violation.rule)))


def _parts(judge: Judge, case: CaseEvidence) -> tuple[CaseEvidence, ...]:
    return by_host(case) if judge in OF_ONE_HOST else (case,)
