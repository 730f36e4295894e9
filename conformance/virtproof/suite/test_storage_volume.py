"""Storage volumes: making, listing and deleting them.

What belongs here: cases whose ids begin with `storage.volume`. What does not: copies (`test_storage_clone`), and volumes of
instances (`test_storage_spawn`).
"""

from dataclasses import replace

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import PoolSpecs
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    InvalidSpec,
    VolumeExists,
    VolumeNotFound,
)
from virtproof_driver.spec import DiskFormat, VolumeSpec
from virtproof_driver.values import PoolInfo

POOLS = frozenset({Capability.STORAGE_POOLS})
VOLUMES = POOLS | {Capability.STORAGE_VOLUMES}
CLONES = VOLUMES | {Capability.STORAGE_CLONE}
DISKS = VOLUMES | SPAWNED | {Capability.DISKS}
MIB = 1 << 20
ONE = VolumeSpec(name="one", capacity_bytes=MIB)
TWO = VolumeSpec(name="two", capacity_bytes=2 * MIB)


def volumes_in(world: World, pool: PoolInfo) -> list[str]:
    """The names of the pool's volumes, past the driver."""
    prefix = f"{pool.name}/"
    return [volume.removeprefix(prefix) for volume in world.inventory().volumes if volume.startswith(prefix)]


@case(
    "storage.volume.create",
    Level.MUST,
    requirement="create_volume() gives a volume of the capacity asked for, to the byte, which is listed with its path.",
    source="virStorageVolCreateXML; https://libvirt.org/formatstorage.html: capacity",
    since="1.0",
    needs=VOLUMES,
)
@pytest.mark.parametrize(
    "capacity", [pytest.param(MIB, id="1MiB"), pytest.param(3 * MIB + 512, id="sectors"), pytest.param(5 << 30, id="5GiB")]
)
def test_create_volume(driver: ComputeDriver, world: World, pool: PoolInfo, capacity: int) -> None:
    made = driver.create_volume(pool.name, VolumeSpec(name="one", capacity_bytes=capacity))
    assert (made.pool, made.name, made.capacity_bytes) == (pool.name, "one", capacity)
    assert made.path.startswith("/")
    assert made.allocation_bytes < capacity, "an allocation of 0 is sparse"
    assert driver.volume(pool.name, "one") == made
    assert list(driver.volumes(pool.name)) == [made]
    assert volumes_in(world, pool) == ["one"]


@case(
    "storage.volume.allocated",
    Level.MUST,
    requirement="Without an allocation a volume is fully allocated.",
    source="https://libvirt.org/formatstorage.html: allocation, omitted, is fully allocated at creation",
    since="1.0",
    needs=VOLUMES,
)
def test_fully_allocated_volume(driver: ComputeDriver, pool: PoolInfo) -> None:
    made = driver.create_volume(pool.name, VolumeSpec(name="one", capacity_bytes=MIB, allocation_bytes=None))
    assert made.capacity_bytes == MIB
    assert made.allocation_bytes >= MIB


@case(
    "storage.volume.list",
    Level.MUST,
    requirement="volumes() lists the volumes of its own pool, each with a path of its own.",
    source="virStoragePoolListAllVolumes",
    since="1.0",
    needs=VOLUMES,
)
def test_list_volumes(driver: ComputeDriver, pool_spec: PoolSpecs, pool: PoolInfo) -> None:
    other = driver.create_pool(pool_spec())
    made = [driver.create_volume(pool.name, spec) for spec in (TWO, ONE)]
    namesake = driver.create_volume(other.name, TWO)
    assert sorted(driver.volumes(pool.name), key=lambda volume: volume.name) == sorted(made, key=lambda volume: volume.name)
    assert list(driver.volumes(other.name)) == [namesake]
    assert len({volume.path for volume in (*made, namesake)}) == len(made) + 1


@case(
    "storage.volume.delete",
    Level.MUST,
    requirement="delete_volume() removes that volume and no other, and its name can be used again.",
    source="virStorageVolDelete",
    since="1.0",
    needs=VOLUMES,
)
def test_delete_volume(driver: ComputeDriver, world: World, pool: PoolInfo) -> None:
    driver.create_volume(pool.name, ONE)
    kept = driver.create_volume(pool.name, TWO)
    driver.delete_volume(pool.name, "one")
    assert list(driver.volumes(pool.name)) == [kept]
    assert volumes_in(world, pool) == ["two"]
    assert driver.create_volume(pool.name, replace(ONE, capacity_bytes=4 * MIB)).capacity_bytes == 4 * MIB


@case(
    "storage.volume.duplicate",
    Level.MUST,
    requirement="A name that the pool has is VolumeExists, and that volume stays as it was.",
    source="libvirt error 90 (VIR_ERR_STORAGE_VOL_EXIST)",
    since="1.0",
    needs=VOLUMES,
)
def test_duplicate_volume(driver: ComputeDriver, pool: PoolInfo) -> None:
    original = driver.create_volume(pool.name, ONE)
    with pytest.raises(VolumeExists) as refused:
        driver.create_volume(pool.name, replace(TWO, name="one"))
    assert refused.value.key == "one"
    assert list(driver.volumes(pool.name)) == [original]


@case(
    "storage.volume.unknown",
    Level.MUST,
    requirement="A volume that the pool has not is VolumeNotFound, which names it, though another pool has one of that name.",
    source="libvirt error 50 (VIR_ERR_NO_STORAGE_VOL)",
    since="1.0",
    needs=VOLUMES,
)
@pytest.mark.parametrize("method", ["volume", "delete_volume"])
def test_unknown_volume(driver: ComputeDriver, pool_spec: PoolSpecs, pool: PoolInfo, method: str) -> None:
    other = driver.create_pool(pool_spec())
    kept = driver.create_volume(other.name, ONE)
    with pytest.raises(VolumeNotFound) as refused:
        getattr(driver, method)(pool.name, "one")
    assert refused.value.key == "one"
    assert list(driver.volumes(other.name)) == [kept]


@case(
    "storage.volume.invalid",
    Level.MUST,
    requirement="A volume that cannot be is InvalidSpec, which names the field, before anything is made.",
    source="driver contract: InvalidSpec is the caller's fault; libvirt wraps a negative size around",
    since="1.0",
    needs=VOLUMES,
)
@pytest.mark.parametrize(
    ("field", "spec"),
    [
        pytest.param("name", replace(ONE, name=""), id="no-name"),
        pytest.param("name", replace(ONE, name="../one"), id="path"),
        pytest.param("capacity_bytes", replace(ONE, capacity_bytes=-1), id="negative"),
        pytest.param("capacity_bytes", replace(ONE, capacity_bytes=1 << 63), id="too-large"),
        pytest.param("allocation_bytes", replace(ONE, allocation_bytes=-1), id="negative-allocation"),
    ],
)
def test_invalid_volume(driver: ComputeDriver, world: World, pool: PoolInfo, field: str, spec: VolumeSpec) -> None:
    with pytest.raises(InvalidSpec) as refused:
        driver.create_volume(pool.name, spec)
    assert refused.value.field == field
    assert volumes_in(world, pool) == []


@case(
    "storage.volume.format",
    Level.MUST,
    requirement="A volume is told with the format that it was made in; it has no backing and is not encrypted.",
    source="https://libvirt.org/formatstorage.html: format",
    since="1.0",
    needs=VOLUMES,
)
@pytest.mark.parametrize("disk_format", DiskFormat)
def test_volume_format(driver: ComputeDriver, pool: PoolInfo, disk_format: DiskFormat) -> None:
    made = driver.create_volume(pool.name, replace(ONE, format=disk_format))
    assert (made.format, made.backing, made.encrypted, made.capacity_bytes) == (disk_format, None, False, MIB)
    driver.refresh_pool(pool.name)
    assert list(driver.volumes(pool.name)) == [driver.volume(pool.name, "one")] == [made]


@case(
    "storage.volume.vanishing",
    Level.MUST,
    requirement="volumes() leaves out a volume that another client deletes while it lists them.",
    source="libvirt error 50 (VIR_ERR_NO_STORAGE_VOL) from a handle of the list",
    since="1.0",
    needs=VOLUMES,
)
def test_vanishing_volume(driver: ComputeDriver, world: World, pool: PoolInfo, faults: Faults) -> None:
    kept = driver.create_volume(pool.name, ONE)
    driver.create_volume(pool.name, TWO)
    handle = world.connection.storagePoolLookupByName(pool.name).storageVolLookupByName("two")
    faults.after("listAllVolumes", lambda: handle.delete(0))
    assert list(driver.volumes(pool.name)) == [kept]
