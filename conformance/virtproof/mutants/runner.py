"""`virtproof mutants`: run each mutant in a process of its own, and print the score.

What belongs here: the processes, the table and the exit code. What does not: the mutants. The catching cases run first against
the real driver on the real backend: a case that fails there proves nothing when it fails on a mutant.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from virtproof.cli.stored import read_report
from virtproof.errors import SuiteError, UsageError
from virtproof.mutants.catalogue import MUTANTS
from virtproof.mutants.model import Finding, Mutant, failures, finding
from virtproof.mutants.once import CONTROL

ALL_CAUGHT: Final = 0
SOME_MISSED: Final = 1
SECONDS: Final = 300
_LAST_LINES: Final = 3


def main(argv: Sequence[str]) -> int:
    """Print a line a mutant and the score; 0 when each was caught by its case, 1 when not."""
    given = _parser().parse_args(argv)
    chosen = _chosen(given.backend, given.names)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="virtproof-mutants-") as folder:
        check_control(sorted({mutant.backend for mutant in chosen}), Path(folder))
        with ThreadPoolExecutor(max_workers=given.workers) as pool:
            found = [*pool.map(lambda mutant: run_one(mutant, Path(folder)), chosen)]
    console.print(_table(found))
    caught = sum(each.caught for each in found)
    console.print(f"mutation score: {caught} of {len(found)} caught ({100 * caught / len(found):.0f} %)", highlight=False)
    return ALL_CAUGHT if caught == len(found) else SOME_MISSED


def check_control(backends: Sequence[str], folder: Path) -> None:
    """Raises SuiteError when a catching case does not pass where nothing is wrong."""
    for backend in backends:
        out = _process(f"{CONTROL}:{backend}", folder / f"{CONTROL}-{backend}")
        catchers = {mutant.catcher for mutant in MUTANTS if mutant.backend == backend}
        broken = failures(read_report(out), catchers)
        if broken:
            raise SuiteError(f"cases that catch mutants do not pass without one: {'; '.join(broken)}")


def run_one(mutant: Mutant, folder: Path) -> Finding:
    """Run the suite's catching case against one mutant."""
    return finding(mutant, read_report(_process(mutant.name, folder / mutant.name)))


def _process(name: str, out: Path) -> Path:
    out.mkdir()
    command = [sys.executable, "-m", "virtproof.mutants.once", name, str(out)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise SuiteError(f"the run against {name} took more than {SECONDS} s") from error
    if ended.returncode != 0:
        told = " / ".join(ended.stderr.strip().splitlines()[-_LAST_LINES:])
        raise SuiteError(f"the run against {name} ended with {ended.returncode}: {told}")
    return out


def _chosen(backend: str | None, names: Sequence[str]) -> list[Mutant]:
    known = {mutant.name for mutant in MUTANTS}
    unknown = sorted(set(names) - known)
    if unknown:
        raise UsageError(f"no mutant {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    chosen = [mutant for mutant in MUTANTS if backend in {None, mutant.backend} and (not names or mutant.name in names)]
    if not chosen:
        raise UsageError(f"no mutant runs on {backend!r}; those of the catalogue run on {', '.join(_backends())}")
    return chosen


def _backends() -> list[str]:
    return sorted({mutant.backend for mutant in MUTANTS})


def _table(found: Sequence[Finding]) -> Table:
    table = Table("mutant", "wrong", "on", "caught by", "result", title="mutants")
    for each in found:
        mutant = each.mutant
        by = f"{mutant.catcher} ({mutant.rule})" if mutant.rule else mutant.catcher
        result = "[green]caught" if each.caught else f"[red]MISSED[/]: {escape(each.told)}"
        table.add_row(mutant.name, mutant.does, mutant.backend, by, result)
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="virtproof mutants", description="Run the suite against wrong drivers and backends.")
    parser.add_argument("names", nargs="*", metavar="MUTANT", help="only these (default: all)")
    parser.add_argument("--backend", metavar="NAME", help="only mutants that run on this backend")
    parser.add_argument("-n", dest="workers", type=int, default=os.cpu_count() or 1, metavar="N", help="how many at a time")
    return parser
