"""The processes of `virtproof mutants`: forked from a server that has everything imported, each ended after its time.

What belongs here: starting, waiting, and reading what a process left. What does not: what it does (`once`). Importing the suite
and pytest takes longer than a case; a server imports both once and is forked for each run. It has no thread and no connection
when it is forked, and no two runs share a process. Server and runs end with this process, whatever ends it, and the folder of the
server's socket is one that the next run's reaper knows.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from multiprocessing import util
from pathlib import Path
from typing import Final

from virtproof.cli.stored import read_report
from virtproof.errors import SuiteError, UsageError
from virtproof.lanes.daemon import LONGEST_SOCKET
from virtproof.lanes.folders import make_folder, places, remove_folder
from virtproof.mutants.once import ERROR_FILE, Attempt, perform
from virtproof.verdicts import Report

SECONDS: Final = 300.0
PRELOADED: Final = ("virtproof.mutants.warm",)
_TAIL: Final = "/virtproof-12345678/pymp-12345678/listener-12345678"
_AFTER_ITS_OWN: Final = -200  # multiprocessing removes its folder at this process's end with -100, and the higher goes first


class Processes:
    """Makes runs in processes, each in a directory of its own under `folder`. `seconds` is the longest that one may take."""

    def __init__(self, folder: Path, *, seconds: float = SECONDS, preloaded: Sequence[str] = PRELOADED) -> None:
        self._folder = folder
        self._seconds = seconds
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([*preloaded])
        _mark_folder_of_server()

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


def _mark_folder_of_server() -> None:
    """Have multiprocessing's folder, which is made once a process, in a marked one."""
    folder = make_folder(_place_of_server())
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        inside = Path(util.get_temp_dir()).parent == folder
    finally:
        tempfile.tempdir = before
    if inside:
        util.Finalize(None, remove_folder, args=(folder,), exitpriority=_AFTER_ITS_OWN)
    else:
        remove_folder(folder)


def _place_of_server() -> Path | None:
    """Where the path of the server's socket is short enough; None for the machine's temporary folder where that is nowhere."""
    short = (place for place in places() if len(os.fsencode(place)) + len(_TAIL) <= LONGEST_SOCKET and os.access(place, os.W_OK))
    return next(short, None)


def _last_words(out: Path, code: int | None) -> str:
    try:
        return (out / ERROR_FILE).read_text(encoding="utf-8").strip().splitlines()[-1]
    except (OSError, IndexError):
        return f"the process ended with {code}"
