"""Doing things inside a lane's container past libvirt, so that they work while the daemon does not.

What belongs here: what a way inside must be able to do, and the way by ssh. What does not: the way by the engine (`container`),
and which things (`guest_control`, `daemon`). The driver under test has no part in it.
"""

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from virtproof.errors import SuiteError
from virtproof.lanes.containers.description import Description
from virtproof.lanes.containers.ways import WAYS
from virtproof.lanes.model import LOG_BYTES

_SECONDS: Final = 60.0
_LAST: Final = 200


class Inside(Protocol):
    """A way into a container."""

    def do(self, *command: str) -> None:
        """Run a command inside. Raises SuiteError, with what it printed, when it fails."""
        ...

    def ask(self, *command: str) -> bytes:
        """What a command inside that changes nothing prints. Raises SuiteError, with that, when it fails."""
        ...

    def tails(self, paths: Mapping[str, str]) -> Mapping[str, bytes]:
        """The last bytes of files inside, by the names that they are asked under; those that are not there are left out."""
        ...

    def remove(self) -> None:
        """End the container, where this way can."""
        ...


class InsideBySsh:
    """The way by ssh, with the credentials that the container's clients have. What provisioned the container removes it."""

    def __init__(self, told: Description) -> None:
        kept = told.keyring / "ssh"
        there = ["-p", str(told.ports["ssh"]), f"{WAYS['ssh'].user}@{told.host}"]
        self._begin = [str(kept / "ssh"), "-T", "-i", str(kept / "key"), *there, "--"]

    def do(self, *command: str) -> None:
        self.ask(*command)

    def ask(self, *command: str) -> bytes:
        code, output, complaint = self._run(command)
        if code:
            said = " ".join((output + complaint).decode(errors="replace").split())[-_LAST:]
            raise SuiteError(f"{' '.join(command)} in the lane's container ended with {code}: {said or 'it said nothing'}")
        return output

    def tails(self, paths: Mapping[str, str]) -> Mapping[str, bytes]:
        found = {name: self._run(("tail", "-c", str(LOG_BYTES), "--", path)) for name, path in paths.items()}
        return {name: output for name, (code, output, _) in found.items() if code == 0}

    def remove(self) -> None:
        return None

    def _run(self, command: Sequence[str]) -> tuple[int, bytes, bytes]:
        """Ssh joins words by spaces for a shell, so that they are quoted for one; nothing is read from this process's input."""
        words = [*self._begin, shlex.join(command)]
        try:
            ended = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            raise SuiteError(f"{command[0]} in the lane's container: {error}") from error
        return ended.returncode, ended.stdout, ended.stderr
