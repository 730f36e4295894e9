"""`virtproof events`: showing runs, keeping them in a table, holding them against one, and what unfit input gets."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from virtproof import evidence, runs
from virtproof.cases import Case, Level
from virtproof.cli import main
from virtproof.evidence import Kind, Record
from virtproof.judges.tape import DOMAIN, Tape
from virtproof.runs import EVIDENCE_FILE, PlannedCase, PlannedLane, Run
from virtproof.traces.document import from_text

ID = "lifecycle.spawn.events"
CASE = Case(id=ID, level=Level.MUST, requirement="It is told.", source="s", since="1.0", needs=frozenset())
RUN = Run(
    suite_version="1.0",
    profile="full",
    driver="virtproof_driver:connect",
    driver_version="0.1.0",
    seed=0,
    keyword="",
    lanes=(PlannedLane(backend="test", origin="test.toml (ships with virtproof)", transport="in-process", label="test"),),
    cases=(PlannedCase(id=ID, case=CASE, where="test_lifecycle_spawn.py:7"),),
)


def stored(folder: Path, *told: tuple[int, int], libvirt: str = "9.0.0") -> Path:
    """A run in which a domain was defined and created, and that was told of the start."""
    folder.mkdir()
    versions = {"libvirt": libvirt, "test": "0.0.2"}
    lane = Record(
        worker="w0", lane="test", case="", t=1.0, kind=Kind.LANE, data={"transport": "in-process", "versions": versions}
    )
    tape = Tape(case=ID)
    tape.connection_call("defineXML", "<xml>", value=f"Domain:{DOMAIN}")
    tape.event(0)
    tape.call("create")
    tape.events(*told)
    lines = (evidence.to_line(record) + "\n" for record in (lane, *tape.done()))
    (folder / EVIDENCE_FILE).write_text("".join(lines), encoding="utf-8")
    runs.write(replace(RUN, evidence=runs.evidence_digest(folder)), folder)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return stored(tmp_path / "run", (2, 0))


def test_a_run_is_shown(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", str(run)]) == 0
    shown = capsys.readouterr().out
    assert "test (in process), libvirt 9.0: driven by events? yes" in shown
    assert "STARTED booted" in shown


def test_runs_are_added_to_a_file_each_once(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "events.json"
    assert main(["events", str(run), str(run), "--out", str(table)]) == 0
    first = table.read_text()
    other = stored(tmp_path / "other", (4, 0), (2, 0), libvirt="11.3.0")
    assert main(["events", str(run), str(other), "--out", str(table)]) == 0
    assert len(from_text(first)) == 1
    assert sorted((key.libvirt, len(column.runs), column.heard) for key, column in from_text(table.read_text()).items()) == [
        ("11.3", 1, 3),
        ("9.0", 1, 2),
    ]
    assert "1 runs added, 1 were in it already" in " ".join(capsys.readouterr().out.split())


def test_a_run_that_a_table_has_contradicts_nothing(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "events.json"
    main(["events", str(run), "--out", str(table)])
    assert main(["events", str(run), "--against", str(table)]) == 0
    assert "has all that these runs told" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("told", "libvirt", "words"),
    [
        pytest.param(
            ((4, 0), (2, 0)), "9.0.1", "an event that was not told there so far: RESUMED unpaused → STARTED", id="event"
        ),
        pytest.param((), "9.0.0", "told otherwise, where there has been one trace so far: nothing (2 times", id="silence"),
        pytest.param(((2, 0),), "10.0.0", "test (in process), libvirt 10.0: the table has no such column", id="version"),
    ],
)
def test_what_a_table_has_not_fails_with_the_remedy(
    told: tuple[tuple[int, int], ...], libvirt: str, words: str, *, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "events.json"
    main(["events", str(run), "--out", str(table)])
    before = table.read_text()
    newer = [str(stored(tmp_path / name, *told, libvirt=libvirt)) for name in ("newer", "newest")]
    assert main(["events", *newer, "--against", str(table)]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert words in shown
    assert f"take it up: virtproof events {' '.join(newer)} --out {table}" in shown
    assert table.read_text() == before


def cut_off(run: Path) -> None:
    lines = (run / EVIDENCE_FILE).read_text().splitlines(keepends=True)
    (run / EVIDENCE_FILE).write_text("".join(lines[:-1]))


def without_evidence(run: Path) -> None:
    (run / EVIDENCE_FILE).unlink()


@pytest.mark.parametrize("spoil", [cut_off, without_evidence])
def test_an_unfit_run_is_a_usage_error_and_writes_nothing(
    spoil: Callable[[Path], None], run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(run)
    assert main(["events", str(run), "--out", str(tmp_path / "events.json")]) == 2
    assert EVIDENCE_FILE in capsys.readouterr().err
    assert not (tmp_path / "events.json").exists()


@pytest.mark.parametrize("option", ["--out", "--against"])
def test_a_file_that_is_no_table_is_a_usage_error_and_stays(
    option: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "notes.json"
    file.write_text("{}")
    assert main(["events", str(run), option, str(file)]) == 2
    assert "notes.json" in capsys.readouterr().err
    assert file.read_text() == "{}"


def test_a_folder_that_is_not_there_is_a_usage_error(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", str(run), "--out", str(tmp_path / "none" / "events.json")]) == 2
    assert main(["events", str(run), "--against", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err
