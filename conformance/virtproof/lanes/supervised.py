"""A process that never outlives this one, whatever ends this one.

What belongs here: starting, watching and signalling such a process, and where it listens. What does not: which program it is
(`daemon`).

The process is the child of a shell that waits on a pipe from this process: when the pipe closes, for whatever reason, SIGKILL of
this process included, the shell kills its child. PR_SET_PDEATHSIG would do it without a shell, but it has to be set between
fork and exec, where Python code may deadlock in a process with threads, and it fires when the *thread* that forked ends, not the
process. Signals go by pidfd, which cannot hit a later process of the same id.
"""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final, cast

from virtproof.errors import SuiteError

END_SECONDS: Final = 10.0
_LISTENING: Final = "0A"  # TCP_LISTEN in /proc/net/tcp
_WATCHED: Final = 0.005  # seconds between looks while the process lives
# $1 is the log. A line on stdin lets the shell go; end of file means that the worker is gone. It may be gone before it has
# read the number of the process, and the shell must not die of that: a trap, since a child would inherit what is ignored.
_SUPERVISOR: Final = (
    'log=$1; shift; trap : PIPE; "$@" >"$log" 2>&1 & echo $! 2>/dev/null; read -r _ && exit; kill -KILL $! 2>/dev/null'
)


def listens(pid: int, port: int) -> bool:
    """Whether a process has a TCP socket that listens at a port, by proc(5): the socket's inode is among its descriptors."""
    try:
        rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        inodes = {f"socket:[{row[9]}]" for row in rows if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port}
        return any(str(each.readlink()) in inodes for each in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # it has ended, or closed a descriptor meanwhile; the next look tells
        return False


class Supervised:
    """A running daemon, its supervisor, and the pidfd by which it is signalled."""

    def __init__(self, command: list[str], log: Path, env: Mapping[str, str], identity: Mapping[str, int]) -> None:
        self.shell = subprocess.Popen(
            ["/bin/sh", "-c", _SUPERVISOR, "virtproof-daemon", str(log), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            cwd=log.parent,
            start_new_session=True,  # an interrupt at the terminal is for the worker, which ends the daemon itself
            user=identity.get("user"),
            group=identity.get("group"),
            extra_groups=[] if identity else None,
        )
        self.pid = int(cast("IO[bytes]", self.shell.stdout).readline())
        self.descriptor = os.pidfd_open(self.pid)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; one that has ended gets none."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, number)

    def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Whether something came to hold before the process ended and the time was up."""
        deadline = time.monotonic() + seconds
        while not self.ended(_WATCHED):
            if holds():
                return True
            if time.monotonic() > deadline:
                return False
        return False

    def ended(self, seconds: float) -> bool:
        """Whether the process has ended, waiting so long for it."""
        watched = select.poll()
        watched.register(self.descriptor, select.POLLIN)
        return bool(watched.poll(seconds * 1000))

    def await_state(self, letter: str) -> None:
        """Wait until proc(5) shows the state."""
        status = Path(f"/proc/{self.pid}/stat")
        if not self.until(lambda: status.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == letter, END_SECONDS):
            raise SuiteError(f"process {self.pid} of the daemon did not reach state {letter}")

    def end(self, number: signal.Signals) -> None:
        """End it by a signal, by SIGKILL when that takes too long, and let the supervisor go."""
        self.send(number)
        if not self.ended(END_SECONDS):
            self.send(signal.SIGKILL)
            self.ended(END_SECONDS)
        with contextlib.suppress(BrokenPipeError):
            self.shell.communicate(b"\n", timeout=END_SECONDS)
        os.close(self.descriptor)
