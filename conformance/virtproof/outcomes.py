"""How a case ended, as pytest saw its phases: passed, failed, error or unsupported.

What belongs here: the rule from phases to an outcome. What does not: the verdict, which also weighs the evidence, the manifest
and known bugs (`judging`). Only the body of a case can fail it; what breaks around the body is an error of suite or
environment, and so is pytest's own skip or xfail, because there is no skip.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

OUTCOME: Final = "virtproof_outcome"
"""The attribute by which a report tells a case's outcome."""
DECLARED: Final = "virtproof_declared"
"""The attribute by which a report says that the case is declared to fail here: a known bug."""


@unique
class Outcome(StrEnum):
    """The outcome of a case, as its CASE_END record spells it."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One of pytest's phases of a test: `when` is setup, call or teardown; `outcome` passed, failed or skipped.

    `own_fault` says that what was raised is the suite's or the environment's, whatever the phase.
    """

    when: str
    outcome: str
    message: str = ""
    own_fault: bool = False


def conclude(phases: Iterable[Phase]) -> tuple[Outcome, str]:
    """The outcome with one paragraph of why: an error anywhere outweighs a failure of the body."""
    judged = [(_of(phase), _message(phase)) for phase in phases]
    for outcome in (Outcome.ERROR, Outcome.FAILED):
        messages = [message for found, message in judged if found is outcome]
        if messages:
            return outcome, "; ".join(messages)
    return Outcome.PASSED, ""


def _of(phase: Phase) -> Outcome:
    if phase.outcome == "passed":
        return Outcome.PASSED
    if phase.outcome == "failed" and phase.when == "call" and not phase.own_fault:
        return Outcome.FAILED
    return Outcome.ERROR


def _message(phase: Phase) -> str:
    if phase.outcome == "skipped":
        return f"skipped by pytest in {phase.when}, but there is no skip: {phase.message}"
    return phase.message if phase.when == "call" else f"{phase.when}: {phase.message}"
