"""Lifecycle of an instance's definition: rescue, resize and autostart change it, and each can be undone.

What belongs here: cases whose ids begin with `lifecycle.rescue`, `lifecycle.resize` or `lifecycle.autostart`. What does not:
title, description and metadata elements (`test_metadata`).
"""

from uuid import UUID
from xml.etree.ElementTree import canonicalize, fromstring, tostring

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of, rescue_image, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState, ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import HypervisorError, InvalidSpec, InvalidState
from virtproof_driver.spec import FileSource, RescueImage
from virtproof_driver.values import Instance, PowerState

RESCUED = SPAWNED | {Capability.RESCUE}
RESIZED = SPAWNED | {Capability.RESIZE}
AUTOSTARTED = SPAWNED | {Capability.AUTOSTART}
KIB_PER_MIB = 1024


def disks_of(world: World, instance: Instance) -> list[str]:
    """The disks of the persistent definition, each as canonical XML."""
    root = fromstring(world.xml(instance.uuid, inactive=True))
    return [canonicalize(tostring(disk, encoding="unicode"), strip_text=True) for disk in root.iterfind("devices/disk")]


def images_of(world: World, instance: Instance) -> set[str]:
    """The paths of the image files of the domain as it runs."""
    return {source.get("file", "") for source in fromstring(world.xml(instance.uuid)).iterfind("devices/disk/source")}


def path_of(image: RescueImage) -> str:
    """The image's path."""
    assert isinstance(image.source, FileSource)
    return image.source.path


def size_of(world: World, uuid: UUID, *, inactive: bool = True) -> tuple[int, int]:
    """(processors, MiB) of the persistent definition, or of the run."""
    root = fromstring(world.xml(uuid, inactive=inactive))
    vcpu = root.find("vcpu")
    assert vcpu is not None
    memory = root.findtext("currentMemory") or root.findtext("memory") or ""  # libvirt gives both in KiB, whatever was defined
    return int(vcpu.get("current") or vcpu.text or ""), int(memory) // KIB_PER_MIB


# --- rescue -----------------------------------------------------------------------------------------------------------


@case(
    "lifecycle.rescue.round-trip",
    Level.MUST,
    requirement="rescue() runs the instance from the image with its own disks beside it; unrescue() restores its disks exactly.",
    source="driver contract: rescue",
    since="1.0",
    needs=RESCUED,
)
def test_rescue_and_unrescue(driver: ComputeDriver, instance: Instance, world: World) -> None:
    before, own, spec = disks_of(world, instance), images_of(world, instance), driver.spec(instance.uuid)
    image = rescue_image(instance)
    assert driver.rescue(instance.uuid, image).state is PowerState.RUNNING
    assert images_of(world, instance) == own | {path_of(image)}
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
def test_rescue_when_off(driver: ComputeDriver, off_instance: Instance, world: World) -> None:
    before = disks_of(world, off_instance)
    image = rescue_image(off_instance)
    assert driver.rescue(off_instance.uuid, image).state is PowerState.RUNNING
    assert path_of(image) in images_of(world, off_instance)
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
def test_rescue_twice(driver: ComputeDriver, instance: Instance, world: World) -> None:
    before = disks_of(world, instance)
    driver.rescue(instance.uuid, rescue_image(instance))
    rescued = disks_of(world, instance)
    with pytest.raises(InvalidState):
        driver.rescue(instance.uuid, rescue_image(instance))
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
def test_rescue_that_fails(driver: ComputeDriver, instance: Instance, world: World, faults: Faults) -> None:
    before = disks_of(world, instance)
    faults.raise_on("Domain.create", ErrorCode.SYSTEM_ERROR, ErrorDomain.STORAGE)
    with pytest.raises(HypervisorError) as failed:
        driver.rescue(instance.uuid, rescue_image(instance))
    assert failed.value.undone_failures == ()
    assert (disks_of(world, instance), state_of(world, instance)) == (before, DomainState.RUNNING)
    with pytest.raises(InvalidState):
        driver.unrescue(instance.uuid)


# --- resize -----------------------------------------------------------------------------------------------------------


@case(
    "lifecycle.resize.definition",
    Level.MUST,
    requirement="resize() changes processors and memory of the persistent definition, up and down, of instances on and off.",
    source="virDomainSetVcpusFlags and virDomainSetMemoryFlags with VIR_DOMAIN_AFFECT_CONFIG; memory is KiB there, MiB here",
    since="1.0",
    needs=RESIZED,
)
@pytest.mark.parametrize("state", ["running", "off"])
@pytest.mark.parametrize("direction", ["grow", "shrink"])
def test_resize_changes_the_definition(driver: ComputeDriver, small: Small, world: World, direction: str, state: str) -> None:
    spec = small()
    little, much = (spec.vcpus, spec.memory_mib), (spec.vcpus + 1, 2 * spec.memory_mib)
    old, new = (little, much) if direction == "grow" else (much, little)
    instance = driver.spawn(small(vcpus=old[0], memory_mib=old[1]), start=state == "running")
    resized = driver.resize(instance.uuid, vcpus=new[0], memory_mib=new[1])
    assert resized.state is instance.state
    assert size_of(world, instance.uuid) == new
    found = driver.spec(instance.uuid)
    assert (found.vcpus, found.memory_mib) == new


@case(
    "lifecycle.resize.next-start",
    Level.MUST,
    requirement="A resized instance has its new size from its next start on.",
    source="virDomainSetVcpusFlags: VIR_DOMAIN_AFFECT_CONFIG affects the next boot",
    since="1.0",
    needs=RESIZED | {Capability.START, Capability.STOP},
)
def test_resize_applies_at_the_next_start(driver: ComputeDriver, instance: Instance, world: World) -> None:
    vcpus, memory_mib = size_of(world, instance.uuid)
    new = (vcpus + 1, 2 * memory_mib)
    driver.resize(instance.uuid, vcpus=new[0], memory_mib=new[1])
    driver.stop(instance.uuid, timeout=0)
    driver.start(instance.uuid)
    assert size_of(world, instance.uuid, inactive=False) == new


@case(
    "lifecycle.resize.invalid",
    Level.MUST,
    requirement="A size that cannot be is InvalidSpec naming the field, and the definition stays as it is.",
    source="driver contract: max_vcpus bounds a later resize; what is wrong with a value is InvalidSpec",
    since="1.0",
    needs=RESIZED,
)
@pytest.mark.parametrize(
    ("vcpus", "memory_mib", "field"),
    [
        pytest.param(0, 8, "vcpus", id="no-vcpus"),
        pytest.param(1, 0, "memory_mib", id="no-memory"),
        pytest.param(-1, 8, "vcpus", id="negative"),
        pytest.param(3, 8, "vcpus", id="above-maximum"),
    ],
)
def test_resize_to_the_impossible(  # noqa: PLR0913, PLR0917 - three fixtures and three parameters
    driver: ComputeDriver, small: Small, world: World, vcpus: int, memory_mib: int, field: str
) -> None:
    instance = driver.spawn(small(max_vcpus=2), start=False)
    before = world.xml(instance.uuid, inactive=True)
    with pytest.raises(InvalidSpec) as refused:
        driver.resize(instance.uuid, vcpus=vcpus, memory_mib=memory_mib)
    assert refused.value.field == field
    assert world.xml(instance.uuid, inactive=True) == before


@case(
    "lifecycle.resize.all-or-nothing",
    Level.MUST,
    requirement="When one half of a resize fails, the other is undone: the definition is as it was.",
    source="driver contract: an operation that fails leaves nothing behind; processors and memory are two calls of libvirt",
    since="1.0",
    needs=RESIZED,
)
@pytest.mark.parametrize("half", ["setVcpus", "setMemory"])
def test_resize_is_all_or_nothing(driver: ComputeDriver, off_instance: Instance, world: World, faults: Faults, half: str) -> None:
    before = size_of(world, off_instance.uuid)
    faults.raise_on(f"Domain.{half}", ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU)
    with pytest.raises(HypervisorError):
        driver.resize(off_instance.uuid, vcpus=before[0] + 1, memory_mib=2 * before[1])
    assert size_of(world, off_instance.uuid) == before


# --- autostart --------------------------------------------------------------------------------------------------------


@case(
    "lifecycle.autostart.set",
    Level.MUST,
    requirement="An instance starts at the host's boot only while set_autostart() says so, which may be said again.",
    source="virDomainSetAutostart; virDomainGetAutostart",
    since="1.0",
    needs=AUTOSTARTED,
)
def test_autostart(driver: ComputeDriver, instance: Instance, world: World) -> None:
    domain = domain_of(world, instance.uuid)
    assert (driver.autostart(instance.uuid), domain.autostart()) == (False, 0)
    for enabled in (True, True, False, False):
        driver.set_autostart(instance.uuid, enabled=enabled)
        assert (driver.autostart(instance.uuid), domain.autostart()) == (enabled, int(enabled))
    assert state_of(world, instance) == DomainState.RUNNING
