"""A report as JUnit XML, for CI systems that show test results.

What belongs here: the mapping: a lane is a suite, a case is a test, an area is its class. What does not: other formats. JUnit
has no word for `unsupported`, `known-bug` and `not-run`: the first two are shown as skipped with the reason, the last as an
error, and each test carries its own verdict as a property.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict

_ELEMENTS: Final[Mapping[Verdict, str]] = {
    Verdict.FAIL: "failure",
    Verdict.ERROR: "error",
    Verdict.NOT_RUN: "error",
    Verdict.UNSUPPORTED: "skipped",
    Verdict.KNOWN_BUG: "skipped",
}
# What XML 1.0 cannot carry; messages of a driver may hold anything.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: Report) -> str:
    """The XML document of a report."""
    root = ET.Element("testsuites", {"name": "virtproof", **_counts([case for lane in report.lanes for case in lane.cases])})
    for lane in report.lanes:
        _suite(root, lane, report)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _counts(cases: Sequence[CaseResult]) -> dict[str, str]:
    elements = Counter(_ELEMENTS.get(case.verdict) for case in cases)
    named = {"failures": elements["failure"], "errors": elements["error"], "skipped": elements["skipped"]}
    seconds = sum(case.seconds for case in cases)
    return {"tests": str(len(cases)), **{name: str(count) for name, count in named.items()}, "time": f"{seconds:.6f}"}


def _suite(root: ET.Element, lane: LaneResult, report: Report) -> None:
    suite = ET.SubElement(root, "testsuite", {"name": f"{lane.backend}/{lane.transport}", **_counts(lane.cases)})
    _properties(
        suite,
        {
            "basis": lane.basis,
            "conformance": f"{lane.conformance:.6f}",
            "coverage": f"{lane.coverage:.6f}",
            "driver": report.driver,
            "profile": report.profile,
            **{f"version.{product}": version for product, version in lane.versions.items()},
        },
    )
    for case in lane.cases:
        _case(suite, case)


def _case(suite: ET.Element, case: CaseResult) -> None:
    area = case.id.partition(".")[0]
    test = ET.SubElement(suite, "testcase", classname=area, name=_text(case.id), time=f"{case.seconds:.6f}")
    _properties(
        test,
        {
            "verdict": case.verdict.value,
            "level": case.level.value,
            "requirement": case.requirement,
            "source": case.source,
            "where": case.where,
            "evidence": f"{case.evidence[0]}-{case.evidence[1]}",
        },
    )
    if case.verdict in _ELEMENTS:
        told = ET.SubElement(test, _ELEMENTS[case.verdict], message=_text(f"{case.verdict.value}: {case.reason}"))
        told.text = _text("\n".join(f"{v.rule} (evidence {v.evidence[0]}-{v.evidence[1]}): {v.message}" for v in case.violations))


def _properties(parent: ET.Element, values: Mapping[str, str]) -> None:
    properties = ET.SubElement(parent, "properties")
    for name, value in values.items():
        ET.SubElement(properties, "property", name=name, value=_text(value))


def _text(value: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value)
