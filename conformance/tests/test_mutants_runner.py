"""`virtproof mutants`: a whole run on real mutants, the score and the exit codes, and what is told while it works."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from virtproof.cases import Level
from virtproof.errors import SuiteError
from virtproof.mutants import runner
from virtproof.mutants.catalogue import MUTANTS
from virtproof.mutants.model import Finding, Mutant
from virtproof.mutants.once import Attempt, against, control, options
from virtproof.mutants.processes import Processes
from virtproof.mutants.tally import Tally
from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict

PROGRAM = str(Path(sys.executable).with_name("virtproof"))
DRIVER, BACKEND = (next(each for each in MUTANTS if each.name == name) for name in ("pause-once", "always-running"))


def typed(*words: str) -> subprocess.CompletedProcess[str]:
    """`virtproof mutants` as a user types it, on a wide terminal."""
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(
        [PROGRAM, "mutants", *words], cwd="/", capture_output=True, text=True, check=False, timeout=100, env=environment
    )


def report(verdicts: dict[str, Verdict]) -> Report:
    cases = tuple(
        CaseResult(id=id_, level=Level.MUST, verdict=verdict, reason="why", seconds=0.0, evidence=(1, 1))
        for id_, verdict in verdicts.items()
    )
    lane = LaneResult(backend="test", basis="mock", transport="in-process", versions={}, fingerprint="", cases=cases)
    return Report(schema="s", suite_version="1.0", profile="full", digest="", driver="m:f", driver_version="", lanes=(lane,))


def answering(control_: Verdict, mutants: Verdict) -> Callable[[Attempt], Report]:
    """Runs that end so."""
    return lambda attempt: report(dict.fromkeys(attempt.cases, control_ if attempt.name.startswith("control") else mutants))


def never(attempt: Attempt) -> Report:
    raise AssertionError(f"nothing may run, and {attempt.name} did")


def in_place_of_processes(monkeypatch: pytest.MonkeyPatch, run: Callable[[Attempt], Report]) -> None:
    def method(_self: Processes, attempt: Attempt) -> Report:
        return run(attempt)

    monkeypatch.setattr(Processes, "run", method)


# --- whole runs -------------------------------------------------------------------------------------------------------


def test_a_wrong_driver_and_a_wrong_backend_are_caught(tmp_path: Path) -> None:
    done = typed(DRIVER.name, BACKEND.name, "-n", "2", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("mutation score: 2 of 2 caught (100 %)\n")
    rows = [line for line in done.stdout.splitlines() if "caught │" in line]
    assert [DRIVER.catcher in rows[0], BACKEND.catcher in rows[1]] == [True, True]
    assert done.stderr.splitlines()[0] == "0/2 mutants, 0 caught, 0 s"
    assert done.stderr.splitlines()[-1].startswith("2/2 mutants, 2 caught, ")
    assert sorted(path.name for path in tmp_path.iterdir()) == [BACKEND.name, "control-test", DRIVER.name]
    assert all((path / "report.json").is_file() for path in tmp_path.iterdir())


def test_a_mutant_that_nobody_knows_is_the_users_mistake() -> None:
    done = typed("no-such-mutant")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("virtproof: no mutant 'no-such-mutant'; there are: always-running, ")


def test_a_backend_that_none_of_the_mutants_runs_on_is_the_users_mistake() -> None:
    done = typed("--backend", "qemu", "pause-once")
    assert (done.returncode, done.stdout) == (2, "")
    known = "lxc, qemu, test, test-rpc"
    assert done.stderr == f"virtproof: none of these mutants runs on 'qemu'; the catalogue's backends are {known}\n"


def test_a_run_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"the run of pause-once took more than 0\.001 s"):
        Processes(tmp_path, seconds=0.001, preloaded=()).run(against(DRIVER))


def test_a_run_that_leaves_no_report_says_why(tmp_path: Path) -> None:
    attempt = Attempt(name="nowhere", backend="no-such-backend", cases=(DRIVER.catcher,))
    with pytest.raises(SuiteError, match=r"the run of nowhere left no report: .*UsageError: no backend 'no-such-backend'"):
        Processes(tmp_path, preloaded=()).run(attempt)


# --- the order of things, on made-up runs -----------------------------------------------------------------------------


def test_findings_keep_the_catalogues_order_and_are_told_as_they_come() -> None:
    told: list[Finding] = []
    found = runner.run_all([DRIVER, BACKEND], answering(Verdict.PASS, Verdict.FAIL), told.append, workers=2)
    assert [(each.mutant, each.caught) for each in found] == [(DRIVER, True), (BACKEND, True)]
    assert {each.mutant for each in told} == {DRIVER, BACKEND}


def test_a_control_that_fails_ends_the_command_and_names_the_case() -> None:
    with pytest.raises(SuiteError, match=f"on test: {DRIVER.catcher}: fail: why") as caught:
        runner.run_all([DRIVER], answering(Verdict.FAIL, Verdict.FAIL), lambda _: None, workers=1)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("verdict", "code", "score"),
    [
        pytest.param(Verdict.FAIL, 0, "1 of 1 caught (100 %)", id="caught"),
        pytest.param(Verdict.PASS, 1, "0 of 1 caught (0 %)", id="missed"),
    ],
)
def test_the_score_decides_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verdict: Verdict, code: int, score: str
) -> None:
    in_place_of_processes(monkeypatch, answering(Verdict.PASS, verdict))
    assert runner.main([DRIVER.name]) == code
    assert capsys.readouterr().out.splitlines()[-1] == f"mutation score: {score}"


@pytest.mark.parametrize("words", [["-n", "0"], ["-n", "many"], ["--back", "test"]])
def test_an_option_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    in_place_of_processes(monkeypatch, never)
    with pytest.raises(SystemExit) as ended:
        runner.main([*words, DRIVER.name])
    assert (ended.value.code, capsys.readouterr().out) == (2, "")


# --- what a run is asked ----------------------------------------------------------------------------------------------


def test_a_wrong_driver_runs_above_libvirt_as_it_is() -> None:
    assert against(DRIVER) == Attempt(name=DRIVER.name, backend="test", cases=(DRIVER.catcher,), driver=DRIVER.factory)


def test_a_wrong_backend_runs_below_the_reference_driver() -> None:
    assert against(BACKEND) == Attempt(name=BACKEND.name, backend="test", cases=(BACKEND.catcher,), lie=BACKEND.factory)


def test_a_control_runs_each_catcher_of_its_backend_once() -> None:
    elsewhere: Mutant = replace(DRIVER, name="elsewhere", backend="test-rpc", catcher="connection.made.up")
    found = control("test", [DRIVER, BACKEND, BACKEND, elsewhere])
    assert found == Attempt(name="control-test", backend="test", cases=tuple(sorted((DRIVER.catcher, BACKEND.catcher))))


def test_only_the_files_of_the_catchers_and_the_manifest_are_collected(tmp_path: Path) -> None:
    found = options(control("test", [DRIVER, BACKEND]), tmp_path)
    spared = {Path(argument.partition("=")[2]).name for argument in found.pytest_args}
    assert found.keyword == " or ".join(sorted((DRIVER.catcher, BACKEND.catcher)))
    assert "test_host.py" in spared
    assert "test_manifest.py" not in spared


# --- what is told meanwhile -------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def found(mutant: Mutant, *, caught: bool) -> Finding:
    return Finding(mutant=mutant, caught=caught, told="")


def test_off_a_terminal_a_line_comes_for_the_first_for_a_miss_and_now_and_then() -> None:
    now = iter(range(100))  # seconds: one each time that the clock is read
    stream = io.StringIO()
    with Tally(stream, 4, clock=lambda: float(next(now)), interval=50.0) as tally:
        tally.add(found(DRIVER, caught=True))
        tally.add(found(DRIVER, caught=True))
        tally.add(found(BACKEND, caught=False))
    told = [line.rsplit(",", 1)[0] for line in stream.getvalue().splitlines()]
    assert told == [
        "0/4 mutants, 0 caught",
        "1/4 mutants, 1 caught",
        "3/4 mutants, 2 caught, missed always-running",
        "3/4 mutants, 2 caught, missed always-running",
    ]


def test_off_a_terminal_a_line_comes_when_the_last_is_old() -> None:
    now = iter(range(100))
    stream = io.StringIO()
    with Tally(stream, 2, clock=lambda: float(next(now)), interval=1.0) as tally:
        tally.add(found(DRIVER, caught=True))
        tally.add(found(DRIVER, caught=True))
    assert stream.getvalue().count("2/2 mutants") == 2


def test_on_a_terminal_one_line_is_rewritten() -> None:
    stream = Terminal()
    with Tally(stream, 1) as tally:
        tally.add(found(DRIVER, caught=True))
    assert stream.getvalue().count("\r\x1b[K") == 3
    assert stream.getvalue().endswith("1/1 mutants, 1 caught, 0 s\n")
