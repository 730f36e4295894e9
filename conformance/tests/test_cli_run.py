"""The exit code of a run: what decides it, and what a partial run says of itself."""

import io

import pytest
from rich.console import Console

from virtproof.cases import Case, Level
from virtproof.cli.run import exit_code
from virtproof.runs import PlannedCase, Run
from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict


def run_of(chosen: str, unavailable: tuple[str, ...] = ()) -> Run:
    cases = tuple(PlannedCase(id=id_, case=case(id_), where="", selected=id_ in chosen) for id_ in ("a.b", "c.d"))
    return Run(
        suite_version="1.0",
        profile="full",
        driver="m:f",
        driver_version="1",
        seed=0,
        keyword="",
        lanes=(),
        cases=cases,
        unavailable=unavailable,
    )


def case(id_: str) -> Case:
    return Case(id=id_, level=Level.MUST, requirement="It does.", source="s", since="1.0", needs=frozenset())


def report_of(first: Verdict, second: Verdict) -> Report:
    results = tuple(
        CaseResult(id=id_, level=Level.MUST, verdict=verdict, reason="", seconds=0.0, evidence=(0, 0))
        for id_, verdict in (("a.b", first), ("c.d", second))
    )
    lane = LaneResult(backend="test", basis="mock", transport="in-process", versions={}, fingerprint="", cases=results)
    return Report(schema="s", suite_version="1.0", profile="full", digest="", driver="m:f", driver_version="1", lanes=(lane,))


def code_and_words(report: Report, run: Run) -> tuple[int, str]:
    told = io.StringIO()
    return exit_code(report, run, Console(file=told, width=200)), told.getvalue()


@pytest.mark.parametrize(("second", "code"), [(Verdict.PASS, 0), (Verdict.FAIL, 1), (Verdict.ERROR, 1), (Verdict.NOT_RUN, 1)])
def test_a_whole_run_is_conformant_or_not(second: Verdict, code: int) -> None:
    assert code_and_words(report_of(Verdict.PASS, second), run_of("a.b c.d")) == (code, "")


@pytest.mark.parametrize(("first", "code"), [(Verdict.PASS, 0), (Verdict.FAIL, 1), (Verdict.NOT_RUN, 1)])
def test_what_was_left_out_does_not_decide_and_is_told(first: Verdict, code: int) -> None:
    report = report_of(first, Verdict.NOT_RUN)
    found, words = code_and_words(report, run_of("a.b"))
    assert found == code
    assert words.startswith("partial run: ")
    assert "1 were left out; it concludes nothing of conformance" in words
    assert not report.conformant


def test_a_run_that_chose_nothing_is_not_conformant() -> None:
    assert code_and_words(report_of(Verdict.NOT_RUN, Verdict.NOT_RUN), run_of(""))[0] == 1


def test_a_lane_that_could_not_be_had_decides_first() -> None:
    found, words = code_and_words(report_of(Verdict.PASS, Verdict.PASS), run_of("a.b c.d", ("test-rpc: no libvirtd",)))
    assert (found, words) == (3, "no lane test-rpc: no libvirtd\n")
