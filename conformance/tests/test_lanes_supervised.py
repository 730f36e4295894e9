"""That a supervised process ends with its worker, also when the worker is gone before it knows the process's number."""

import os
import select
import subprocess
from pathlib import Path

from virtproof.lanes.supervised import _SUPERVISOR

SECONDS = 10.0


def has_ended(reader: int) -> bool:
    """Whether every process that holds the other end of a pipe is gone, waiting for it."""
    watched = select.poll()
    watched.register(reader, select.POLLHUP)
    return bool(watched.poll(SECONDS * 1000))


def test_a_worker_that_is_killed_before_it_reads_the_processs_number_leaves_no_process(tmp_path: Path) -> None:
    reader, held = os.pipe()
    unread, told = os.pipe()
    os.close(unread)
    command = ["/bin/sh", "-c", _SUPERVISOR, "virtproof-daemon", str(tmp_path / "log"), "sleep", "60"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=told, pass_fds=[held]):
        os.close(held)
        os.close(told)
    assert has_ended(reader)
    os.close(reader)
