"""Lifecycle, rescue: another image boots with the old disks beside it, and all of it can be undone.

What belongs here: cases whose ids begin with `lifecycle.rescue`. What does not: whether data on the disks
survives; no guest reads them here.
"""

from xml.etree.ElementTree import canonicalize, fromstring, tostring

import pytest

from virtproof.cases import Level, case
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState, ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import HypervisorError, InvalidState
from virtproof_driver.spec import FileSource, RescueImage
from virtproof_driver.values import Instance, PowerState

RESCUED = SPAWNED | {Capability.RESCUE}


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
