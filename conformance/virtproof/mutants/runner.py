"""`virtproof mutants`: run each mutant's catcher against it, and print the score.

What belongs here: the command. What does not: the mutants, and the processes that they run in (`processes`). The catchers run
first against the real driver on the real backend: a case that fails there proves nothing when it fails on a mutant.
"""

import argparse
import os
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from virtproof.errors import SuiteError, UsageError
from virtproof.lanes.folders import make_folder, reap_folders, remove_folder
from virtproof.mutants.catalogue import MUTANTS
from virtproof.mutants.model import Finding, Mutant, failures, finding
from virtproof.mutants.once import Attempt, against, control
from virtproof.mutants.processes import Processes
from virtproof.mutants.tally import Tally
from virtproof.verdicts import Report

ALL_CAUGHT: Final = 0
SOME_MISSED: Final = 1
AT_A_TIME: Final = 2 * (os.cpu_count() or 1)  # the slow runs wait for what a mutant never does, and need no processor for it

Run = Callable[[Attempt], Report]


def main(argv: Sequence[str]) -> int:
    """Print a line a mutant and the score; 0 when each was caught by its case, 1 when not."""
    given = _parser().parse_args(argv)
    chosen = _chosen(given.backend, given.names)
    with _folder(given.out) as folder, Tally(sys.stderr, len(chosen)) as tally:
        found = run_all(chosen, Processes(folder).run, tally.add, workers=given.workers)
    console = Console()
    console.print(_table(found))
    caught = sum(each.caught for each in found)
    console.print(f"mutation score: {caught} of {len(found)} caught ({100 * caught / len(found):.0f} %)", highlight=False)
    return ALL_CAUGHT if caught == len(found) else SOME_MISSED


def run_all(chosen: Sequence[Mutant], run: Run, note: Callable[[Finding], object], *, workers: int) -> list[Finding]:
    """What each mutant came to, in the catalogue's order; `note` is told each as it ends.

    Raises SuiteError when a catcher does not pass where nothing is wrong, and when a run left no report.
    """
    backends = sorted({mutant.backend for mutant in chosen})
    with ThreadPoolExecutor(workers) as pool:
        controls = [pool.submit(_check, control(backend, chosen), run) for backend in backends]
        running = [pool.submit(_against, mutant, run, note) for mutant in chosen]
        try:
            _all_ended([*controls, *running])
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        return [each.result() for each in running]


def _all_ended(futures: Sequence[Future[Finding] | Future[None]]) -> None:
    for future in as_completed(futures):
        future.result()


def _check(attempt: Attempt, run: Run) -> None:
    broken = failures(run(attempt), attempt.cases)
    if broken:
        raise SuiteError(f"cases that catch mutants do not pass without one, on {attempt.backend}: {'; '.join(broken)}")


def _against(mutant: Mutant, run: Run, note: Callable[[Finding], object]) -> Finding:
    found = finding(mutant, run(against(mutant)))
    note(found)
    return found


def _chosen(backend: str | None, names: Sequence[str]) -> list[Mutant]:
    known = {mutant.name for mutant in MUTANTS}
    unknown = sorted(set(names) - known)
    if unknown:
        raise UsageError(f"no mutant {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    chosen = [mutant for mutant in MUTANTS if backend in {None, mutant.backend} and (not names or mutant.name in names)]
    if not chosen:
        used = ", ".join(sorted({mutant.backend for mutant in MUTANTS}))
        raise UsageError(f"none of these mutants runs on {backend!r}; the catalogue's backends are {used}")
    return chosen


@contextmanager
def _folder(given: Path | None) -> Generator[Path]:
    """Where the runs are kept: the user's folder, or one that goes with the command, or with the next run when it was killed."""
    reap_folders()
    if given is not None:
        yield given.resolve()
        return
    folder = make_folder()
    try:
        yield folder
    finally:
        remove_folder(folder)


def _table(found: Sequence[Finding]) -> Table:
    table = Table(title="mutants")
    for title in ("mutant", "what is wrong", "on", "caught by", "result"):
        table.add_column(title, overflow="fold")
    for each in found:
        mutant = each.mutant
        by = f"{mutant.catcher} ({mutant.rule})" if mutant.rule else mutant.catcher
        result = "[green]caught" if each.caught else f"[red]MISSED[/]: {escape(each.told)}"
        table.add_row(mutant.name, mutant.does, mutant.backend, escape(by), result)
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="virtproof mutants",
        description="Run the suite against wrong drivers and wrong backends: each must be caught by the case that it names.",
        epilog="Exit codes: 0 all were caught; 1 some were missed; 2 usage; 4 a catching case fails where nothing is wrong.",
        allow_abbrev=False,
    )
    parser.add_argument("names", nargs="*", metavar="MUTANT", help="only these (default: all)")
    parser.add_argument("--backend", metavar="NAME", help="only mutants that run on this backend")
    parser.add_argument(
        "-n", dest="workers", type=_positive, default=AT_A_TIME, metavar="N", help="runs at a time (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep each run's evidence and reports here (default: nowhere)")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes; give 1 or more")
    return int(text)
