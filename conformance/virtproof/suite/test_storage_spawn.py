"""Volumes of instances: those that spawn makes and destroy removes, and those that are the caller's.

What belongs here: cases whose ids begin with `storage.spawn`. What does not: volumes by themselves (`test_storage_volume`).
"""

from dataclasses import replace

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH_NAME, SPAWNED
from virtproof_driver import Capability
from virtproof_driver.constants import ErrorCode
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    DriverError,
    HypervisorError,
    InvalidState,
    StoragePoolNotFound,
    VolumeExists,
)
from virtproof_driver.spec import Disk, DiskSource, InstanceSpec, NewVolume, VolumeSource, VolumeSpec
from virtproof_driver.values import PoolInfo

POOLS = frozenset({Capability.STORAGE_POOLS})
VOLUMES = POOLS | {Capability.STORAGE_VOLUMES}
CLONES = VOLUMES | {Capability.STORAGE_CLONE}
DISKS = VOLUMES | SPAWNED | {Capability.DISKS}
MIB = 1 << 20
ONE = VolumeSpec(name="one", capacity_bytes=MIB)
TWO = VolumeSpec(name="two", capacity_bytes=2 * MIB)
REFUSALS: dict[str, type[DriverError]] = {"taken": VolumeExists, "no-pool": StoragePoolNotFound, "stopped": InvalidState}


def volumes_in(world: World, pool: PoolInfo) -> list[str]:
    """The names of the pool's volumes, past the driver."""
    prefix = f"{pool.name}/"
    return [volume.removeprefix(prefix) for volume in world.inventory().volumes if volume.startswith(prefix)]


def with_disk(spec: InstanceSpec, source: DiskSource) -> InstanceSpec:
    """The instance with that image as its only disk."""
    disk = replace(spec.disks[0], source=source) if spec.disks else Disk(target="vda", source=source)
    return replace(spec, disks=(disk,))


def new(pool: PoolInfo, capacity_bytes: int = MIB, clone_of: str | None = None) -> NewVolume:
    """A volume that spawn is to make."""
    return NewVolume(pool=pool.name, volume="root", capacity_bytes=capacity_bytes, clone_of=clone_of)


@pytest.fixture
def rooted(small: Small, pool: PoolInfo) -> InstanceSpec:
    """An instance whose disk is a new volume, `root`, of the pool."""
    return with_disk(small(), new(pool))


@case(
    "storage.spawn.new",
    Level.MUST,
    requirement="spawn() makes the volumes that its spec calls new, destroy() removes them, and no other.",
    source="driver contract: destroy removes all that spawn made",
    since="1.0",
    needs=DISKS,
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_spawn_makes_volumes(driver: ComputeDriver, rooted: InstanceSpec, world: World, pool: PoolInfo, state: str) -> None:
    kept = driver.create_volume(pool.name, ONE)
    driver.spawn(rooted, start=state == "running")
    assert driver.volume(pool.name, "root").capacity_bytes == MIB
    assert driver.spec(rooted.uuid).disks == rooted.disks
    driver.destroy(rooted.uuid)
    assert list(driver.volumes(pool.name)) == [kept]
    assert world.inventory().domains == ()


@case(
    "storage.spawn.clone",
    Level.MUST,
    requirement="A new volume can be a clone of another one, which destroy() leaves.",
    source="virStorageVolCreateXMLFrom; driver contract: NewVolume.clone_of",
    since="1.0",
    needs=DISKS | CLONES,
)
def test_spawn_clones_a_volume(driver: ComputeDriver, small: Small, pool: PoolInfo) -> None:
    golden = driver.create_volume(pool.name, ONE)
    spec = with_disk(small(), new(pool, capacity_bytes=2 * MIB, clone_of="one"))
    driver.spawn(spec)
    assert driver.volume(pool.name, "root").capacity_bytes == 2 * MIB
    driver.destroy(spec.uuid)
    assert list(driver.volumes(pool.name)) == [golden]


@case(
    "storage.spawn.existing",
    Level.MUST,
    requirement="A volume that was there before belongs to the caller: destroy() leaves it.",
    source="driver contract: destroy removes what spawn made, and only that",
    since="1.0",
    needs=DISKS,
)
def test_destroy_keeps_the_callers_volume(driver: ComputeDriver, small: Small, pool: PoolInfo) -> None:
    kept = driver.create_volume(pool.name, ONE)
    spec = with_disk(small(), VolumeSource(pool=pool.name, volume="one"))
    driver.spawn(spec)
    assert driver.spec(spec.uuid).disks == spec.disks
    driver.destroy(spec.uuid)
    assert list(driver.volumes(pool.name)) == [kept]


@case(
    "storage.spawn.undone",
    Level.MUST,
    requirement="A spawn that fails removes the volumes that it made, and the error is the host's.",
    source="nova commit eb18e1d62e; driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=DISKS,
)
@pytest.mark.parametrize("step", [pytest.param("Connection.defineXML", id="define"), pytest.param("Domain.create", id="start")])
def test_failed_spawn_removes_volumes(
    driver: ComputeDriver, rooted: InstanceSpec, world: World, faults: Faults, step: str
) -> None:
    before = world.inventory()
    faults.raise_on(step, ErrorCode.SYSTEM_ERROR, message="no space left")
    with pytest.raises(HypervisorError) as failed:
        driver.spawn(rooted)
    assert (failed.value.code, failed.value.undone_failures) == (ErrorCode.SYSTEM_ERROR, ())
    assert world.inventory() == before


@case(
    "storage.spawn.refused",
    Level.MUST,
    requirement="A new volume whose name is taken, or whose pool is unknown or stopped, is refused: no instance, no volume.",
    source="libvirt errors 90, 49 and 55 before any domain is defined",
    since="1.0",
    needs=DISKS,
)
@pytest.mark.parametrize("problem", REFUSALS)
def test_spawn_with_an_impossible_volume(
    driver: ComputeDriver, rooted: InstanceSpec, world: World, pool: PoolInfo, problem: str
) -> None:
    kept = driver.create_volume(pool.name, replace(TWO, name="root"))
    if problem == "stopped":
        driver.stop_pool(pool.name)
    with pytest.raises(REFUSALS[problem]):
        driver.spawn(with_disk(rooted, replace(new(pool), pool=NO_SUCH_NAME)) if problem == "no-pool" else rooted)
    assert world.domain(rooted.uuid) is None
    driver.start_pool(pool.name)
    assert list(driver.volumes(pool.name)) == [kept]


@case(
    "storage.spawn.gone",
    Level.MUST,
    requirement="destroy() succeeds when another client has deleted a volume that spawn made.",
    source="libvirt error 50 (VIR_ERR_NO_STORAGE_VOL) is the state that was asked for",
    since="1.0",
    needs=DISKS,
)
@pytest.mark.parametrize("what", ["volume", "pool"])
def test_destroy_when_the_volume_is_gone(
    driver: ComputeDriver, rooted: InstanceSpec, world: World, pool: PoolInfo, what: str
) -> None:
    driver.spawn(rooted)
    handle = world.connection.storagePoolLookupByName(pool.name)
    handle.storageVolLookupByName("root").delete(0)
    if what == "pool":
        handle.destroy()
        handle.undefine()
    driver.destroy(rooted.uuid)
    assert world.domain(rooted.uuid) is None
    assert volumes_in(world, pool) == []
