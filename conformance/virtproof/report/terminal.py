"""A report on the terminal: a table of verdicts, what failed and why, and the two numbers.

What belongs here: rich's tables and lines. What does not: what is in them. Nothing depends on colour alone, and where the
output is no terminal rich writes plain text.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from virtproof.report.comparison import LaneComparison
from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict

STYLES: Final = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold magenta",
    Verdict.UNSUPPORTED: "dim",
    Verdict.KNOWN_BUG: "yellow",
    Verdict.NOT_RUN: "bold yellow",
}
_TELLING: Final = (Verdict.FAIL, Verdict.ERROR, Verdict.KNOWN_BUG)
_LONGEST: Final = 20  # cases told one by one for a verdict; the report has all


def show(report: Report, console: Console) -> None:
    """The tables, the failures, and a line with the two numbers for each lane."""
    for lane in report.lanes:
        title = f"[bold]{escape(lane.backend)}/{escape(lane.transport)}[/], basis {escape(lane.basis)}, {escape(_versions(lane))}"
        console.print(title, soft_wrap=True, highlight=False)
        console.print(_table(lane))
    for lane in report.lanes:
        _cases(lane, console)
        _not_run(lane, console)
    for lane in report.lanes:
        console.print(numbers(lane), soft_wrap=True)
    verdict = "[green]conformant[/]" if report.conformant else "[bold red]not conformant[/]"
    console.print(f"{escape(report.driver)}, profile {escape(report.profile)}: {verdict}", soft_wrap=True)


def numbers(lane: LaneResult) -> str:
    """Conformance and coverage with what they are made of, and the basis: two numbers, never one."""
    passed = sum(case.verdict is Verdict.PASS for case in lane.cases)
    conformance = f"conformance {lane.conformance:.1%} ({passed} of {lane.applicable} applicable)"
    coverage = f"coverage {lane.coverage:.1%} ({lane.applicable} of {len(lane.cases)} cases)"
    return f"{escape(lane.backend)}/{escape(lane.transport)} (basis: {escape(lane.basis)}): {conformance}, {coverage}"


def show_comparison(lanes: Sequence[LaneComparison], console: Console) -> None:
    """What changed, lane by lane; a regression says so in words."""
    for lane in lanes:
        console.print(
            f"[bold]{escape(lane.name)}[/]: {_moved('conformance', lane.conformance)}, {_moved('coverage', lane.coverage)}"
        )
        for change in lane.changes:
            worse = "  [bold red]worse[/]" if change.worse else ""
            told = f"  {escape(change.id)}: {_word(change.before, 'new')} -> {_word(change.after, 'gone')}{worse}"
            console.print(told, soft_wrap=True)
        if not lane.changes:
            console.print("  no verdict changed")


def _table(lane: LaneResult) -> Table:
    table = Table()
    used = [verdict for verdict in Verdict if any(case.verdict is verdict for case in lane.cases)]
    table.add_column("area")
    for verdict in used:
        table.add_column(f"{verdict}", justify="right", style=STYLES[verdict])
    for area in dict.fromkeys(sorted(_area(case) for case in lane.cases)):
        table.add_row(area, *_row((case for case in lane.cases if _area(case) == area), used))
    table.add_section()
    table.add_row("all", *_row(lane.cases, used))
    return table


def _versions(lane: LaneResult) -> str:
    return ", ".join(f"{product} {version}" for product, version in lane.versions.items()) or "not provisioned"


def _area(case: CaseResult) -> str:
    return case.id.partition(".")[0]


def _row(cases: Iterable[CaseResult], used: Sequence[Verdict]) -> list[str]:
    counts = Counter(case.verdict for case in cases)
    return [str(counts[verdict]) if counts[verdict] else "" for verdict in used]


def _cases(lane: LaneResult, console: Console) -> None:
    for verdict in _TELLING:
        found = [case for case in lane.cases if case.verdict is verdict]
        for case in found[:_LONGEST]:
            _case(lane, case, console)
        if len(found) > _LONGEST:
            console.print(
                f"… and {len(found) - _LONGEST} more with the verdict {verdict} on {escape(lane.backend)}; the report has all"
            )


def _not_run(lane: LaneResult, console: Console) -> None:
    """What did not run, a line a reason: it is mostly one reason for many cases."""
    reasons = Counter(case.reason for case in lane.cases if case.verdict is Verdict.NOT_RUN)
    style = STYLES[Verdict.NOT_RUN]
    for reason, count in reasons.items():
        cases = f"{count} case{'s' * (count > 1)} on {escape(lane.backend)} ({escape(lane.basis)})"
        console.print(f"[{style}]{Verdict.NOT_RUN}[/] {cases}: {escape(reason)}", soft_wrap=True)


def _case(lane: LaneResult, case: CaseResult, console: Console) -> None:
    where = f"on {escape(lane.backend)} ({escape(lane.basis)}, {case.level})"
    lines = f", evidence {case.evidence[0]}-{case.evidence[1]}" if case.evidence[0] else ""
    console.print(f"[{STYLES[case.verdict]}]{case.verdict}[/] {escape(case.id)} {where}: {escape(case.reason)}", soft_wrap=True)
    for violation in case.violations:
        first, last = violation.evidence
        console.print(f"    {escape(violation.rule)}, evidence {first}-{last}: {escape(violation.message)}", soft_wrap=True)
    if case.where:
        console.print(f"    {escape(case.where)}{lines}", soft_wrap=True)


def _moved(name: str, pair: tuple[float | None, float | None]) -> str:
    before, after = (f"{value:.1%}" if value is not None else "none" for value in pair)
    return f"{name} {before}" if before == after else f"{name} {before} -> {after}"


def _word(verdict: Verdict | None, absent: str) -> str:
    return verdict.value if verdict else absent
