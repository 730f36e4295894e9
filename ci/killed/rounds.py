"""One round: a run is started, killed, cleaned up after, and looked for.

What belongs here: this order, and what counts as a failure. What does not: which rounds there are (`moments`). What a run does at
its start and at its end is done here without the run between; the last round's next run is a whole one. The engine removes things
after it has said so, and daemons end a moment after their workers, so that each look waits a while for the last of it to go.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ci.killed.engine import boxes, with_engine
from ci.killed.moments import Killed, Moment
from ci.killed.runs import LONGEST, PROGRAM, Run, environment
from ci.killed.traces import Trace, on_machine
from virtproof.lanes.containers.engine import Engine
from virtproof.lanes.containers.reaping import reap_all
from virtproof.lanes.folders import make_folder, remove_folder
from virtproof.lanes.test_rpc import short_base

SETTLES: Final = 10.0  # seconds
ORPHANED: Final = 20.0  # seconds: a worker without a leader is interrupted by execnet after 5, and ended after 10 more
NOT_CONFORMANT: Final = 1
LAST_WORDS: Final = "the worker died"
_AGAIN: Final = 0.2
_PASSABLE: Final = 0o711
_LONGEST: Final = 400  # characters of an offender
_LINES: Final = 3


Found = tuple[tuple[Trace, ...], list[str]]  # what was left right after the kill, and what is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a round came to: `left` right after the kill, `wrong` a line for each thing that must not be."""

    name: str
    killed: str
    seconds: float
    left: tuple[Trace, ...]
    wrong: tuple[str, ...]


def perform(moment: Moment, engine: Engine, *, next_run: Sequence[str] = ()) -> Result:
    """One round. `next_run` are the words of a run to be made in place of the reaper alone."""
    began = time.monotonic()
    with _folder() as folder:
        before = frozenset(on_machine())
        run = Run(engine, folder, moment.words)
        watch = Watch(run=run, engine=engine, before=before)
        try:
            left, wrong = _ROUNDS[moment.killed](watch, moment)
            if not wrong and moment.killed is not Killed.WORKER:
                wrong = _cleaned(watch, folder, next_run)
        finally:
            run.close()
    seconds = time.monotonic() - began
    return Result(name=moment.name, killed=moment.killed.value, seconds=seconds, left=left, wrong=tuple(wrong))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A run, and what was on the machine before it."""

    run: Run
    engine: Engine
    before: frozenset[Trace]

    def left(self) -> tuple[Trace, ...]:
        """What there is of the run now."""
        found = boxes(self.engine)
        return self.run.traces({*on_machine(), *with_engine(self.engine, found)} - self.before, found)

    def settled(self, counts: Callable[[Trace], bool] = lambda _: True, seconds: float = SETTLES) -> tuple[Trace, ...]:
        """What there is of the run, as far as it counts: at once when that is nothing, else when the time is up."""
        deadline = time.monotonic() + seconds
        while left := tuple(filter(counts, self.left())):
            if time.monotonic() > deadline:
                return left
            time.sleep(_AGAIN)
        return ()


def _all_killed(watch: Watch, moment: Moment) -> Found:
    if not watch.run.until(moment.reached):
        return (), _never(watch.run)
    watch.run.kill_all()
    return _seen(watch, moment)


def _leader_killed(watch: Watch, moment: Moment) -> Found:
    """Its workers notice, and end by themselves."""
    if not watch.run.until(moment.reached):
        return (), _never(watch.run)
    watch.run.kill_leader()
    left, wrong = _seen(watch, moment)
    return left, wrong or _told("outlives the leader", watch.settled(watch.run.is_own_process, ORPHANED))


def _worker_killed(watch: Watch, moment: Moment) -> Found:
    """The run goes on, says what happened, and leaves nothing."""
    while watch.run.until(moment.reached):
        if watch.run.kill_worker(moment.reached):
            break
    else:
        return (), _never(watch.run)
    if not watch.run.ended(LONGEST):
        return (), [f"the run did not end within {LONGEST:g} s after its worker was killed"]
    if watch.run.code != NOT_CONFORMANT or LAST_WORDS not in watch.run.said:
        return (), [f"the run ended with {watch.run.code} and did not say that {LAST_WORDS}: {_last(watch.run)}"]
    return (), _told("stays after the run's own end", watch.settled())


_ROUNDS: Mapping[Killed, Callable[[Watch, Moment], Found]] = MappingProxyType(
    {Killed.ALL: _all_killed, Killed.LEADER: _leader_killed, Killed.WORKER: _worker_killed}
)


def _seen(watch: Watch, moment: Moment) -> Found:
    """What is left right after the kill: of each kind that must be, there is some."""
    watch.run.note()
    left = watch.left()
    blind = sorted(moment.leaves - {each.kind for each in left})
    return left, [f"no {kind} was seen after the kill, so that none would be missed later" for kind in blind]


def _cleaned(watch: Watch, folder: Path, next_run: Sequence[str]) -> list[str]:
    """Do what the next run does, and look for what it left."""
    if next_run:
        ended = subprocess.run(
            [PROGRAM, *next_run, "--out", str(folder / "next")],
            check=False,
            capture_output=True,
            text=True,
            env=environment(folder),
        )
        if ended.returncode:
            return [f"the next run ended with {ended.returncode}: {ended.stdout}{ended.stderr}"]
        return _told("stays after a whole next run", watch.settled())
    reap_all(watch.engine)
    if watch.settled():
        reap_all(watch.engine)
    return _told("stays after what the next run removes at its start and its end", watch.settled())


def _never(run: Run) -> list[str]:
    return [f"the run never came to this moment; it ended with {run.code}: {_last(run)}"]


def _told(what: str, left: Iterable[Trace]) -> list[str]:
    return [f"{each.kind} {what}: {each.text[:_LONGEST]}" for each in left]


def _last(run: Run) -> str:
    return " | ".join(run.said.splitlines()[-_LINES:])


@contextmanager
def _folder() -> Generator[Path]:
    """A folder for a run, whose temporary folder is this process's too as long as it lasts."""
    folder = make_folder(short_base())
    temporary = folder / "t"
    folder.chmod(_PASSABLE)  # daemons run as a user of their own
    temporary.mkdir(mode=_PASSABLE)
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        remove_folder(folder)
