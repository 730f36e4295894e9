"""A run as a user starts it, in a session and with temporary folders of its own, and what can be seen of it while it works.

What belongs here: starting, looking, killing. What does not: when that is done (`moments`). Everything of the run is known by its
folder: it is in the environment of its processes, in the paths of its files, and mounted in its containers.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ci.killed.engine import Box, boxes, of
from ci.killed.traces import PROCESS, Trace, owner_word, pids, process_text
from virtproof.lanes.containers.engine import Engine

PROGRAM: Final = str(Path(sys.executable).with_name("virtproof"))
LONGEST: Final = 180.0  # seconds that a run may take to a moment, or to its end
_LOOK: Final = 0.05


def environment(folder: Path) -> dict[str, str]:
    """The environment of a run in a folder."""
    return {**os.environ, "TMPDIR": str(folder / "t")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is seen of a run: what it said, how many containers it has and had at most, how many workers have a case open."""

    seconds: float
    said: str
    containers: int
    most_containers: int
    cases: int


class Run:
    """A run under way in `folder`, which has its temporary folder `t` and its reports in `out`."""

    def __init__(self, engine: Engine, folder: Path, words: Sequence[str]) -> None:
        self._engine = engine
        self._folder = folder
        self._began = time.monotonic()
        self._boxes: dict[str, Box] = {}
        self._words = {str(folder)}
        with (folder / "said").open("wb") as said:
            self._process = subprocess.Popen(
                [PROGRAM, *words],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd=folder,
                env=environment(folder),
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """All that it wrote to its terminal."""
        return (self._folder / "said").read_text(encoding="utf-8", errors="replace")

    def until(self, reached: Callable[[Sight], bool]) -> bool:
        """Whether it came to a moment before it ended, or took too long; it is looked at again and again."""
        while time.monotonic() - self._began < LONGEST:
            if reached(self.sight()):
                return self._process.poll() is None
            if self.ended(_LOOK):
                return False
        return False

    def sight(self) -> Sight:
        """What is seen of it now."""
        return Sight(
            seconds=time.monotonic() - self._began,
            said=self.said,
            containers=len(self.note()),
            most_containers=len(self._boxes),
            cases=len(self._busy()),
        )

    def ended(self, seconds: float) -> bool:
        """Whether its leader has ended, waiting so long for it."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def code(self) -> int | None:
        """How its leader ended."""
        return self._process.returncode

    def kill_all(self) -> None:
        """Kill the leader and its workers at one stroke; daemons have sessions of their own, and have to end by themselves."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def kill_leader(self) -> None:
        """Kill the process that the user started, and no other."""
        self._process.kill()
        self._process.wait()

    def kill_worker(self, still: Callable[[Sight], bool]) -> bool:
        """Kill the first worker that has a case open, unless the moment has passed when it is stopped; whether it was killed.

        The leader starts its workers in the order of their numbers, and nothing before them.
        """
        busy = self._busy()
        if not busy:
            return False
        leader = self._process.pid
        workers = Path(f"/proc/{leader}/task/{leader}/children").read_text(encoding="ascii").split()
        worker = int(workers[min(busy)])
        os.kill(worker, signal.SIGSTOP)
        now = still(self.sight()) and min(busy) in self._busy()
        os.kill(worker, signal.SIGKILL if now else signal.SIGCONT)
        return now

    def close(self) -> None:
        """End it when it still works."""
        if self._process.poll() is None:
            self.kill_all()

    def note(self) -> tuple[Box, ...]:
        """Its containers now, remembered with its processes, so that what goes with them is known after they are gone."""
        found = of(self._folder, boxes(self._engine))
        self._boxes |= {each.id: each for each in found}
        mention = f"TMPDIR={self._folder}/"
        self._words |= {word for box in found for word in box.words}
        self._words |= {owner_word(pid) for pid in pids() if mention in process_text(pid)}
        return found

    def traces(self, found: Iterable[Trace], others: Iterable[Box]) -> tuple[Trace, ...]:
        """What of all that there is mentions this run. A port that another container has got meanwhile is no mention."""
        words = self._words - {port for box in others if box.id not in self._boxes for port in box.ports}
        return tuple(sorted(each for each in found if any(word in each.text for word in words)))

    def is_own_process(self, trace: Trace) -> bool:
        """Whether it is a process of the run outside its containers, which know nothing of its folder."""
        return trace.kind == PROCESS and str(self._folder) in trace.text

    def _busy(self) -> frozenset[int]:
        """The numbers of the workers that have a case open: the suite keeps its first line, lest the worker dies."""
        notes = (self._folder / "out" / ".workers").glob("gw*.open")
        return frozenset(int(each.stem.removeprefix("gw")) for each in notes if _is_record(each))


def _is_record(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # none is open, or one is just being written
        return False
