"""Cases of the area migration: an instance that runs is moved, and nothing of it is lost.

What belongs here: cases whose ids begin with `migration.live`. What does not: moves with disks (`test_migration_storage`), and
what is not memory (`test_migration_kept`).
"""

from dataclasses import replace

import pytest

from virtproof.cases import Level, case
from virtproof.destination import DestinationHost
from virtproof.fixtures import Connect, Small
from virtproof.recording.world import World
from virtproof.suite.common import domain_of
from virtproof.suite.moves import (
    BOTH_WAYS,
    BY_PEERS,
    GUESTED,
    GUESTED_BY_PEERS,
    HERE,
    MOVED,
    OFF_HERE,
    PAUSED_THERE,
    SECONDS,
    THERE,
    assert_intact,
    hurry,
    move,
    swept,
    under_way,
    way,
    whereabouts,
)
from virtproof_driver import Capability
from virtproof_driver.constants import DomainEventId
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InvalidState
from virtproof_driver.migration import Destination, MigrationOptions
from virtproof_driver.values import Instance, PowerState

HELD = MOVED | {Capability.PAUSE}


@case(
    "migration.live.managed",
    Level.MUST,
    requirement="A live migration that the driver manages leaves the instance running on the destination, and there alone.",
    source="https://libvirt.org/migration.html",
    since="1.0",
    needs=MOVED,
)
def test_managed(driver: ComputeDriver, instance: Instance, destination: DestinationHost) -> None:
    result = move(driver, instance, destination.managed)
    assert whereabouts(destination, instance.uuid) == THERE
    assert result.instance == replace(instance, reason=result.instance.reason)
    assert result.instance.state is PowerState.RUNNING


@case(
    "migration.live.peers",
    Level.MUST,
    requirement="A live migration among the daemons leaves the instance running on the destination, and there alone.",
    source="https://libvirt.org/migration.html#native-migration-peer-to-peer",
    since="1.0",
    needs=BY_PEERS,
)
def test_peers(driver: ComputeDriver, instance: Instance, destination: DestinationHost) -> None:
    move(driver, instance, destination.by_peers)
    assert whereabouts(destination, instance.uuid) == THERE


@case(
    "migration.live.persistent",
    Level.MUST,
    requirement="A migrated instance is defined on the destination: it can be stopped and started there.",
    source="VIR_MIGRATE_PERSIST_DEST: else the domain is transient, and gone with its first stop",
    since="1.0",
    needs=BY_PEERS | {Capability.STOP, Capability.START},
)
@BOTH_WAYS
def test_persistent(driver: ComputeDriver, connect: Connect, instance: Instance, destination: DestinationHost, name: str) -> None:
    move(driver, instance, way(destination, name))
    assert domain_of(destination.world, instance.uuid).isPersistent()
    there = connect(destination.uri)
    there.stop(instance.uuid, timeout=0)
    assert there.start(instance.uuid).state is PowerState.RUNNING
    assert whereabouts(destination, instance.uuid) == THERE


@case(
    "migration.live.memory",
    Level.MUST,
    requirement="The guest goes on with the memory that it had: none is lost, and none is older than what it wrote last.",
    source="the guest checks each page that it wrote; QEMU 7.2 loses some under TCG",
    since="1.0",
    needs=GUESTED_BY_PEERS,
)
@BOTH_WAYS
def test_memory(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World, name: str) -> None:
    before = swept(world, sweeper.uuid)
    move(driver, sweeper, way(destination, name))
    assert_intact(destination.world, sweeper.uuid, before)


@case(
    "migration.live.passes",
    Level.MUST,
    requirement="Memory that is sent again and again, because the guest goes on writing it, arrives as it was written last.",
    source="QEMU 7.2 under TCG forgets that pages were written between two passes",
    since="1.0",
    needs=GUESTED,
)
def test_passes(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    options = MigrationOptions(bandwidth_mib_s=16, max_downtime_ms=1)
    migration = under_way(driver, sweeper, destination.managed, world, options)
    world.wait_notice(sweeper.uuid, DomainEventId.MIGRATION_ITERATION, timeout=SECONDS, count=4)
    before = swept(world, sweeper.uuid)
    hurry(migration)
    assert_intact(destination.world, sweeper.uuid, before)


@case(
    "migration.live.back",
    Level.MUST,
    requirement="An instance that was moved can be moved back by a driver of its new host, and comes home whole.",
    source="a host that is emptied for its maintenance is filled again",
    since="1.0",
    needs=GUESTED,
)
def test_back(driver: ComputeDriver, connect: Connect, sweeper: Instance, destination: DestinationHost, uri: str) -> None:
    before = swept(destination.source, sweeper.uuid)
    move(driver, sweeper, destination.managed)
    move(connect(destination.uri), sweeper, Destination(uri=uri))
    assert whereabouts(destination, sweeper.uuid) == HERE
    assert_intact(destination.source, sweeper.uuid, before)


@case(
    "migration.live.diskless",
    Level.SHOULD,
    requirement="An instance without a disk is moved as any other.",
    source="virDomainMigrate3: disks are looked at one by one, and there may be none",
    since="1.0",
    needs=MOVED,
)
def test_diskless(driver: ComputeDriver, small: Small, destination: DestinationHost) -> None:
    instance = driver.spawn(small(disks=()))
    move(driver, instance, destination.managed)
    assert whereabouts(destination, instance.uuid) == THERE


@case(
    "migration.live.wired",
    Level.SHOULD,
    requirement="An instance with an interface keeps its hardware address on the destination's network of the same name.",
    source="https://libvirt.org/formatdomain.html#network-interfaces",
    since="1.0",
    needs=MOVED | {Capability.INTERFACE_ATTACH},
)
def test_wired(driver: ComputeDriver, small: Small, connect: Connect, destination: DestinationHost) -> None:
    spec = small(wired=True)
    instance = driver.spawn(spec)
    move(driver, instance, destination.managed)
    assert [each.mac for each in connect(destination.uri).spec(instance.uuid).interfaces] == [
        each.mac for each in spec.interfaces
    ]


@case(
    "migration.live.named",
    Level.SHOULD,
    requirement="An instance that gets a new name by its migration has it on the destination, and in what is returned.",
    source="virDomainMigrate3, VIR_MIGRATE_PARAM_DEST_NAME",
    since="1.0",
    needs=MOVED,
)
def test_named(driver: ComputeDriver, instance: Instance, destination: DestinationHost) -> None:
    name = f"{instance.name}-moved"
    assert move(driver, instance, destination.managed, MigrationOptions(name=name)).instance.name == name
    assert domain_of(destination.world, instance.uuid).name() == name
    assert whereabouts(destination, instance.uuid) == THERE


@case(
    "migration.live.arrives-paused",
    Level.MUST,
    requirement="An instance that is to arrive paused stands still on the destination until it is unpaused.",
    source="VIR_MIGRATE_PAUSED",
    since="1.0",
    needs=HELD,
)
def test_arrives_paused(driver: ComputeDriver, connect: Connect, instance: Instance, destination: DestinationHost) -> None:
    assert move(driver, instance, destination.managed, MigrationOptions(paused=True)).instance.state is PowerState.PAUSED
    assert whereabouts(destination, instance.uuid) == PAUSED_THERE
    assert connect(destination.uri).unpause(instance.uuid).state is PowerState.RUNNING


@case(
    "migration.live.paused-before",
    Level.MUST,
    requirement="An instance that is paused when it is moved is paused afterwards.",
    source="virDomainMigrate3: a paused guest is not started on the destination",
    since="1.0",
    needs=HELD,
)
def test_paused_before(driver: ComputeDriver, instance: Instance, destination: DestinationHost) -> None:
    driver.pause(instance.uuid)
    assert move(driver, instance, destination.managed).instance.state is PowerState.PAUSED
    assert whereabouts(destination, instance.uuid) == PAUSED_THERE


@case(
    "migration.live.two-drivers",
    Level.SHOULD,
    requirement="While an instance is on its way, another driver of its host sees it running there.",
    source="https://libvirt.org/migration.html: the guest runs on the source until the last of its memory is sent",
    since="1.0",
    needs=GUESTED,
)
def test_two_drivers(
    driver: ComputeDriver, connect: Connect, sweeper: Instance, destination: DestinationHost, world: World
) -> None:
    migration = under_way(driver, sweeper, destination.managed, world)
    assert connect().instance(sweeper.uuid).state is PowerState.RUNNING
    migration.abort()


@case(
    "migration.live.off",
    Level.MUST,
    requirement="A live migration of an instance that is off is InvalidState, and its definition stays where it is.",
    source="measured on libvirt 9.0.0: error 55",
    since="1.0",
    needs=MOVED,
)
def test_live_off(driver: ComputeDriver, off_instance: Instance, destination: DestinationHost) -> None:
    with pytest.raises(InvalidState):
        driver.migrate(off_instance.uuid, destination.managed, timeout=SECONDS)
    assert whereabouts(destination, off_instance.uuid) == OFF_HERE


@case(
    "migration.live.nothing-behind",
    Level.SHOULD,
    requirement="After a migration the source knows nothing of the instance: it can come back, or another can take its name.",
    source="VIR_MIGRATE_UNDEFINE_SOURCE",
    since="1.0",
    needs=MOVED,
)
def test_nothing_behind(driver: ComputeDriver, instance: Instance, destination: DestinationHost, world: World) -> None:
    move(driver, instance, destination.managed)
    assert instance.uuid not in {each.uuid for each in driver.instances()}
    assert world.inventory().domains == ()
    assert domain_of(destination.world, instance.uuid).name() == instance.name
