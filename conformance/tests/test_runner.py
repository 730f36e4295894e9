"""The runner: what it asks of pytest, what it refuses before anything runs, and what a whole run leaves.

Whole runs are made in a process of their own, because a session of pytest within one shares its modules.
"""

import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from virtproof import runner
from virtproof.errors import LaneUnavailable, UsageError
from virtproof.evidence import Kind, read
from virtproof.options import Options
from virtproof.runner import RunOptions, arguments, check, processes, run
from virtproof.runs import SUITE_VERSION
from virtproof.runs import read as read_run

RUN = """
import sys
from pathlib import Path
from virtproof.errors import VirtproofError
from virtproof.options import Options
from virtproof.runner import RunOptions, run

backends, workers, keyword, seed, *rest = sys.argv[2:]
session = Options(backends=tuple(backends.split(",")), seed=int(seed))
options = RunOptions(session=session, out=Path(sys.argv[1]), workers=int(workers), keyword=keyword, pytest_args=tuple(rest))
try:
    outcome = run(options)
except VirtproofError as error:
    print(type(error).__name__, error)
else:
    print(outcome.interrupted, outcome.unavailable)
"""


def whole_run(out: Path, *given: str, cwd: Path = Path("/")) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, str(out), *given]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True, timeout=100)


def ended(out: Path) -> dict[tuple[str, str], object]:
    lines = (out / "evidence.jsonl").read_text(encoding="utf-8").splitlines()
    return {(r.lane, r.case): r.data["outcome"] for r in read(lines) if r.kind is Kind.CASE_END}


def refused(session: Options) -> str:
    with pytest.raises((UsageError, LaneUnavailable)) as caught:
        check(RunOptions(session=session, out=Path("unused")))
    return f"{type(caught.value).__name__}: {caught.value}"


def test_a_run_with_workers_leaves_evidence_of_every_case_on_every_lane(tmp_path: Path) -> None:
    done = whole_run(tmp_path / "out", "test,test-rpc", "2", "lifecycle.destroy", "5")
    assert done.stdout == "False ()\n", done.stderr
    assert done.stderr.splitlines()[-1].endswith(" s")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["evidence.jsonl", "pytest.log", "run.json"]
    planned = read_run(tmp_path / "out")
    assert (planned.suite_version, planned.profile) == (SUITE_VERSION, "full")
    assert (planned.seed, planned.keyword) == (5, "lifecycle.destroy")
    assert [lane.label for lane in planned.lanes] == ["test", "test-rpc/unix"]
    chosen = {case.id for case in planned.cases if case.selected}
    assert {"lifecycle.destroy.idempotent", "lifecycle.destroy.removes[paused]", "manifest.lifecycle.spawn"} <= chosen
    assert "lifecycle.pause.idempotent" in {case.id for case in planned.cases} - chosen
    assert ended(tmp_path / "out") == {(lane.label, id_): "passed" for lane in planned.lanes for id_ in chosen}


def test_a_run_with_workers_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    assert whole_run(tmp_path / "out", "test", "2", "lifecycle.stop.off", "0").stdout == "False ()\n"
    assert list(temporary.iterdir()) == []


def test_a_second_run_into_the_same_directory_keeps_nothing_of_the_first(tmp_path: Path) -> None:
    for keyword in ("lifecycle.start.idempotent", "lifecycle.stop.off"):
        assert whole_run(tmp_path, "test", "0", keyword, "0").stdout == "False ()\n"
    ids = {case for _, case in ended(tmp_path)}
    assert "lifecycle.stop.off" in ids
    assert "lifecycle.start.idempotent" not in ids


def test_an_argument_that_pytest_refuses_is_the_users_fault(tmp_path: Path) -> None:
    done = whole_run(tmp_path, "test", "0", "", "0", "--no-such-option")
    assert done.stdout.startswith("UsageError ")
    assert "--no-such-option" in done.stdout


def test_the_callers_own_pytest_settings_take_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('not asked for')\n", encoding="utf-8")
    assert whole_run(tmp_path / "out", "test", "0", "lifecycle.stop.off", "0", cwd=tmp_path).stdout == "False ()\n"


def test_an_interrupt_before_any_case_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> pytest.ExitCode:
        return pytest.ExitCode.INTERRUPTED

    monkeypatch.setattr(runner, "_pytest", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(RunOptions(session=Options(), out=tmp_path), io.StringIO())


def test_plug_ins_that_happen_to_be_installed_take_no_part(tmp_path: Path) -> None:
    assert whole_run(tmp_path, "test", "0", "lifecycle.stop.off", "0").stdout == "False ()\n"
    said = (tmp_path / "pytest.log").read_text(encoding="utf-8").splitlines()
    (loaded,) = [line for line in said if line.startswith("plugins: ")]
    assert "hypothesis" not in loaded
    assert "timeout" not in loaded


@pytest.mark.parametrize(
    ("backends", "workers"),
    [(("test", "test-rpc"), 2), (("qemu",), 5), (("qemu", "lxc"), 10), (("qemu", "lxc", "test"), 10)],
    ids=str,
)
def test_each_host_in_a_container_has_workers_of_its_own(backends: tuple[str, ...], workers: int) -> None:
    session = Options(backends=backends)
    assert processes(RunOptions(session=session, out=Path("out"), workers=2)) == workers
    assert processes(RunOptions(session=session, out=Path("out"))) == 0


def test_one_processor_is_kept_busy_by_three_workers_where_cases_wait() -> None:
    assert processes(RunOptions(session=Options(backends=("lxc",)), out=Path("out"), workers=1)) == 3


def test_pytest_gets_the_shipped_settings_the_options_and_last_what_the_user_added() -> None:
    session = Options(backends=("test",), driver="m:f", profile="core", seed=3)
    options = RunOptions(session=session, out=Path("out"), workers=2, keyword="a or b", pytest_args=("-x",))
    found = arguments(options)
    assert _follows(found, "-c").endswith("virtproof/suite/pytest.ini")
    assert _follows(found, "--pyargs") == "virtproof.suite"
    assert found[-7:] == ["-n", "2", "--dist", "worksteal", "-k", "a or b", "-x"]
    assert {"--virtproof-driver=m:f", "--virtproof-profile=core", "--virtproof-seed=3"} <= set(found)
    assert f"--virtproof-out={Path('out').resolve()}" in found


def _follows(arguments_: Sequence[str], option: str) -> str:
    return arguments_[arguments_.index(option) + 1]


def test_what_cannot_be_asked_is_refused_before_anything_runs(tmp_path: Path) -> None:
    assert refused(Options(backends=("nosuch",))).startswith("UsageError: no backend 'nosuch'")
    assert refused(Options(profile="nosuch")).startswith("UsageError: no profile 'nosuch'")
    assert refused(Options(transports=("pigeon",))).startswith("UsageError: transport 'pigeon'")
    with pytest.raises(UsageError, match="-k 'not'"):
        run(RunOptions(session=Options(), out=tmp_path, keyword="not"), io.StringIO())
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_does_not_answer_is_told_before_anything_runs(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nuri = "test+tcp://127.0.0.1:1/default"\nbasis = "mock"\n', encoding="utf-8")
    told = refused(Options(backends=(str(path),), allow_host=True))
    assert told.startswith("LaneUnavailable: ")
    assert "127.0.0.1:1" in told


def test_a_directory_that_cannot_be_written_is_the_users_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="--out"):
        run(RunOptions(session=Options(), out=tmp_path / "file"), io.StringIO())
