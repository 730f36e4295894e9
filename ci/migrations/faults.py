"""Migrations with a fault in the middle: kinds of faults, and what must hold after each.

What belongs here: the table, and one such migration. What does not: drawing them (`__main__`). Whatever breaks, one host runs the
instance afterwards and the other does not know it, the error says which, and the memory is whole. A guest that is killed is off
where it was, and is started there again before that is looked at.
"""

import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from threading import Event
from types import MappingProxyType
from typing import Final
from uuid import UUID

from ci.migrations.hosts import Host, Two, domain_on, swept
from ci.migrations.live import SECONDS, memory
from ci.migrations.outcomes import Outcome
from virtproof.guests.sweeps import await_sweeps
from virtproof_driver import DriverError, Migration, MigrationFailed, MigrationOptions, PowerState

CRAWL: Final = MigrationOptions(bandwidth_mib_s=1)
LATEST: Final = 2.0  # seconds after the beginning, for faults
DEADLINE: Final = 30.0
Fault = Callable[[Two, Host, Migration, str], object]
KILLED: Final = "source guest killed"


def _network(two: Two, _home: Host, _migration: Migration, _name: str) -> None:
    two.world.destination.part()


def _source_daemon(_two: Two, home: Host, _migration: Migration, _name: str) -> None:
    home.daemon.kill()
    home.daemon.start()


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "destination daemon killed": lambda two, home, _migration, _name: two.other(home).daemon.kill(),
        "destination guest killed": lambda two, home, _migration, name: two.other(home).guests.kill(name, signal.SIGKILL),
        KILLED: lambda _two, home, _migration, name: home.guests.kill(name, signal.SIGKILL),
        "source daemon killed": _source_daemon,
        "network cut": _network,
        "aborted": lambda _two, _home, migration, _name: migration.abort(),
    }
)


def migrations(two: Two, uuid: UUID, number: int, seed: int) -> Iterator[Outcome]:
    """So many, their kinds, ways and moments drawn by a seed."""
    numbers = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(number):
        home = two.home_of(uuid)
        if home is None:
            return
        kind, way, moment = numbers.choice(list(FAULTS)), numbers.choice(list(home.ways)), numbers.uniform(0, LATEST)
        yield _broken(two, home, uuid, (kind, way, moment))


def _broken(two: Two, home: Host, uuid: UUID, drawn: tuple[str, str, float]) -> Outcome:
    kind, way, moment = drawn
    before, began = swept(home, uuid).finished, time.monotonic()
    said, wrong = "nothing", ""
    try:
        migration = home.driver.migrate(uuid, two.other(home).ways[way], options=CRAWL, timeout=DEADLINE)
        Event().wait(moment)
        FAULTS[kind](two, home, migration, domain_on(home, uuid).name() if kind != "source daemon killed" else "")
        migration.wait(SECONDS)
        wrong = "it did not fail"
    except MigrationFailed as failed:
        said = failed.location.value
    except DriverError as error:
        wrong = f"it does not say where the instance is: {type(error).__name__}: {error}"
    seconds = time.monotonic() - began
    two.whole()
    return Outcome(kind=kind, seconds=seconds, said=said, wrong=wrong or _wrong(two, home, uuid, _Before(kind, said, before)))


class _Before:
    """What was so before a look: the fault, what the error said, and the guest's sweeps."""

    def __init__(self, kind: str, said: str, sweeps: int) -> None:
        self.kind = kind
        self.said = said
        self.sweeps = 0 if kind == KILLED else sweeps


def _wrong(two: Two, home: Host, uuid: UUID, before: _Before) -> str:
    if before.kind == KILLED:
        _started_again(home, uuid)
    found = two.home_of(uuid)
    if found is None:
        return f"{before.kind}: not exactly one instance runs, or the other host has it too"
    if before.said != ("source" if found is home else "destination"):
        return f"{before.kind}: it runs on {found.name}, and the error says {before.said} of a move from {home.name}"
    wrong = memory(found, uuid, before.sweeps)
    return f"{before.kind}: {wrong}" if wrong else ""


def _started_again(home: Host, uuid: UUID) -> None:
    if home.driver.instance(uuid).state is PowerState.OFF:
        home.driver.start(uuid)
        await_sweeps(domain_on(home, uuid), 2)
