"""Runs every check that the noxfile tags `check`, then says of each what became of it and how long it took.

What belongs here: running them and the closing lines. What does not: what a check does; that is its nox session, so that there
is one definition of each. A step that nox lists and does not report as done counts as failed.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
NOX = (str(Path(sys.executable).with_name("nox")), "--noxfile", str(ROOT / "noxfile.py"), "-t", "check")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A nox session's end.

    `outcome` is nox's word (`success`, `failed`, `skipped`...), `not run` where it has none; `seconds` is wall time.
    """

    name: str
    outcome: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Only a success is one; a skipped check has checked nothing."""
        return self.outcome == "success"


def expected() -> tuple[str, ...]:
    """The sessions that must run, as nox lists them."""
    listing = subprocess.run([*NOX, "--list", "--json"], check=True, capture_output=True, text=True)
    return tuple(session["session"] for session in json.loads(listing.stdout))


def run() -> dict[str, Step]:
    """Run them all, each to its end even when an earlier one failed; the steps that nox reported, by name."""
    with tempfile.TemporaryDirectory(prefix="virtproof-steps-") as scratch:
        report = Path(scratch) / "nox.json"
        subprocess.run([*NOX, "--report", str(report)], check=False)
        told = json.loads(report.read_text() if report.exists() else '{"sessions": []}')
    steps = [Step(name=each["signatures"][0], outcome=each["result"], seconds=each["duration"]) for each in told["sessions"]]
    return {step.name: step for step in steps}


def summary(steps: Sequence[Step]) -> str:
    """A line a step and the closing count."""
    passed = sum(step.passed for step in steps)
    lines = [f"{'ok' if step.passed else 'FAILED':7} {step.seconds:7.1f} s  {step.name} ({step.outcome})" for step in steps]
    return "\n".join([*lines, f"{passed} passed, {len(steps) - passed} failed"])


def main() -> int:
    """Run the checks; 0 when all of them succeeded."""
    names = expected()
    done = run()
    steps = [done.get(name, Step(name=name, outcome="not run", seconds=0.0)) for name in names]
    print(summary(steps))
    return 0 if steps and all(step.passed for step in steps) else 1


if __name__ == "__main__":
    raise SystemExit(main())
