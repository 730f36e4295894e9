"""Outcomes: only the body can fail a case; everything around it, and every skip, is an error."""

import pytest

from virtproof.outcomes import Outcome, Phase, conclude

NO_SKIP = "but there is no skip: why"
PASSED = [Phase(when=when, outcome="passed") for when in ("setup", "call", "teardown")]


def phases(when: str, outcome: str, *, own_fault: bool = False) -> list[Phase]:
    broken = Phase(when=when, outcome=outcome, message="why", own_fault=own_fault)
    return [broken if phase.when == when else phase for phase in PASSED]


def test_three_phases_that_passed_are_a_pass_without_a_message() -> None:
    assert conclude(PASSED) == (Outcome.PASSED, "")


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param(phases("call", "failed"), (Outcome.FAILED, "why"), id="body"),
        pytest.param(phases("call", "failed", own_fault=True), (Outcome.ERROR, "why"), id="the suite's fault in the body"),
        pytest.param(phases("setup", "failed"), (Outcome.ERROR, "setup: why"), id="set-up"),
        pytest.param(phases("teardown", "failed"), (Outcome.ERROR, "teardown: why"), id="teardown"),
        pytest.param(phases("call", "skipped"), (Outcome.ERROR, f"skipped by pytest in call, {NO_SKIP}"), id="skip in body"),
        pytest.param(phases("setup", "skipped"), (Outcome.ERROR, f"skipped by pytest in setup, {NO_SKIP}"), id="skip in set-up"),
    ],
)
def test_a_phase_that_did_not_pass_decides(case: list[Phase], expected: tuple[Outcome, str]) -> None:
    assert conclude(case) == expected


def test_an_error_outweighs_a_failure() -> None:
    both = [phases("call", "failed")[1], phases("teardown", "failed")[2]]
    assert conclude(both) == (Outcome.ERROR, "teardown: why")
