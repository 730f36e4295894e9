"""Judge of leaks: what the recorder found after a case is a violation, whatever it is.

What belongs here: nothing more. What does not: finding leftovers (`recording`).
"""

from virtproof.evidence import Kind
from virtproof.judges.facts import Facts
from virtproof.judges.reading import CaseEvidence, text
from virtproof.judges.rules import violation
from virtproof.verdicts import Violation


def judge(case: CaseEvidence, _facts: Facts) -> tuple[Violation, ...]:
    """Violations of `leak.<what>`, one for each thing left."""
    return tuple(
        violation(f"leak.{text(record, 'what') or 'unknown'}", _sentence(text(record, "name"), text(record, "detail")), record)
        for record in case.of(Kind.LEFTOVER)
    )


def _sentence(name: str, detail: str) -> str:
    return f"{name} was left behind" + (f": {detail}" if detail else "")
