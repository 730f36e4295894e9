"""Which hosts a case needs to itself, and so which cases should be one worker's, one after another.

What belongs here: reading that off a case's capabilities and its lane's backend, and the order that brings such cases to few
workers. What does not: making such hosts (`lanes`), and handing cases to workers; that is xdist's.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from itertools import islice
from typing import Final, TypeVar

from virtproof.backends.model import Backend
from virtproof.cases import Case
from virtproof.lanes.containers.pair import has_pairs
from virtproof.lanes.containers.shared import PROVISIONER
from virtproof.lanes.model import Lane
from virtproof.selection import manifest_id
from virtproof_driver import Capability
from virtproof_driver.capabilities import MIGRATION

T = TypeVar("T")

_BREAKING: Final = frozenset({Capability.CONNECTION_RECONNECT, Capability.CONNECTION_KEEPALIVE, Capability.EVENTS_HOST})


class Kept(Enum):
    """What hosts of a case's own its worker keeps for the next such case."""

    NONE = auto()
    ONE = auto()
    PAIR = auto()


# By how many workers such cases should be run: those that move instances take three times as long as those that break daemons.
GROUPS: Final = {Kept.PAIR: 2, Kept.ONE: 1}


def is_exclusive(case: Case) -> bool:
    """Whether a case stops, freezes or kills daemons, so that it must have one of its own."""
    return _is_about(case, _BREAKING)


def is_paired(case: Case, lane: Lane) -> bool:
    """Whether a case moves instances, or asks whether the lane does, so that it must have two hosts of its own."""
    return _is_about(case, MIGRATION) and Capability.MIGRATION_LIVE not in lane.backend.refusals(lane.versions)


def kept(case: Case, backend: Backend) -> Kept:
    """What is kept of the hosts of a case: those in containers. No other daemon outlives its case."""
    if backend.provisioner != PROVISIONER:
        return Kept.NONE
    if has_pairs(backend) and _is_about(case, MIGRATION):
        return Kept.PAIR
    return Kept.ONE if is_exclusive(case) else Kept.NONE


def dealt(items: Sequence[tuple[T, str, Kept]], workers: int) -> list[T]:
    """The items in the order that brings those with hosts of their own to few workers; each has its lane and what is kept for it.

    xdist's `worksteal` gives each worker an even piece of the list, and lets one that has nothing left take over from the end of
    another's. So each group begins a piece. A container is 2 s of a processor, and a daemon that goes on running; a worker
    that runs one case of a group makes one of its own.
    """
    heads: list[list[T]] = [[] for _ in range(workers)]
    for number, group in enumerate(_groups(items)):
        heads[number % workers] += group
    others = (item for item, _, need in items if need is Kept.NONE)
    found: list[T] = []
    for head, size in zip(heads, _sizes(len(items), workers), strict=True):
        found += [*head, *islice(others, max(0, size - len(head)))]
    return [*found, *others]


def _groups(items: Iterable[tuple[T, str, Kept]]) -> Iterator[list[T]]:
    """The items with hosts of their own by lane and kind, those that take longest first."""
    found: defaultdict[tuple[Kept, str], list[T]] = defaultdict(list)
    for item, lane, need in items:
        found[need, lane].append(item)
    for kind, many in GROUPS.items():
        for (need, _), group in found.items():
            if need is kind:
                yield from (group[start::many] for start in range(many))


def _sizes(items: int, workers: int) -> Iterator[int]:
    """How xdist cuts the list."""
    for left in range(workers, 0, -1):
        yield items // left
        items -= items // left


def _is_about(case: Case, capabilities: Iterable[Capability]) -> bool:
    return any(each in case.needs or case.id == manifest_id(each) for each in capabilities)
