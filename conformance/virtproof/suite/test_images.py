"""Images: an instance's disk, whole and at rest, streamed to the caller.

What belongs here: cases whose ids begin with `images`. What does not: volumes by themselves (`test_storage_download`). What a
disk holds was put there past the driver; the guests that run from these disks do not write to them.
"""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Final

import pytest

from virtproof.cases import Level, case
from virtproof.contents import content, fill, held
from virtproof.fixtures import Small
from virtproof.recording.faults import Faults
from virtproof.recording.world import HostEventTuple, Inventory, World
from virtproof.suite.common import NO_SUCH, SPAWNED, domain_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainEventId, DomainState, ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DeviceNotFound, HypervisorError, InstanceNotFound, InvalidState
from virtproof_driver.spec import Disk, DiskFormat, InstanceSpec, NewVolume, VolumeSource, VolumeSpec
from virtproof_driver.values import Instance, PoolInfo

IMAGES: Final = SPAWNED | {Capability.IMAGE_CAPTURE, Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES}
DISKS: Final = IMAGES | {Capability.STORAGE_DOWNLOAD}
CHAINS: Final = DISKS | {Capability.STORAGE_BACKING, Capability.STORAGE_CLONE}
MIB: Final = 1 << 20
DATA: Final = content(MIB, "disk")
STATES: Final[dict[str, Callable[[ComputeDriver, Instance], object]]] = {
    "running": lambda driver, instance: driver.instance(instance.uuid),
    "paused": lambda driver, instance: driver.pause(instance.uuid),
    "off": lambda driver, instance: driver.stop(instance.uuid, timeout=0),
}
NUMBERS: Final = {"running": DomainState.RUNNING, "paused": DomainState.PAUSED, "off": DomainState.SHUTOFF}
in_every_state = pytest.mark.parametrize("state", STATES)


class Broken(Exception):
    """The sink's own."""


def refuse(_piece: bytes) -> None:
    """A sink that takes nothing."""
    raise Broken


@pytest.fixture
def spec(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo) -> InstanceSpec:
    """An instance whose second disk holds DATA, raw, and may be written by its guest."""
    driver.create_volume(pool.name, VolumeSpec(name="data", capacity_bytes=MIB))
    fill(world, pool.name, "data", DATA)
    smallest = small()
    return replace(smallest, disks=(*smallest.disks, Disk(target="vdb", source=VolumeSource(pool=pool.name, volume="data"))))


def overlaid(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo) -> InstanceSpec:
    """An instance whose second disk is a new overlay over DATA."""
    driver.create_volume(pool.name, VolumeSpec(name="base", capacity_bytes=MIB))
    fill(world, pool.name, "base", DATA)
    new = NewVolume(pool=pool.name, volume="own", capacity_bytes=2 * MIB, backing="base")
    smallest = small()
    return replace(smallest, disks=(*smallest.disks, Disk(target="vdb", source=new, format=DiskFormat.QCOW2)))


def raw_of(driver: ComputeDriver, world: World, pool: PoolInfo, image: bytes) -> bytes:
    """What a qcow2 image holds; it must need nothing beside it."""
    other = VolumeSpec(name="image", capacity_bytes=len(image))
    driver.create_volume(pool.name, other)
    fill(world, pool.name, "image", image)
    driver.refresh_pool(pool.name)
    found = driver.volume(pool.name, "image")
    assert (found.format, found.backing) == ("qcow2", None)
    driver.clone_volume(pool.name, "image", VolumeSpec(name="raw", capacity_bytes=found.capacity_bytes))
    return held(world, pool.name, "raw")


def world_of(world: World, instance: Instance) -> tuple[Inventory, object, list[HostEventTuple]]:
    """What a capture must leave as it is: all objects, the state of an instance, and how often that changed."""
    changes = [event for event in world.events(instance.uuid) if event[0] == DomainEventId.LIFECYCLE]
    return world.inventory(), world.state(instance.uuid), changes


@case(
    "images.capture.bytes",
    Level.MUST,
    requirement="A raw disk's image is what the disk holds; format, size, capacity and digest are told.",
    source="driver contract: capture_image",
    since="1.0",
    needs=DISKS,
)
@in_every_state
def test_bytes(driver: ComputeDriver, world: World, spec: InstanceSpec, state: str) -> None:
    instance = driver.spawn(spec)
    STATES[state](driver, instance)
    got = bytearray()
    info = driver.capture_image(instance.uuid, got.extend, target="vdb")
    assert bytes(got) == DATA
    assert (info.format, info.size_bytes, info.capacity_bytes) == ("raw", MIB, MIB)
    assert info.sha256 == sha256(DATA).hexdigest()
    found = world.state(instance.uuid)
    assert found is not None
    assert found[0] == NUMBERS[state]


@case(
    "images.capture.first-disk",
    Level.MUST,
    requirement="Without a target it is the first disk; one that the guest may only read is captured as it lies.",
    source="driver contract: capture_image",
    since="1.0",
    needs=DISKS,
)
@in_every_state
def test_first_disk(driver: ComputeDriver, small: Small, world: World, state: str) -> None:
    spec = small()
    instance = driver.spawn(spec)
    STATES[state](driver, instance)
    before, got = world.inventory(), bytearray()
    driver.capture_image(instance.uuid, got.extend)
    source = spec.disks[0].source
    assert isinstance(source, VolumeSource)
    assert bytes(got) == held(world, source.pool, source.volume)
    assert world.inventory() == before


@case(
    "images.capture.whole",
    Level.MUST,
    requirement="The image of a disk that reads from another volume holds all that the guest sees, and needs no other.",
    source="driver contract: a disk with a backing chain is flattened",
    since="1.0",
    needs=CHAINS,
)
@in_every_state
def test_whole(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str) -> None:
    instance = driver.spawn(overlaid(driver, small, world, pool))
    STATES[state](driver, instance)
    got = bytearray()
    info = driver.capture_image(instance.uuid, got.extend, target="vdb")
    assert (info.format, info.capacity_bytes, info.size_bytes) == ("qcow2", 2 * MIB, len(got))
    assert raw_of(driver, world, pool, bytes(got)) == DATA + bytes(MIB)
    assert driver.volume(pool.name, "own").backing == "base"


@case(
    "images.capture.format",
    Level.MUST,
    requirement="The image of a qcow2 disk is qcow2, with all that the disk holds.",
    source="driver contract: an image has its disk's format",
    since="1.0",
    needs=CHAINS,
)
@in_every_state
def test_format(driver: ComputeDriver, spec: InstanceSpec, world: World, pool: PoolInfo, state: str) -> None:
    new = NewVolume(pool=pool.name, volume="own", capacity_bytes=MIB, clone_of="data")
    instance = driver.spawn(replace(spec, disks=(spec.disks[0], Disk(target="vdb", source=new, format=DiskFormat.QCOW2))))
    STATES[state](driver, instance)
    got = bytearray()
    assert driver.capture_image(instance.uuid, got.extend, target="vdb").format == "qcow2"
    assert raw_of(driver, world, pool, bytes(got)) == DATA


@case(
    "images.capture.distrust",
    Level.MUST,
    requirement="A raw disk is captured raw, though its guest wrote what looks like an overlay of another volume into it.",
    source="libvirt looks into a raw volume for its format (libvirt 11.3.0); the definition says what it is",
    since="1.0",
    needs=CHAINS,
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_distrust(driver: ComputeDriver, spec: InstanceSpec, world: World, pool: PoolInfo, state: str) -> None:
    driver.create_volume(pool.name, VolumeSpec(name="other", capacity_bytes=MIB))
    fill(world, pool.name, "other", content(MIB, "not the guest's"))
    driver.create_volume(pool.name, VolumeSpec(name="top", capacity_bytes=MIB, format=DiskFormat.QCOW2, backing="other"))
    image = held(world, pool.name, "top")
    instance = driver.spawn(spec, start=False)
    fill(world, pool.name, "data", image)
    driver.refresh_pool(pool.name)
    if state == "running":
        driver.start(instance.uuid)
    got = bytearray()
    driver.capture_image(instance.uuid, got.extend, target="vdb")
    assert bytes(got) == image + DATA[len(image) :]
    driver.destroy(instance.uuid)
    driver.delete_volume(pool.name, "data")  # the first to go, since it passes for one that needs the others


@case(
    "images.capture.clean",
    Level.MUST,
    requirement="A capture leaves nothing behind and changes nothing: no volume, no job, the same state and definition.",
    source="driver contract: temporary volumes are gone at the end",
    since="1.0",
    needs=CHAINS,
)
@in_every_state
def test_clean(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str) -> None:
    instance = driver.spawn(overlaid(driver, small, world, pool))
    STATES[state](driver, instance)
    before, xml = world_of(world, instance), world.xml(instance.uuid, inactive=True)
    for _ in range(2):
        driver.capture_image(instance.uuid, bytearray().extend, target="vdb")
    world.touch()
    assert world_of(world, instance) == before
    assert world.xml(instance.uuid, inactive=True) == xml
    driver.destroy(instance.uuid)
    assert [volume.name for volume in driver.volumes(pool.name)] == ["base"]


@case(
    "images.capture.sink-raises",
    Level.MUST,
    requirement="What the sink raises reaches the caller; nothing is left behind, and the next capture works.",
    source="driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=DISKS,
)
@in_every_state
def test_sink_raises(driver: ComputeDriver, spec: InstanceSpec, world: World, state: str) -> None:
    instance = driver.spawn(spec)
    STATES[state](driver, instance)
    before = world_of(world, instance)
    with pytest.raises(Broken):
        driver.capture_image(instance.uuid, refuse, target="vdb")
    assert world_of(world, instance) == before
    got = bytearray()
    driver.capture_image(instance.uuid, got.extend, target="vdb")
    assert bytes(got) == DATA


@case(
    "images.capture.failed",
    Level.MUST,
    requirement="A capture that the host fails leaves nothing behind, at whatever step; the error is the host's own.",
    source="driver contract: an operation that fails leaves nothing behind; virDomainBackupBegin",
    since="1.0",
    needs=DISKS,
)
@pytest.mark.parametrize("step", ["Domain.backupBegin", "Volume.download", "Stream.recv", "Stream.finish"])
def test_failed(driver: ComputeDriver, spec: InstanceSpec, world: World, faults: Faults, step: str) -> None:
    instance = driver.spawn(spec)
    before = world_of(world, instance)
    faults.raise_on(step, ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU)
    with pytest.raises(HypervisorError) as failed:
        driver.capture_image(instance.uuid, bytearray().extend, target="vdb")
    assert (failed.value.code, failed.value.undone_failures) == (ErrorCode.SYSTEM_ERROR, ())
    assert world_of(world, instance) == before


@case(
    "images.capture.stopped",
    Level.MUST,
    requirement="An instance that is stopped while its disk is copied gives no image, but InvalidState; nothing is left behind.",
    source="QEMU tells nothing of a job that ends with it: only (5, 1) comes (libvirt 11.3.0)",
    since="1.0",
    needs=DISKS | {Capability.EVENTS_LIFECYCLE},
)
def test_stopped(driver: ComputeDriver, spec: InstanceSpec, world: World, faults: Faults) -> None:
    instance = driver.spawn(spec)
    before = world.inventory()
    faults.after("Domain.backupBegin", lambda: domain_of(world, instance.uuid).destroy())
    faults.swallow("Domain.backupBegin")  # a copy of so little could end before the instance does
    got = bytearray()
    with pytest.raises(InvalidState):
        driver.capture_image(instance.uuid, got.extend, target="vdb")
    assert got == b""
    assert world.inventory() == before


@case(
    "images.capture.started",
    Level.MUST,
    requirement="An instance that is started while its disk is read gives no image, but InvalidState.",
    source="driver contract: an image is at rest; a guest that runs may write behind the reader",
    since="1.0",
    needs=DISKS | {Capability.EVENTS_LIFECYCLE},
)
def test_started(driver: ComputeDriver, spec: InstanceSpec, world: World, faults: Faults) -> None:
    instance = driver.spawn(spec, start=False)
    before = world.inventory()

    def start() -> None:
        domain_of(world, instance.uuid).create()
        world.wait_event(instance.uuid, 2)

    faults.after("Volume.download", start)
    with pytest.raises(InvalidState):
        driver.capture_image(instance.uuid, bytearray().extend, target="vdb")
    assert world.inventory() == before


@case(
    "images.capture.unknown",
    Level.MUST,
    requirement="An instance or disk that is not there is named, and the sink gets nothing.",
    source="driver contract: InstanceNotFound, DeviceNotFound",
    since="1.0",
    needs=IMAGES,
)
def test_unknown(driver: ComputeDriver, instance: Instance) -> None:
    with pytest.raises(InstanceNotFound):
        driver.capture_image(NO_SUCH, refuse)
    with pytest.raises(DeviceNotFound) as missing:
        driver.capture_image(instance.uuid, refuse, target="vdz")
    assert missing.value.key == "vdz"


@case(
    "images.capture.boots",
    Level.MUST,
    requirement="An image that was captured boots: uploaded into a new volume it runs as its original did.",
    source="driver contract: capture_image",
    since="1.0",
    needs=DISKS | {Capability.STORAGE_UPLOAD, Capability.GUESTS},
)
def test_boots(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo) -> None:
    guest = small(guest="poweroff")
    image = bytearray()
    driver.capture_image(driver.spawn(guest, start=False).uuid, image.extend)
    driver.create_volume(pool.name, VolumeSpec(name="copy", capacity_bytes=len(image)))
    driver.upload_volume(pool.name, "copy", bytes(image))
    disk = replace(guest.disks[0], source=VolumeSource(pool=pool.name, volume="copy"), read_only=False)
    copy = driver.spawn(small(guest="poweroff", disks=(disk, *guest.disks[1:])))
    world.wait_event(copy.uuid, 5, 0)
