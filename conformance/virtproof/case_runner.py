"""One case from begin to end: whether it applies, its phases, its evidence, and what the judges say of it at once.

What belongs here: the order of these steps, and turning what they found into pytest's reports. What does not: pytest's hooks
(`session`), the case's world (`case_context`), rules (`outcomes`, `judges`). The final verdict comes from the stored evidence;
this is the same judging, on memory, so that a failing test fails where it runs.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import pytest
from _pytest.runner import runtestprotocol

from virtproof.case_context import Tools
from virtproof.errors import VirtproofError
from virtproof.evidence import Kind, Record, to_line
from virtproof.garbage import held_back
from virtproof.judges import facts_of, judge_case
from virtproof.lane_pool import LaneKey, LanePool
from virtproof.lanes.model import Lane
from virtproof.outcomes import DECLARED, OUTCOME, Outcome, Phase, conclude
from virtproof.selection import Candidate
from virtproof.verdicts import Violation

OWN_FAULT: Final = "virtproof_own_fault"
_LONGEST: Final = 600


class CaseRunner:
    """Runs the cases of one process, one at a time.

    `note_open` is told the first line of a case before it runs, and an empty one afterwards.
    """

    def __init__(self, tools: Tools, pool: LanePool, note_open: Callable[[str], object]) -> None:
        self._recorder = tools.recorder
        self._attachments = tools.attachments
        self._note_open = note_open
        self._pool = pool
        self._subject = tools.subject

    def run(self, candidate: Candidate[pytest.Item], key: LaneKey, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
        """Run a case on a lane, or say why it was not run; pytest's reports, of which the last carries the outcome."""
        started = time.monotonic()
        try:
            lane = self._pool.lane(key)
            unsupported = self._refusals(candidate, lane)
        except VirtproofError as error:
            return self._without_running(candidate, Outcome.ERROR, str(error), nextitem)
        if unsupported:
            return self._without_running(candidate, Outcome.UNSUPPORTED, unsupported, nextitem)
        self._recorder.begin_case(candidate.lane, candidate.id, where=candidate.where)
        self._note_open(to_line(self._recorder.records()[0]) + "\n")
        with held_back():
            reports = runtestprotocol(candidate.item, log=False, nextitem=nextitem)
        outcome, message = conclude(map(_phase, reports))
        end = {"outcome": outcome.value, "message": message, "seconds": round(time.monotonic() - started, 6)}
        violations = self._judged(self._recorder.as_ended(**end), lane)
        if violations or outcome is not Outcome.PASSED:
            self._attach(candidate, lane)
        self._recorder.end_case(**end)
        self._note_open("")
        told = _told(reports, outcome, violations)
        if any(bug.is_of(candidate.id, candidate.case.id) for bug in lane.backend.bugs(lane.versions)):
            setattr(told[-1], DECLARED, True)
        return told

    def _attach(self, candidate: Candidate[pytest.Item], lane: Lane) -> None:
        """Keep what tells more of a case that failed; each file is a record."""
        if self._attachments.wanted:
            logs = lane.logs(self._attachments.domains)
            for path in self._attachments.write(candidate.lane, candidate.id, logs):
                self._recorder.write(Kind.ATTACHMENT, path=path)

    def _refusals(self, candidate: Candidate[pytest.Item], lane: Lane) -> str:
        """Why the lane cannot run the case: each capability that it needs and that the manifest or the driver does not claim."""
        declared = lane.backend.refusals(lane.versions)
        unclaimed = self._subject.unclaimed(lane)
        lacking = sorted(candidate.case.needs & {*declared, *unclaimed})
        return "; ".join(f"{need}: {declared.get(need, 'the driver does not claim it')}" for need in lacking)

    def _judged(self, records: tuple[Record, ...], lane: Lane) -> tuple[Violation, ...]:
        return judge_case(records, facts_of(lane.backend, lane.versions, self._subject.unclaimed(lane)))

    def _without_running(
        self, candidate: Candidate[pytest.Item], outcome: Outcome, message: str, nextitem: pytest.Item | None
    ) -> list[pytest.TestReport]:
        """Say why a case does not run. What the case before it shared with it, and not with the next one, is torn down here."""
        self._recorder.begin_case(candidate.lane, candidate.id, where=candidate.where)
        candidate.item.session._setupstate.teardown_exact(nextitem)  # noqa: SLF001 - pytest does it in the protocol of each item
        self._recorder.end_case(outcome=outcome.value, message=message, seconds=0.0)
        return [_report(candidate.item, outcome, message)]


def _report(item: pytest.Item, outcome: Outcome, message: str) -> pytest.TestReport:
    path, line, _ = item.location
    place = (path, line + 1 if line is not None else 0, f"unsupported: {message}")
    unsupported = outcome is Outcome.UNSUPPORTED
    report = pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords={},
        outcome="skipped" if unsupported else "failed",
        longrepr=place if unsupported else message,
        when="setup",
    )
    setattr(report, OUTCOME, outcome.value)
    return report


def _phase(report: pytest.TestReport) -> Phase:
    skipped = report.outcome == "skipped" or hasattr(report, "wasxfail")
    return Phase(
        when=report.when,
        outcome="skipped" if skipped else report.outcome,
        message=_why(report),
        own_fault=bool(getattr(report, OWN_FAULT, False)),
    )


def _why(report: pytest.TestReport) -> str:
    """What a report says, as one paragraph of bounded length."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else report.longreprtext
    return " ".join(str(text).split())[:_LONGEST]


def _told(reports: Sequence[pytest.TestReport], outcome: Outcome, violations: Sequence[Violation]) -> list[pytest.TestReport]:
    """The reports, failed where pytest would have skipped or where the evidence breaks a rule; the last carries the outcome."""
    for report in reports:
        if report.outcome == "skipped" or hasattr(report, "wasxfail"):
            _fail(report, f"there is no skip: {report.longreprtext or getattr(report, 'wasxfail', '')}")
    if violations:
        _fail(next((r for r in reports if r.when == "call"), reports[-1]), broken(violations))
        outcome = Outcome.FAILED if outcome is Outcome.PASSED else outcome
    setattr(reports[-1], OUTCOME, outcome.value)
    return list(reports)


def _fail(report: pytest.TestReport, text: str) -> None:
    if report.failed:
        report.sections.append(("virtproof", text))
    else:
        report.longrepr = text
    report.outcome = "failed"
    vars(report).pop("wasxfail", None)


def broken(violations: Iterable[Violation]) -> str:
    """The rules that a case's evidence breaks, a line each."""
    return "\n".join(f"{each.rule}: {each.message}" for each in violations)
