"""`virtproof judge`: judge the stored evidence of a run again.

What belongs here: the command. What does not: reading a run's directory (`stored`) and judging (`judging`).
"""

from pathlib import Path

from rich.console import Console

from virtproof.cli.run import finish
from virtproof.cli.stored import conclude
from virtproof.errors import UsageError
from virtproof.garbage import held_back
from virtproof.report import write_report


def execute(directory: Path, profile: str, out: Path | None, console: Console) -> int:
    """Write the reports again, to `out` or where the run is, and show them. Raises UsageError for unfit evidence."""
    target = out or directory
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {target}: {error.strerror}") from error
    with held_back():
        report, records, run = conclude(directory, profile)
        write_report(report, records, target)
    return finish(report, run, target, console)
