"""diff: what changed between two reports, and what of it is a regression."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from virtproof.cases import Level
from virtproof.report.comparison import Change, LaneComparison, compare
from virtproof.report.terminal import show_comparison
from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict

V = Verdict


def report(*lanes: dict[str, Verdict]) -> Report:
    return Report(
        schema="virtproof-report/1",
        suite_version="1.0",
        profile="full",
        digest="",
        driver="d:f",
        driver_version="",
        lanes=tuple(lane(f"b{number}", verdicts) for number, verdicts in enumerate(lanes)),
    )


def lane(backend: str, verdicts: dict[str, Verdict]) -> LaneResult:
    cases = tuple(
        CaseResult(id=id_, level=Level.MUST, verdict=verdict, reason="r", seconds=0.1, evidence=(1, 2))
        for id_, verdict in verdicts.items()
    )
    return LaneResult(backend=backend, basis="mock", transport="t", versions={}, fingerprint="", cases=cases)


def test_equal_reports_have_no_changes() -> None:
    one = report({"a.b": V.PASS, "a.c": V.FAIL})
    assert compare(one, one) == (LaneComparison(name="b0/t", conformance=(0.5, 0.5), coverage=(1.0, 1.0), changes=()),)


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ({"a.b": V.PASS}, {"a.b": V.FAIL}, True),
        ({"a.b": V.PASS}, {"a.b": V.ERROR}, True),
        ({"a.b": V.PASS, "a.c": V.PASS}, {"a.b": V.UNSUPPORTED, "a.c": V.PASS}, True),
        ({"a.b": V.PASS, "a.c": V.PASS}, {"a.b": V.KNOWN_BUG, "a.c": V.PASS}, True),
        ({"a.b": V.PASS, "a.c": V.PASS}, {"a.b": V.NOT_RUN, "a.c": V.PASS}, True),
        ({"a.b": V.PASS, "a.c": V.FAIL}, {"a.b": V.PASS}, True),
        ({"a.b": V.PASS}, {"a.b": V.PASS, "a.c": V.FAIL}, True),
        ({"a.b": V.PASS}, {"a.b": V.PASS, "a.c": V.PASS}, False),
        ({"a.b": V.FAIL}, {"a.b": V.PASS}, False),
        ({"a.b": V.FAIL}, {"a.b": V.ERROR}, False),
        ({"a.b": V.UNSUPPORTED, "a.c": V.PASS}, {"a.b": V.PASS, "a.c": V.PASS}, False),
    ],
    ids=lambda value: str(value) if isinstance(value, bool) else " ".join(f"{k}={v}" for k, v in value.items()),
)
def test_what_counts_as_a_regression(before: dict[str, Verdict], after: dict[str, Verdict], worse: bool) -> None:
    (found,) = compare(report(before), report(after))
    assert found.worse is worse


def test_changes_are_new_gone_or_changed() -> None:
    (found,) = compare(
        report({"a.b": V.PASS, "a.c": V.FAIL, "a.d": V.PASS}), report({"a.b": V.PASS, "a.c": V.PASS, "a.e": V.PASS})
    )
    assert found.changes == (
        Change(id="a.c", before=V.FAIL, after=V.PASS, reason="r"),
        Change(id="a.d", before=V.PASS, after=None, reason=""),
        Change(id="a.e", before=None, after=V.PASS, reason="r"),
    )


def test_lanes_are_matched_by_name_and_a_lane_that_is_gone_is_worse() -> None:
    both, one = report({"a.b": V.PASS}, {"a.b": V.PASS}), report({"a.b": V.PASS})
    assert [(found.name, found.worse) for found in compare(both, one)] == [("b0/t", False), ("b1/t", True)]
    assert [(found.name, found.worse) for found in compare(one, both)] == [("b0/t", False), ("b1/t", False)]


def test_the_other_transport_is_another_lane() -> None:
    one = report({"a.b": V.PASS})
    other = replace(one, lanes=(replace(one.lanes[0], transport="tcp"),))
    assert [found.name for found in compare(one, other)] == ["b0/t", "b0/tcp"]


def test_the_comparison_is_shown_in_words() -> None:
    stream = io.StringIO()
    show_comparison(compare(report({"a.b": V.PASS}), report({"a.b": V.FAIL, "a.c": V.PASS})), Console(file=stream, width=200))
    assert stream.getvalue().splitlines() == [
        "b0/t: conformance 100.0% -> 50.0%, coverage 100.0%",
        "  a.b: pass -> fail  worse",
        "  a.c: new -> pass",
    ]
