"""Progress: what the line says, and when it is written."""

import io
from types import SimpleNamespace
from typing import cast

import pytest

from virtproof.outcomes import DECLARED, OUTCOME, Outcome
from virtproof.progress import Progress, line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def report(nodeid: str, outcome: Outcome | None) -> pytest.TestReport:
    made = pytest.TestReport(nodeid=nodeid, location=("f", 1, "t"), keywords={}, outcome="passed", longrepr=None, when="call")
    if outcome is not None:
        setattr(made, OUTCOME, outcome.value)
    return made


def test_the_line_names_the_outcomes_that_occurred_the_worst_first() -> None:
    counts: dict[str, int] = {Outcome.PASSED: 110, Outcome.UNSUPPORTED: 8, Outcome.FAILED: 2, Outcome.ERROR: 0}
    assert line(counts, 243, 14.4) == "120/243 cases, 2 failed, 8 unsupported, 110 passed, 14 s"


def test_off_a_terminal_a_line_is_written_when_the_interval_has_passed_and_at_the_end() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress(stream, clock=clock, interval=5) as progress:
        progress.pytest_collection_finish(cast("pytest.Session", cast("object", SimpleNamespace(items=[1, 2, 3]))))
        progress.pytest_runtest_logreport(report("a", Outcome.PASSED))
        assert stream.getvalue() == ""
        clock.now += 6
        progress.pytest_runtest_logreport(report("b", None))
        progress.pytest_runtest_logreport(report("b", Outcome.FAILED))
        assert stream.getvalue() == "2/3 cases, 1 failed, 1 passed, 6 s\n"
        clock.now += 1
        progress.pytest_runtest_logreport(report("c", Outcome.UNSUPPORTED))
    assert stream.getvalue().splitlines()[1:] == ["3/3 cases, 1 failed, 1 unsupported, 1 passed, 7 s"]


def test_on_a_terminal_one_line_is_rewritten() -> None:
    stream, clock = Terminal(), Clock()
    with Progress(stream, clock=clock) as progress:
        progress.pytest_xdist_node_collection_finished(["a", "b"])
        clock.now += 1
        progress.pytest_runtest_logreport(report("a", Outcome.PASSED))
    assert stream.getvalue() == "\r\x1b[K1/2 cases, 1 passed, 1 s" * 2 + "\n"


def test_a_failure_that_is_declared_alarms_nobody_and_a_pass_is_a_pass() -> None:
    stream = io.StringIO()
    with Progress(stream, clock=Clock()) as progress:
        progress.pytest_xdist_node_collection_finished(["a", "b", "c"])
        for nodeid, outcome, declared in (("a", Outcome.FAILED, True), ("b", Outcome.PASSED, True), ("c", Outcome.FAILED, False)):
            told = report(nodeid, outcome)
            setattr(told, DECLARED, declared)
            progress.pytest_runtest_logreport(told)
    assert stream.getvalue() == "3/3 cases, 1 failed, 1 known-bug, 1 passed, 0 s\n"
