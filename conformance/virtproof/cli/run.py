"""`virtproof run`: run the cases, judge the evidence, write and show the report.

What belongs here: this order, and the exit code. What does not: running (`runner`), judging (`judging`), reports (`report`).
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from virtproof import confidential, runner
from virtproof.backends import load
from virtproof.backends.hosts import on_host, to_toml
from virtproof.cli import apart
from virtproof.cli.arguments import RunArguments
from virtproof.cli.stored import conclude, keep_backends
from virtproof.errors import LaneUnavailable, UsageError
from virtproof.garbage import held_back
from virtproof.options import Options
from virtproof.report import PAGE_FILE, REPORT_FILE, write_report
from virtproof.report.terminal import show
from virtproof.runner import RunOptions
from virtproof.runs import Run, read
from virtproof.verdicts import Report

CONFORMANT: Final = 0
NOT_CONFORMANT: Final = 1
HOST_FILE: Final = "host.toml"


def execute(given: RunArguments, console: Console) -> int:
    """Run, judge, report; raises the suite's errors for what could not be run."""
    if given.no_same_host:
        return apart.execute(given, _options(given), console)
    outcome = runner.run(_options(_on_host(given) if given.uri else given))
    keep_backends(read(given.out), given.out)
    with held_back():
        report, records, run = conclude(given.out)
        write_report(report, records, given.out)
    if outcome.interrupted:
        console.print("interrupted: what had run until then is judged", soft_wrap=True)
    code = finish(report, run, given.out, console)
    confidential.check(given.out, outcome.secrets)
    return code


def finish(report: Report, run: Run, out: Path, console: Console) -> int:
    """Show the report and where it lies; the exit code."""
    show(report, console)
    code = exit_code(report, run, console)
    console.print(f"{escape(str(out / REPORT_FILE))}\n{escape(str(out / PAGE_FILE))}", soft_wrap=True, highlight=False)
    return code


def exit_code(report: Report, run: Run, console: Console) -> int:
    """3 when a lane could not be had, else 0 or 1; what `-k` left out takes no part in it, and a line says so."""
    for line in run.unavailable:
        console.print(f"[bold red]no lane[/] {escape(line)}", soft_wrap=True)
    if run.unavailable:
        return LaneUnavailable.exit_code
    left_out = frozenset(case.id for case in run.cases if not case.selected)
    good = report.without(left_out).conformant
    if left_out:
        chosen = "none of the cases that ran failed" if good else "not all of the cases that ran passed"
        console.print(
            f"partial run: {chosen}, {len(left_out)} were left out; it concludes nothing of conformance", soft_wrap=True
        )
    return CONFORMANT if good else NOT_CONFORMANT


def _on_host(given: RunArguments) -> RunArguments:
    """What was asked, with the backend at the user's URI: a TOML file in the run's directory, by which it is judged again."""
    if given.suite:
        raise UsageError("--suite is for containers of ours, and --uri leads to a host of yours; give one of them")
    if len(given.backends) != 1:
        raise UsageError("--uri is the host of one backend; give one --backend")
    backend = on_host(load(given.backends[0]), given.uri)
    path = given.out / HOST_FILE
    try:
        given.out.mkdir(parents=True, exist_ok=True)
        path.write_text(to_toml(backend), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {given.out}: {error.strerror}") from error
    return replace(given, backends=(str(path),))


def _options(given: RunArguments) -> RunOptions:
    session = Options(
        backends=given.backends,
        transports=given.transports,
        driver=given.driver,
        profile=given.profile,
        suite=given.suite,
        out=given.out.resolve(),
        seed=given.seed,
        allow_host=given.allow_host,
        case_seconds=given.case_seconds,
    )
    return RunOptions(
        session=session, out=given.out.resolve(), workers=given.workers, keyword=given.keyword, pytest_args=given.pytest_args
    )
