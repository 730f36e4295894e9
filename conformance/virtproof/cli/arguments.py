"""What can be typed after `virtproof`: the parser, and nothing that acts.

What belongs here: options and their help. What does not: commands; each is in the module named after it. What stands after
`--` in `run` is pytest's and is cut off before argparse sees it, so that it may look like an option of ours.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from virtproof.options import CASE_SECONDS, DEFAULT_BACKEND, REFERENCE_DRIVER
from virtproof.profiles import DEFAULT as DEFAULT_PROFILE
from virtproof.runs import SUITE_VERSION

DEFAULT_OUT: Final = Path("virtproof-out")
MOST_WORKERS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArguments:
    """What was typed after `virtproof run`."""

    backends: tuple[str, ...]
    transports: tuple[str, ...]
    driver: str
    profile: str
    suite: str
    workers: int
    keyword: str
    out: Path
    seed: int
    allow_host: bool
    uri: str
    no_same_host: bool
    case_seconds: float
    pytest_args: tuple[str, ...]


def parser(*, mutants: bool) -> argparse.ArgumentParser:
    """The parser; `mutants` says whether that command is there."""
    made = argparse.ArgumentParser(
        prog="virtproof",
        description="Does this libvirt compute driver, on this hypervisor, behave?",
        epilog="Exit codes: 0 conformant; 1 not conformant; 2 usage; 3 a lane could not be provisioned; 4 the suite's own error.",
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"virtproof suite {SUITE_VERSION}")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _backends(commands.add_parser("backends", help="each backend: basis, and whether it is available here", allow_abbrev=False))
    _run(commands.add_parser("run", help="run the suite and report", allow_abbrev=False))
    _judge(commands.add_parser("judge", help="judge the stored evidence of a run again", allow_abbrev=False))
    _diff(commands.add_parser("diff", help="compare two runs; exit code 1 on a regression", allow_abbrev=False))
    _events(commands.add_parser("events", help="what hosts told of each situation, by the evidence of runs", allow_abbrev=False))
    if mutants:
        commands.add_parser(
            "mutants", help="run the suite against wrong drivers and backends", add_help=False, allow_abbrev=False
        )
    return made


def split(argv: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """What is ours, and what stands after the first `--`."""
    words = list(argv)
    place = words.index("--") if "--" in words else len(words)
    return words[:place], tuple(words[place + 1 :])


def run_arguments(given: argparse.Namespace, pytest_args: tuple[str, ...]) -> RunArguments:
    """The value of what was typed after `run`, defaults filled in."""
    return RunArguments(
        backends=tuple(given.backend or (DEFAULT_BACKEND,)),
        transports=tuple(given.transport or ()),
        driver=given.driver,
        profile=given.profile,
        suite=given.suite or "",
        workers=given.workers,
        keyword=given.keyword,
        out=given.out,
        seed=given.seed,
        allow_host=given.allow_host,
        uri=given.uri or "",
        no_same_host=given.no_same_host,
        case_seconds=given.case_timeout,
        pytest_args=pytest_args,
    )


def _backends(made: argparse.ArgumentParser) -> None:
    made.add_argument("--json", action="store_true", help="print JSON")


def _run(made: argparse.ArgumentParser) -> None:
    made.usage = "virtproof run [options] [-- PYTEST-ARGUMENT ...]"
    add = made.add_argument
    add("--backend", action="append", metavar="NAME-OR-TOML", help="backend to run on; repeatable (default: test)")
    add("--transport", action="append", metavar="NAME", help="transport of the lanes; repeatable (default: the backend's first)")
    add(
        "--driver",
        type=_word,
        default=REFERENCE_DRIVER,
        metavar="MODULE:FACTORY",
        help="driver under test (default: %(default)s)",
    )
    add("--profile", type=_word, default=DEFAULT_PROFILE, metavar="NAME-OR-TXT", help="which cases (default: %(default)s)")
    add(
        "-n",
        dest="workers",
        type=_workers,
        default=0,
        metavar="N",
        help="processors that there are for cases, or auto (default: none)",
    )
    add("-k", dest="keyword", default="", metavar="EXPR", help="only cases that match, as in pytest; the others are not-run")
    add("--out", type=_folder, default=DEFAULT_OUT, metavar="DIR", help="where evidence and reports go (default: %(default)s)")
    add("--seed", type=_natural, default=0, metavar="N", help="shuffle the cases by this seed (default: their order)")
    add(
        "--suite",
        type=_word,
        metavar="NAME",
        help="suite of Debian whose libvirt and hypervisors run in containers (default: trixie)",
    )
    add("--uri", type=_word, metavar="URI", help="a host of yours to run the backend on, in place of the suite's own")
    add(
        "--no-same-host", action="store_true", help="run suite and driver in a container that shares but a network with the hosts"
    )
    add("--allow-host", action="store_true", help="use a reachable host that --uri or a backend's TOML names")
    add("--case-timeout", type=_seconds, default=CASE_SECONDS, metavar="SECONDS", help="for one case (default: %(default)g)")


def _judge(made: argparse.ArgumentParser) -> None:
    made.add_argument("directory", type=Path, metavar="DIR", help="what `virtproof run --out` wrote")
    made.add_argument("--profile", default="", metavar="NAME-OR-TXT", help="judge as this profile (default: the run's)")
    made.add_argument("--out", type=Path, metavar="DIR", help="where the reports go (default: the run's own directory)")


def _diff(made: argparse.ArgumentParser) -> None:
    made.add_argument("before", type=Path, metavar="A", help="a run's directory or its report.json")
    made.add_argument("after", type=Path, metavar="B", help="likewise")


def _events(made: argparse.ArgumentParser) -> None:
    made.add_argument("directories", type=Path, nargs="+", metavar="DIR", help="what `virtproof run --out` wrote")
    made.add_argument("--out", type=Path, metavar="FILE", help="add the runs to this table; without it they are shown")
    made.add_argument(
        "--against", type=Path, metavar="FILE", help="a table that they must not contradict; exit code 1 if they do"
    )


def _workers(text: str) -> int:
    number = os.cpu_count() or 1 if text == "auto" else _natural(text)
    if number > MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text} worker processes are too many; give {MOST_WORKERS} at most, or auto")
    return number


def _word(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; give a name, or leave the option out")
    return text


def _folder(text: str) -> Path:
    folder = Path(_word(text))
    try:
        folder.resolve()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from error
    return folder


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number; give 0 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no time; give seconds above 0")
    return value
