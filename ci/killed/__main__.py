"""Kills runs at many moments and looks for what stays after the next one's reaper: `python -m ci.killed`, or `nox -s killed`.

What belongs here: which rounds are made, and the output: a line a round, then what is wrong with it. What does not: a round
(`rounds`). The seed of the moments that are drawn is printed, and given again makes the same moments.
"""

import argparse
import itertools
import secrets
import time
from collections import Counter
from collections.abc import Iterable
from typing import Final

from ci.killed.moments import MOMENTS, Moment, drawn
from ci.killed.rounds import Result, perform
from ci.killed.traces import Trace
from virtproof.lanes.containers.engine import connected
from virtproof.lanes.containers.images import ready_image

NEXT_RUN: Final = ("run", "--backend", "lxc", "--profile", "full", "-k", "lifecycle.pause.idempotent")


def main() -> int:
    """All moments of the table and some that are drawn; 0 when nothing stayed."""
    given = _parser().parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    chosen = [
        *(each for each in MOMENTS if given.only in f"{each.name}, {each.killed.value}"),
        *itertools.islice(drawn(seed), given.rounds),
    ]
    print(f"{len(chosen)} runs are killed, {given.rounds} of them at moments drawn by --seed {seed}", flush=True)
    began = time.monotonic()
    good = [_good(each, last=each is chosen[-1]) for each in chosen]
    print(f"{sum(good)} of {len(good)} rounds left nothing, in {time.monotonic() - began:.0f} s")
    return 0 if good and all(good) else 1


def _good(moment: Moment, *, last: bool) -> bool:
    engine = connected()
    try:
        result = perform(moment, engine, next_run=NEXT_RUN if last else ())
    finally:
        engine.close()
    print(line(result), *(f"        {wrong}" for wrong in result.wrong), sep="\n", flush=True)
    return not result.wrong


def line(result: Result) -> str:
    """`ok        9.3 s  a container is there: killed leader and workers; left 1 container, 2 temporary files; then nothing`."""
    then = "then nothing" if not result.wrong else "and then:"
    outcome = "ok" if not result.wrong else "FAILED"
    return f"{outcome:7} {result.seconds:6.1f} s  {result.name}: killed {result.killed}; left {_counted(result.left)}; {then}"


def _counted(left: Iterable[Trace]) -> str:
    counts = Counter(each.kind for each in left)
    return ", ".join(_number(counts[kind], kind) for kind in sorted(counts)) or "nothing"


def _number(count: int, kind: str) -> str:
    many = "es" if kind.endswith("s") else "s"
    return f"{count} {kind}{many if count > 1 else ''}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ci.killed", description="what a killed run leaves after the next one")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="moments that are drawn (default: %(default)s)")
    parser.add_argument("--seed", type=int, metavar="N", help="of the moments that are drawn (default: another each time)")
    parser.add_argument(
        "--only", default="", metavar="WORDS", help="only moments of the table whose name or victim has these words"
    )
    return parser


if __name__ == "__main__":
    ready_image(print)
    raise SystemExit(main())
