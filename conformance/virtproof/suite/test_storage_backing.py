"""Backing chains: storage volumes that read from others what they have not written themselves.

What belongs here: cases whose ids begin with `storage.backing`. What does not: images of instances on such volumes
(`test_images`). That an overlay reads through is seen by a clone of it, which has all of its bytes.
"""

from dataclasses import replace
from itertools import pairwise
from typing import Final

import pytest

from virtproof.cases import Level, case
from virtproof.contents import content, fill, held
from virtproof.fixtures import Small
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH_NAME, SPAWNED
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DriverError, InvalidSpec, VolumeInUse, VolumeNotFound
from virtproof_driver.spec import Disk, DiskFormat, InstanceSpec, NewVolume, VolumeSpec
from virtproof_driver.values import PoolInfo

BACKINGS: Final = frozenset({Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES, Capability.STORAGE_BACKING})
READ: Final = BACKINGS | {Capability.STORAGE_CLONE, Capability.STORAGE_DOWNLOAD}
ON_MACHINES: Final = BACKINGS | SPAWNED | {Capability.IMAGE_CAPTURE}
MIB: Final = 1 << 20
BASE: Final = VolumeSpec(name="base", capacity_bytes=MIB)
TOP: Final = VolumeSpec(name="top", capacity_bytes=MIB, format=DiskFormat.QCOW2, backing="base")
# What is asked for, and its error.
REFUSALS: Final[dict[str, tuple[VolumeSpec, type[DriverError]]]] = {
    "raw": (replace(TOP, format=DiskFormat.RAW), InvalidSpec),
    "itself": (replace(TOP, backing="top"), InvalidSpec),
    "path": (replace(TOP, backing="/etc/passwd"), InvalidSpec),
    "smaller": (replace(TOP, capacity_bytes=MIB - 512), InvalidSpec),
    "unknown": (replace(TOP, backing=NO_SUCH_NAME), VolumeNotFound),
}


@pytest.fixture
def base(driver: ComputeDriver, world: World, pool: PoolInfo) -> bytes:
    """What the raw volume `base` of the pool holds."""
    driver.create_volume(pool.name, BASE)
    fill(world, pool.name, "base", content(MIB, "base"))
    return content(MIB, "base")


def flat(driver: ComputeDriver, world: World, pool: PoolInfo, name: str, capacity: int = MIB) -> bytes:
    """All that a volume shows, its backing's bytes included."""
    driver.clone_volume(pool.name, name, VolumeSpec(name=f"{name}-flat", capacity_bytes=capacity))
    found = held(world, pool.name, f"{name}-flat")
    driver.delete_volume(pool.name, f"{name}-flat")
    return found


@case(
    "storage.backing.create",
    Level.MUST,
    requirement="An overlay is told with its format and the name of what backs it, alone and in the list; its backing stays.",
    source="https://libvirt.org/formatstorage.html: backingStore",
    since="1.0",
    needs=BACKINGS | {Capability.STORAGE_DOWNLOAD},
)
@pytest.mark.parametrize("capacity", [MIB, 3 * MIB], ids=["equal", "larger"])
def test_create(driver: ComputeDriver, world: World, pool: PoolInfo, base: bytes, capacity: int) -> None:
    below = driver.volume(pool.name, "base")
    made = driver.create_volume(pool.name, replace(TOP, capacity_bytes=capacity))
    assert (made.name, made.format, made.backing, made.capacity_bytes) == ("top", "qcow2", "base", capacity)
    assert driver.volume(pool.name, "top") == made
    assert list(driver.volumes(pool.name)) == [below, made]
    driver.refresh_pool(pool.name)
    assert driver.volume(pool.name, "top").backing == "base"
    assert held(world, pool.name, "base") == base


@case(
    "storage.backing.reads",
    Level.MUST,
    requirement="An overlay shows what its backing holds, through any number of them, and zeros beyond its end.",
    source="https://libvirt.org/formatstorage.html: backingStore; a clone has all that its source shows",
    since="1.0",
    needs=READ,
)
@pytest.mark.parametrize("depth", [1, 3])
def test_reads(driver: ComputeDriver, world: World, pool: PoolInfo, base: bytes, depth: int) -> None:
    names = ["base", *(f"top-{level}" for level in range(1, depth + 1))]
    for backing, name in pairwise(names):
        driver.create_volume(pool.name, replace(TOP, name=name, backing=backing, capacity_bytes=2 * MIB))
    assert driver.volume(pool.name, names[-1]).backing == names[-2]
    assert flat(driver, world, pool, names[-1], 2 * MIB) == base + bytes(MIB)


@case(
    "storage.backing.format",
    Level.MUST,
    requirement="The backing's format is the one that was given, or else the host's word: a qcow2 one is read as an image.",
    source="https://libvirt.org/formatstorage.html: backingStore, format",
    since="1.0",
    needs=READ,
)
@pytest.mark.parametrize("given", [None, DiskFormat.QCOW2], ids=["host", "given"])
def test_format(driver: ComputeDriver, world: World, pool: PoolInfo, base: bytes, given: DiskFormat | None) -> None:
    driver.clone_volume(pool.name, "base", VolumeSpec(name="image", capacity_bytes=MIB, format=DiskFormat.QCOW2))
    driver.create_volume(pool.name, replace(TOP, backing="image", backing_format=given))
    assert flat(driver, world, pool, "top") == base


@case(
    "storage.backing.distrust",
    Level.MUST,
    requirement="A backing that is given as raw is read as raw, though its bytes look like an image of another file.",
    source="a guest can write any bytes into a raw disk; libvirt would look into them for a format",
    since="1.0",
    needs=READ | {Capability.STORAGE_UPLOAD},
)
def test_distrust(driver: ComputeDriver, world: World, pool: PoolInfo, base: bytes) -> None:
    driver.create_volume(pool.name, TOP)
    image = held(world, pool.name, "top").ljust(MIB, b"\0")
    driver.create_volume(pool.name, VolumeSpec(name="guest", capacity_bytes=MIB))
    driver.upload_volume(pool.name, "guest", image)
    driver.create_volume(pool.name, replace(TOP, name="trap", backing="guest", backing_format=DiskFormat.RAW))
    shown = flat(driver, world, pool, "trap")
    assert shown != base
    assert shown == image


@case(
    "storage.backing.refused",
    Level.MUST,
    requirement="An overlay that is raw, smaller than its backing, of itself, or of nothing there is refused; nothing is made.",
    source="libvirt refuses a raw one (3) and a missing backing (38), and makes a smaller one (libvirt 11.3.0)",
    since="1.0",
    needs=BACKINGS,
)
@pytest.mark.parametrize("problem", REFUSALS)
def test_refused(driver: ComputeDriver, pool: PoolInfo, problem: str) -> None:
    spec, error = REFUSALS[problem]
    kept = driver.create_volume(pool.name, BASE)
    with pytest.raises(error):
        driver.create_volume(pool.name, spec)
    assert list(driver.volumes(pool.name)) == [kept]


@case(
    "storage.backing.delete",
    Level.MUST,
    requirement="A volume that others of its pool read from is not deleted: VolumeInUse names them. Without them it is.",
    source="virStorageVolDelete deletes a volume that backs another without a word (libvirt 11.3.0)",
    since="1.0",
    needs=READ,
)
def test_delete(driver: ComputeDriver, world: World, pool: PoolInfo, base: bytes) -> None:
    for name in ("two", "one"):
        driver.create_volume(pool.name, replace(TOP, name=name))
    driver.create_volume(pool.name, replace(TOP, name="over", backing="one"))
    for name, users in (("base", ("one", "two")), ("one", ("over",))):
        with pytest.raises(VolumeInUse) as refused:
            driver.delete_volume(pool.name, name)
        assert (refused.value.volume, refused.value.users) == (name, users)
    assert flat(driver, world, pool, "over") == base
    for name in ("over", "one", "two", "base"):
        driver.delete_volume(pool.name, name)
    assert list(driver.volumes(pool.name)) == []


def backed(spec: InstanceSpec, pool: PoolInfo) -> InstanceSpec:
    """The instance with a second disk, a new overlay of `base`."""
    new = NewVolume(pool=pool.name, volume="own", capacity_bytes=MIB, backing="base")
    return replace(spec, disks=(*spec.disks, Disk(target="vdb", source=new, format=DiskFormat.QCOW2)))


@case(
    "storage.backing.spawn",
    Level.MUST,
    requirement="spawn() makes a new volume that is backed by another; destroy() removes it and leaves the other as it was.",
    source="driver contract: NewVolume.backing",
    since="1.0",
    needs=ON_MACHINES | {Capability.STORAGE_DOWNLOAD},
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_spawn(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, base: bytes, state: str) -> None:  # noqa: PLR0913, PLR0917 - fixtures
    spec = backed(small(), pool)
    driver.spawn(spec, start=state == "running")
    assert (driver.volume(pool.name, "own").backing, driver.spec(spec.uuid).disks) == ("base", spec.disks)
    with pytest.raises(VolumeInUse):
        driver.delete_volume(pool.name, "base")
    driver.destroy(spec.uuid)
    assert [volume.name for volume in driver.volumes(pool.name)] == ["base"]
    assert held(world, pool.name, "base") == base


@case(
    "storage.backing.spawn-refused",
    Level.MUST,
    requirement="A new volume whose backing is not there, or that is not qcow2, is refused: no instance, no volume.",
    source="driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=ON_MACHINES,
)
@pytest.mark.parametrize(("disk_format", "error"), [(DiskFormat.QCOW2, VolumeNotFound), (DiskFormat.RAW, InvalidSpec)])
def test_spawn_refused(  # noqa: PLR0913, PLR0917 - fixtures and parameters
    driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, disk_format: DiskFormat, error: type[DriverError]
) -> None:
    spec = backed(small(), pool)
    wrong = replace(spec, disks=(*spec.disks[:-1], replace(spec.disks[-1], format=disk_format)))
    with pytest.raises(error):
        driver.spawn(wrong)
    assert world.domain(spec.uuid) is None
    assert list(driver.volumes(pool.name)) == []
