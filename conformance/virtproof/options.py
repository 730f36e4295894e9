"""What a session was asked for: the plug-in's command-line options, and the value that they become.

What belongs here: the options and their value. What does not: acting on them (`plugin`), or the command line of `virtproof`
(`cli`), which passes these on to pytest. pytest loads this module in every process of an environment that has the suite
installed, so it imports nothing of the suite.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

REFERENCE_DRIVER: Final = "virtproof_driver:connect"
DEFAULT_BACKEND: Final = "test"
CASE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A session's options.

    Without `profile` every case that is collected runs; without `suite` containers have the recipe's own suite of Debian; without
    `out` no evidence is kept; seed 0 shuffles nothing.
    """

    backends: tuple[str, ...] = (DEFAULT_BACKEND,)
    transports: tuple[str, ...] = ()
    driver: str = REFERENCE_DRIVER
    profile: str = ""
    suite: str = ""
    out: Path | None = None
    seed: int = 0
    allow_host: bool = False
    case_seconds: float = CASE_SECONDS


def add_options(parser: pytest.Parser) -> None:
    """Declare the options, all beginning with `--virtproof-`."""
    group = parser.getgroup("virtproof", "conformance of libvirt compute drivers")
    add = group.addoption
    add("--virtproof-backend", action="append", metavar="NAME-OR-TOML", help="backend to run on; repeatable (default: test)")
    add("--virtproof-transport", action="append", metavar="NAME", help="transport; repeatable (default: the backend's first)")
    add("--virtproof-driver", metavar="MODULE:FACTORY", help=f"driver under test (default: {REFERENCE_DRIVER})")
    add("--virtproof-profile", metavar="NAME-OR-TXT", help="cases to run (default: all that are collected)")
    add("--virtproof-suite", metavar="NAME", help="suite of Debian whose libvirt and hypervisors run in the lanes' containers")
    add("--virtproof-out", metavar="DIR", help="keep the evidence here")
    add("--virtproof-seed", type=int, metavar="N", help="shuffle the cases by this seed; 0 keeps their order")
    add("--virtproof-allow-host", action="store_true", help="use a reachable host that a backend's TOML names")
    add("--virtproof-case-timeout", type=float, metavar="SECONDS", help=f"longest a case may take (default: {CASE_SECONDS:g})")


def options_of(config: pytest.Config) -> Options:
    """The options of a session, defaults filled in."""
    return Options(
        backends=tuple(config.getoption("--virtproof-backend") or (DEFAULT_BACKEND,)),
        transports=tuple(config.getoption("--virtproof-transport") or ()),
        driver=str(config.getoption("--virtproof-driver") or REFERENCE_DRIVER),
        profile=str(config.getoption("--virtproof-profile") or ""),
        suite=str(config.getoption("--virtproof-suite") or ""),
        out=_path(config),
        seed=int(config.getoption("--virtproof-seed") or 0),
        allow_host=bool(config.getoption("--virtproof-allow-host")),
        case_seconds=float(config.getoption("--virtproof-case-timeout") or CASE_SECONDS),
    )


def arguments_of(options: Options) -> list[str]:
    """The options as pytest's command line has them."""
    return [
        *(f"--virtproof-backend={backend}" for backend in options.backends),
        *(f"--virtproof-transport={transport}" for transport in options.transports),
        f"--virtproof-driver={options.driver}",
        *([f"--virtproof-profile={options.profile}"] if options.profile else []),
        *([f"--virtproof-suite={options.suite}"] if options.suite else []),
        *([f"--virtproof-out={options.out}"] if options.out else []),
        f"--virtproof-seed={options.seed}",
        *(["--virtproof-allow-host"] if options.allow_host else []),
        f"--virtproof-case-timeout={options.case_seconds}",
    ]


def _path(config: pytest.Config) -> Path | None:
    given = config.getoption("--virtproof-out")
    return (config.invocation_params.dir / str(given)).resolve() if given else None
