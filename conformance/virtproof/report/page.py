"""A report as one self-contained HTML page.

What belongs here: the values that the template prints, chosen once. What does not: markup (`templates/`) and files
(`writing`). The page fetches nothing, works without JavaScript as plain tables, and escapes every value, because reasons
quote what a driver said.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import jinja2

from virtproof.evidence import Kind, Record
from virtproof.judges import RULES
from virtproof.report.timeline import Timeline, timeline
from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict

EXPLAINED: Final = frozenset({Verdict.FAIL, Verdict.ERROR, Verdict.KNOWN_BUG})
BASES: Final[Mapping[str, str]] = {
    "real": "a hypervisor ran guests",
    "simulated": "real libvirt driver code over a simulated hypervisor",
    "mock": "libvirt's test driver",
    "fake": "our Python fake",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A case on a lane, as a row of the table. Only what failed has a timeline."""

    key: str
    area: str
    lane: str
    basis: str
    case: CaseResult
    timeline: Timeline | None
    attachments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneCard:
    """A lane's head: its two numbers are kept apart, each with what it is made of."""

    name: str
    lane: LaneResult
    meaning: str
    passed: int


def to_html(report: Report, records: Iterable[Record]) -> str:
    """The page of a report, with a timeline from these records for each case that did not pass."""
    rows = _rows(report, _by_case(records))
    template = _environment().get_template("page.html.j2")
    return template.render(
        report=report,
        cards=[_card(lane) for lane in report.lanes],
        rows=sorted(rows, key=lambda row: (_ORDER[row.case.verdict], row.area, row.case.id, row.lane)),
        explained=EXPLAINED,
        rules=RULES,
        choices=_choices(rows),
    )


_ORDER: Final[Mapping[Verdict, int]] = {
    verdict: place
    for place, verdict in enumerate(
        (Verdict.FAIL, Verdict.ERROR, Verdict.NOT_RUN, Verdict.KNOWN_BUG, Verdict.PASS, Verdict.UNSUPPORTED)
    )
}


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("virtproof.report", "templates")
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _by_case(records: Iterable[Record]) -> Mapping[tuple[str, str], list[Record]]:
    grouped: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        grouped.setdefault((record.lane, record.case), []).append(record)
    return grouped


def _rows(report: Report, grouped: Mapping[tuple[str, str], list[Record]]) -> list[Row]:
    found = ((lane, case) for lane in report.lanes for case in lane.cases)
    return [_row(number, lane, case, grouped) for number, (lane, case) in enumerate(found, 1)]


def _row(number: int, lane: LaneResult, case: CaseResult, grouped: Mapping[tuple[str, str], list[Record]]) -> Row:
    labels = (lane.backend, f"{lane.backend}/{lane.transport}")
    records: Sequence[Record] = next((grouped[label, case.id] for label in labels if (label, case.id) in grouped), ())
    told = case.verdict in EXPLAINED and records
    return Row(
        key=f"case-{number}",
        area=case.id.partition(".")[0],
        lane=f"{lane.backend}/{lane.transport}",
        basis=lane.basis,
        case=case,
        timeline=timeline(records, case.violations) if told else None,
        attachments=tuple(str(record.data["path"]) for record in records if record.kind is Kind.ATTACHMENT),
    )


def _card(lane: LaneResult) -> LaneCard:
    return LaneCard(
        name=f"{lane.backend}/{lane.transport}",
        lane=lane,
        meaning=BASES.get(lane.basis, ""),
        passed=sum(case.verdict is Verdict.PASS for case in lane.cases),
    )


def _choices(rows: Sequence[Row]) -> Mapping[str, tuple[str, ...]]:
    """What each filter offers, in a stable order."""
    return {
        "lane": tuple(dict.fromkeys(row.lane for row in rows)),
        "area": tuple(sorted({row.area for row in rows})),
        "verdict": tuple(verdict.value for verdict in _ORDER if any(row.case.verdict is verdict for row in rows)),
        "level": tuple(level for level in ("must", "should", "may") if any(row.case.level == level for row in rows)),
    }
