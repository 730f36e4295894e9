"""The panel: every judge, and one case put before all of them.

What belongs here: the list of judges. What does not: any rule. A judge is a pure function of a case's evidence and the lane's
facts.
"""

from collections.abc import Callable, Sequence
from typing import Final

from virtproof.evidence import Record
from virtproof.judges import complete, delivery, descriptors, errors, events, leaks, operations, polling, promises
from virtproof.judges.facts import Facts
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
    leaks.judge,
)


def judge_case(records: Sequence[Record], facts: Facts | None = None) -> tuple[Violation, ...]:
    """What one case's records on one lane break, sorted by line. Records without lines are numbered from 1.

    `facts` says what the lane has; without it everything is judged.
    """
    case = read_case(records)
    known = facts or Facts()
    found = (violation for judge in JUDGES for violation in judge(case, known))
    return tuple(sorted(found, key=lambda violation: (violation.evidence, violation.rule)))
