"""`virtproof events`: what the hosts of runs told of each situation, as a table; kept in a file, or held against one.

What belongs here: the command and its remedy. What does not: the table (`traces`) and reading a run's directory (`stored`). A
file that is there is added to, and a run that it has already is not counted again, so that a table grows by the runs of many
versions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from virtproof import runs
from virtproof.cli.stored import read_run
from virtproof.errors import UsageError
from virtproof.traces import LaneSightings, Table, add, answer, lanes_of, news, table_of
from virtproof.traces.acts import ACTS
from virtproof.traces.counting import DIGEST
from virtproof.traces.document import commonest_first, from_text, to_text

AS_KNOWN: Final = 0
CONTRADICTED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTold:
    """What a run tells, and the first digits of its evidence's digest."""

    lanes: tuple[LaneSightings, ...]
    digest: str


def execute(directories: Sequence[Path], out: Path | None, against: Path | None, console: Console) -> int:
    """Add the runs to `out`, hold them against `against`, or show them; 1 when they contradict it.

    Raises UsageError for what is no run, or no table.
    """
    known: Table = read_table(against) if against else {}
    kept: Table = read_table(out) if out and out.exists() else {}
    found = [_told(directory) for directory in directories]
    if out:
        _keep(kept, found, out, console)
    if against:
        return _hold(known, found, against, directories, console)
    if not out:
        show(_table(found), console)
    return AS_KNOWN


def read_table(path: Path) -> Table:
    """The table in a file. Raises UsageError when there is none."""
    try:
        return from_text(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give a file that `virtproof events --out` wrote") from error
    except ValueError as error:
        raise UsageError(f"{path}: {error}; give a file that `virtproof events --out` wrote") from error


def show(table: Table, console: Console) -> None:
    """A table for each driver and version, and whether events can drive it."""
    for key, column in sorted(table.items()):
        found = answer(column)
        console.print(f"[bold]{escape(str(key))}[/]: driven by events? {found.word}", soft_wrap=True)
        shown = RichTable("what happens", "to a domain that is", "times", "what is told")
        for situation in sorted(column.situations, key=lambda each: (list(ACTS).index(each.act), each.before)):
            for trace, seen in commonest_first(column.situations[situation]):
                told = " → ".join(trace) or "nothing"
                shown.add_row(ACTS[situation.act].words, situation.before, str(seen.times), escape(told))
        console.print(shown)


def _told(directory: Path) -> RunTold:
    run, records = read_run(directory)
    digest = (run.evidence or runs.evidence_digest(directory)).removeprefix("sha256:")[:DIGEST]
    return RunTold(lanes=lanes_of(records), digest=digest)


def _table(found: Sequence[RunTold]) -> Table:
    made: Table = {}
    for run in found:
        made = add(made, table_of(run.lanes, run.digest))
    return made


def _keep(kept: Table, found: Sequence[RunTold], out: Path, console: Console) -> None:
    """Add the runs that the table has not."""
    counted = {run for column in kept.values() for run in column.runs}
    fresh = {run.digest: run for run in found if run.digest not in counted}
    table = add(kept, _table(tuple(fresh.values())))
    try:
        out.write_text(to_text(table), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from error
    situations = sum(len(column.situations) for column in table.values())
    had = f", {len(found) - len(fresh)} were in it already" if len(fresh) < len(found) else ""
    console.print(escape(f"{out}: {len(table)} columns, {situations} situations; {len(fresh)} runs added{had}"), soft_wrap=True)


def _hold(known: Table, found: Sequence[RunTold], against: Path, directories: Sequence[Path], console: Console) -> int:
    told = news(known, [lane for run in found for lane in run.lanes])
    for each in told:
        word = "[bold red]new[/]" if each.contradicts else "new, contradicts nothing"
        console.print(f"{word}: {escape(str(each))}", soft_wrap=True)
    if not any(each.contradicts for each in told):
        console.print(escape(f"{against}: has all that these runs told"), soft_wrap=True)
        return AS_KNOWN
    remedy = f"virtproof events {' '.join(map(str, directories))} --out {against}"
    console.print(escape(f"{against} is behind the evidence. If that is right, take it up: {remedy}"), soft_wrap=True)
    return CONTRADICTED
