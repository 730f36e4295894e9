"""The project's checks and builds, one session each; `nox -l` lists them, and CI runs those tagged `check`.

What belongs here: which tool runs on what. What does not: the tools' settings (`pyproject.toml`) and setting up the machine
(`ci/setup`). Sessions run in the checkout's `.venv`, so a local run and CI's are the same and nothing is installed twice.
Only `wheel` makes an environment of its own: it is about what a stranger installs.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
TOOLS = ROOT / ".venv" / "bin"
OUT = ROOT / "out"
PINS = ROOT / "ci" / "constraints.txt"
WORKERS = "2"
PACKAGES = {"driver": "driver/virtproof_driver", "conformance": "conformance/virtproof"}
LANES = {  # run -> its backends, the transports that each must have run over, its profile, and which of its cases
    "test": (("test",), ("in-process",), "full", ""),
    "test-rpc": (("test-rpc",), ("unix", "tcp"), "full", ""),
    "containers": (("qemu", "lxc"), ("unix",), "full", "not migration"),
    "migration": (("qemu",), ("unix",), "full", "migration"),  # by themselves: their guests keep a processor busy each
    "containers-tcp": (("qemu", "lxc"), ("tcp",), "core", ""),  # what a transport could change; `full` takes as long again
    "containers-tls": (("qemu",), ("tls",), "core", ""),
    "containers-ssh": (("lxc",), ("ssh",), "core", ""),
    "no-same-host": (("qemu",), ("tls",), "core", ""),  # in a container that shares but a network with the hypervisor's
}
APART = "no-same-host"
COVERAGE_FLOOR = {"driver": 95, "conformance": 90}  # per cent of lines and branches


def tool(session: nox.Session, name: str, *arguments: str | os.PathLike[str]) -> None:
    """Run a tool of the checkout's environment; says how to get one where there is none."""
    program = TOOLS / name
    if not program.exists():
        session.error(f"{program.relative_to(ROOT)} is missing; run ci/setup first")
    session.run(program, *arguments, external=True)


def fresh(*parts: str) -> Path:
    """An empty folder under `out/`, so that nothing of an earlier run can pass for a result of this one."""
    folder = OUT.joinpath(*parts)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@nox.session(tags=["check"])
def lint(session: nox.Session) -> None:
    """Style, import direction and declared dependencies: ruff, import-linter, deptry."""
    tool(session, "ruff", "check", ".")
    tool(session, "ruff", "format", "--check", ".")
    tool(session, "lint-imports")
    tool(session, "deptry", "--no-ansi", "driver/virtproof_driver", "fakes/virtproof_fakes", "conformance/virtproof")


@nox.session(tags=["check"])
def types(session: nox.Session) -> None:
    """Strict types over source, tests, CI scripts and this file: mypy and basedpyright."""
    for part in ("driver", "fakes", "conformance"):  # apart, since two of them may have a test file of the same name
        tool(session, "mypy", part)
    tool(session, "mypy", "ci", "docs", "noxfile.py")
    tool(session, "basedpyright", "--warnings")


@nox.session(tags=["check"])
def tests(session: nox.Session) -> None:
    """Unit tests in random order with branch coverage, reported a package; further arguments go to pytest."""
    tool(session, "coverage", "erase")
    tool(session, "coverage", "run", "-m", "pytest", "-n", WORKERS, *session.posargs)
    tool(session, "coverage", "combine", "--quiet")
    for package, source in PACKAGES.items():
        session.log(f"coverage of {package}")
        floor = "0" if session.posargs else str(COVERAGE_FLOOR[package])
        tool(session, "coverage", "report", f"--include={source}/*", f"--fail-under={floor}")


@nox.session(tags=["check"])
@nox.parametrize("lanes", list(LANES))
def conformance(session: nox.Session, lanes: str) -> None:
    """Certify the reference driver on one or several backends; `nox -s "conformance(lanes='test')"` for one of `LANES`."""
    backends, transports, profile, cases = LANES[lanes]
    out = fresh("conformance", lanes)
    named = [f"--backend={backend}" for backend in backends] + [f"--transport={transport}" for transport in transports]
    # Making the key of an encrypted image takes a processor 10 s; here six workers and their guests share two.
    patience = ["--case-timeout", "180"] if "qemu" in backends else []
    chosen = [*(["--no-same-host"] if lanes == APART else []), *(["-k", cases] if cases else []), *patience]
    tool(session, "virtproof", "run", *named, *chosen, "--profile", profile, "-n", WORKERS, "--out", out, *session.posargs)
    ran = {(lane["backend"], lane["transport"]) for lane in json.loads((out / "report.json").read_text())["lanes"]}
    if ran != {(backend, transport) for backend in backends for transport in transports}:
        session.error(f"lanes are missing: the report of {lanes} has {sorted(ran)}")


@nox.session(tags=["check"])
def events(session: nox.Session) -> None:
    """Hold `docs/events.json` to the newest runs of `conformance`, or to those named after `--`: it must have what they told."""
    folders = [OUT / "conformance" / lanes for lanes in session.posargs or LANES]
    missing = [folder.name for folder in folders if not (folder / "run.json").is_file()]
    if missing:
        session.error(f"there is no run of {', '.join(missing)} under out/conformance; run the session conformance first")
    tool(session, "virtproof", "events", *folders, "--against", ROOT / "docs" / "events.json")


@nox.session(tags=["check"])
def mutants(session: nox.Session) -> None:
    """Prove that the suite catches wrong drivers and wrong backends: each mutant must be caught by the case it names."""
    tool(session, "virtproof", "mutants", *session.posargs)


@nox.session(tags=["check"])
def killed(session: nox.Session) -> None:
    """Prove that a run killed at any moment leaves nothing that the next one does not remove; `-- --rounds 20` draws more."""
    tool(session, "python", "-m", "ci.killed", *session.posargs)


@nox.session
def migrations(session: nox.Session) -> None:
    """Move an instance between two hosts 100 times, then 30 times with a fault on the way; `-- --live 2 --faults 1` is short."""
    tool(session, "python", "-m", "ci.migrations", *session.posargs)


@nox.session(tags=["check"])
def wheel(session: nox.Session) -> None:
    """Certify as an outsider: build the wheel, install it in a new environment, and run it from outside the checkout."""
    built = fresh("wheel")
    tool(session, "uv", "build", "--quiet", "--wheel", "--build-constraint", PINS, "--out-dir", built)
    (package,) = built.glob("*.whl")
    with tempfile.TemporaryDirectory(prefix="virtproof-wheel-") as scratch, session.chdir(scratch):
        tool(session, "uv", "venv", "--quiet", "--python", TOOLS / "python", "outside")
        tool(session, "uv", "pip", "install", "--quiet", "--python", "outside", "-c", PINS, f"{package}[libvirt]")
        arguments = ["run", "--backend", "test", "--profile", "core", "-n", WORKERS, "--out", "out"]
        session.run("outside/bin/virtproof", *arguments, external=True)


@nox.session(tags=["check"])
def docs(session: nox.Session) -> None:
    """Build the user guide into `out/docs`; a warning, such as a link to nowhere, is an error. Needs no network."""
    tool(session, "sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", "-b", "html", "docs", fresh("docs"))


@nox.session
def build(session: nox.Session) -> None:
    """Build the source distribution and the wheel into `dist/`."""
    tool(session, "uv", "build", "--quiet", "--build-constraint", PINS, "--out-dir", "dist")


@nox.session
def versions(session: nox.Session) -> None:
    """Certify with the libvirt and the hypervisors of four suites of Debian; `-- --suite bookworm --backend lxc` for a part."""
    tool(session, "python", "-m", "ci.versions", "--out", fresh("versions"), *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the driver against bare libvirt calls, and the suite; writes `out/bench/bench.json` and prints a table."""
    tool(session, "python", "-m", "ci.bench", "--out", fresh("bench") / "bench.json", *session.posargs)
