"""`virtproof run --no-same-host`: the same run in a container that shares nothing with the hypervisors' hosts but a network.

What belongs here: what is said to the `virtproof` in there, and what becomes of its output. What does not: putting the containers
up (`lanes.containers.apart`). Its exit code is this one's, its run's directory becomes the one that was asked for.
"""

import importlib.util
import secrets
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.markup import escape

from virtproof.cli.arguments import RunArguments
from virtproof.errors import UsageError
from virtproof.lane_pool import lane_keys
from virtproof.lanes.containers.apart import HOME, Asked, put_up
from virtproof.lanes.containers.shared import PROVISIONER
from virtproof.report import PAGE_FILE, REPORT_FILE
from virtproof.runner import RunOptions, check, processes

OUT: Final = HOME / "out"
_OWN: Final = ("virtproof", "virtproof_driver", "virtproof_fakes")
_MAIN: Final = "import sys; from virtproof.cli import main; sys.argv[0] = 'virtproof'; raise SystemExit(main())"


def execute(given: RunArguments, options: RunOptions, console: Console, stream: TextIO | None = None) -> int:
    """Run there, bring the results here, and give its exit code. Raises UsageError and LaneUnavailable as `run` does."""
    told = stream or sys.stderr
    check(options)
    keys = lane_keys(options.session)
    for key in keys:
        if key.backend.provisioner != PROVISIONER or key.transport == "unix":
            raise UsageError(f"{key.label}: --no-same-host is for backends in containers, over a transport such as tls or ssh")
    asked = Asked(
        run=secrets.token_hex(3),
        lanes=tuple((key.backend, key.transport) for key in keys),
        spares=max(1, processes(options)),
        packages=tuple(_packages(given.driver)),
    )
    with put_up(asked, lambda line: print(line, file=told, flush=True)) as client:
        printed = client.run(["python3", "-c", _MAIN, *words_of(given)], {"COLUMNS": str(console.width)})
        code = _told(printed, told)
        given.out.mkdir(parents=True, exist_ok=True)
        client.take(OUT, given.out)
    lines = "\n".join(escape(str(given.out / name)) for name in (REPORT_FILE, PAGE_FILE))
    console.print(f"brought from the client's container:\n{lines}", soft_wrap=True, highlight=False)
    return code


def words_of(given: RunArguments) -> list[str]:
    """What is typed in there, for a run of the same cases."""
    return [
        "run",
        *(f"--backend={backend}" for backend in given.backends),
        *(f"--transport={transport}" for transport in given.transports),
        *(f"--{name}={value}" for name, value in _plain(given).items() if value),
        *("-n", str(given.workers), "-k", given.keyword, f"--out={OUT}"),
        *(("--", *given.pytest_args) if given.pytest_args else ()),
    ]


def _plain(given: RunArguments) -> dict[str, object]:
    return {
        "driver": given.driver,
        "profile": given.profile,
        "suite": given.suite,
        "seed": given.seed,
        "case-timeout": given.case_seconds,
    }


def _packages(driver: str) -> Iterator[Path]:
    """The folders of the suite's own packages, and of the driver's. Raises UsageError for a driver that is none."""
    for name in dict.fromkeys((*_OWN, driver.partition(":")[0].partition(".")[0])):
        found = importlib.util.find_spec(name)
        if found is None or not found.submodule_search_locations:
            raise UsageError(f"--driver {driver}: {name} is no package that could be put into the client's container")
        yield Path(next(iter(found.submodule_search_locations)))


def _told(printed: Generator[bytes, None, int], stream: TextIO) -> int:
    """Print what comes, and give the generator's value."""
    while True:
        try:
            piece = next(printed)
        except StopIteration as end:
            return int(end.value)
        stream.write(piece.decode(errors="replace"))
        stream.flush()
