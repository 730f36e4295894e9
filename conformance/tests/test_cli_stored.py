"""run, judge and diff over a run's directory: what is kept, what is judged again, and what altered evidence gets."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from virtproof import evidence, runs
from virtproof.cases import Case, Level
from virtproof.cli import main
from virtproof.cli.stored import conclude, keep_backends, read_evidence, rescoped
from virtproof.discovery import found_cases
from virtproof.errors import UsageError
from virtproof.judges.tape import Tape
from virtproof.runs import EVIDENCE_FILE, PlannedCase, PlannedLane, Run
from virtproof.verdicts import Verdict

ID = "lifecycle.pause.idempotent"


def planned(id_: str = ID) -> PlannedCase:
    made = Case(
        id=id_, level=Level.MUST, requirement="Pausing twice changes nothing.", source="s", since="1.0", needs=frozenset()
    )
    return PlannedCase(id=id_, case=made, where="test_lifecycle.py:7")


RUN = Run(
    suite_version="1.0",
    profile="full",
    driver="virtproof_driver:connect",
    driver_version="0.1.0",
    seed=0,
    keyword="",
    lanes=(PlannedLane(backend="test", origin="test.toml (ships with virtproof)", transport="in-process", label="test"),),
    cases=(planned(),),
)


def store(folder: Path, run: Run = RUN, outcome: str = "passed") -> Path:
    folder.mkdir(exist_ok=True)
    runs.write(run, folder)
    lines = (evidence.to_line(record) + "\n" for case in run.cases for record in Tape(case=case.id).done(outcome, "so it is"))
    (folder / EVIDENCE_FILE).write_text("".join(lines))
    return folder


def test_judging_again_writes_the_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = store(tmp_path / "run")
    assert main(["judge", str(folder)]) == 0
    assert {path.name for path in folder.iterdir()} >= {"report.json", "report.html", "junit.xml"}
    assert "conformance 100.0% (1 of 1 applicable)" in capsys.readouterr().out


def test_judging_elsewhere_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    folder = store(tmp_path / "run", outcome="failed")
    assert main(["judge", str(folder), "--out", str(tmp_path / "again")]) == 1
    assert (tmp_path / "again" / "report.json").exists()
    assert not (folder / "report.json").exists()


def test_a_lane_that_could_not_be_had_exits_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = store(tmp_path / "run", replace(RUN, unavailable=("test: no daemon; install one",)))
    assert main(["judge", str(folder)]) == 3
    assert "no lane test: no daemon; install one" in capsys.readouterr().out


ALTERED: dict[str, Callable[[str], str]] = {
    "cut in a line": lambda text: text[:-20],
    "no JSON": lambda text: text.replace("{", "", 1),
    "no record": lambda text: '{"worker":"w0"}\n' + text,
    "unknown kind": lambda text: text.replace("case-begin", "case-bogin"),
    "a list": lambda text: "[]\n" + text,
}


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED.keys())
def test_altered_evidence_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], alter: Callable[[str], str]
) -> None:
    folder = store(tmp_path / "run")
    file = folder / EVIDENCE_FILE
    file.write_text(alter(file.read_text()))
    assert main(["judge", str(folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"virtproof: {file}: evidence line ")
    assert line.endswith("it was cut off or altered; run again")


def test_evidence_of_bytes_is_told(tmp_path: Path) -> None:
    file = tmp_path / EVIDENCE_FILE
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8 at byte 0"):
        read_evidence(file)


def test_evidence_cut_between_lines_is_an_error_of_its_case(tmp_path: Path) -> None:
    folder = store(tmp_path / "run")
    file = folder / EVIDENCE_FILE
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    report, _, _ = conclude(folder)
    assert report.lanes[0].cases[0].verdict is Verdict.ERROR
    file.write_text("")
    report, _, _ = conclude(folder)
    assert report.lanes[0].cases[0].verdict is Verdict.NOT_RUN


@pytest.mark.parametrize("outcome", ["failed", "passed"])
def test_evidence_that_is_not_as_the_run_left_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], outcome: str
) -> None:
    folder = store(tmp_path, outcome="failed")
    runs.write(replace(RUN, evidence=runs.evidence_digest(folder)), folder)
    path = folder / EVIDENCE_FILE
    path.write_text(path.read_text().replace("failed", outcome))
    expected = {
        "failed": (1, ""),
        "passed": (2, f"virtproof: {path}: not as the run left it: it was cut off or altered; run again"),
    }
    assert (main(["judge", str(folder)]), capsys.readouterr().err.strip()) == expected[outcome]


@pytest.mark.parametrize("name", ["run.json", EVIDENCE_FILE])
def test_a_file_that_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    folder = store(tmp_path / "run")
    (folder / name).unlink()
    assert main(["judge", str(folder)]) == 2
    assert str(folder / name) in capsys.readouterr().err


def test_another_profile_has_its_cases_and_no_others(tmp_path: Path) -> None:
    ran, never = (found.case.id for found in found_cases()[:2])
    profile = tmp_path / "mine.txt"
    profile.write_text(f"{ran}\n{never}\n")
    scoped = rescoped(replace(RUN, cases=(planned(), planned(ran))), str(profile))
    assert (scoped.profile, {case.id for case in scoped.cases}) == ("mine", {ran, never})


def test_a_backend_file_of_the_users_is_judged_from_its_copy(tmp_path: Path) -> None:
    toml = tmp_path / "mine.toml"
    toml.write_text('name = "mine"\nuri = "test:///default"\nbasis = "mock"\n')
    lane = PlannedLane(backend="mine", origin=str(toml), transport="direct", label="mine")
    run = replace(RUN, lanes=(lane,))
    folder = store(tmp_path / "run", run)
    keep_backends(run, folder)
    toml.unlink()
    report, _, _ = conclude(folder)
    assert report.lanes[0].basis == "mock"


def test_runs_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = store(tmp_path / "good"), store(tmp_path / "bad", outcome="failed")
    assert [main(["judge", str(good)]), main(["judge", str(bad)])] == [0, 1]
    capsys.readouterr()
    assert main(["diff", str(good), str(bad / "report.json")]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "test/in-process: conformance 100.0% -> 0.0%, coverage 100.0%",
        f"  {ID}: pass -> fail  worse",
        "regression",
    ]
    assert main(["diff", str(bad), str(good)]) == 0
    assert main(["diff", str(good), str(good)]) == 0


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "virtproof-report/1"}', "\x00"])
def test_what_is_no_report_cannot_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(text)
    assert main(["diff", str(file), str(tmp_path)]) == 2
    assert "not a report of this suite" in capsys.readouterr().err


def test_a_run_from_end_to_end(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["run", "-k", "lifecycle.pause.idempotent", "--out", str(out)]) == 0
    document = json.loads((out / "report.json").read_text())
    assert not document["conformant"]  # what -k left out is not-run
    verdicts = {case["id"]: case["verdict"] for case in document["lanes"][0]["cases"]}
    assert verdicts[ID] == "pass"
    assert {verdict for id_, verdict in verdicts.items() if not id_.startswith("manifest.") and id_ != ID} == {"not-run"}
    told = capfd.readouterr()
    assert str(out / "report.html") in told.out
    assert "1/" in told.err or "cases" in told.err
