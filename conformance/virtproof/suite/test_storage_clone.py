"""Clones: storage volumes made from others.

What belongs here: cases whose ids begin with `storage.clone`. What does not: clones that spawn makes (`test_storage_spawn`).
"""

from dataclasses import replace

import pytest

from virtproof.cases import Level, case
from virtproof.contents import content, held
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH_NAME, SPAWNED
from virtproof_driver import Capability
from virtproof_driver.constants import ErrorCode
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    DriverError,
    HypervisorError,
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
CLONE = VolumeSpec(name="clone", capacity_bytes=MIB)
COPY = VolumeSpec(name="copy", capacity_bytes=MIB, format=DiskFormat.QCOW2)
# Of what, what is asked for, which error, and what it names.
REFUSALS: dict[str, tuple[str, VolumeSpec, type[DriverError], str]] = {
    "smaller": ("two", CLONE, InvalidSpec, "capacity_bytes"),
    "unknown": (NO_SUCH_NAME, CLONE, VolumeNotFound, NO_SUCH_NAME),
    "taken": ("one", TWO, VolumeExists, "two"),
}


@case(
    "storage.clone.create",
    Level.MUST,
    requirement="A clone has the capacity asked for, at least its source's; the source stays, and is not needed any more.",
    source="virStorageVolCreateXMLFrom",
    since="1.0",
    needs=CLONES,
)
@pytest.mark.parametrize("capacity", [pytest.param(MIB, id="equal"), pytest.param(2 * MIB, id="larger")])
def test_clone(driver: ComputeDriver, pool: PoolInfo, capacity: int) -> None:
    source = driver.create_volume(pool.name, ONE)
    clone = driver.clone_volume(pool.name, "one", VolumeSpec(name="clone", capacity_bytes=capacity))
    assert (clone.pool, clone.name, clone.capacity_bytes) == (pool.name, "clone", capacity)
    assert clone.path != source.path
    assert driver.volume(pool.name, "one") == source
    driver.delete_volume(pool.name, "one")
    assert driver.volume(pool.name, "clone").capacity_bytes == capacity


@case(
    "storage.clone.refused",
    Level.MUST,
    requirement="A clone smaller than its source, of an unknown source, or of a taken name is refused, and nothing is made.",
    source="virStorageVolCreateXMLFrom rounds a smaller capacity up without a word; errors 50 and 90",
    since="1.0",
    needs=CLONES,
)
@pytest.mark.parametrize("problem", REFUSALS)
def test_clone_refused(driver: ComputeDriver, pool: PoolInfo, problem: str) -> None:
    source, spec, error, told = REFUSALS[problem]
    made = [driver.create_volume(pool.name, volume) for volume in (ONE, TWO)]
    with pytest.raises(error) as refused:
        driver.clone_volume(pool.name, source, spec)
    assert told in str(refused.value)
    assert list(driver.volumes(pool.name)) == made


@case(
    "storage.clone.bytes",
    Level.MUST,
    requirement="A clone holds its source's bytes, and zeros beyond them; what is written to either does not show in the other.",
    source="virStorageVolCreateXMLFrom: the contents of the source are copied",
    since="1.0",
    needs=CLONES | {Capability.STORAGE_UPLOAD, Capability.STORAGE_DOWNLOAD},
)
def test_clone_bytes(driver: ComputeDriver, world: World, pool: PoolInfo) -> None:
    driver.create_volume(pool.name, ONE)
    driver.upload_volume(pool.name, "one", content(MIB))
    driver.clone_volume(pool.name, "one", CLONE)
    driver.clone_volume(pool.name, "one", replace(CLONE, name="larger", capacity_bytes=2 * MIB + 512))
    assert held(world, pool.name, "clone") == content(MIB)
    assert held(world, pool.name, "larger") == content(MIB) + bytes(MIB + 512)
    driver.upload_volume(pool.name, "clone", b"clone")
    driver.upload_volume(pool.name, "one", b"source")
    assert held(world, pool.name, "clone") == b"clone" + content(MIB)[5:]
    assert held(world, pool.name, "one") == b"source" + content(MIB)[6:]


@case(
    "storage.clone.format",
    Level.MUST,
    requirement="A clone has the format and the capacity asked for, whichever its source has, and there and back it is the same.",
    source="virStorageVolCreateXMLFrom leaves a qcow2 clone as large as its source, whatever was asked for (libvirt 11.3.0)",
    since="1.0",
    needs=CLONES | {Capability.STORAGE_UPLOAD, Capability.STORAGE_DOWNLOAD, Capability.STORAGE_RESIZE},
)
@pytest.mark.parametrize("capacity", [pytest.param(MIB, id="equal"), pytest.param(3 * MIB, id="larger")])
def test_clone_format(driver: ComputeDriver, world: World, pool: PoolInfo, capacity: int) -> None:
    driver.create_volume(pool.name, ONE)
    driver.upload_volume(pool.name, "one", content(MIB))
    image = driver.clone_volume(pool.name, "one", replace(CLONE, name="image", format=DiskFormat.QCOW2, capacity_bytes=capacity))
    copy = driver.clone_volume(pool.name, "image", replace(COPY, capacity_bytes=capacity))
    assert [(each.format, each.capacity_bytes) for each in (image, copy)] == [("qcow2", capacity)] * 2
    driver.clone_volume(pool.name, "copy", replace(CLONE, name="back", capacity_bytes=capacity))
    assert held(world, pool.name, "back") == content(MIB) + bytes(capacity - MIB)


@case(
    "storage.clone.undone",
    Level.MUST,
    requirement="A clone that cannot be made as large as was asked for is not left behind.",
    source="driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=CLONES | {Capability.STORAGE_RESIZE},
)
def test_clone_undone(driver: ComputeDriver, pool: PoolInfo, faults: Faults) -> None:
    source = driver.create_volume(pool.name, replace(ONE, format=DiskFormat.QCOW2))
    faults.raise_on("Volume.resize", ErrorCode.SYSTEM_ERROR)
    with pytest.raises(HypervisorError) as failed:
        driver.clone_volume(pool.name, "one", replace(COPY, capacity_bytes=2 * MIB))
    assert failed.value.undone_failures == ()
    assert list(driver.volumes(pool.name)) == [source]
