"""What a killed `virtproof mutants` leaves: no process, and only folders that the next run removes."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from virtproof.lanes.folders import MARKER, make_folder, reap_folders, remove_folder
from virtproof.lanes.test_rpc import short_base

PROGRAM = str(Path(sys.executable).with_name("virtproof"))
SECONDS = 20.0

RUN = """
import multiprocessing, time
from virtproof.mutants import once

def run():
    once._end_with_parent()
    print("under way", flush=True)
    time.sleep(100)

if __name__ == "__main__":
    made = multiprocessing.get_context("forkserver").Process(target=run)
    made.start()
    made.join()
"""


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A temporary folder of the command's own, in which a socket's path is short enough."""
    made = make_folder(short_base())
    (made / "t").mkdir()
    yield made / "t"
    remove_folder(made)


def ends(stream: IO[str]) -> bool:
    """Whether every process that writes to the pipe is gone, waiting for it."""
    watched = select.poll()
    watched.register(stream, select.POLLHUP)
    while ready := watched.poll(SECONDS * 1000):
        if ready[0][1] & select.POLLHUP:
            return True
    return False


def test_the_folders_of_a_killed_command_are_reaped(temporary: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [PROGRAM, "mutants", "pause-once"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True, start_new_session=True) as started:
        assert started.stderr is not None
        while not list(temporary.glob("*/pymp-*/listener-*")):
            assert started.poll() is None
            time.sleep(0.01)
        os.killpg(started.pid, signal.SIGKILL)
        assert ends(started.stderr)
    left = sorted(temporary.iterdir())
    assert all((each / MARKER).is_symlink() for each in left)
    assert set(reap_folders(temporary)) == {str(each) for each in left}
    assert list(temporary.iterdir()) == []


def test_a_command_that_ends_by_itself_leaves_no_temporary_file(temporary: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run([PROGRAM, "mutants", "pause-once"], env=environment, capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_ends_with_the_command_that_waits_for_it(temporary: Path, number: signal.Signals) -> None:
    script = temporary / "command.py"
    environment = {**os.environ, "TMPDIR": str(temporary)}
    script.write_text(RUN, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=environment, text=True) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "under way\n"
        started.send_signal(number)
        assert ends(started.stdout)
