"""The version matrix (`ci.versions`): what it tells of a run, what keeps it from passing, and what it calls a difference."""

import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from ci.versions import runs
from ci.versions.__main__ import table
from ci.versions.differences import Difference, differences
from ci.versions.runs import CORE, FULL, Ran, lines, perform, problems
from virtproof.cases import Level
from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict

PASS, FAIL, UNSUPPORTED = Verdict.PASS, Verdict.FAIL, Verdict.UNSUPPORTED


def report(verdicts: Mapping[str, Verdict], *, backend: str = "qemu", libvirt: str = "9.0.0", reason: str = "why") -> Report:
    cases = tuple(
        CaseResult(
            id=id_,
            level=Level.MUST,
            verdict=verdict,
            reason="" if verdict is PASS else reason,
            seconds=1.5,
            evidence=(0, 0),
        )
        for id_, verdict in verdicts.items()
    )
    versions = {"libvirt": libvirt, "libvirt-client": "9.0.0", "qemu": "7.2.22"}
    lane = LaneResult(backend=backend, basis="real", transport="unix", versions=versions, fingerprint="", cases=cases)
    return Report(schema="s", suite_version="1.0", profile="full", digest="", driver="m:f", driver_version="1", lanes=(lane,))


def ran(whole: Report, part: Report) -> Ran:
    reports = {FULL: whole, CORE: part}
    return Ran(suite="bookworm", reports=reports, wrong=tuple(problems(reports, ["qemu"])), seconds=4.0)


def test_a_line_tells_versions_and_the_two_numbers_of_both_profiles() -> None:
    made = ran(report({"a.b": PASS, "c.d": UNSUPPORTED}), report({"a.b": PASS}))
    assert made.wrong == ()
    full, core = "conformance 100.0% (1 of 1), coverage 50.0% (1 of 2)", "conformance 100.0% (1 of 1), coverage 100.0% (1 of 1)"
    who = "ok      bookworm  qemu/unix      libvirt 9.0.0, qemu 7.2.22"
    assert list(lines(made)) == [f"{who}: full {full}; core {core}; 3 s in cases"]


def test_a_failure_in_either_profile_is_told_and_is_what_is_wrong() -> None:
    made = ran(report({"a.b": PASS}), report({"a.b": FAIL}))
    assert made.wrong == ("core qemu a.b: fail: why",)
    assert [line.partition(" ")[0] for line in lines(made)] == ["FAILED"]


def test_a_lane_that_is_not_there_or_has_nothing_applicable_is_wrong() -> None:
    assert list(problems({FULL: report({"a.b": PASS})}, ["lxc", "qemu"])) == ["full: the report has no lane of lxc"]
    assert list(problems({FULL: report({"a.b": UNSUPPORTED})}, ["qemu"])) == ["full qemu: no case was applicable"]


def test_a_run_without_a_report_is_wrong_and_is_not_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "virtproof"
    program.write_text('#!/bin/sh\necho "$@"\nexit 3\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(runs, "PROGRAM", str(program))
    made = perform("sid", ["qemu", "lxc"], 2, tmp_path / "out")
    printed = (tmp_path / "out" / "run.txt").read_text(encoding="utf-8")
    assert printed == f"run --suite sid --backend=qemu --backend=lxc --profile full -n 2 --out {tmp_path / 'out'}\n"
    assert (made.reports, [*lines(made)], len(made.wrong)) == ({}, [], 1)
    assert made.wrong[0].endswith(f"ended with 3; see {tmp_path / 'out'}/run.txt")
    assert not (tmp_path / "out" / "judge.txt").exists()


def test_cases_that_differ_alike_are_one_row_and_what_is_the_same_is_none() -> None:
    first = report({"a.a": PASS, "b.b": UNSUPPORTED, "c.c": UNSUPPORTED, "d.d": PASS})
    second = report({"a.a": PASS, "b.b": PASS, "c.c": PASS, "d.d": PASS})
    third = report({"a.a": PASS, "b.b": PASS, "c.c": PASS, "d.d": FAIL, "e.e": PASS}, reason="broken")
    assert differences([first, first]) == ()
    assert differences([first, second, third]) == (
        Difference(lane="qemu/unix", verdicts=("unsupported", "pass", "pass"), why="why", cases=("b.b", "c.c")),
        Difference(lane="qemu/unix", verdicts=("pass", "pass", "fail"), why="broken", cases=("d.d",)),
        Difference(lane="qemu/unix", verdicts=("-", "-", "pass"), why="", cases=("e.e",)),
    )


def test_lanes_are_compared_with_themselves() -> None:
    assert [each.lane for each in differences([report({"a.b": PASS}), report({"a.b": PASS}, backend="lxc")])] == [
        "lxc/unix",
        "qemu/unix",
    ]


def test_the_table_has_a_column_a_suite_and_names_some_of_many_cases() -> None:
    row = Difference(lane="lxc/unix", verdicts=("known-bug", "pass"), why="[sic]", cases=tuple(f"a.b[{n}]" for n in range(5)))
    printed = io.StringIO()
    Console(file=printed, width=120).print(table([row], ("bullseye", "bookworm")))
    text = printed.getvalue()
    assert all(word in text for word in ("bullseye", "bookworm", "known-bug", "a.b[2]", "and 2 more", "[sic]"))
    assert "a.b[3]" not in text
