"""The processes of `virtproof mutants`: forked from a server that has everything imported, each ended after its time.

What belongs here: starting, waiting, and reading what a process left. What does not: what it does (`once`). Importing the suite
and pytest takes longer than a case; a server imports both once and is forked for each run. It has no thread and no connection
when it is forked, and no two runs share a process.
"""

import multiprocessing
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from virtproof.cli.stored import read_report
from virtproof.errors import SuiteError, UsageError
from virtproof.mutants.once import ERROR_FILE, Attempt, perform
from virtproof.verdicts import Report

SECONDS: Final = 300.0
PRELOADED: Final = ("virtproof.mutants.warm",)


class Processes:
    """Makes runs in processes, each in a directory of its own under `folder`. `seconds` is the longest that one may take."""

    def __init__(self, folder: Path, *, seconds: float = SECONDS, preloaded: Sequence[str] = PRELOADED) -> None:
        self._folder = folder
        self._seconds = seconds
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([*preloaded])

    def run(self, attempt: Attempt) -> Report:
        """The report of a run. Raises SuiteError when it took too long or left none."""
        out = self._folder / attempt.name
        out.mkdir(parents=True, exist_ok=True)
        process = self._context.Process(target=perform, args=(attempt, out), name=attempt.name)
        process.start()
        process.join(self._seconds)
        if process.is_alive():
            process.kill()
            process.join()
            raise SuiteError(f"the run of {attempt.name} took more than {self._seconds:g} s")
        try:
            return read_report(out)
        except UsageError as error:
            raise SuiteError(f"the run of {attempt.name} left no report: {_last_words(out, process.exitcode)}") from error


def _last_words(out: Path, code: int | None) -> str:
    try:
        return (out / ERROR_FILE).read_text(encoding="utf-8").strip().splitlines()[-1]
    except (OSError, IndexError):
        return f"the process ended with {code}"
