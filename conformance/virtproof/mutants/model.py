"""What a mutant is, and when it counts as caught.

What belongs here: the value, and the rule over a run's results. What does not: any mutant (`drivers`, `backends`), which case
must catch it (`catalogue`), and running (`runner`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique

from virtproof.verdicts import CaseResult, Report, Verdict


@unique
class Wrong(StrEnum):
    """What is wrong: the driver above the recorder, or libvirt below it."""

    DRIVER = "driver"
    BACKEND = "backend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A wrong driver or backend.

    `name` is the factory in `drivers` or `backends`, with dashes for underscores. `catcher` is the id of the case that must fail,
    `rule` the judge's rule that it must break; empty where the case's own assertion catches it. `backend` is where it runs.
    """

    name: str
    wrong: Wrong
    does: str
    catcher: str
    rule: str = ""
    backend: str = "test"

    @property
    def factory(self) -> str:
        """`module:factory`, as `--driver` takes it."""
        return f"virtproof.mutants.{self.wrong}s:{self.name.replace('-', '_')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a run against a mutant came to; `told` is the failure that caught it, or why nothing did."""

    mutant: Mutant
    caught: bool
    told: str


def finding(mutant: Mutant, report: Report) -> Finding:
    """Whether the named case failed, by the named rule where there is one.

    An error catches nothing, nor does a case that did not run.
    """
    results = [result for lane in report.lanes for result in lane.cases]
    mine = [result for result in results if base_id(result.id) == mutant.catcher]
    failed = [result for result in mine if result.verdict is Verdict.FAIL]
    by_rule = [result for result in failed if mutant.rule in {"", *(each.rule for each in result.violations)}]
    if by_rule:
        return Finding(mutant=mutant, caught=True, told=by_rule[0].reason)
    return Finding(mutant=mutant, caught=False, told=_why_not(mutant, mine, failed))


def failures(report: Report, ids: Iterable[str]) -> tuple[str, ...]:
    """What keeps these cases from having passed, a line for each result; a control run must have none."""
    wanted = frozenset(ids)
    results = [result for lane in report.lanes for result in lane.cases if base_id(result.id) in wanted]
    missing = sorted(wanted - {base_id(result.id) for result in results})
    failed = [f"{each.id}: {each.verdict}: {each.reason}" for each in results if each.verdict is not Verdict.PASS]
    return (*failed, *(f"{id_}: there is no such case" for id_ in missing))


def base_id(result_id: str) -> str:
    """A result's id without its parameter."""
    return result_id.partition("[")[0]


def _why_not(mutant: Mutant, mine: Iterable[CaseResult], failed: Iterable[CaseResult]) -> str:
    rules = sorted({violation.rule for result in failed for violation in result.violations})
    if any(True for _ in failed):
        return f"{mutant.catcher} failed, but not by {mutant.rule} (by {', '.join(rules) or 'its own assertion'})"
    verdicts = sorted({result.verdict.value for result in mine})
    return f"{mutant.catcher} is {' and '.join(verdicts) or 'not among the cases that ran'}"
