"""Certifies the reference driver on several releases of Debian: `python -m ci.versions`, or `nox -s versions`.

What belongs here: which suites and backends there are, and the output: a line a combination, then what differs between
neighbours. What does not: a run (`runs`) and the comparison (`differences`). Ends with 0 only when all is conformant.
"""

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ci.versions.differences import Difference, differences
from ci.versions.runs import FULL, Ran, lines, perform, said

SUITES: Final = ("bullseye", "bookworm", "trixie", "sid")  # libvirt 7.0, 9.0, 11.3, 12.8; the table's columns, in this order
BACKENDS: Final = ("test-rpc", "qemu", "lxc")
_WIDTH: Final = 200  # of the table, also where the output is no terminal
_SHOWN: Final = 3  # cases of a difference that the table names; the files of `virtproof diff` have all


def main() -> int:
    """Run what was asked for, tell each combination as it ends and the differences at last."""
    given = _parser().parse_args()
    suites, backends = _chosen(SUITES, given.suite), _chosen(BACKENDS, given.backend)
    ran = [_told(perform(suite, backends, given.processors, given.out / suite)) for suite in suites]
    reports = {each.suite: given.out / each.suite for each in ran if each.reports}
    for before, after in pairwise(reports):
        said(["diff", str(reports[before]), str(reports[after])], given.out / f"{before}-{after}.diff.txt")
    found = differences([each.reports[FULL] for each in ran if each.reports])
    Console(width=_WIDTH).print(table(found, tuple(reports)))
    print(
        f"{sum(not each.wrong for each in ran)} of {len(ran)} suites are conformant, in {sum(each.seconds for each in ran):.0f} s"
    )
    return 0 if ran and not any(each.wrong for each in ran) else 1


def table(found: Sequence[Difference], suites: Sequence[str]) -> Table:
    """The differences, a row for cases that differ alike."""
    made = Table(title=f"what differs between {', '.join(suites)}")
    for title in ("lane", *suites, "cases", "why"):
        made.add_column(title, overflow="fold")
    for each in found:
        made.add_row(each.lane, *each.verdicts, escape(_named(each.cases)), escape(each.why))
    return made


def _named(cases: Sequence[str]) -> str:
    more = f"\nand {len(cases) - _SHOWN} more" if len(cases) > _SHOWN else ""
    return "\n".join(cases[:_SHOWN]) + more


def _told(ran: Ran) -> Ran:
    print(*lines(ran), *(f"        {wrong}" for wrong in ran.wrong), f"{ran.suite}: {ran.seconds:.0f} s", sep="\n", flush=True)
    return ran


def _chosen(known: Sequence[str], given: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(each for each in known if not given or each in given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ci.versions", description="the suite on several releases of Debian")
    parser.add_argument("--suite", action="append", choices=SUITES, help="only this suite; repeatable (default: all)")
    parser.add_argument("--backend", action="append", choices=BACKENDS, help="only this backend; repeatable (default: all)")
    parser.add_argument(
        "-n", dest="processors", type=int, default=2, metavar="N", help="as for virtproof run (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where evidence and reports go")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
