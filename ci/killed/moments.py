"""The moments at which a run is killed: what runs, when, who is killed, and what must be there right after.

What belongs here: the table, and the conditions as functions of what is seen of a run. What does not: looking and killing
(`runs`). A moment that a run never came to, and a kind of trace that was not seen after the kill, fail the check: otherwise it
could pass because nothing was there, or because it cannot see.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from ci.killed.engine import CONTAINER
from ci.killed.runs import Sight

LATEST: Final = 15.0  # seconds after a run's start, for moments that are drawn
_ENDED_CASES: Final = re.compile(r"\b[1-9]\d*/\d+ cases")
_FIRST_MUTANT: Final = re.compile(r"\b1/\d+ mutants")


@unique
class Killed(Enum):
    """Whom SIGKILL hits."""

    ALL = "leader and workers"
    LEADER = "leader"
    WORKER = "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One round. `leaves` are kinds of traces of which some must be seen right after the kill.

    After `Killed.WORKER` the run goes on, and has to leave nothing by itself.
    """

    name: str
    words: tuple[str, ...]
    reached: Callable[[Sight], bool]
    killed: Killed = Killed.ALL
    leaves: frozenset[str] = frozenset()


def _has_containers(number: int) -> Callable[[Sight], bool]:
    return lambda sight: sight.containers >= number


def _ended_a_case(sight: Sight) -> bool:
    return _ENDED_CASES.search(sight.said) is not None


def _judged_a_mutant(sight: Sight) -> bool:
    return _FIRST_MUTANT.search(sight.said) is not None


def _works(workers: int) -> Callable[[Sight], bool]:
    return lambda sight: sight.cases >= workers


def _removes_containers(sight: Sight) -> bool:
    return 0 < sight.containers < sight.most_containers


def _after(seconds: float) -> Callable[[Sight], bool]:
    return lambda sight: sight.seconds >= seconds


_RUN: Final = ("run", "--out", "out", "-n", "2", "--profile", "full")
_HOSTS: Final = (*_RUN, "--backend", "qemu", "--backend", "lxc")
_QEMU: Final = (*_RUN, "--backend", "qemu")
_RPC: Final = (*_RUN, "--backend", "test-rpc")
# one by one: the second begins when the first is judged, and is long
_MUTANTS: Final = ("mutants", "pause-once", "emits-late", "-n", "1")
_HOST_LEAVES: Final = frozenset({CONTAINER, "process", "temporary file", "mount", "interface", "port"})
_FILES: Final = frozenset({"temporary file"})

MOMENTS: Final = (
    Moment(
        name="a container is there", words=_HOSTS, reached=_has_containers(1), leaves=frozenset({CONTAINER, "temporary file"})
    ),
    Moment(name="first cases have ended", words=_QEMU, reached=_ended_a_case, leaves=_HOST_LEAVES),
    Moment(
        name="an exclusive case has a container",
        words=(*_QEMU, "-k", "connection.keepalive"),
        reached=_has_containers(2),
        leaves=_HOST_LEAVES,
    ),
    Moment(
        name="a case has two hosts",
        words=(*_QEMU, "-k", "migration.progress.again"),
        reached=_has_containers(3),
        leaves=_HOST_LEAVES | {"network", "volume"},
    ),
    Moment(
        name="the run removes its containers",
        words=(*_HOSTS, "-n", "0", "-k", "lifecycle.pause.idempotent"),
        reached=_removes_containers,
        leaves=_FILES,  # the engine may be done with both containers by then
    ),
    Moment(name="both workers have a case", words=_QEMU, reached=_works(2), killed=Killed.LEADER, leaves=_HOST_LEAVES),
    Moment(
        name="both workers have a case",
        words=(*_QEMU, "-k", "lifecycle.pause.idempotent"),
        reached=_works(2),
        killed=Killed.WORKER,
    ),
    Moment(name="both workers have a daemon", words=_RPC, reached=_works(2), leaves=_FILES),
    Moment(name="the first of two mutants is judged", words=_MUTANTS, reached=_judged_a_mutant, leaves=_FILES),
)


def drawn(seed: int) -> Iterator[Moment]:
    """Moments at random, without end, the same for a seed."""
    numbers = random.Random(seed)  # noqa: S311 - no secret
    while True:
        seconds = numbers.uniform(0, LATEST)
        yield Moment(name=f"{seconds:.1f} s after the start", words=_HOSTS, reached=_after(seconds))
