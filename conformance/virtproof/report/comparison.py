"""Two reports compared: which verdicts are new, gone or changed, and whether anything got worse.

What belongs here: the comparison as a value, pure. What does not: reading reports and printing. Lanes are matched by backend
and transport. A verdict is worse when it was pass and is no more, when its case or lane is gone, or when a lane's conformance
is lower.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict

LaneName = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A case whose verdict differs; None where it has none in that report."""

    id: str
    before: Verdict | None
    after: Verdict | None
    reason: str

    @property
    def worse(self) -> bool:
        """Whether this is a regression: it passed and does not, or it is gone."""
        return self.after is None or (self.before is Verdict.PASS and self.after is not Verdict.PASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneComparison:
    """One lane of two reports. The numbers are None where the report has no such lane."""

    name: str
    conformance: tuple[float | None, float | None]
    coverage: tuple[float | None, float | None]
    changes: tuple[Change, ...]

    @property
    def worse(self) -> bool:
        """Whether a case regressed, the lane is gone, or its conformance is lower."""
        before, after = self.conformance
        lower = before is not None and (after is None or after < before)
        return lower or any(change.worse for change in self.changes)


def compare(before: Report, after: Report) -> tuple[LaneComparison, ...]:
    """Lane by lane, in the order of the first report, then what only the second has."""
    old, new = _lanes(before), _lanes(after)
    return tuple(_compare(name, old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new)))


def _lanes(report: Report) -> Mapping[LaneName, LaneResult]:
    return {(lane.backend, lane.transport): lane for lane in report.lanes}


def _compare(name: LaneName, old: LaneResult | None, new: LaneResult | None) -> LaneComparison:
    before, after = _cases(old), _cases(new)
    pairs = ((id_, before.get(id_), after.get(id_)) for id_ in sorted({*before, *after}))
    return LaneComparison(
        name="/".join(name),
        conformance=(old.conformance if old else None, new.conformance if new else None),
        coverage=(old.coverage if old else None, new.coverage if new else None),
        changes=tuple(_change(id_, was, now) for id_, was, now in pairs if _verdict(was) is not _verdict(now)),
    )


def _cases(lane: LaneResult | None) -> Mapping[str, CaseResult]:
    return {case.id: case for case in lane.cases} if lane else {}


def _verdict(case: CaseResult | None) -> Verdict | None:
    return case.verdict if case else None


def _change(id_: str, was: CaseResult | None, now: CaseResult | None) -> Change:
    return Change(id=id_, before=_verdict(was), after=_verdict(now), reason=now.reason if now else "")
