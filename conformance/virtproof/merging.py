"""One `evidence.jsonl` and one `run.json` from what the workers of a run left.

What belongs here: the files of the run's directory, and joining them. What does not: their content (`evidence`, `runs`). A
worker's file is joined whole, so that a case's lines stay together; a worker that died leaves what it had written and the
beginning of its last case.
"""

import dataclasses
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from virtproof.runs import EVIDENCE_FILE, Run, evidence_digest, from_json, to_json, write

WORKERS_DIR: Final = ".workers"
_UNAVAILABLE: Final = ".unavailable"
_OPEN: Final = ".open"


def evidence_path(out: Path, worker: str) -> Path:
    """Where a worker writes its evidence; the folder is made."""
    return _folder(out) / f"{worker}.jsonl"


def leave_plan(out: Path, worker: str, run: Run) -> None:
    """Leave what the worker collected; every worker collects the same."""
    (_folder(out) / f"{worker}.plan.json").write_text(to_json(run), encoding="utf-8")


def note_open(out: Path, worker: str, line: str) -> None:
    """Keep the first line of the case that is open, empty when none is: what remains of it when the worker dies."""
    (_folder(out) / f"{worker}{_OPEN}").write_text(line, encoding="utf-8")


def leave_unavailable(out: Path, worker: str, lines: Iterable[str]) -> None:
    """Leave a line for each lane that the worker could not have."""
    text = "".join(f"{' '.join(line.split())}\n" for line in lines)
    (_folder(out) / f"{worker}{_UNAVAILABLE}").write_text(text, encoding="utf-8")


def merge(out: Path) -> None:
    """Join the workers' files into the run's, and remove the workers' folder. Does nothing when no worker left any."""
    folder = out / WORKERS_DIR
    if not folder.is_dir():
        return
    with (out / EVIDENCE_FILE).open("wb") as joined:
        for part in sorted(folder.glob("*.jsonl")):
            joined.write(_whole_lines(part.read_bytes()))
        for died in sorted(folder.glob(f"*{_OPEN}")):
            joined.write(died.read_bytes())
    plans = sorted(folder.glob("*.plan.json"))
    if plans:
        run = from_json(plans[0].read_text(encoding="utf-8"))
        write(dataclasses.replace(run, unavailable=_unavailable(folder), evidence=evidence_digest(out)), out)
    shutil.rmtree(folder)


def _folder(out: Path) -> Path:
    folder = out / WORKERS_DIR
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _unavailable(folder: Path) -> tuple[str, ...]:
    lines = (line for path in sorted(folder.glob(f"*{_UNAVAILABLE}")) for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(dict.fromkeys(lines))


def _whole_lines(data: bytes) -> bytes:
    """Without the piece of a line that a dying worker left at the end."""
    return data[: data.rfind(b"\n") + 1]
