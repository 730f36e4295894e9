"""Resizing storage volumes.

What belongs here: cases whose ids begin with `storage.resize`. What does not: disks of running instances.
"""

from typing import Final

import pytest

from virtproof.cases import Level, case
from virtproof.contents import content, fill, held
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH_NAME
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DriverError, InvalidSpec, InvalidState, StoragePoolNotFound, VolumeNotFound
from virtproof_driver.spec import DiskFormat, VolumeSpec
from virtproof_driver.values import PoolInfo

RESIZES: Final = frozenset({Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES, Capability.STORAGE_RESIZE})
MIB: Final = 1 << 20


@case(
    "storage.resize.grow",
    Level.MUST,
    requirement="A volume grows to the byte and keeps its format; started again, its pool says the same.",
    source="virStorageVolResize",
    since="1.0",
    needs=RESIZES,
)
@pytest.mark.parametrize("disk_format", DiskFormat)
@pytest.mark.parametrize("capacity", [MIB, MIB + 512, 5 << 30], ids=["same", "sector", "5GiB"])
def test_grow(driver: ComputeDriver, pool: PoolInfo, disk_format: DiskFormat, capacity: int) -> None:
    before = driver.create_volume(pool.name, VolumeSpec(name="one", capacity_bytes=MIB, format=disk_format))
    after = driver.resize_volume(pool.name, "one", capacity)
    assert (after.capacity_bytes, after.format, after.path) == (capacity, disk_format, before.path)
    assert after.allocation_bytes < MIB, "what was grown is sparse"
    driver.stop_pool(pool.name)
    driver.start_pool(pool.name)
    assert driver.volume(pool.name, "one").capacity_bytes == capacity


@case(
    "storage.resize.keeps",
    Level.MUST,
    requirement="What a volume held it holds still when it was grown, and zeros after it.",
    source="virStorageVolResize: without flags only the capacity changes",
    since="1.0",
    needs=RESIZES | {Capability.STORAGE_DOWNLOAD},
)
def test_keeps(driver: ComputeDriver, world: World, pool: PoolInfo) -> None:
    driver.create_volume(pool.name, VolumeSpec(name="one", capacity_bytes=MIB))
    fill(world, pool.name, "one", content(MIB))
    driver.resize_volume(pool.name, "one", 2 * MIB)
    assert held(world, pool.name, "one") == content(MIB) + bytes(MIB)


@case(
    "storage.resize.shrink",
    Level.MUST,
    requirement="A volume is not made smaller, not even where nothing was written: InvalidSpec, and it stays as it was.",
    source="virStorageVolResize: shrinking needs a flag, error 8 (VIR_ERR_INVALID_ARG) without it",
    since="1.0",
    needs=RESIZES,
)
@pytest.mark.parametrize("disk_format", DiskFormat)
@pytest.mark.parametrize("capacity", [MIB - 1, 0, -1])
def test_shrink(driver: ComputeDriver, pool: PoolInfo, disk_format: DiskFormat, capacity: int) -> None:
    before = driver.create_volume(pool.name, VolumeSpec(name="one", capacity_bytes=MIB, format=disk_format))
    with pytest.raises(InvalidSpec) as refused:
        driver.resize_volume(pool.name, "one", capacity)
    assert refused.value.field == "capacity_bytes"
    assert driver.volume(pool.name, "one") == before


@case(
    "storage.resize.refused",
    Level.MUST,
    requirement="A volume or pool that is not there is named; in a stopped pool it is InvalidState.",
    source="libvirt errors 49, 50 and 55",
    since="1.0",
    needs=RESIZES,
)
@pytest.mark.parametrize(
    ("problem", "error"), [("volume", VolumeNotFound), ("pool", StoragePoolNotFound), ("stopped", InvalidState)]
)
def test_refused(driver: ComputeDriver, pool: PoolInfo, problem: str, error: type[DriverError]) -> None:
    before = driver.create_volume(pool.name, VolumeSpec(name="one", capacity_bytes=MIB))
    if problem == "stopped":
        driver.stop_pool(pool.name)
    with pytest.raises(error):
        driver.resize_volume(
            NO_SUCH_NAME if problem == "pool" else pool.name, NO_SUCH_NAME if problem == "volume" else "one", 2 * MIB
        )
    driver.start_pool(pool.name)
    assert list(driver.volumes(pool.name)) == [before]
