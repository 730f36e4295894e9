"""`virtproof diff`: what changed from one run to another.

What belongs here: the command. What does not: the comparison (`report.comparison`) and its looks (`report.terminal`).
"""

from pathlib import Path
from typing import Final

from rich.console import Console

from virtproof.cli.stored import read_report
from virtproof.report.comparison import compare
from virtproof.report.terminal import show_comparison

SAME_OR_BETTER: Final = 0
WORSE: Final = 1


def execute(before: Path, after: Path, console: Console) -> int:
    """Show the changes; 1 when a verdict or a lane's conformance got worse. Raises UsageError for what is no report."""
    lanes = compare(read_report(before), read_report(after))
    show_comparison(lanes, console)
    worse = any(lane.worse for lane in lanes)
    console.print("[bold red]regression[/]" if worse else "no regression")
    return WORSE if worse else SAME_OR_BETTER
