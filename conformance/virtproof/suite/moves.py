"""What cases of migration say in the same words.

What belongs here: their needs, moving an instance and stopping on the way, where an instance is afterwards, and whether its
memory is what it was. What does not: fixtures, and any case. A migration that is to be met under way is of the guest `sweeper` at
1 MiB/s: it writes 12 MiB again 18 times a second, so that it would go on for as long as it may.
"""

import time
from threading import Event
from typing import Final
from uuid import UUID

import pytest

from virtproof.destination import DestinationHost
from virtproof.guests.sweeps import await_sweeps, sweeps
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainEventId, DomainState
from virtproof_driver.contract import ComputeDriver, Migration
from virtproof_driver.migration import Destination, MigrationMode, MigrationOptions, MigrationResult
from virtproof_driver.values import Instance

MOVED: Final = SPAWNED | {Capability.MIGRATION_LIVE}
BY_PEERS: Final = MOVED | {Capability.MIGRATION_PEER_TO_PEER}
GUESTED: Final = MOVED | {Capability.GUESTS}
GUESTED_BY_PEERS: Final = GUESTED | BY_PEERS
WAYS: Final = ("managed", "by_peers")
BOTH_WAYS: Final = pytest.mark.parametrize("name", WAYS)

SECONDS: Final = 45.0
SOON: Final = 40.0
"""How long what meets a migration may take at most, in seconds: libvirt itself waits 30 for a job that another one holds."""
PLAIN: Final = MigrationOptions()
SETTLES: Final = 15.0
_BETWEEN: Final = 0.05
CRAWL: Final = MigrationOptions(bandwidth_mib_s=1)

HERE: Final = (int(DomainState.RUNNING), None)
"""It runs on the source, and the destination does not know it."""
THERE: Final = (None, int(DomainState.RUNNING))
"""The other way round."""
PAUSED_THERE: Final = (None, int(DomainState.PAUSED))
OFF_HERE: Final = (int(DomainState.SHUTOFF), None)
OFF_THERE: Final = (None, int(DomainState.SHUTOFF))


def way(destination: DestinationHost, name: str) -> Destination:
    """One of WAYS."""
    return destination.managed if name == "managed" else destination.by_peers


def move(
    driver: ComputeDriver,
    instance: Instance,
    to: Destination,
    options: MigrationOptions = PLAIN,
    **more: MigrationMode,
) -> MigrationResult:
    """A whole migration, which must end well."""
    return driver.migrate(instance.uuid, to, options=options, timeout=SECONDS, **more).wait(SECONDS)


def under_way(
    driver: ComputeDriver, sweeper: Instance, to: Destination, world: World, options: MigrationOptions = CRAWL
) -> Migration:
    """A migration that has begun to copy memory, and does not end by itself."""
    migration = driver.migrate(sweeper.uuid, to, options=options, timeout=SECONDS)
    world.wait_notice(sweeper.uuid, DomainEventId.MIGRATION_ITERATION)
    return migration


def hurry(migration: Migration) -> MigrationResult:
    """Let a migration that crawls come to its end."""
    migration.set_max_downtime(10_000)
    migration.set_bandwidth(1000)
    return migration.wait(SECONDS)


def whereabouts(destination: DestinationHost, uuid: UUID) -> tuple[int | None, int | None]:
    """Libvirt's state of the instance on the source and on the destination, None where it is not known."""
    states = (destination.source.state(uuid), destination.world.state(uuid))
    return (states[0][0] if states[0] else None, states[1][0] if states[1] else None)


def await_whereabouts(destination: DestinationHost, uuid: UUID, wanted: tuple[int | None, int | None]) -> None:
    """Wait until the instance is where it is wanted, by looking: a daemon that has just started tells nothing."""
    deadline = time.monotonic() + SETTLES
    while (now := whereabouts(destination, uuid)) != wanted:
        assert time.monotonic() < deadline, f"the states on source and destination are {now} after {SETTLES:g} s, not {wanted}"
        Event().wait(_BETWEEN)


def swept(world: World, uuid: UUID) -> int:
    """How many sweeps the guest has finished."""
    return sweeps(domain_of(world, uuid)).finished


def assert_intact(world: World, uuid: UUID, before: int) -> None:
    """The guest goes on from where it was, and finds in all its memory what it wrote."""
    there = domain_of(world, uuid)
    now = sweeps(there)
    assert now.finished >= before, f"the memory is older than it was: {now.finished} sweeps, {before} before"
    later = await_sweeps(there, now.finished + 3)
    assert later.wrong == 0, f"{later.wrong} pages of the guest's are not what it wrote"
