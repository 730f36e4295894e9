"""report.json: the fields that design fixes, the schema that ships, and the way back."""

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from virtproof.cases import Level
from virtproof.report.document import from_text, schema, to_document, to_text
from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict, Violation

CASE = CaseResult(
    id="lifecycle.stop.forced[é]",
    level=Level.MUST,
    verdict=Verdict.FAIL,
    reason='<b>not</b> & "so"',
    seconds=0.25,
    evidence=(2, 9),
    requirement="stop() forces an instance off.",
    source="https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainShutdown",
    where="test_lifecycle.py:7",
    violations=(Violation(rule="operation.early", message="too early", evidence=(3, 4)),),
)
LANE = LaneResult(
    backend="test", basis="mock", transport="in-process", versions={"libvirt": "9.0.0"}, fingerprint="f1", cases=(CASE,)
)
REPORT = Report(
    schema="virtproof-report/1",
    suite_version="1.0",
    profile="full",
    digest="sha256:" + "0" * 64,
    driver="virtproof_driver:connect",
    driver_version="0.1.0",
    lanes=(LANE, replace(LANE, transport="unix", cases=(replace(CASE, verdict=Verdict.PASS, reason="", violations=()),))),
)


def test_a_report_is_read_back_as_it_was() -> None:
    assert from_text(to_text(REPORT)) == REPORT


def test_the_text_is_the_document() -> None:
    assert json.loads(to_text(REPORT)) == to_document(REPORT)


def test_an_empty_report_is_one_too() -> None:
    empty = replace(REPORT, lanes=(replace(LANE, cases=(), versions={}, fingerprint=""),))
    assert from_text(to_text(empty)) == empty


def test_the_fields_that_are_fixed_are_there() -> None:
    document: Any = to_document(REPORT)
    assert document["schema"] == "virtproof-report/1"
    assert document["suite"].keys() >= {"version", "profile", "digest"}
    assert document["subject"] == {"driver": "virtproof_driver:connect", "driver_version": "0.1.0"}
    lane = document["lanes"][0]
    assert lane.keys() >= {"backend", "basis", "transport", "versions", "fingerprint", "conformance", "coverage", "cases"}
    assert (lane["conformance"], lane["coverage"]) == (0.0, 1.0)
    assert lane["cases"][0].items() >= {"id": CASE.id, "level": "must", "verdict": "fail", "reason": CASE.reason}.items()
    assert lane["cases"][0]["evidence"] == [2, 9]


def test_the_schema_is_a_schema_and_holds_the_document() -> None:
    jsonschema.Draft202012Validator.check_schema(dict(schema()))
    jsonschema.validate(json.loads(to_text(REPORT)), dict(schema()), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "virtproof-report/9"),
        (("lanes", 0, "basis"), "guess"),
        (("lanes", 0, "conformance"), 1.5),
        (("lanes", 0, "cases", 0, "verdict"), "skip"),
        (("lanes", 0, "cases", 0, "evidence"), [1]),
        (("suite", "digest"), "md5:0"),
    ],
    ids=str,
)
def test_the_schema_refuses_what_is_wrong(path: tuple[str | int, ...], value: object) -> None:
    document: Any = json.loads(to_text(REPORT))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(ValueError, match=r"^\$"):
        from_text(json.dumps(document))


def test_the_schema_asks_for_what_is_fixed() -> None:
    with pytest.raises(ValueError, match="'lanes' is a required property"):
        from_text('{"schema": "virtproof-report/1", "suite": {}, "subject": {}}')
