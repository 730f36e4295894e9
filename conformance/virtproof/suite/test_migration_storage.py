"""Cases of the area migration: disks that both hosts have, and disks that are copied with the memory.

What belongs here: cases whose ids begin with `migration.storage`. What does not: disks that are in the way of a move
(`test_migration_refusal`). The guests read their boot disk only, from an image that each host has; the disks here are further
ones.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from virtproof.cases import Level, case
from virtproof.contents import content, fill, held
from virtproof.destination import DestinationHost
from virtproof.fixtures import Connect, Small
from virtproof.foreign import foreign_pool
from virtproof.suite.moves import (
    BOTH_WAYS,
    BY_PEERS,
    GUESTED,
    HERE,
    SECONDS,
    THERE,
    assert_intact,
    swept,
    way,
    whereabouts,
)
from virtproof.suite.places import STORED
from virtproof_driver import Capability
from virtproof_driver.constants import DomainEventId
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import MigrationAborted, NotFound
from virtproof_driver.migration import MigrationOptions, MigrationStorage
from virtproof_driver.spec import Disk, InstanceSpec, NewVolume, PoolSpec

MIB = 1 << 20
VOLUME = "disk"
STORED_BOTH = BY_PEERS | STORED
COPIED = STORED_BOTH | GUESTED | {Capability.MIGRATION_STORAGE}
COPY = MigrationOptions(storage=MigrationStorage.COPIED)
Names = Callable[..., str]


def with_disk(spec: InstanceSpec, pool: str, name: str, size: int = MIB) -> InstanceSpec:
    """The spec with a second disk, whose volume the driver makes."""
    return replace(spec, disks=(*spec.disks, Disk(target="vdb", source=NewVolume(pool=pool, volume=name, capacity_bytes=size))))


@case(
    "migration.storage.shared",
    Level.MUST,
    requirement="An instance whose disk is on storage that both hosts have is moved with it, and what it holds is untouched.",
    source="https://libvirt.org/migration.html; VIR_MIGRATE_UNSAFE is not needed for it",
    since="1.0",
    needs=STORED_BOTH,
)
@BOTH_WAYS
def test_shared(driver: ComputeDriver, small: Small, names: Names, destination: DestinationHost, name: str) -> None:
    volume = names("volume")
    instance = driver.spawn(with_disk(small(), destination.pool, volume))
    fill(destination.source, destination.pool, volume, content(MIB, volume))
    driver.migrate(instance.uuid, way(destination, name), timeout=SECONDS).wait(SECONDS)
    assert whereabouts(destination, instance.uuid) == THERE
    destination.refresh()
    assert held(destination.world, destination.pool, volume) == content(MIB, volume)


@case(
    "migration.storage.destroyed",
    Level.MUST,
    requirement="What spawn made is removed when the instance is destroyed on the host that it was moved to.",
    source="an instance's volumes go where it goes",
    since="1.0",
    needs=STORED_BOTH,
)
def test_destroyed(driver: ComputeDriver, connect: Connect, small: Small, names: Names, destination: DestinationHost) -> None:
    volume = names("volume")
    instance = driver.spawn(with_disk(small(), destination.pool, volume))
    driver.migrate(instance.uuid, destination.managed, timeout=SECONDS).wait(SECONDS)
    connect(destination.uri).destroy(instance.uuid)
    destination.source.connection.storagePoolLookupByName(destination.pool).refresh()
    assert f"{destination.pool}/{volume}" not in destination.source.inventory().volumes


@case(
    "migration.storage.copied",
    Level.MUST,
    requirement="A disk that is copied holds on the destination what it held, and the source keeps no copy of a moved instance.",
    source="VIR_MIGRATE_NON_SHARED_DISK",
    since="1.0",
    needs=COPIED,
)
@BOTH_WAYS
def test_copied(driver: ComputeDriver, small: Small, pool_on_both: str, destination: DestinationHost, name: str) -> None:
    instance = driver.spawn(with_disk(small(guest="sweeper"), pool_on_both, VOLUME))
    fill(destination.source, pool_on_both, VOLUME, content(MIB, VOLUME))
    destination.source.wait_up(instance.uuid)
    before = swept(destination.source, instance.uuid)
    result = driver.migrate(instance.uuid, way(destination, name), options=COPY, timeout=SECONDS).wait(SECONDS)
    assert result.leftovers == ()
    assert whereabouts(destination, instance.uuid) == THERE
    assert_intact(destination.world, instance.uuid, before)
    destination.world.connection.storagePoolLookupByName(pool_on_both).refresh()
    destination.source.connection.storagePoolLookupByName(pool_on_both).refresh()
    assert held(destination.world, pool_on_both, VOLUME) == content(MIB, VOLUME)
    assert f"{pool_on_both}/{VOLUME}" not in destination.source.inventory().volumes


@case(
    "migration.storage.copied-destroyed",
    Level.MUST,
    requirement="A copied disk is removed from the destination when the instance is destroyed there.",
    source="an instance's volumes go where it goes",
    since="1.0",
    needs=COPIED,
)
def test_copied_destroyed(
    driver: ComputeDriver, connect: Connect, small: Small, pool_on_both: str, destination: DestinationHost
) -> None:
    instance = driver.spawn(with_disk(small(), pool_on_both, VOLUME))
    driver.migrate(instance.uuid, destination.managed, options=COPY, timeout=SECONDS).wait(SECONDS)
    connect(destination.uri).destroy(instance.uuid)
    destination.world.connection.storagePoolLookupByName(pool_on_both).refresh()
    assert f"{pool_on_both}/{VOLUME}" not in destination.world.inventory().volumes


@case(
    "migration.storage.copy-aborted",
    Level.MUST,
    requirement="A copy that is called off leaves no volume on the destination, and the disk on the source as it was.",
    source="libvirt leaves the volumes that it made for a copy",
    since="1.0",
    needs=COPIED,
)
def test_copy_aborted(driver: ComputeDriver, small: Small, pool_on_both: str, destination: DestinationHost) -> None:
    instance = driver.spawn(with_disk(small(guest="sweeper"), pool_on_both, VOLUME))
    fill(destination.source, pool_on_both, VOLUME, content(MIB, VOLUME))
    destination.source.wait_up(instance.uuid)
    options = replace(COPY, bandwidth_mib_s=1)
    migration = driver.migrate(instance.uuid, destination.managed, options=options, timeout=SECONDS)
    destination.source.wait_notice(instance.uuid, DomainEventId.MIGRATION_ITERATION, timeout=30)
    migration.abort()
    with pytest.raises(MigrationAborted):
        migration.wait(SECONDS)
    assert whereabouts(destination, instance.uuid) == HERE
    destination.world.connection.storagePoolLookupByName(pool_on_both).refresh()
    assert destination.world.inventory().volumes == ()
    assert held(destination.source, pool_on_both, VOLUME) == content(MIB, VOLUME)


@case(
    "migration.storage.no-pool",
    Level.MUST,
    requirement="A copy to a host without the disk's pool is refused by an error that names it, and nothing is changed.",
    source="measured on libvirt 9.0.0: error 49",
    since="1.0",
    needs=COPIED,
)
def test_no_pool(
    driver: ComputeDriver,
    small: Small,
    destination: DestinationHost,
    pool_spec: Callable[[], PoolSpec],
) -> None:
    spec = pool_spec()
    with foreign_pool(destination.source, spec):
        instance = driver.spawn(with_disk(small(), spec.name, VOLUME))
        with pytest.raises(NotFound, match=spec.name):
            driver.migrate(instance.uuid, destination.managed, options=COPY, timeout=SECONDS).wait(SECONDS)
        assert whereabouts(destination, instance.uuid) == HERE
        driver.destroy(instance.uuid)
