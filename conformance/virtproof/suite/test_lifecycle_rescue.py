"""Lifecycle, rescue: another image boots with the old disks beside it, and all of it can be undone.

What belongs here: cases whose ids begin with `lifecycle.rescue`. What does not: whether data on the disks
survives; no guest reads them here.
"""

from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import canonicalize, fromstring, tostring

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.guests.own_disk import with_own_disk
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of, state_of
from virtproof.suite.overlays import MADE, A, B, source_of, tree, with_disk_in
from virtproof.suite.places import MIB, STORED, new_disk, places, volume_disk, xmls
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState, ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import HypervisorError, InvalidState
from virtproof_driver.spec import Disk, FileSource, Interface, RescueImage, SnapshotSpec
from virtproof_driver.values import Instance, PoolInfo, PowerState

RESCUED = SPAWNED | {Capability.RESCUE}
PLUGGED = RESCUED | {Capability.INTERFACE_ATTACH, Capability.INTERFACE_DETACH, Capability.START, Capability.STOP}
CHANGED = RESCUED | STORED | {Capability.VOLUME_ATTACH, Capability.VOLUME_DETACH, Capability.VOLUME_EXTEND, Capability.STOP}
MANY = 4  # more than the image and the disk that it displaces need
CHANGES: dict[str, Callable[[ComputeDriver, Instance, tuple[Disk, Disk]], object]] = {
    "attach": lambda driver, instance, disks: driver.attach_volume(instance.uuid, disks[0]),
    "attach-new": lambda driver, instance, disks: driver.attach_volume(instance.uuid, disks[1]),
    "detach": lambda driver, instance, _: driver.detach_volume(instance.uuid, "vdb"),
    "extend": lambda driver, instance, _: driver.extend_volume(instance.uuid, "vdb", 2 * MIB),
}


def disks_of(world: World, instance: Instance) -> list[str]:
    """The disks of the persistent definition, each as canonical XML."""
    root = fromstring(world.xml(instance.uuid, inactive=True))
    return [canonicalize(tostring(disk, encoding="unicode"), strip_text=True) for disk in root.iterfind("devices/disk")]


def images_of(world: World, instance: Instance) -> set[str]:
    """The image files of the domain as it runs, by path, and its volumes, by pool and name."""
    sources = fromstring(world.xml(instance.uuid)).iterfind("devices/disk/source")
    return {source.get("file") or f"{source.get('pool')}/{source.get('volume')}" for source in sources}


def place_of(image: RescueImage) -> str:
    """Where the image is, in the words of `images_of`."""
    return image.source.path if isinstance(image.source, FileSource) else f"{image.source.pool}/{image.source.volume}"


@case(
    "lifecycle.rescue.round-trip",
    Level.MUST,
    requirement="rescue() runs the instance from the image with its own disks beside it; unrescue() restores its disks exactly.",
    source="driver contract: rescue",
    since="1.0",
    needs=RESCUED,
)
def test_rescue_and_unrescue(driver: ComputeDriver, instance: Instance, world: World, rescue_image: RescueImage) -> None:
    before, own, spec = disks_of(world, instance), images_of(world, instance), driver.spec(instance.uuid)
    assert driver.rescue(instance.uuid, rescue_image).state is PowerState.RUNNING
    assert images_of(world, instance) == own | {place_of(rescue_image)}
    assert driver.unrescue(instance.uuid).state is PowerState.RUNNING
    assert state_of(world, instance) == DomainState.RUNNING
    assert disks_of(world, instance) == before
    assert images_of(world, instance) == own
    assert driver.spec(instance.uuid) == spec


@case(
    "lifecycle.rescue.off",
    Level.MUST,
    requirement="An instance that is off can be rescued, and runs from the image.",
    source="driver contract: rescue; what needs rescuing often does not run",
    since="1.0",
    needs=RESCUED,
)
def test_rescue_when_off(driver: ComputeDriver, off_instance: Instance, world: World, rescue_image: RescueImage) -> None:
    before = disks_of(world, off_instance)
    assert driver.rescue(off_instance.uuid, rescue_image).state is PowerState.RUNNING
    assert place_of(rescue_image) in images_of(world, off_instance)
    driver.unrescue(off_instance.uuid)
    assert disks_of(world, off_instance) == before


@case(
    "lifecycle.rescue.twice",
    Level.MUST,
    requirement="rescue() of a rescued instance is InvalidState; it stays rescued, and its own disks are not forgotten.",
    source="driver contract: rescue; a second rescue would take the first one's image for the instance's own disk",
    since="1.0",
    needs=RESCUED,
)
def test_rescue_twice(driver: ComputeDriver, instance: Instance, world: World, rescue_image: RescueImage) -> None:
    before = disks_of(world, instance)
    driver.rescue(instance.uuid, rescue_image)
    rescued = disks_of(world, instance)
    with pytest.raises(InvalidState):
        driver.rescue(instance.uuid, rescue_image)
    assert (disks_of(world, instance), state_of(world, instance)) == (rescued, DomainState.RUNNING)
    driver.unrescue(instance.uuid)
    assert disks_of(world, instance) == before


@case(
    "lifecycle.rescue.not-rescued",
    Level.MUST,
    requirement="unrescue() of an instance that is not rescued is InvalidState, and it runs on undisturbed.",
    source="driver contract: unrescue",
    since="1.0",
    needs=RESCUED,
)
def test_unrescue_when_not_rescued(driver: ComputeDriver, instance: Instance, world: World) -> None:
    before = (disks_of(world, instance), domain_of(world, instance.uuid).ID())
    with pytest.raises(InvalidState):
        driver.unrescue(instance.uuid)
    assert (disks_of(world, instance), domain_of(world, instance.uuid).ID()) == before


@case(
    "lifecycle.rescue.fails",
    Level.MUST,
    requirement="When the image does not start, the error is raised and the instance runs again from its own disks.",
    source="driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=RESCUED,
)
def test_rescue_that_fails(
    driver: ComputeDriver, instance: Instance, world: World, rescue_image: RescueImage, faults: Faults
) -> None:
    before = disks_of(world, instance)
    faults.raise_on("Domain.create", ErrorCode.SYSTEM_ERROR, ErrorDomain.STORAGE)
    with pytest.raises(HypervisorError) as failed:
        driver.rescue(instance.uuid, rescue_image)
    assert failed.value.undone_failures == ()
    assert (disks_of(world, instance), state_of(world, instance)) == (before, DomainState.RUNNING)
    with pytest.raises(InvalidState):
        driver.unrescue(instance.uuid)


@case(
    "lifecycle.rescue.volumes",
    Level.MUST,
    requirement="Attaching, detaching and extending a volume of a rescued instance is InvalidState, and nothing is lost or left.",
    source="driver contract: unrescue() restores the disks of before, and would forget what was attached meanwhile",
    since="1.0",
    needs=CHANGED,
)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("state", ["running", "off"])
def test_volumes_of_a_rescued_instance(  # noqa: PLR0913, PLR0917 - fixtures, and the two things that differ
    driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, rescue_image: RescueImage, change: str, state: str
) -> None:
    spec = small()
    instance = driver.spawn(replace(spec, disks=(*spec.disks, volume_disk(driver, pool))))
    before, own = driver.spec(instance.uuid), disks_of(world, instance)
    disks = (volume_disk(driver, pool, "vdy"), new_disk(pool, "vdz"))
    driver.rescue(instance.uuid, rescue_image)
    if state == "off":
        driver.stop(instance.uuid, timeout=0)
    rescued = (world.inventory(), xmls(world, instance.uuid))
    with pytest.raises(InvalidState):
        CHANGES[change](driver, instance, disks)
    assert (world.inventory(), xmls(world, instance.uuid)) == rescued
    assert driver.volume(pool.name, "volume-vdb").capacity_bytes == MIB
    driver.unrescue(instance.uuid)
    assert (driver.spec(instance.uuid), disks_of(world, instance)) == (before, own)


@case(
    "lifecycle.rescue.interface",
    Level.MUST,
    requirement="An interface that is attached to a rescued instance, or detached, is there after unrescue(), or gone.",
    source="driver contract: rescue() displaces disks alone",
    since="1.0",
    needs=PLUGGED,
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_interface_of_a_rescued_instance(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, instance: Instance, small: Small, world: World, rescue_image: RescueImage, state: str
) -> None:
    before, own, nic = driver.spec(instance.uuid), disks_of(world, instance), small(wired=True).interfaces[0]
    driver.rescue(instance.uuid, rescue_image)
    if state == "off":
        driver.stop(instance.uuid, timeout=0)
    driver.attach_interface(instance.uuid, nic)
    driver.unrescue(instance.uuid)
    assert places(world, instance.uuid).have(nic.mac) == (True, True)
    assert driver.spec(instance.uuid) == replace(before, interfaces=(*before.interfaces, nic))
    driver.rescue(instance.uuid, rescue_image)
    driver.stop(instance.uuid, timeout=0)  # no guest needs to let go
    driver.detach_interface(instance.uuid, nic.mac)
    driver.unrescue(instance.uuid)
    assert places(world, instance.uuid).have(nic.mac) == (False, False)
    assert (driver.spec(instance.uuid), disks_of(world, instance)) == (before, own)


@case(
    "lifecycle.rescue.slots",
    Level.MUST,
    requirement="Interfaces that are attached while an instance is rescued never take the place that its own disk returns to.",
    source="libvirt gives a device without an address the first free one (11.3.0)",
    since="1.0",
    needs=PLUGGED,
)
def test_slots_of_a_rescued_instance(driver: ComputeDriver, small: Small, world: World, rescue_image: RescueImage) -> None:
    nics = tuple(small(wired=True).interfaces[0] for _ in range(MANY))
    spec = small()
    instance = driver.spawn(replace(spec, interfaces=(*spec.interfaces, *nics)), start=False)
    detached(driver, instance, nics)
    own = disks_of(world, instance)
    driver.rescue(instance.uuid, rescue_image)
    for nic in nics:
        driver.attach_interface(instance.uuid, nic)
    assert driver.unrescue(instance.uuid).state is PowerState.RUNNING
    assert disks_of(world, instance) == own
    assert all(places(world, instance.uuid).have(nic.mac) == (True, True) for nic in nics)


@case(
    "lifecycle.rescue.snapshots",
    Level.MUST,
    requirement="External snapshots of a rescued instance are neither made nor deleted: InvalidState; afterwards they are.",
    source="driver contract: unrescue() restores the disks of before, without an overlay that was made meanwhile",
    since="1.0",
    needs=RESCUED | MADE,
)
def test_snapshots_of_a_rescued_instance(
    driver: ComputeDriver, small: Small, pool: PoolInfo, world: World, rescue_image: RescueImage
) -> None:
    instance = driver.spawn(with_disk_in(pool, small()))
    volumes, own = world.inventory().volumes, source_of(world, instance)
    driver.create_snapshot(instance.uuid, A)
    overlay = source_of(world, instance)
    driver.rescue(instance.uuid, rescue_image)
    rescued = (world.inventory(), xmls(world, instance.uuid))
    with pytest.raises(InvalidState):
        driver.create_snapshot(instance.uuid, B)
    with pytest.raises(InvalidState):
        driver.delete_snapshot(instance.uuid, "first")
    assert (world.inventory(), xmls(world, instance.uuid)) == rescued
    driver.unrescue(instance.uuid)
    assert (tree(driver, instance), source_of(world, instance)) == ([("first", None, True)], overlay)
    driver.delete_snapshot(instance.uuid, "first")
    assert (world.inventory().volumes, source_of(world, instance)) == (volumes, own)


@case(
    "lifecycle.rescue.internal-snapshots",
    Level.MUST,
    requirement="Internal snapshots of a rescued instance are neither made nor deleted: InvalidState; afterwards they are.",
    source="libvirt error 84: one that holds the rescue image cannot be deleted after it (libvirt 11.3.0)",
    since="1.0",
    needs=RESCUED | {Capability.SNAPSHOT_INTERNAL},
)
def test_internal_snapshots_of_a_rescued_instance(
    driver: ComputeDriver, small: Small, world: World, rescue_image: RescueImage
) -> None:
    instance = driver.spawn(with_own_disk(small()))
    made = driver.create_snapshot(instance.uuid, SnapshotSpec(name="first"))
    driver.rescue(instance.uuid, rescue_image)
    rescued = (world.inventory(), xmls(world, instance.uuid))
    with pytest.raises(InvalidState):
        driver.create_snapshot(instance.uuid, SnapshotSpec(name="second"))
    with pytest.raises(InvalidState):
        driver.delete_snapshot(instance.uuid, "first")
    assert (world.inventory(), xmls(world, instance.uuid)) == rescued
    driver.unrescue(instance.uuid)
    assert list(driver.snapshots(instance.uuid)) == [made]
    driver.delete_snapshot(instance.uuid, "first")
    assert list(driver.snapshots(instance.uuid)) == []


def detached(driver: ComputeDriver, instance: Instance, nics: tuple[Interface, ...]) -> None:
    """Take interfaces from an instance that is off; their places are free then, before the disk's."""
    for nic in nics:
        driver.detach_interface(instance.uuid, nic.mac)
