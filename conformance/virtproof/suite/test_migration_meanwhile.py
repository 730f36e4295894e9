"""Cases of the area migration: what else is asked of an instance while it is on its way.

What belongs here: cases whose ids begin with `migration.meanwhile`. What does not: aborts (`test_migration_abort`), and what the
host does by itself (`test_migration_failure`). What is refused is refused by a class that says "not now", within the time that
libvirt waits for a job that another one holds.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from virtproof.cases import Level, case
from virtproof.destination import DestinationHost
from virtproof.fixtures import Connect, Small
from virtproof.recording.world import World
from virtproof.suite.moves import (
    BOTH_WAYS,
    GUESTED,
    GUESTED_BY_PEERS,
    OFF_HERE,
    PAUSED_THERE,
    SECONDS,
    SOON,
    THERE,
    assert_intact,
    hurry,
    swept,
    under_way,
    way,
    whereabouts,
)
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import Busy, InvalidState, MigrationFailed, OperationTimeout
from virtproof_driver.spec import SnapshotSpec
from virtproof_driver.values import Instance, PowerState

HELD = GUESTED_BY_PEERS | {Capability.PAUSE}
NOT_NOW = (Busy, InvalidState, OperationTimeout)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a driver, and the capability that it needs."""

    act: Callable[[ComputeDriver, Instance], object]
    need: Capability


REFUSED = {
    "suspend": Asked(lambda driver, it: driver.suspend(it.uuid), Capability.SUSPEND),
    "snapshot": Asked(lambda driver, it: driver.create_snapshot(it.uuid, SnapshotSpec(name="one")), Capability.SNAPSHOT_INTERNAL),
    "reboot": Asked(lambda driver, it: driver.reboot(it.uuid), Capability.REBOOT),
    "resize": Asked(lambda driver, it: driver.resize(it.uuid, vcpus=2, memory_mib=32), Capability.RESIZE),
}


@case(
    "migration.meanwhile.pause",
    Level.MUST,
    requirement="An instance that is paused while it is on its way is paused when it has arrived.",
    source="measured on libvirt 9.0.0 and 11.3.0: libvirt resumes it on the destination, and the user's pause is lost",
    since="1.0",
    needs=HELD,
)
@BOTH_WAYS
def test_pause(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World, name: str) -> None:
    migration = under_way(driver, sweeper, way(destination, name), world)
    assert driver.pause(sweeper.uuid).state is PowerState.PAUSED
    before = swept(world, sweeper.uuid)
    migration.set_bandwidth(1000)
    assert migration.wait(SECONDS).instance.state is PowerState.PAUSED
    assert whereabouts(destination, sweeper.uuid) == PAUSED_THERE
    assert swept(destination.world, sweeper.uuid) == before


@case(
    "migration.meanwhile.unpause",
    Level.MUST,
    requirement="An instance that is paused and unpaused while it is on its way runs when it has arrived.",
    source="the last that was asked for counts",
    since="1.0",
    needs=HELD,
)
def test_unpause(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    before = swept(world, sweeper.uuid)
    migration = under_way(driver, sweeper, destination.managed, world)
    driver.pause(sweeper.uuid)
    driver.unpause(sweeper.uuid)
    assert hurry(migration).instance.state is PowerState.RUNNING
    assert whereabouts(destination, sweeper.uuid) == THERE
    assert_intact(destination.world, sweeper.uuid, before)


@case(
    "migration.meanwhile.stop",
    Level.MUST,
    requirement="An instance that is forced off while it is on its way is off on the source, and its migration has failed.",
    source="measured on libvirt 9.0.0: virDomainDestroy ends the migration with error 9",
    since="1.0",
    needs=GUESTED | {Capability.STOP},
)
def test_stop(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    migration = under_way(driver, sweeper, destination.managed, world)
    begun = time.monotonic()
    driver.stop(sweeper.uuid, timeout=0)
    with pytest.raises(MigrationFailed):
        migration.wait(SECONDS)
    assert time.monotonic() - begun < SOON
    assert whereabouts(destination, sweeper.uuid) == OFF_HERE


@case(
    "migration.meanwhile.destroy",
    Level.MUST,
    requirement="An instance that is destroyed while it is on its way is gone from both hosts, and its migration has failed.",
    source="measured on libvirt 9.0.0: virDomainDestroy ends the migration with error 9",
    since="1.0",
    needs=GUESTED,
)
def test_destroy(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    migration = under_way(driver, sweeper, destination.managed, world)
    driver.destroy(sweeper.uuid)
    with pytest.raises(MigrationFailed):
        migration.wait(SECONDS)
    assert whereabouts(destination, sweeper.uuid) == (None, None)


@case(
    "migration.meanwhile.refused",
    Level.MUST,
    requirement="What cannot be done on the way is refused in bounded time by an error that says so, and the migration goes on.",
    source="libvirt lets one job at a time change a domain; it waits 30 s for it",
    since="1.0",
    needs=GUESTED | {asked.need for asked in REFUSED.values()},
)
@pytest.mark.parametrize("asked", REFUSED.values(), ids=REFUSED)
def test_refused(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World, asked: Asked) -> None:
    before = swept(world, sweeper.uuid)
    migration = under_way(driver, sweeper, destination.managed, world)
    begun = time.monotonic()
    with pytest.raises(NOT_NOW):
        asked.act(driver, sweeper)
    assert time.monotonic() - begun < SOON
    hurry(migration)
    assert whereabouts(destination, sweeper.uuid) == THERE
    assert_intact(destination.world, sweeper.uuid, before)


@case(
    "migration.meanwhile.twice",
    Level.MUST,
    requirement="A second migration of an instance that is on its way is refused as Busy, and the first goes on.",
    source="one job a domain",
    since="1.0",
    needs=GUESTED,
)
def test_twice(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    migration = under_way(driver, sweeper, destination.managed, world)
    with pytest.raises(Busy):
        driver.migrate(sweeper.uuid, destination.managed, timeout=SECONDS)
    hurry(migration)
    assert whereabouts(destination, sweeper.uuid) == THERE


@case(
    "migration.meanwhile.reads",
    Level.MUST,
    requirement="While an instance is on its way it can be listed, found and measured, and other instances can be changed.",
    source="virtproof design: a migration holds up nobody who only looks",
    since="1.0",
    needs=GUESTED | {Capability.DIAGNOSTICS},
)
def test_reads(driver: ComputeDriver, sweeper: Instance, small: Small, destination: DestinationHost, world: World) -> None:
    migration = under_way(driver, sweeper, destination.managed, world)
    begun = time.monotonic()
    assert driver.instance(sweeper.uuid).state is PowerState.RUNNING
    assert sweeper.uuid in {each.uuid for each in driver.instances()}
    assert driver.diagnostics(sweeper.uuid).vcpus
    other = driver.spawn(small())
    driver.destroy(other.uuid)
    assert time.monotonic() - begun < SOON
    hurry(migration)
    assert whereabouts(destination, sweeper.uuid) == THERE


@case(
    "migration.meanwhile.two",
    Level.SHOULD,
    requirement="Two instances of one host can be on their way at one time, and each arrives.",
    source="one job a domain, not one a host",
    since="1.0",
    needs=GUESTED,
)
def test_two(driver: ComputeDriver, instance: Instance, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    slow = under_way(driver, sweeper, destination.managed, world)
    driver.migrate(instance.uuid, destination.managed, timeout=SECONDS).wait(SECONDS)
    assert whereabouts(destination, instance.uuid) == THERE
    hurry(slow)
    assert whereabouts(destination, sweeper.uuid) == THERE


@case(
    "migration.meanwhile.destination",
    Level.SHOULD,
    requirement="What arrives does not run yet to a driver of the destination, and is not disturbed by its looking.",
    source="measured on libvirt 9.0.0: the domain is paused there (3,2) until the last of its memory has come",
    since="1.0",
    needs=GUESTED,
)
def test_destination(
    driver: ComputeDriver, connect: Connect, sweeper: Instance, destination: DestinationHost, world: World
) -> None:
    migration = under_way(driver, sweeper, destination.managed, world)
    there = {each.uuid: each.state for each in connect(destination.uri).instances()}
    assert there.get(sweeper.uuid) is not PowerState.RUNNING
    hurry(migration)
    assert whereabouts(destination, sweeper.uuid) == THERE
