"""Many migrations: `python -m ci.migrations`, or `nox -s migrations`.

What belongs here: how many, and the output: a line a kind, what is wrong below it, and a closing line. What does not: a migration
(`live`, `faults`). The seed of what is drawn is printed, and given again draws the same.
"""

import argparse
import secrets
import time
from collections.abc import Iterable

from ci.migrations import faults, live
from ci.migrations.hosts import Two, spawned, two
from ci.migrations.outcomes import Outcome, closing, lines
from virtproof.lanes.containers.images import ready_image

_EVERY = 10


def main() -> int:
    """Those in a row, then those with faults; 0 when each ended with one running instance and nothing is left."""
    given = _parser().parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    print(f"{given.live} live migrations in a row, then {given.faults} with a fault drawn by --seed {seed}", flush=True)
    ready_image(print)
    began = time.monotonic()
    with two() as hosts:
        outcomes, left = _all(hosts, given.live, given.faults, seed)
    print(*lines(outcomes), sep="\n")
    print(closing(outcomes, left, time.monotonic() - began))
    whole = len(outcomes) == given.live + given.faults
    return 0 if whole and not left and all(not each.wrong for each in outcomes) else 1


def _all(hosts: Two, in_a_row: int, broken: int, seed: int) -> tuple[list[Outcome], tuple[str, ...]]:
    uuid = spawned(hosts.hosts[0], hosts.world)
    try:
        outcomes = _told(live.migrations(hosts, uuid, in_a_row))
        outcomes += _told(faults.migrations(hosts, uuid, broken, seed))
    finally:
        hosts.whole()
        for host in hosts.hosts:
            host.driver.destroy(uuid)
    return outcomes, hosts.left()


def _told(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """All of them, with a sign of life now and then."""
    found: list[Outcome] = []
    for outcome in outcomes:
        found.append(outcome)
        if outcome.wrong or len(found) % _EVERY == 0:
            print(f"  {len(found)}: {outcome.kind}: {outcome.wrong or 'ok'}", flush=True)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ci.migrations", description="migrations between two hosts")
    parser.add_argument("--live", type=int, default=100, metavar="N", help="in a row (default: %(default)s)")
    parser.add_argument("--faults", type=int, default=30, metavar="N", help="with a fault in the middle (default: %(default)s)")
    parser.add_argument("--seed", type=int, metavar="N", help="of what is drawn (default: another each time)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
