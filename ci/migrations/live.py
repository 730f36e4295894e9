"""Live migrations in a row, back and forth.

What belongs here: one of them, and what must hold after it: one host runs the instance, the other does not know it, and the
guest's memory is neither lost nor older. What does not: faults (`faults`).
"""

import itertools
import time
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from ci.migrations.hosts import Host, Two, domain_on, swept
from ci.migrations.outcomes import Outcome
from virtproof.guests.sweeps import await_sweeps
from virtproof_driver import DriverError

SECONDS: Final = 60.0
WAYS: Final = ("managed", "managed", "peer-to-peer", "peer-to-peer")  # each there and back


def migrations(two: Two, uuid: UUID, number: int) -> Iterator[Outcome]:
    """So many migrations of one instance, each to the host that it is not on; they end early when it is on none."""
    home: Host | None = two.hosts[0]
    for way in itertools.islice(itertools.cycle(WAYS), number):
        if home is None:
            return
        yield _moved(two, home, uuid, way)
        home = two.home_of(uuid)


def _moved(two: Two, home: Host, uuid: UUID, way: str) -> Outcome:
    to = two.other(home)
    before, began = swept(home, uuid).finished, time.monotonic()
    try:
        home.driver.migrate(uuid, to.ways[way], timeout=SECONDS).wait(SECONDS)
        wrong = _wrong(two, to, uuid, before)
    except DriverError as error:
        wrong = f"{type(error).__name__}: {error}"
    return Outcome(kind=f"{way} to {to.name}", seconds=time.monotonic() - began, said=to.name, wrong=wrong)


def _wrong(two: Two, to: Host, uuid: UUID, before: int) -> str:
    found = two.home_of(uuid)
    if found is not to:
        return f"it runs on {found.name if found else 'none of the hosts alone'}, not on {to.name}"
    return memory(to, uuid, before)


def memory(host: Host, uuid: UUID, before: int) -> str:
    """What is wrong with the guest's memory, empty when nothing."""
    now = swept(host, uuid)
    if now.finished < before:
        return f"its memory is older than it was: {now.finished} sweeps, {before} before"
    later = await_sweeps(domain_on(host, uuid), now.finished + 2)
    return f"{later.wrong} of its pages are not what it wrote" if later.wrong else ""
