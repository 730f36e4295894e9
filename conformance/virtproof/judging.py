"""Judging: from stored evidence to verdicts, pure.

What belongs here: what one case's verdict is, given how it ended, what its evidence breaks, what the backend declares and
what the manifest cases of the same run proved. What does not: rules (`judges`), files (`runs`, `evidence`) and how a report
looks (`report`). The order of the rules: what did not run; errors of suite or environment; declared and proven unsupported;
failures; known bugs.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from virtproof.backends.model import Backend, KnownBug
from virtproof.cases import Level
from virtproof.evidence import Kind, Record
from virtproof.judges import Facts, facts_of, judge_case
from virtproof.judges.reading import text
from virtproof.runs import PlannedCase, PlannedLane, Run
from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict, Violation
from virtproof_driver import Capability

SCHEMA: Final = "virtproof-report/1"
MANIFEST: Final = "manifest."
KNOWN_BUG: Final = "known-bug."
_INCOMPLETE: Final = "complete."

Grouped = Mapping[tuple[str, str], Sequence[Record]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneFacts:
    """What is known of a lane before its cases are judged. `refused` gives a reason for each capability that it lacks."""

    lane: PlannedLane
    backend: Backend
    versions: Mapping[str, str]
    fingerprint: str
    refused: Mapping[Capability, str]
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict on the way: later rules may replace it."""

    verdict: Verdict
    reason: str
    seconds: float = 0.0
    evidence: tuple[int, int] = (0, 0)
    violations: tuple[Violation, ...] = ()


def judge(run: Run, records: Iterable[Record], backends: Mapping[str, Backend], suite: Collection[str] = ()) -> Report:
    """The report of a run: every planned case on every planned lane gets exactly one verdict.

    `backends` are by name. `suite` are the ids of all cases that the suite has, so that a known bug of a case outside the run's
    profile is not taken for one that matches nothing; without it the run's own cases are all there are.
    """
    kept = tuple(records)
    grouped = _grouped(kept)
    lanes = tuple(_lane(_lane_facts(lane, backends[lane.backend], kept), run, grouped, suite) for lane in run.lanes)
    return Report(
        schema=SCHEMA,
        suite_version=run.suite_version,
        profile=run.profile,
        digest=digest(run),
        driver=run.driver,
        driver_version=run.driver_version,
        lanes=lanes,
    )


def digest(run: Run) -> str:
    """A digest of what was asked of the subject: ids, levels, requirements and needs of the run's cases."""
    rows = ("\t".join((c.id, c.case.level, c.case.requirement, ",".join(sorted(c.case.needs)))) for c in run.cases)
    return "sha256:" + hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def _grouped(records: Iterable[Record]) -> Grouped:
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.case:
            groups.setdefault((record.lane, record.case), []).append(record)
    return groups


def _lane_facts(lane: PlannedLane, backend: Backend, records: Sequence[Record]) -> LaneFacts:
    mine = [record for record in records if record.lane == lane.label]
    found = next((record for record in mine if record.kind is Kind.LANE), None)
    versions = _texts(found.data.get("versions") if found else None)
    declared = backend.refusals(versions)
    unclaimed = dict.fromkeys(_unclaimed(mine), "the driver does not claim it")
    return LaneFacts(
        lane=lane,
        backend=backend,
        versions=versions,
        fingerprint=text(found, "fingerprint") if found else "",
        refused={**unclaimed, **declared},
        facts=facts_of(backend, versions, frozenset(unclaimed)),
    )


def _texts(value: object) -> Mapping[str, str]:
    return {key: str(item) for key, item in cast("Mapping[str, object]", value).items()} if isinstance(value, Mapping) else {}


def _unclaimed(records: Iterable[Record]) -> frozenset[Capability]:
    """What the driver under test does not claim, by the probes; the reference driver may not claim less than the manifest."""
    probes = (record for record in records if record.kind is Kind.PROBE and record.data.get("claimed") is False)
    named = {text(record, "capability") for record in probes}
    return frozenset(capability for capability in Capability if capability.value in named)


def _lane(known: LaneFacts, run: Run, grouped: Grouped, suite: Collection[str]) -> LaneResult:
    first = {case.id: _first(case, known, run, grouped) for case in run.cases}
    proven = {id_ for id_, finding in first.items() if finding.verdict is Verdict.PASS and id_.startswith(MANIFEST)}
    bugs = known.backend.bugs(known.versions)
    judged = (
        _result(case, _declared_bug(_supported(case, first[case.id], known, proven), _bug(case, bugs))) for case in run.cases
    )
    return LaneResult(
        backend=known.backend.name,
        basis=known.backend.basis.value,
        transport=known.lane.transport,
        versions=known.versions,
        fingerprint=known.fingerprint,
        cases=(*judged, *_unmatched(bugs, run.cases, suite)),
    )


def _first(case: PlannedCase, known: LaneFacts, run: Run, grouped: Grouped) -> Finding:
    """What the evidence of one case says by itself."""
    records = grouped.get((known.lane.label, case.id), ())
    if not records:
        return Finding(verdict=Verdict.NOT_RUN, reason=_why_not_run(case, known, run))
    violations = judge_case(records, known.facts)
    end = next((record for record in reversed(records) if record.kind is Kind.CASE_END), None)
    verdict, reason = _outcome(end, violations)
    seconds = end.data.get("seconds") if end else None
    return Finding(
        verdict=verdict,
        reason=reason,
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        evidence=(records[0].line, records[-1].line),
        violations=violations,
    )


def _why_not_run(case: PlannedCase, known: LaneFacts, run: Run) -> str:
    if not case.selected:
        return f"left out by -k {run.keyword}" if run.keyword else "left out of this run"
    label = known.lane.label
    unavailable = next((line for line in run.unavailable if label in line or known.backend.name in line), "")
    return unavailable or "the run ended before it: the evidence has nothing of it"


def _outcome(end: Record | None, violations: Sequence[Violation]) -> tuple[Verdict, str]:
    if end is None:
        return Verdict.ERROR, "the evidence of this case has no end: the worker died, or the file was cut off"
    outcome, message = text(end, "outcome"), text(end, "message")
    broken = next((each for each in violations if not each.rule.startswith(_INCOMPLETE)), None)
    incomplete = next(iter(violations), None)
    rules: tuple[tuple[bool, Verdict, str], ...] = (
        (outcome == "error", Verdict.ERROR, message),
        (outcome == "unsupported" and not violations, Verdict.UNSUPPORTED, message),
        (outcome == "failed", Verdict.FAIL, message),
        (broken is not None, Verdict.FAIL, _told(broken)),
        (incomplete is not None, Verdict.ERROR, _told(incomplete)),
        (outcome == "passed", Verdict.PASS, ""),
    )
    unknown = (Verdict.ERROR, f"the evidence ends this case with the unknown outcome {outcome!r}")
    return next(((verdict, reason) for holds, verdict, reason in rules if holds), unknown)


def _told(violation: Violation | None) -> str:
    return f"{violation.rule}: {violation.message}" if violation else ""


def _supported(case: PlannedCase, finding: Finding, known: LaneFacts, proven: Collection[str]) -> Finding:
    """Unsupported counts only when declared, and when the capability's manifest case passed in this run."""
    if finding.verdict is not Verdict.UNSUPPORTED:
        return finding
    refused = sorted(need for need in case.case.needs if need in known.refused)
    unproven = [need for need in refused if MANIFEST + need not in proven]
    if not refused:
        reason = f"it says {finding.reason!r}, but nothing that it needs is declared unsupported"
    elif unproven:
        reason = f"{unproven[0]} is declared unsupported, but {MANIFEST}{unproven[0]} did not pass in this run"
    else:
        return replace(finding, reason="; ".join(f"{need}: {known.refused[need]}" for need in refused))
    return replace(finding, verdict=Verdict.ERROR, reason=reason)


def _bug(case: PlannedCase, bugs: Iterable[KnownBug]) -> KnownBug | None:
    return next((bug for bug in bugs if bug.is_of(case.id, case.case.id)), None)


def _declared_bug(finding: Finding, bug: KnownBug | None) -> Finding:
    """A failure that is declared is a known bug; a pass that is declared to fail is a failure."""
    if bug is None:
        return finding
    replacements: Mapping[Verdict, Callable[[], Finding]] = {
        Verdict.FAIL: lambda: replace(finding, verdict=Verdict.KNOWN_BUG, reason=f"{bug.reason} ({bug.link})"),
        Verdict.PASS: lambda: replace(
            finding,
            verdict=Verdict.FAIL,
            reason=f"declared as a known bug, but it passes: remove the entry for {bug.case} ({bug.link})",
        ),
    }
    return replacements.get(finding.verdict, lambda: finding)()


def _unmatched(bugs: Iterable[KnownBug], cases: Sequence[PlannedCase], suite: Collection[str]) -> Iterable[CaseResult]:
    """A failure for each known bug that is no case's, so that manifests do not rot."""
    planned = {case.case.id for case in cases}
    for bug in bugs:
        base = bug.case.partition("[")[0]
        elsewhere = base in suite and base not in planned
        if not elsewhere and not any(bug.is_of(case.id, case.case.id) for case in cases):
            yield CaseResult(
                id=KNOWN_BUG + bug.case,
                level=Level.MUST,
                verdict=Verdict.FAIL,
                reason=f"the known bug names {bug.case}, and there is no such case: remove or correct the entry",
                seconds=0.0,
                evidence=(0, 0),
                requirement="Every known bug that a backend declares names a case of the suite.",
                source=bug.link,
            )


def _result(case: PlannedCase, finding: Finding) -> CaseResult:
    return CaseResult(
        id=case.id,
        level=case.case.level,
        verdict=finding.verdict,
        reason=finding.reason,
        seconds=finding.seconds,
        evidence=finding.evidence,
        requirement=case.case.requirement,
        source=case.case.source,
        where=case.where,
        violations=finding.violations,
    )
