"""What differs between neighbouring suites: the comparisons of `virtproof diff`, summed up in one table.

What belongs here: from reports to rows, pure. What does not: running (`runs`) and printing. A difference is what `virtproof diff`
calls one; cases that differ alike, for the same reason, are one row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from virtproof.report.comparison import compare
from virtproof.verdicts import CaseResult, Report, Verdict

_SPEAKING = (Verdict.UNSUPPORTED, Verdict.KNOWN_BUG, Verdict.FAIL, Verdict.ERROR, Verdict.NOT_RUN)
ABSENT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Cases of a lane that have these verdicts, one a suite, and why where they have not passed."""

    lane: str
    verdicts: tuple[str, ...]
    why: str
    cases: tuple[str, ...]


def differences(reports: Sequence[Report]) -> tuple[Difference, ...]:
    """The differences of reports in the order of their suites, lane by lane."""
    found: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for lane, case in _changed(reports):
        results = [_results(report).get((lane, case)) for report in reports]
        verdicts = tuple(result.verdict.value if result else ABSENT for result in results)
        found.setdefault((lane, verdicts, _why(results)), []).append(case)
    return tuple(
        Difference(lane=lane, verdicts=verdicts, why=why, cases=tuple(cases)) for (lane, verdicts, why), cases in found.items()
    )


def _changed(reports: Sequence[Report]) -> list[tuple[str, str]]:
    """The lanes and cases that differ between any two neighbours."""
    compared = (lane for before, after in pairwise(reports) for lane in compare(before, after))
    return sorted({(lane.name, change.id) for lane in compared for change in lane.changes})


def _results(report: Report) -> Mapping[tuple[str, str], CaseResult]:
    return {(f"{lane.backend}/{lane.transport}", case.id): case for lane in report.lanes for case in lane.cases}


def _why(results: Sequence[CaseResult | None]) -> str:
    return next(_reasons(results), "")


def _reasons(results: Sequence[CaseResult | None]) -> Iterator[str]:
    return (result.reason for result in results if result is not None and result.verdict in _SPEAKING)
