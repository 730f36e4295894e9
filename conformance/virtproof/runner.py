"""A run from outside pytest: `virtproof run` calls this, and reads the run's directory afterwards.

What belongs here: turning what was asked into one pytest session on the shipped cases, in this process, and saying how it
ended. What does not: verdicts; they come from the evidence (`judging`). The caller's own pytest settings take no part, so that
a run means the same everywhere; pytest's own output goes to `pytest.log` in the run's directory.
"""

import contextlib
import math
import os
import re
import shutil
import sys
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TextIO

import pytest
from _pytest.mark.expression import Expression

from virtproof import attachments, profiles, suite
from virtproof.confidential import Confidences
from virtproof.errors import LaneUnavailable, SuiteError, UsageError
from virtproof.lane_pool import lane_keys
from virtproof.lanes.containers.shared import PROVISIONER
from virtproof.lanes.host import check_permission
from virtproof.lanes.provisioning import make_ready, why_unavailable
from virtproof.merging import WORKERS_DIR
from virtproof.options import Options, arguments_of
from virtproof.progress import Progress
from virtproof.runs import EVIDENCE_FILE, RUN_FILE, read

LOG_FILE: Final = "pytest.log"
WAITING: Final = 2.5  # workers for a processor, where cases wait for guests
# Where CI or BUILD_NUMBER is set, pytest compares long bytes character by character: minutes for a volume of a mebibyte.
_FOREIGN: Final = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "CI", "BUILD_NUMBER")
_NO_OTHER_PLUGINS: Final = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
_PLUGINS: Final = ("-p", "virtproof.plugin", "-p", "xdist")
_SAID: Final = re.compile(r"(?:^ERROR: (?!usage:)|: error: )(.+)")
_ENDED: Final = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What `virtproof run` was asked.

    `workers` are as many processors (`processes`); 0 runs the cases in this process. `pytest_args` come last, as given.
    """

    session: Options
    out: Path
    workers: int = 0
    keyword: str = ""
    pytest_args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """How the session ended; its directory holds `run.json` and `evidence.jsonl`.

    `unavailable` has a line for each lane that could not be provisioned. `secrets` are what must stand in no file there.
    """

    out: Path
    interrupted: bool
    unavailable: tuple[str, ...]
    secrets: frozenset[bytes] = field(default=frozenset(), repr=False)


def run(options: RunOptions, stream: TextIO | None = None) -> RunOutcome:
    """Run the cases and leave the evidence in `options.out`. Progress goes to `stream` (standard error by default).

    Raises UsageError for what cannot be asked (backend, profile, expression, pytest argument), LaneUnavailable when a lane cannot
    be had here, SuiteError when pytest itself went wrong; each is one line. KeyboardInterrupt when it came before any case.
    """
    told = stream or sys.stderr
    check(options)
    for key in lane_keys(options.session):
        make_ready(key.backend, lambda line: print(line, file=told, flush=True))
    _clear(options.out)
    failures = CollectionFailures()
    confidences = Confidences()
    code = _pytest(options, Progress(told), (failures, confidences))
    log = options.out / LOG_FILE
    if code is pytest.ExitCode.USAGE_ERROR:
        raise UsageError(_last_error(log))
    if failures.nodes:
        raise SuiteError(f"{', '.join(sorted(failures.nodes))} could not be collected; see {log}")
    if code is pytest.ExitCode.INTERRUPTED and not (options.out / RUN_FILE).exists():
        raise KeyboardInterrupt
    if code not in (*_ENDED, pytest.ExitCode.INTERRUPTED) or not (options.out / RUN_FILE).exists():
        raise SuiteError(f"pytest ended with {code.name}; see {log}")
    made = read(options.out)
    if options.keyword and not any(case.selected for case in made.cases):
        raise UsageError(f"-k {options.keyword!r} matches no case of the profile {made.profile}")
    return RunOutcome(
        out=options.out,
        interrupted=code is pytest.ExitCode.INTERRUPTED,
        unavailable=made.unavailable,
        secrets=confidences.secrets,
    )


def check(options: RunOptions) -> None:
    """Find out before anything runs what can be found out: profile, expression, backends, transports, lanes.

    Raises UsageError and LaneUnavailable as `run` does.
    """
    if options.session.profile:
        profiles.check(profiles.load(options.session.profile))
    _check_expression(options.keyword)
    for key in lane_keys(options.session):
        if not key.backend.provisioner:
            check_permission(key.backend, allow_host=options.session.allow_host)
        reason = why_unavailable(key.backend)
        if reason:
            raise LaneUnavailable(f"{key.label}: {reason}")


class CollectionFailures:
    """A pytest plug-in that remembers which of the suite's files could not be collected, here or in a worker."""

    def __init__(self) -> None:
        self.nodes: set[str] = set()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file was collected, or not."""
        if report.failed:
            self.nodes.add(report.nodeid)


def processes(options: RunOptions) -> int:
    """How many worker processes there are: WAITING times `workers` for each host in a container, else `workers`.

    Cases on such a host wait for its guests much of the time: a destroy alone takes libvirt 0.2 s asleep. With `workers` for each
    of two hosts, two processors were idle for a third of the run; with half as many again, for a quarter of it. All other lanes
    live in the workers, and share them.
    """
    hosts = {key.backend.name for key in lane_keys(options.session) if key.backend.provisioner == PROVISIONER}
    return math.ceil(WAITING * options.workers) * len(hosts) if hosts else options.workers


def arguments(options: RunOptions) -> list[str]:
    """The command line of pytest for a run."""
    package = Path(suite.__path__[0])
    return [
        *("-c", str(package / "pytest.ini"), "--rootdir", str(package), *_PLUGINS, "--noconftest", "--pyargs", suite.__name__),
        *arguments_of(replace(options.session, out=options.out.resolve())),
        *(("--basetemp", str(options.out.resolve() / WORKERS_DIR / "pytest")) if options.workers else ()),
        *(("-n", str(processes(options)), "--dist", "worksteal") if options.workers else ()),
        *(("-k", options.keyword) if options.keyword else ()),
        *options.pytest_args,
    ]


def _pytest(options: RunOptions, progress: Progress, learning: Iterable[object]) -> pytest.ExitCode:
    with (
        (options.out / LOG_FILE).open("w", encoding="utf-8") as log,
        _own_settings(),
        progress,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        return pytest.ExitCode(pytest.main(arguments(options), plugins=[progress, *learning]))


def _check_expression(keyword: str) -> None:
    try:
        Expression.compile(keyword or "every")
    except SyntaxError as error:
        raise UsageError(f"-k {keyword!r}: {error.msg}; write words joined by and, or, not") from error


def _clear(out: Path) -> None:
    """Remove what an earlier run left in the directory, so that nothing of it is judged."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for folder in (WORKERS_DIR, attachments.FOLDER):
            shutil.rmtree(out / folder, ignore_errors=True)
        for name in (RUN_FILE, EVIDENCE_FILE):
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from error


@contextlib.contextmanager
def _own_settings() -> Generator[None]:
    """Without the caller's settings, and without whatever pytest plug-ins happen to be installed beside the suite."""
    names = (*_FOREIGN, _NO_OTHER_PLUGINS)
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ[_NO_OTHER_PLUGINS] = "1"
    try:
        yield
    finally:
        del os.environ[_NO_OTHER_PLUGINS]
        os.environ.update(kept)


def _last_error(log: Path) -> str:
    """What pytest said of its arguments: `ERROR: …` of a plug-in, or `pytest: error: …` among lines about where it looked."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [said.group(1).strip() for line in lines if (said := _SAID.search(line))]
    return found[-1] if found else f"pytest refused its arguments; see {log}"
