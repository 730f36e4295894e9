"""The command line: exit codes, one line for each error, and never a traceback."""

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from virtproof.cli import arguments, backends, entry, main, mutants, run
from virtproof.errors import LaneUnavailable, SuiteError, UsageError

BAD: dict[str, Sequence[str]] = {
    "no command": [],
    "unknown command": ["frobnicate"],
    "unknown option": ["run", "--frobnicate"],
    "abbreviated option": ["run", "--back", "test"],
    "bad number": ["run", "-n", "many"],
    "bad time": ["run", "--case-timeout", "0"],
    "words after -- elsewhere": ["backends", "--", "-x"],
    "unknown backend": ["run", "--backend", "nosuch", "--out", "OUT"],
    "unknown profile": ["run", "--profile", "nosuch", "--out", "OUT"],
    "unknown transport": ["run", "--transport", "pigeon", "--out", "OUT"],
    "no driver": ["run", "--driver", "", "--out", "OUT"],
    "no directory": ["run", "--out", ""],
    "too many workers": ["run", "-n", "99999", "--out", "OUT"],
    "expression of no case": ["run", "-k", "nosuchcase", "--profile", "core", "--out", "OUT"],
    "bad driver": ["run", "--driver", "no.such:thing", "--out", "OUT"],
    "bad expression": ["run", "-k", "and and", "--out", "OUT"],
    "missing TOML": ["run", "--backend", "missing.toml", "--out", "OUT"],
    "no run to judge": ["judge", "OUT"],
    "no runs to compare": ["diff", "OUT", "OUT"],
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD.keys())
def test_usage_errors_exit_with_2(words: Sequence[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path) if word == "OUT" else word for word in words]) == 2
    told = capfd.readouterr().err.strip().splitlines()
    assert told[-1].startswith("virtproof")
    assert "Traceback" not in "\n".join(told)


def test_an_unreachable_host_exits_with_3_and_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    toml = tmp_path / "mine.toml"
    toml.write_text(f'name = "mine"\nuri = "test+unix:///default?socket={tmp_path}/none.sock"\nbasis = "mock"\n')
    assert main(["run", "--backend", str(toml), "--allow-host", "--out", str(tmp_path / "out")]) == 3
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert line.startswith(f"virtproof: {toml}: cannot reach ")


@pytest.mark.parametrize(
    ("error", "code"), [(UsageError("a\nb"), 2), (LaneUnavailable("a\nb"), 3), (SuiteError("a\nb"), 4)], ids=["2", "3", "4"]
)
def test_errors_of_the_suite_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    raising(monkeypatch, error)
    assert main(["backends"]) == code
    assert capsys.readouterr().err == "virtproof: a; b\n"


def test_a_crash_of_ours_exits_with_4_and_keeps_its_details(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def crash(*_: object) -> int:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(run, "execute", crash)
    assert main(["run", "--out", str(tmp_path / "out")]) == 4
    path = tmp_path / "out" / entry.CRASH_FILE
    assert capsys.readouterr().err == f"virtproof: internal error; the details are in {path}\n"
    assert "ZeroDivisionError: of ours" in path.read_text()


def test_details_that_cannot_be_kept_there_are_kept_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")

    def crash(*_: object) -> int:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "temp"))
    monkeypatch.setattr(run, "execute", crash)
    assert main(["run", f"--out={file}"]) == 4
    assert str(tmp_path / "temp" / entry.CRASH_FILE) in capsys.readouterr().err


def test_an_interrupt_concludes_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    assert main(["backends"]) == 1
    assert capsys.readouterr().err == "virtproof: interrupted; nothing was concluded\n"


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def execute(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(backends, "execute", execute)


def test_help_and_version_exit_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert [main(["--help"]), main(["--version"]), main(["run", "--help"])] == [0, 0, 0]
    assert "3 a lane could not be provisioned" in " ".join(capsys.readouterr().out.split())


def test_a_reader_that_goes_away_is_no_error() -> None:
    script = "import sys; from virtproof.cli import main; sys.exit(main(['backends', '--json']))"
    command = f'{sys.executable} -c "{script}" | true; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


def test_backends_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backends"]) == 0
    text = capsys.readouterr().out
    assert "test-rpc" in text
    assert "mock" in text


def test_backends_are_listed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backends", "--json"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert found["test"] == {
        "name": "test",
        "basis": "mock",
        "transports": ["in-process"],
        "available": True,
        "reason": "",
    }


def test_a_backend_that_is_broken_is_listed_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(name: str) -> object:
        raise UsageError(f"{name} is broken")

    monkeypatch.setattr(backends, "load", load)
    assert main(["backends", "--json"]) == 0
    assert {each["reason"] for each in json.loads(capsys.readouterr().out)} >= {"test is broken"}


def test_what_stands_after_the_dashes_is_pytests() -> None:
    assert arguments.split(["run", "-k", "x", "--", "-x", "--", "y"]) == (["run", "-k", "x"], ("-x", "--", "y"))
    assert arguments.split(["run"]) == (["run"], ())


def test_run_has_its_defaults() -> None:
    given = arguments.run_arguments(arguments.parser(mutants=False).parse_args(["run"]), ())
    assert given == arguments.RunArguments(
        backends=("test",),
        transports=(),
        driver="virtproof_driver:connect",
        profile="full",
        suite="",
        workers=0,
        keyword="",
        out=arguments.DEFAULT_OUT,
        seed=0,
        allow_host=False,
        uri="",
        no_same_host=False,
        case_seconds=60.0,
        pytest_args=(),
    )


def test_mutants_are_there_when_their_module_is(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ModuleType("virtproof_made_up_mutants")
    made.__spec__ = importlib.util.spec_from_loader(made.__name__, loader=None)
    vars(made)["main"] = len
    monkeypatch.setitem(sys.modules, made.__name__, made)
    assert mutants.command("virtproof.no.such.runner") is None
    assert mutants.command("virtproof_no_such_module") is None
    found = mutants.command(made.__name__)
    monkeypatch.setattr(mutants, "command", lambda: found)
    assert main(["mutants", "--backend", "test"]) == 2
    monkeypatch.setattr(mutants, "command", lambda: None)
    assert main(["mutants"]) == 2
