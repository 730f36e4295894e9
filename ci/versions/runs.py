"""One run a suite of Debian, judged as two profiles, and what it came to a lane.

What belongs here: the commands, and reading what they left. What does not: which suites and backends (`__main__`), and what
differs between them (`differences`). `core` is a subset of `full`, so that its verdicts come from the same evidence.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from virtproof.cli.stored import read_report
from virtproof.verdicts import APPLICABLE, LaneResult, Report, Verdict

PROGRAM: Final = str(Path(sys.executable).with_name("virtproof"))
FULL: Final = "full"
CORE: Final = "core"
_JUDGED: Final = (0, 1)  # exit codes after which there is a report
_BAD: Final = (Verdict.FAIL, Verdict.ERROR, Verdict.NOT_RUN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A suite's run: its reports by profile, empty when there are none, what is wrong with it, and its wall time."""

    suite: str
    reports: Mapping[str, Report]
    wrong: tuple[str, ...]
    seconds: float


def perform(suite: str, backends: Sequence[str], processors: int, out: Path) -> Ran:
    """Run the whole profile on all backends and judge it as both; the folder keeps the evidence and what was printed."""
    began = time.monotonic()
    named = [f"--backend={backend}" for backend in backends]
    run = ["run", "--suite", suite, *named, "--profile", FULL, "-n", str(processors), "--out", str(out)]
    judge = ["judge", str(out), "--profile", CORE, "--out", str(out / CORE)]
    for command in (run, judge):
        code = said(command, out / f"{command[0]}.txt")
        if code not in _JUDGED:
            wrong = (f"virtproof {' '.join(command)} ended with {code}; see {out / command[0]}.txt",)
            return Ran(suite=suite, reports={}, wrong=wrong, seconds=time.monotonic() - began)
    reports = {FULL: read_report(out), CORE: read_report(out / CORE)}
    return Ran(suite=suite, reports=reports, wrong=tuple(problems(reports, backends)), seconds=time.monotonic() - began)


def said(command: Sequence[str], file: Path) -> int:
    """The exit code of `virtproof …`, whose output goes to a file; its progress is told as it comes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as output:
        return subprocess.run([PROGRAM, *command], check=False, stdout=output).returncode


def problems(reports: Mapping[str, Report], backends: Sequence[str]) -> Iterator[str]:
    """A line for each case that keeps a report from being conformant, and for each lane that is not there."""
    for profile, report in reports.items():
        for missing in sorted(set(backends) - {lane.backend for lane in report.lanes}):
            yield f"{profile}: the report has no lane of {missing}"
        for lane in report.lanes:
            bad = [case for case in lane.cases if case.verdict in _BAD]
            yield from (f"{profile} {lane.backend} {case.id}: {case.verdict}: {case.reason}" for case in bad)
            if not lane.conformant and not bad:
                yield f"{profile} {lane.backend}: no case was applicable"


def lines(ran: Ran) -> Iterator[str]:
    """A line a lane: `ok  bookworm  qemu/unix  libvirt 9.0.0, qemu 7.2.22: full …; core …; 410 s in cases`."""
    whole = ran.reports.get(FULL)
    for lane in whole.lanes if whole else ():
        both = {profile: _same(lane, report) for profile, report in ran.reports.items()}
        outcome = "ok" if all(each.conformant for each in both.values()) else "FAILED"
        numbers = "; ".join(f"{profile} {_numbers(each)}" for profile, each in both.items())
        seconds = sum(case.seconds for case in lane.cases)
        yield f"{outcome:7} {ran.suite:9} {_name(lane):14} {_versions(lane)}: {numbers}; {seconds:.0f} s in cases"


def _same(lane: LaneResult, report: Report) -> LaneResult:
    return next(each for each in report.lanes if _name(each) == _name(lane))


def _name(lane: LaneResult) -> str:
    return f"{lane.backend}/{lane.transport}"


def _numbers(lane: LaneResult) -> str:
    passed = sum(case.verdict is Verdict.PASS for case in lane.cases)
    applicable = sum(case.verdict in APPLICABLE for case in lane.cases)
    conformance = f"conformance {lane.conformance:.1%} ({passed} of {applicable})"
    return f"{conformance}, coverage {lane.coverage:.1%} ({applicable} of {len(lane.cases)})"


def _versions(lane: LaneResult) -> str:
    return ", ".join(f"{product} {lane.versions[product]}" for product in ("libvirt", "qemu") if product in lane.versions)
