"""That no secret of a run stands in what it leaves: every file of its directory is searched for each of them, byte by byte.

What belongs here: the search, and the part of a session that learns what to search for before it is gone. What does not: which
secrets there are (`lanes.containers.keyring`). It is done last, when the report is written.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

from virtproof.errors import SuiteError
from virtproof.identity import secrets_of


class Confidences:
    """A pytest plug-in that knows at the end which secrets the run had, for as long as this process lives."""

    def __init__(self) -> None:
        self.secrets: frozenset[bytes] = frozenset()

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """The lanes are there still."""
        self.secrets = secrets_of(config)

    def __repr__(self) -> str:
        return f"<{len(self.secrets)} secrets>"


def check(folder: Path, secrets: Iterable[bytes]) -> None:
    """Raise SuiteError, naming the file, when a secret stands in one under the folder."""
    shown = showing(folder, secrets)
    if shown:
        raise SuiteError(
            f"a secret of this run stands in {', '.join(map(str, shown))}; find out who wrote it, and remove the file"
        )


def showing(folder: Path, secrets: Iterable[bytes]) -> tuple[Path, ...]:
    """The files under a folder in which one of these stands."""
    wanted = tuple(secrets)
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple(path for path in files if _shows(path.read_bytes(), wanted))


def _shows(data: bytes, wanted: Iterable[bytes]) -> bool:
    return any(secret in data for secret in wanted)
