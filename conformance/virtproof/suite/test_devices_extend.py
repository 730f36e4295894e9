"""Devices: growing a disk of an instance.

What belongs here: cases whose ids begin with `devices.extend`. What does not: resizing volumes that no instance has
(`test_storage_volume`).
"""

from dataclasses import replace
from uuid import UUID

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import domain_of
from virtproof.suite.places import ATTACHED, MIB, new_disk, power_cycle, volume_disk, volumes_in, xmls
from virtproof_driver import Capability
from virtproof_driver.constants import ErrorCode
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DeviceNotFound, HypervisorError, InvalidSpec, InvalidState
from virtproof_driver.spec import Disk, DiskFormat, NewVolume, VolumeSource, VolumeSpec
from virtproof_driver.values import Instance, PoolInfo

EXTENDED = ATTACHED | {Capability.VOLUME_EXTEND}
STATES = pytest.mark.parametrize("state", ["running", "off"])


def with_disk(driver: ComputeDriver, small: Small, disk: Disk, state: str = "running") -> UUID:
    """An instance with a further disk, in this state."""
    spec = small()
    driver.spawn(replace(spec, disks=(*spec.disks, disk)), start=state == "running")
    return spec.uuid


def capacity(world: World, uuid: UUID, target: str = "vdb") -> int:
    """The size of a disk of a running instance as the guest sees it, in bytes, past the driver."""
    return domain_of(world, uuid).blockInfo(target)[0]


@case(
    "devices.extend.grows",
    Level.MUST,
    requirement="extend_volume() grows the disk: a running guest's, the volume, and so the disk of the next start.",
    source="virDomainBlockResize of a running domain, virStorageVolResize of one that is off (error 55 for the former, 11.3.0)",
    since="1.0",
    needs=EXTENDED | {Capability.STOP, Capability.START},
)
@STATES
@pytest.mark.parametrize("disk_format", DiskFormat)
def test_extend(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str, disk_format: DiskFormat
) -> None:
    driver.create_volume(pool.name, VolumeSpec(name="v", capacity_bytes=MIB, format=disk_format))
    disk = Disk(target="vdb", source=VolumeSource(pool=pool.name, volume="v"), format=disk_format)
    uuid = with_disk(driver, small, disk, state)
    driver.extend_volume(uuid, "vdb", 3 * MIB)
    assert driver.volume(pool.name, "v").capacity_bytes == 3 * MIB
    if state == "off":
        driver.start(uuid)
    assert capacity(world, uuid) == 3 * MIB
    power_cycle(driver, uuid)
    assert capacity(world, uuid) == 3 * MIB


@case(
    "devices.extend.noted",
    Level.MUST,
    requirement="spec() tells the new size of a volume that the driver made, and destroy() removes it still.",
    source="driver contract: spec() is what would spawn the instance again",
    since="1.0",
    needs=EXTENDED,
)
@STATES
def test_extend_is_noted(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str) -> None:
    disk = new_disk(pool)
    uuid = with_disk(driver, small, disk, state)
    before = driver.spec(uuid)
    driver.extend_volume(uuid, "vdb", 2 * MIB)
    assert isinstance(disk.source, NewVolume)
    grown = replace(disk, source=replace(disk.source, capacity_bytes=2 * MIB))
    assert driver.spec(uuid) == replace(before, disks=(*before.disks[:-1], grown))
    driver.destroy(uuid)
    assert volumes_in(world, pool) == []


@case(
    "devices.extend.same",
    Level.MUST,
    requirement="Extending to the size that the disk has succeeds and changes nothing.",
    source="driver contract: extend_volume() is idempotent",
    since="1.0",
    needs=EXTENDED,
)
@STATES
def test_extend_to_same_size(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str) -> None:
    uuid = with_disk(driver, small, new_disk(pool), state)
    before, volume = xmls(world, uuid), driver.volume(pool.name, "new-vdb")
    driver.extend_volume(uuid, "vdb", MIB)
    assert (xmls(world, uuid), driver.volume(pool.name, "new-vdb")) == (before, volume)


@case(
    "devices.extend.smaller",
    Level.MUST,
    requirement="A smaller size is InvalidSpec, and the disk keeps what it has.",
    source="virDomainBlockResize cuts a raw image off without a word (libvirt 11.3.0)",
    since="1.0",
    needs=EXTENDED,
)
@STATES
@pytest.mark.parametrize("size", [MIB - 512, 512, 0, -512])
def test_shrink_is_refused(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str, size: int
) -> None:
    uuid = with_disk(driver, small, new_disk(pool), state)
    before = xmls(world, uuid)
    with pytest.raises(InvalidSpec) as refused:
        driver.extend_volume(uuid, "vdb", size)
    assert refused.value.field == "size_bytes"
    assert driver.volume(pool.name, "new-vdb").capacity_bytes == MIB
    assert xmls(world, uuid) == before


@case(
    "devices.extend.sectors",
    Level.MUST,
    requirement="A size that ends within a sector is InvalidSpec: the guest would see more than the image holds.",
    source="virDomainBlockResize to 2 MiB and 100 bytes shows the guest 2 MiB and 512 (libvirt 11.3.0, QEMU 10.0)",
    since="1.0",
    needs=EXTENDED,
)
def test_extend_to_part_of_a_sector(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo) -> None:
    uuid = with_disk(driver, small, new_disk(pool))
    with pytest.raises(InvalidSpec):
        driver.extend_volume(uuid, "vdb", 2 * MIB + 100)
    assert capacity(world, uuid) == MIB


@case(
    "devices.extend.missing",
    Level.MUST,
    requirement="Extending a disk that the instance has not is DeviceNotFound.",
    source="libvirt error 8 (VIR_ERR_INVALID_ARG) of virDomainBlockResize (11.3.0)",
    since="1.0",
    needs=EXTENDED,
)
@STATES
def test_extend_missing(driver: ComputeDriver, small: Small, pool: PoolInfo, state: str) -> None:
    uuid = with_disk(driver, small, new_disk(pool), state)
    with pytest.raises(DeviceNotFound) as missing:
        driver.extend_volume(uuid, "vdz", 2 * MIB)
    assert missing.value.key == "vdz"


@case(
    "devices.extend.read-only",
    Level.MUST,
    requirement="A disk that the instance may only read is InvalidState, and its image keeps its size.",
    source='libvirt error 84, "can\'t resize empty or readonly disk" (11.3.0); virStorageVolResize would do it',
    since="1.0",
    needs=EXTENDED,
)
@STATES
def test_extend_read_only(driver: ComputeDriver, small: Small, pool: PoolInfo, state: str) -> None:
    uuid = with_disk(driver, small, replace(volume_disk(driver, pool), read_only=True), state)
    with pytest.raises(InvalidState):
        driver.extend_volume(uuid, "vdb", 2 * MIB)
    assert driver.volume(pool.name, "volume-vdb").capacity_bytes == MIB


@case(
    "devices.extend.refused",
    Level.MUST,
    requirement="When the host cannot grow the disk its error is raised, and spec() tells the old size.",
    source="driver contract: HypervisorError carries libvirt's code",
    since="1.0",
    needs=EXTENDED,
)
def test_extend_refused(driver: ComputeDriver, small: Small, pool: PoolInfo, faults: Faults) -> None:
    uuid = with_disk(driver, small, new_disk(pool))
    before = driver.spec(uuid)
    faults.raise_on("Domain.blockResize", ErrorCode.INTERNAL_ERROR, 10, "no space left")
    with pytest.raises(HypervisorError, match="no space left"):
        driver.extend_volume(uuid, "vdb", 2 * MIB)
    assert driver.spec(uuid) == before


@case(
    "devices.extend.attached",
    Level.MUST,
    requirement="A disk that was attached to a running instance can be extended like one that it started with.",
    source="driver contract: extend_volume()",
    since="1.0",
    needs=EXTENDED,
)
def test_extend_attached(driver: ComputeDriver, pool: PoolInfo, instance: Instance, world: World) -> None:
    driver.attach_volume(instance.uuid, new_disk(pool))
    for size in (2 * MIB, 2 * MIB, 5 * MIB):
        driver.extend_volume(instance.uuid, "vdb", size)
        assert capacity(world, instance.uuid) == driver.volume(pool.name, "new-vdb").capacity_bytes == size
