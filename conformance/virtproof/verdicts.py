"""What a run concludes: verdicts, results and the report, as values.

What belongs here: the values and the two numbers computed from them. What does not: how a verdict is reached (`judging`) and
how a report looks (`report`). There is no skip: a case that did not run says so.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, unique

from virtproof.cases import Level


@unique
class Verdict(StrEnum):
    """What is concluded of one case on one lane."""

    PASS = "pass"
    FAIL = "fail"
    ERROR = "error"
    UNSUPPORTED = "unsupported"
    KNOWN_BUG = "known-bug"
    NOT_RUN = "not-run"


APPLICABLE = frozenset({Verdict.PASS, Verdict.FAIL, Verdict.ERROR, Verdict.KNOWN_BUG})


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that the evidence breaks; `evidence` is the first and last line that show it."""

    rule: str
    message: str
    evidence: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case on one lane. `id` includes a parameter in brackets; `where` is file:line; `evidence` spans the case's lines."""

    id: str
    level: Level
    verdict: Verdict
    reason: str
    seconds: float
    evidence: tuple[int, int]
    requirement: str = ""
    source: str = ""
    where: str = ""
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneResult:
    """One lane's results. `basis` says how real the lane is; `versions` and `fingerprint` what ran there."""

    backend: str
    basis: str
    transport: str
    versions: Mapping[str, str]
    fingerprint: str
    cases: tuple[CaseResult, ...]

    @property
    def conformance(self) -> float:
        """Passed of applicable, 0 to 1; 0 where nothing was applicable."""
        applicable = self.applicable
        return sum(result.verdict is Verdict.PASS for result in self.cases) / applicable if applicable else 0.0

    @property
    def coverage(self) -> float:
        """Applicable of all, 0 to 1."""
        return self.applicable / len(self.cases) if self.cases else 0.0

    @property
    def applicable(self) -> int:
        """How many cases were judged on their behaviour."""
        return sum(result.verdict in APPLICABLE for result in self.cases)

    @property
    def conformant(self) -> bool:
        """No must or should case failed, none is missing or in error, and at least one was applicable."""
        bad = {Verdict.FAIL, Verdict.ERROR, Verdict.NOT_RUN}
        return self.applicable > 0 and not any(r.verdict in bad and r.level is not Level.MAY for r in self.cases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole run."""

    schema: str
    suite_version: str
    profile: str
    digest: str
    driver: str
    driver_version: str
    lanes: tuple[LaneResult, ...]

    @property
    def conformant(self) -> bool:
        """Whether every lane is; a report without lanes is not."""
        return bool(self.lanes) and all(lane.conformant for lane in self.lanes)

    def without(self, ids: Collection[str]) -> "Report":
        """The report as if these results had not been asked for."""
        return replace(self, lanes=tuple(replace(lane, cases=_others(lane, ids)) for lane in self.lanes))


def _others(lane: LaneResult, ids: Collection[str]) -> tuple[CaseResult, ...]:
    return tuple(result for result in lane.cases if result.id not in ids)
