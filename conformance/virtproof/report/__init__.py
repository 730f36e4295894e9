"""Reports: a run's conclusions as JSON, as a page, as JUnit XML and on the terminal."""

from virtproof.report.writing import JUNIT_FILE, PAGE_FILE, REPORT_FILE, write_report

__all__ = ["JUNIT_FILE", "PAGE_FILE", "REPORT_FILE", "write_report"]
