"""What the suite's own machinery costs: a whole run on the test driver, a case at a time.

What belongs here: running `virtproof run` and reading its report. A case's seconds are the report's own; wall time is this
process's view of the whole, with provisioning, judging and reports.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ci.bench.figures import Figure, Ratio, Results, median, percentile, seconds_of

PROGRAM = str(Path(sys.executable).with_name("virtproof"))
WORKERS = 2


def measure() -> Results:
    """One run of the profile `full` on the backend `test`, two workers. Ends the program when it is not conformant."""
    with tempfile.TemporaryDirectory(prefix="virtproof-bench-") as out:
        command = [PROGRAM, "run", "--backend", "test", "--profile", "full", "-n", str(WORKERS), "--out", out]
        wall = seconds_of(lambda: _conformant(command))
        report = json.loads((Path(out) / "report.json").read_text(encoding="utf-8"))
    seconds = [float(case["seconds"]) for lane in report["lanes"] for case in lane["cases"] if case["verdict"] == "pass"]
    return results(wall, seconds)


def _conformant(command: Sequence[str]) -> None:
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(f"{ended.stdout}{ended.stderr}the suite's run ended with {ended.returncode}; its time says nothing")


def results(wall: float, seconds: list[float]) -> Results:
    """Figures of the run as a whole and of its cases."""
    quantities = (
        ("cases that ran", len(seconds), "cases"),
        ("wall time of the run", wall, "s"),
        ("wall time a case", 1000 * wall / len(seconds), "ms"),
        ("a case, median", 1000 * median(seconds), "ms"),
        ("a case, 90th percentile", 1000 * percentile(seconds, 90), "ms"),
        ("a case, slowest", 1000 * max(seconds), "ms"),
    )
    figures = [
        Figure(
            benchmark="suite", host="in process", subject="virtproof run -n 2", quantity=name, value=value, unit=unit, samples=1
        )
        for name, value, unit in quantities
    ]
    overhead = Ratio(
        benchmark="suite",
        host="in process",
        quantity="both workers' wall time / time in cases",
        value=WORKERS * wall / sum(seconds),
    )
    return Results(figures=tuple(figures), ratios=(overhead,))
