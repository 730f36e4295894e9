"""Cases of the area migration: something breaks while an instance is on its way.

What belongs here: cases whose ids begin with `migration.failure`. What does not: what is asked for (`test_migration_abort`,
`test_migration_meanwhile`). Whatever breaks, exactly one instance runs afterwards, unless it was the guest that was killed; the
error says where it is; nothing of it is left elsewhere; and once all is whole again it can be moved.
"""

import signal
import time

import pytest

from virtproof.cases import Level, case
from virtproof.destination import DestinationHost
from virtproof.lanes.model import DaemonControl, GuestControl
from virtproof.probes.bench import past
from virtproof.recording.world import World
from virtproof.suite.common import await_host, domain_of
from virtproof.suite.moves import (
    BOTH_WAYS,
    GUESTED_BY_PEERS,
    HERE,
    OFF_HERE,
    SECONDS,
    SOON,
    THERE,
    assert_intact,
    await_whereabouts,
    move,
    swept,
    under_way,
    way,
    whereabouts,
)
from virtproof_driver import Capability
from virtproof_driver.constants import DomainEventId
from virtproof_driver.contract import ComputeDriver, Migration
from virtproof_driver.errors import MigrationFailed
from virtproof_driver.migration import InstanceLocation, MigrationOptions
from virtproof_driver.values import Instance

BROKEN = GUESTED_BY_PEERS | {Capability.CONNECTION_RECONNECT}


def failing(migration: Migration) -> MigrationFailed:
    """What the migration says when it has failed, which must be soon."""
    begun = time.monotonic()
    with pytest.raises(MigrationFailed) as raised:
        migration.wait(SECONDS)
    assert time.monotonic() - begun < SOON
    return raised.value


def let_end(world: World, sweeper: Instance) -> None:
    """Past the driver, have a migration that crawls come to its end."""
    domain = domain_of(world, sweeper.uuid)
    past(domain, "migrateSetMaxDowntime", 10_000, 0)
    past(domain, "migrateSetMaxSpeed", 1000, 0)


def told_of(migration: Migration) -> InstanceLocation:
    """Where the migration says that the instance is, however it ended."""
    try:
        migration.wait(SECONDS)
    except MigrationFailed as failed:
        return failed.location
    return InstanceLocation.DESTINATION


@case(
    "migration.failure.destination-guest",
    Level.MUST,
    requirement="When the guest's new process is killed, it runs on where it was, and the error says so.",
    source="measured on libvirt 9.0.0: error 1",
    since="1.0",
    needs=GUESTED_BY_PEERS,
)
@BOTH_WAYS
def test_destination_guest(
    driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World, name: str
) -> None:
    before = swept(world, sweeper.uuid)
    migration = under_way(driver, sweeper, way(destination, name), world)
    destination.guests.kill(sweeper.name, signal.SIGKILL)
    assert failing(migration).location is InstanceLocation.SOURCE
    assert whereabouts(destination, sweeper.uuid) == HERE
    assert_intact(world, sweeper.uuid, before)


@case(
    "migration.failure.source-guest",
    Level.MUST,
    requirement="When the guest itself is killed, it is off where it was and nothing of it is on the destination.",
    source="measured on libvirt 9.0.0: error 9, STOPPED_FAILED on both hosts",
    since="1.0",
    needs=GUESTED_BY_PEERS,
)
@BOTH_WAYS
def test_source_guest(
    driver: ComputeDriver, sweeper: Instance, guests: GuestControl, destination: DestinationHost, name: str
) -> None:
    migration = under_way(driver, sweeper, way(destination, name), destination.source)
    guests.kill(sweeper.name, signal.SIGKILL)
    assert failing(migration).location is InstanceLocation.SOURCE
    assert whereabouts(destination, sweeper.uuid) == OFF_HERE


@case(
    "migration.failure.destination-daemon",
    Level.MUST,
    requirement="When the destination's daemon is killed, the guest runs on where it was, the error says so, and none is left.",
    source="measured on libvirt 9.0.0: error 1",
    since="1.0",
    needs=BROKEN,
)
@BOTH_WAYS
def test_destination_daemon(
    driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World, name: str
) -> None:
    before = swept(world, sweeper.uuid)
    migration = under_way(driver, sweeper, way(destination, name), world)
    destination.daemon.kill()
    assert failing(migration).location is InstanceLocation.SOURCE
    destination.daemon.start()
    await_whereabouts(destination, sweeper.uuid, HERE)
    assert_intact(world, sweeper.uuid, before)


@case(
    "migration.failure.source-daemon",
    Level.MUST,
    requirement="When the source's daemon is killed and comes back, the guest runs where it was, and the error says so.",
    source="libvirt's QEMU driver calls a migration off that it finds when it starts",
    since="1.0",
    needs=BROKEN,
)
@BOTH_WAYS
def test_source_daemon(
    driver: ComputeDriver, sweeper: Instance, daemon: DaemonControl, destination: DestinationHost, name: str
) -> None:
    before = swept(destination.source, sweeper.uuid)
    migration = under_way(driver, sweeper, way(destination, name), destination.source)
    daemon.kill()
    daemon.start()
    assert failing(migration).location is InstanceLocation.SOURCE
    await_host(driver)
    await_whereabouts(destination, sweeper.uuid, HERE)
    assert_intact(destination.source, sweeper.uuid, before)


@case(
    "migration.failure.network",
    Level.MUST,
    requirement="When the network between hosts is cut, the guest runs on where it was, the error says so, and none is left.",
    source="measured on libvirt 11.3.0: the destination keeps the domain paused (3,2) for as long as nobody takes it away",
    since="1.0",
    needs=GUESTED_BY_PEERS,
)
def test_network(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    before = swept(world, sweeper.uuid)
    migration = under_way(driver, sweeper, destination.by_peers, world)
    destination.host.part()
    assert failing(migration).location is InstanceLocation.SOURCE
    assert whereabouts(destination, sweeper.uuid) == HERE
    assert_intact(world, sweeper.uuid, before)


@case(
    "migration.failure.network-managed",
    Level.MUST,
    requirement="A migration that the driver manages ends by its deadline at the latest when the network between hosts is cut.",
    source="TCP alone notices after a quarter of an hour, tcp(7): tcp_retries2",
    since="1.0",
    needs=GUESTED_BY_PEERS,
)
def test_network_managed(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    before = swept(world, sweeper.uuid)
    migration = driver.migrate(sweeper.uuid, destination.managed, options=MigrationOptions(bandwidth_mib_s=1), timeout=5)
    world.wait_notice(sweeper.uuid, DomainEventId.MIGRATION_ITERATION)
    destination.host.part()
    assert failing(migration).location is InstanceLocation.SOURCE
    assert whereabouts(destination, sweeper.uuid) == HERE
    assert_intact(world, sweeper.uuid, before)


@case(
    "migration.failure.again",
    Level.MUST,
    requirement="An instance whose migration failed can be moved once the destination is whole again.",
    source="nothing of the first may be in the way of the second",
    since="1.0",
    needs=BROKEN,
)
@BOTH_WAYS
def test_again(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World, name: str) -> None:
    before = swept(world, sweeper.uuid)
    migration = under_way(driver, sweeper, way(destination, name), world)
    destination.daemon.kill()
    failing(migration)
    destination.daemon.start()
    await_whereabouts(destination, sweeper.uuid, HERE)
    move(driver, sweeper, way(destination, name))
    assert whereabouts(destination, sweeper.uuid) == THERE
    assert_intact(destination.world, sweeper.uuid, before)


@case(
    "migration.failure.client",
    Level.MUST,
    requirement="A migration among the daemons goes on though the driver that began it is cut off, which claims nothing false.",
    source="https://libvirt.org/migration.html#native-migration-peer-to-peer",
    since="1.0",
    needs=BROKEN,
)
def test_client(
    driver: ComputeDriver, sweeper: Instance, daemon: DaemonControl, destination: DestinationHost, world: World
) -> None:
    before = swept(world, sweeper.uuid)
    migration = under_way(driver, sweeper, destination.by_peers, world)
    daemon.cut()
    let_end(world, sweeper)
    destination.world.wait_event(sweeper.uuid, 4, timeout=SECONDS)
    daemon.mend()
    assert told_of(migration) in (InstanceLocation.DESTINATION, InstanceLocation.UNKNOWN)
    await_whereabouts(destination, sweeper.uuid, THERE)
    assert_intact(destination.world, sweeper.uuid, before)
