"""The files of a report in a run's directory.

What belongs here: writing them. What does not: their content (`document`, `page`, `junit`). Each is written beside its place
and moved there, so that a reader never sees half a file.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from virtproof.errors import UsageError
from virtproof.evidence import Record
from virtproof.report.document import to_text
from virtproof.report.junit import to_junit
from virtproof.report.page import to_html
from virtproof.verdicts import Report

REPORT_FILE: Final = "report.json"
PAGE_FILE: Final = "report.html"
JUNIT_FILE: Final = "junit.xml"


def write_report(report: Report, records: Sequence[Record], out: Path) -> None:
    """Write `report.json`, `report.html` and `junit.xml`. Raises UsageError when the directory cannot be written."""
    texts = {REPORT_FILE: to_text(report), PAGE_FILE: to_html(report, records), JUNIT_FILE: to_junit(report)}
    try:
        for name, text in texts.items():
            _replace(out / name, text)
    except OSError as error:
        raise UsageError(f"{error.filename or out}: {error.strerror}; give a directory that can be written") from error


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8", errors="replace")
    part.replace(path)
