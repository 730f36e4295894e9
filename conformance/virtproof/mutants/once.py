"""One run of catching cases, in a process of its own, because a wrong backend changes libvirt-python's classes.

What belongs here: what the process does. What does not: which mutants there are (`catalogue`), and starting and ending such
processes (`processes`). The process leaves `report.json` in its directory, or the file that says why there is none.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from virtproof import suite
from virtproof.cli.stored import conclude, keep_backends
from virtproof.discovery import found_cases
from virtproof.lanes.bare import bare_binding
from virtproof.mutants.model import Mutant, Wrong
from virtproof.options import REFERENCE_DRIVER, Options
from virtproof.recording.loading import load_driver
from virtproof.report import write_report
from virtproof.runner import RunOptions, run
from virtproof.runs import read
from virtproof.selection import MANIFEST

PROGRESS_FILE: Final = "progress.log"
ERROR_FILE: Final = "error.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A run to be made. `cases` are ids without parameters; `lie` is a wrong backend's factory, empty for libvirt as it is."""

    name: str
    backend: str
    cases: tuple[str, ...]
    driver: str = REFERENCE_DRIVER
    lie: str = ""


def against(mutant: Mutant) -> Attempt:
    """The run of a mutant's catcher against it."""
    cases = (mutant.catcher,)
    if mutant.wrong is Wrong.DRIVER:
        return Attempt(name=mutant.name, backend=mutant.backend, cases=cases, driver=mutant.factory)
    return Attempt(name=mutant.name, backend=mutant.backend, cases=cases, lie=mutant.factory)


def control(backend: str, mutants: Iterable[Mutant]) -> Attempt:
    """The run of all catchers of a backend where nothing is wrong."""
    cases = sorted({mutant.catcher for mutant in mutants if mutant.backend == backend})
    return Attempt(name=f"control-{backend}", backend=backend, cases=tuple(cases))


def perform(attempt: Attempt, out: Path) -> None:
    """The process's main: run, judge, leave the report."""
    _end_with_parent()
    try:
        with (out / PROGRESS_FILE).open("w", encoding="utf-8") as log, contextlib.redirect_stderr(log):
            _perform(attempt, out)
    except BaseException:  # noqa: BLE001 - whatever ended it, the process that waits must read of it
        (out / ERROR_FILE).write_text(traceback.format_exc(), encoding="utf-8")


def _end_with_parent() -> None:
    """Have this process killed when the one that waits for it is gone, for then nobody wants its report."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="virtproof-parent-watch", daemon=True).start()


def _perform(attempt: Attempt, out: Path) -> None:
    if attempt.lie:
        load_driver(attempt.lie)(bare_binding())
    run(options(attempt, out))
    keep_backends(read(out), out)
    report, records, _ = conclude(out)
    write_report(report, records, out)


def options(attempt: Attempt, out: Path) -> RunOptions:
    """The run's options: `-k` with the ids, which match parts of names, so that a few more cases may run."""
    session = Options(backends=(attempt.backend,), driver=attempt.driver, out=out)
    spared = tuple(f"--ignore={path}" for path in _other_files(attempt.cases))
    return RunOptions(session=session, out=out, keyword=" or ".join(attempt.cases), pytest_args=spared)


def _other_files(cases: Iterable[str]) -> Iterator[Path]:
    """The suite's files that hold none of the cases and no manifest case, which need not be collected."""
    wanted = {found.where.partition(":")[0] for found in found_cases() if found.case.id in cases or found.case.area == MANIFEST}
    folder = Path(suite.__path__[0])
    yield from (path for path in sorted(folder.glob("test_*.py")) if path.name not in wanted)
