"""Merging: the workers' files become the run's, whole lines only, and the folder goes."""

from dataclasses import replace
from pathlib import Path

from virtproof.cases import Case, Level
from virtproof.merging import evidence_path, leave_plan, leave_unavailable, merge, note_open
from virtproof.runs import PlannedCase, PlannedLane, Run, evidence_digest, read
from virtproof_driver import Capability

CASE = Case(
    id="a.b", level=Level.SHOULD, requirement="It is here <&>.", source="päge", since="1.0", needs=frozenset({Capability.SPAWN})
)
RUN = Run(
    suite_version="1.0",
    profile="full",
    driver="m:f",
    driver_version="1",
    seed=3,
    keyword="destroy",
    lanes=(PlannedLane(backend="test", origin="test.toml", transport="in-process", label="test"),),
    cases=(PlannedCase(id="a.b[x]", case=CASE, where="test_a.py:1", selected=False),),
)


def test_workers_are_joined_one_after_another_without_a_torn_line(tmp_path: Path) -> None:
    evidence_path(tmp_path, "gw0").write_text("a1\na2\n", encoding="utf-8")
    evidence_path(tmp_path, "gw1").write_text("b1\nb2 torn", encoding="utf-8")
    merge(tmp_path)
    assert (tmp_path / "evidence.jsonl").read_text(encoding="utf-8") == "a1\na2\nb1\n"
    assert [path.name for path in tmp_path.iterdir()] == ["evidence.jsonl"]


def test_the_plan_is_kept_with_what_could_not_be_had_said_once(tmp_path: Path) -> None:
    for worker in ("gw0", "gw1"):
        leave_plan(tmp_path, worker, RUN)
        leave_unavailable(tmp_path, worker, ["cannot reach\nhost"])
    merge(tmp_path)
    assert read(tmp_path) == replace(RUN, unavailable=("cannot reach host",), evidence=evidence_digest(tmp_path))


def test_a_worker_that_died_leaves_the_beginning_of_its_last_case(tmp_path: Path) -> None:
    evidence_path(tmp_path, "gw0").write_text("a1\n", encoding="utf-8")
    note_open(tmp_path, "gw0", "begun\n")
    note_open(tmp_path, "gw1", "begun too\n")
    note_open(tmp_path, "gw1", "")
    merge(tmp_path)
    assert (tmp_path / "evidence.jsonl").read_text(encoding="utf-8") == "a1\nbegun\n"


def test_a_run_whose_workers_left_nothing_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "evidence.jsonl").write_text("kept\n", encoding="utf-8")
    merge(tmp_path)
    assert (tmp_path / "evidence.jsonl").read_text(encoding="utf-8") == "kept\n"
