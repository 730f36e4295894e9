"""When a mutant counts as caught, on made-up reports."""

from collections.abc import Sequence

import pytest

from virtproof.cases import Level
from virtproof.mutants.model import Finding, Mutant, Wrong, failures, finding
from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict, Violation

CASE = "events.made.up"
RULE = "delivery.missing"


def mutant(rule: str = "") -> Mutant:
    return Mutant(name="made-up", wrong=Wrong.DRIVER, does="nothing", catcher=CASE, rule=rule)


def result(id_: str, verdict: Verdict, *rules: str) -> CaseResult:
    violations = tuple(Violation(rule=rule, message="…", evidence=(1, 2)) for rule in rules)
    return CaseResult(
        id=id_, level=Level.MUST, verdict=verdict, reason="the reason", seconds=0.1, evidence=(1, 2), violations=violations
    )


def report(*cases: CaseResult) -> Report:
    lane = LaneResult(backend="test", basis="mock", transport="in-process", versions={}, fingerprint="", cases=cases)
    return Report(schema="s", suite_version="1.0", profile="full", digest="", driver="m:f", driver_version="", lanes=(lane,))


def test_the_factory_is_named_after_the_mutant() -> None:
    made = Mutant(name="tells-a-lie", wrong=Wrong.BACKEND, does="lies", catcher=CASE)
    assert made.factory == "virtproof.mutants.backends:tells_a_lie"


def test_a_failure_of_the_catcher_catches() -> None:
    caught = finding(mutant(), report(result("other", Verdict.PASS), result(CASE, Verdict.FAIL)))
    assert caught == Finding(mutant=mutant(), caught=True, told="the reason")


def test_one_failing_parameter_is_enough() -> None:
    assert finding(mutant(), report(result(f"{CASE}[a]", Verdict.PASS), result(f"{CASE}[b]", Verdict.FAIL))).caught


def test_a_named_rule_must_be_among_the_violations() -> None:
    assert finding(mutant(RULE), report(result(CASE, Verdict.FAIL, "delivery.order", RULE))).caught
    missed = finding(mutant(RULE), report(result(CASE, Verdict.FAIL, "delivery.order")))
    assert (missed.caught, missed.told) == (False, f"{CASE} failed, but not by {RULE} (by delivery.order)")
    by_assertion = finding(mutant(RULE), report(result(CASE, Verdict.FAIL)))
    assert (by_assertion.caught, by_assertion.told) == (False, f"{CASE} failed, but not by {RULE} (by its own assertion)")


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.FAIL])
def test_no_other_verdict_catches(verdict: Verdict) -> None:
    missed = finding(mutant(), report(result(CASE, verdict)))
    assert (missed.caught, missed.told) == (False, f"{CASE} is {verdict}")


@pytest.mark.parametrize("cases", [(), (result(f"{CASE}.longer", Verdict.FAIL),), (result("other", Verdict.FAIL),)])
def test_a_failure_of_another_case_does_not_catch(cases: Sequence[CaseResult]) -> None:
    missed = finding(mutant(), report(*cases))
    assert (missed.caught, missed.told) == (False, f"{CASE} is not among the cases that ran")


def test_a_control_has_no_failures_when_each_catcher_passes() -> None:
    passed = report(result(f"{CASE}[a]", Verdict.PASS), result("other", Verdict.FAIL))
    assert failures(passed, {CASE}) == ()


def test_a_control_tells_each_result_that_is_no_pass_and_each_case_that_is_gone() -> None:
    found = failures(report(result(f"{CASE}[a]", Verdict.UNSUPPORTED), result(f"{CASE}[b]", Verdict.ERROR)), {CASE, "gone"})
    assert found == (
        f"{CASE}[a]: unsupported: the reason",
        f"{CASE}[b]: error: the reason",
        "gone: there is no such case",
    )
