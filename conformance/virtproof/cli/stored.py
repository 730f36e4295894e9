"""What lies in a run's directory, read for judging and comparing.

What belongs here: reading, with an error for each way in which a directory can be unfit. What does not: verdicts (`judging`)
and the formats (`runs`, `evidence`, `report.document`). A user's backend file is copied into the directory when it is run,
because a run can be judged again where that file is not.
"""

import shutil
from pathlib import Path
from typing import Final

from virtproof import evidence, profiles, runs
from virtproof.backends.loading import load
from virtproof.backends.model import Backend
from virtproof.discovery import found_cases
from virtproof.errors import UsageError
from virtproof.evidence import Record
from virtproof.judging import judge
from virtproof.report import REPORT_FILE
from virtproof.report.document import from_text
from virtproof.runs import EVIDENCE_FILE, PlannedCase, PlannedLane, Run
from virtproof.selection import manifest_needs
from virtproof.verdicts import Report

BACKENDS_DIR: Final = "backends"


def conclude(directory: Path, profile: str = "") -> tuple[Report, tuple[Record, ...], Run]:
    """The report of a stored run, with its records. `profile` judges it as another profile than the run's.

    Raises UsageError, naming the file and what to do, for what is missing, cut off or altered.
    """
    run, records = read_run(directory)
    scoped = rescoped(run, profile) if profile else run
    backends = {lane.backend: _backend(lane, directory) for lane in scoped.lanes}
    suite = frozenset(found.case.id for found in found_cases())
    return judge(scoped, records, backends, suite), records, scoped


def read_run(directory: Path) -> tuple[Run, tuple[Record, ...]]:
    """A stored run and its records. Raises UsageError, naming file and remedy, for what is missing, cut off or altered."""
    run = runs.read(directory)
    records = read_evidence(directory / EVIDENCE_FILE)
    if run.evidence and run.evidence != runs.evidence_digest(directory):
        raise UsageError(f"{directory / EVIDENCE_FILE}: not as the run left it: it was cut off or altered; run again")
    return run, records


def read_evidence(path: Path) -> tuple[Record, ...]:
    """The records of an evidence file. Raises UsageError naming the line that is no record."""
    try:
        with path.open(encoding="utf-8") as lines:
            return tuple(evidence.read(lines))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give the directory that `virtproof run --out` wrote") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}: it was altered; run again") from error
    except ValueError as error:
        raise UsageError(f"{path}: {error}: it was cut off or altered; run again") from error


def read_report(path: Path) -> Report:
    """The report of a directory or of a `report.json`. Raises UsageError when there is none."""
    file = path / REPORT_FILE if path.is_dir() else path
    try:
        return from_text(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; give a run's directory or its {REPORT_FILE}") from error
    except ValueError as error:
        raise UsageError(f"{file}: not a report of this suite: {error}") from error


def rescoped(run: Run, profile: str) -> Run:
    """The run as if it had been of another profile: fewer cases, and those that it never ran."""
    wanted = profiles.load(profile)
    found = {each.case.id: each for each in found_cases()}
    rest = [planned for planned in run.cases if planned.case.id in wanted.cases]
    missing = sorted(wanted.cases & found.keys() - {planned.case.id for planned in run.cases})
    rest += [PlannedCase(id=id_, case=found[id_].case, where=found[id_].where) for id_ in missing]
    needed = manifest_needs(planned.case for planned in rest)
    kept = {planned.id: planned for planned in (*rest, *(p for p in run.cases if p.case.id in needed))}
    return Run(
        suite_version=run.suite_version,
        profile=wanted.name,
        driver=run.driver,
        driver_version=run.driver_version,
        seed=run.seed,
        keyword=run.keyword,
        lanes=run.lanes,
        cases=tuple(kept[id_] for id_ in sorted(kept)),
        unavailable=run.unavailable,
        evidence=run.evidence,
    )


def keep_backends(run: Run, directory: Path) -> None:
    """Copy each backend file of the user's into the run's directory, in place of those of an earlier run."""
    shutil.rmtree(directory / BACKENDS_DIR, ignore_errors=True)
    for lane in run.lanes:
        origin = Path(lane.origin)
        if lane.origin.endswith(".toml") and origin.is_file():
            (directory / BACKENDS_DIR).mkdir(exist_ok=True)
            shutil.copyfile(origin, _kept(lane, directory))


def _kept(lane: PlannedLane, directory: Path) -> Path:
    return directory / BACKENDS_DIR / f"{lane.backend}.toml"


def _backend(lane: PlannedLane, directory: Path) -> Backend:
    kept = _kept(lane, directory)
    original = lane.origin if lane.origin.endswith(".toml") else lane.backend
    return load(str(kept) if kept.is_file() else original)
