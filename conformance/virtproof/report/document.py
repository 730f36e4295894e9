"""A report as the JSON document that others read, and back.

What belongs here: the fields of `report.json`, which `schema.json` beside this module fixes. What does not: files (`writing`)
and looks (`page`, `terminal`). Fields may be added; none is renamed or removed within one major version of the schema.
"""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Final, cast

import jsonschema

from virtproof.cases import Level
from virtproof.judging import SCHEMA
from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict, Violation

SCHEMA_FILE: Final = "schema.json"
Json = Mapping[str, object]


def to_document(report: Report) -> dict[str, object]:
    """The document of a report."""
    return {
        "schema": report.schema,
        "suite": {"version": report.suite_version, "profile": report.profile, "digest": report.digest},
        "subject": {"driver": report.driver, "driver_version": report.driver_version},
        "conformant": report.conformant,
        "lanes": [_lane(lane) for lane in report.lanes],
    }


def to_text(report: Report) -> str:
    """The document as JSON text, one case a line so that two reports can be compared by eye."""
    document = to_document(report)
    lanes = cast("list[dict[str, object]]", document.pop("lanes"))
    head = json.dumps(document, ensure_ascii=False, indent=1)[:-2]
    body = ",\n".join(_lane_text(lane) for lane in lanes)
    return f'{head},\n "lanes": [\n{body}\n ]\n}}\n'


def from_text(text: str) -> Report:
    """The report of a JSON text. Raises ValueError, saying where it departs from the schema, when it is none."""
    document = json.loads(text)
    try:
        jsonschema.validate(document, cast("dict[str, object]", schema()), jsonschema.Draft202012Validator)
    except jsonschema.ValidationError as problem:
        raise ValueError(f"{problem.json_path}: {problem.message[:200]}") from problem
    return _report(document)


def schema() -> Json:
    """The JSON schema that ships."""
    text = resources.files("virtproof.report").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    return cast("Json", json.loads(text))


def _lane_text(lane: Json) -> str:
    head = json.dumps({key: value for key, value in lane.items() if key != "cases"}, ensure_ascii=False)[:-1]
    cases = ",\n".join(f"   {json.dumps(case, ensure_ascii=False)}" for case in cast("list[Json]", lane["cases"]))
    return f'  {head}, "cases": [\n{cases}\n  ]}}'


def _lane(lane: LaneResult) -> dict[str, object]:
    return {
        "backend": lane.backend,
        "basis": lane.basis,
        "transport": lane.transport,
        "versions": dict(lane.versions),
        "fingerprint": lane.fingerprint,
        "conformance": round(lane.conformance, 6),
        "coverage": round(lane.coverage, 6),
        "conformant": lane.conformant,
        "cases": [_case(result) for result in lane.cases],
    }


def _case(result: CaseResult) -> dict[str, object]:
    return {
        "id": result.id,
        "level": result.level.value,
        "verdict": result.verdict.value,
        "reason": result.reason,
        "seconds": round(result.seconds, 6),
        "evidence": list(result.evidence),
        "requirement": result.requirement,
        "source": result.source,
        "where": result.where,
        "violations": [{"rule": v.rule, "message": v.message, "evidence": list(v.evidence)} for v in result.violations],
    }


def _report(document: Json) -> Report:
    suite, subject = cast("Json", document["suite"]), cast("Json", document["subject"])
    return Report(
        schema=SCHEMA,
        suite_version=str(suite["version"]),
        profile=str(suite["profile"]),
        digest=str(suite["digest"]),
        driver=str(subject["driver"]),
        driver_version=str(subject["driver_version"]),
        lanes=tuple(_read_lane(lane) for lane in cast("list[Json]", document["lanes"])),
    )


def _read_lane(lane: Json) -> LaneResult:
    return LaneResult(
        backend=str(lane["backend"]),
        basis=str(lane["basis"]),
        transport=str(lane["transport"]),
        versions=cast("Mapping[str, str]", lane["versions"]),
        fingerprint=str(lane["fingerprint"]),
        cases=tuple(_read_case(case) for case in cast("list[Json]", lane["cases"])),
    )


def _read_case(case: Json) -> CaseResult:
    return CaseResult(
        id=str(case["id"]),
        level=Level(str(case["level"])),
        verdict=Verdict(str(case["verdict"])),
        reason=str(case["reason"]),
        seconds=float(cast("float", case["seconds"])),
        evidence=_span(case["evidence"]),
        requirement=str(case.get("requirement", "")),
        source=str(case.get("source", "")),
        where=str(case.get("where", "")),
        violations=tuple(_read_violation(each) for each in cast("list[Json]", case.get("violations", []))),
    )


def _read_violation(each: Json) -> Violation:
    return Violation(rule=str(each["rule"]), message=str(each["message"]), evidence=_span(each["evidence"]))


def _span(value: object) -> tuple[int, int]:
    first, last = cast("list[int]", value)
    return first, last
