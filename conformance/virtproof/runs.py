"""What a run was asked to do, kept in `run.json` beside its evidence, so that a judge can tell what did not run.

What belongs here: the values, and turning them into JSON and back. What does not: what happened; that is evidence. A run is
judged from these two files alone, also on another machine and after the suite has moved on.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, cast

from virtproof.cases import Case, Level
from virtproof.errors import UsageError
from virtproof_driver import Capability

SCHEMA: Final = "virtproof-run/1"
SUITE_VERSION: Final = "1.0"
RUN_FILE: Final = "run.json"
EVIDENCE_FILE: Final = "evidence.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCase:
    """A case as collected. `id` includes a parameter in brackets; `where` is file:line in the suite.

    `selected` is false for one that an expression (`-k`) left out.
    """

    id: str
    case: Case
    where: str
    selected: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLane:
    """A lane as asked for: the backend's name, the file it came from, and the transport."""

    backend: str
    origin: str
    transport: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as planned. `unavailable` holds a line for each lane that could not be provisioned.

    `evidence` is the digest of the evidence file when the run ended; empty while it is under way.
    """

    suite_version: str
    profile: str
    driver: str
    driver_version: str
    seed: int
    keyword: str
    lanes: tuple[PlannedLane, ...]
    cases: tuple[PlannedCase, ...]
    unavailable: tuple[str, ...] = ()
    evidence: str = ""


def evidence_digest(out: Path) -> str:
    """The digest of the evidence in a run's directory as it is now; empty when there is none."""
    path = out / EVIDENCE_FILE
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def write(run: Run, out: Path) -> None:
    """Write `run.json` into the run's directory."""
    (out / RUN_FILE).write_text(to_json(run), encoding="utf-8")


def read(out: Path) -> Run:
    """The run kept in a directory. Raises UsageError, naming the file, when it is missing or not a run."""
    path = out / RUN_FILE
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give the directory that `virtproof run --out` wrote") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: not the record of a run ({error!r}); run again with this version of the suite") from error


def to_json(run: Run) -> str:
    """The run as JSON, one line a case."""
    head = {"schema": SCHEMA, **{key: value for key, value in asdict(run).items() if key not in ("lanes", "cases")}}
    body = json.dumps(head, ensure_ascii=False, indent=1)[:-2]
    lanes = _rows("lanes", [asdict(lane) for lane in run.lanes])
    return f"{body}{lanes}{_rows('cases', [_flat(planned) for planned in run.cases])}\n}}\n"


def from_json(text: str) -> Run:
    """A run from its JSON. Raises ValueError, KeyError or TypeError when it is none."""
    data = json.loads(text)
    if data.pop("schema") != SCHEMA:
        raise ValueError(f"the schema is not {SCHEMA}")
    lanes = tuple(PlannedLane(**lane) for lane in data.pop("lanes"))
    cases = tuple(_planned(entry) for entry in data.pop("cases"))
    return Run(**data | {"unavailable": tuple(data["unavailable"])}, lanes=lanes, cases=cases)


def _rows(name: str, rows: list[dict[str, object]]) -> str:
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    return f',\n "{name}": [\n{lines}\n ]' if rows else f',\n "{name}": []'


def _flat(planned: PlannedCase) -> dict[str, object]:
    case = planned.case
    return {
        "id": planned.id,
        "case": case.id,
        "level": case.level.value,
        "requirement": case.requirement,
        "source": case.source,
        "since": case.since,
        "needs": sorted(need.value for need in case.needs),
        "where": planned.where,
        "selected": planned.selected,
    }


def _planned(entry: Mapping[str, object]) -> PlannedCase:
    case = Case(
        id=str(entry["case"]),
        level=Level(str(entry["level"])),
        requirement=str(entry["requirement"]),
        source=str(entry["source"]),
        since=str(entry["since"]),
        needs=frozenset(Capability(need) for need in _strings(entry["needs"])),
    )
    return PlannedCase(id=str(entry["id"]), case=case, where=str(entry["where"]), selected=bool(entry["selected"]))


def _strings(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError("needs is not a list")
    return [str(item) for item in cast("list[object]", value)]
