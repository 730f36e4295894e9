"""Runs the benchmarks, prints their tables and writes the JSON: `python -m ci.bench --out FILE`, or `nox -s bench`.

What belongs here: the order and the output. What does not: any measurement.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from ci.bench import inventory, latency, lifecycle, spawn, suite_time
from ci.bench.figures import Results, as_json, print_table
from ci.bench.hosts import Host, environment, hosts, machines

ON_HOSTS: Mapping[str, Callable[[Host], Results]] = {
    "lifecycle": lifecycle.measure,
    "latency": latency.measure,
    "inventory": inventory.measure,
}
SPAWN = "spawn"
SUITE = "suite"


def main() -> None:
    """Run those that were named, all by default."""
    parser = argparse.ArgumentParser(prog="python -m ci.bench", description="benchmarks of the driver and the suite")
    parser.add_argument("names", nargs="*", choices=[[], *ON_HOSTS, SPAWN, SUITE], help="what to measure; all by default")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the JSON goes")
    given = parser.parse_args()
    names = given.names or [*ON_HOSTS, SPAWN, SUITE]
    found = Results(figures=())
    with hosts() as both:
        for measure in (measure for name, measure in ON_HOSTS.items() if name in names):
            for host in both:
                found += measure(host)
    try:
        if SPAWN in names:
            with machines() as host:
                found += spawn.measure(host)
        if SUITE in names:
            found += suite_time.measure()
    finally:  # what was measured before is told even when the suite's own run fails
        given.out.write_text(json.dumps(as_json(found, environment()), indent=2) + "\n", encoding="utf-8")
        print_table(found, Console(width=140))
        print(given.out)


if __name__ == "__main__":
    main()
