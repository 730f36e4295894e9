"""Disks that cannot be written: the host pauses the instance, listeners hear why, and it goes on once there is room.

What belongs here: cases whose ids begin with `events.disk`. What does not: other ends of guests (`test_lifecycle_ends`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.guests.catalogue import FILLER
from virtproof.guests.streams import send
from virtproof.lanes.model import GuestControl
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.common import HEARD, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainEventId, DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DiskFault
from virtproof_driver.spec import Disk, InstanceSpec, NewVolume, PoolSpec, VolumeSpec
from virtproof_driver.values import EventKind, Instance, PowerState

MIB = 1 << 20
FULL = HEARD | {
    *(Capability.EVENTS_IO_ERROR, Capability.GUESTS, Capability.PAUSE),
    *(Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES, Capability.STORAGE_CLONE),
}
PAUSED = (EventKind.DEFINED, EventKind.STARTED, EventKind.PAUSED)
Names = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Tight:
    """An instance to be, whose disk has too little room, and the volume that takes it."""

    spec: InstanceSpec
    pool: str
    ballast: str


@pytest.fixture
def tight(driver: ComputeDriver, small: Small, names: Names, world: World, guests: GuestControl) -> Tight:
    """A guest that fills its disk of 8 MiB, on a file system where half of that is free."""
    name = names("pool")
    folder = f"{guests.small_folder}/{name}"
    pool = driver.create_pool(PoolSpec(name=name, target=folder))
    image = driver.create_volume(pool.name, VolumeSpec(name=FILLER.volume, capacity_bytes=MIB))
    send(world.connection, world.connection.storageVolLookupByPath(image.path), FILLER.boot_sector)
    room = guests.space(folder).free - 4 * MIB
    driver.create_volume(pool.name, VolumeSpec(name="ballast", capacity_bytes=room, allocation_bytes=room))
    own = NewVolume(pool=pool.name, volume="filled.img", capacity_bytes=8 * MIB, clone_of=FILLER.volume)
    return Tight(small(guest="filler", disks=(Disk(target="vda", source=own),)), pool.name, "ballast")


def filled(driver: ComputeDriver, events: EventCollector, tight: Tight) -> Instance:
    """The instance, paused for want of room."""
    instance = driver.spawn(tight.spec)
    events.wait(instance.uuid, EventKind.PAUSED)
    return instance


@case(
    "events.disk.full",
    Level.MUST,
    requirement="A disk without room is one `paused` for the reason `ioerror`, and the instance is paused for that.",
    source="VIR_DOMAIN_EVENT_SUSPENDED_IOERROR; https://libvirt.org/formatdomain.html: error_policy",
    since="1.0",
    needs=FULL,
)
def test_full(driver: ComputeDriver, events: EventCollector, tight: Tight, world: World) -> None:
    instance = filled(driver, events, tight)
    found = driver.instance(instance.uuid)
    assert (found.state, found.reason) == (PowerState.PAUSED, "ioerror")
    assert state_of(world, instance) == DomainState.PAUSED
    world.wait_notice(instance.uuid, DomainEventId.IO_ERROR_REASON)
    events.settle()
    assert events.kinds(instance.uuid) == PAUSED
    assert events.wait(instance.uuid, EventKind.PAUSED).reason == "ioerror"


@case(
    "events.disk.unpause",
    Level.MUST,
    requirement="unpause() of an instance whose disk has no room still is DiskFault and no success; the instance stays paused.",
    source="virDomainResume says 0, and the guest is paused again (9.0.0 to 12.8); https://github.com/kubevirt/kubevirt/pull/14589",
    since="1.0",
    needs=FULL,
)
def test_unpause_without_room(driver: ComputeDriver, events: EventCollector, tight: Tight, world: World) -> None:
    instance = filled(driver, events, tight)
    with pytest.raises(DiskFault) as failed:
        driver.unpause(instance.uuid)
    assert str(instance.uuid) in str(failed.value)
    assert failed.value.reason == "ioerror"
    found = driver.instance(instance.uuid)
    assert (found.state, found.reason) == (PowerState.PAUSED, "ioerror")
    events.settle()
    assert events.kinds(instance.uuid) == (*PAUSED, EventKind.RESUMED, EventKind.PAUSED)
    assert state_of(world, instance) == DomainState.PAUSED


@case(
    "events.disk.room",
    Level.MUST,
    requirement="Once there is room again unpause() succeeds, and the guest goes on writing.",
    source="virDomainResume",
    since="1.0",
    needs=FULL | {Capability.DIAGNOSTICS},
)
def test_unpause_with_room(driver: ComputeDriver, events: EventCollector, tight: Tight, world: World) -> None:
    instance = filled(driver, events, tight)
    before = driver.diagnostics(instance.uuid).blocks[0].write_bytes
    driver.delete_volume(tight.pool, tight.ballast)
    assert driver.unpause(instance.uuid).state is PowerState.RUNNING
    assert state_of(world, instance) == DomainState.RUNNING
    assert driver.diagnostics(instance.uuid).blocks[0].write_bytes > before
    events.settle()
    assert events.kinds(instance.uuid) == (*PAUSED, EventKind.RESUMED)


@case(
    "events.disk.destroy",
    Level.MUST,
    requirement="An instance that is paused for want of room is destroyed, and its disk with it.",
    source="virDomainDestroy",
    since="1.0",
    needs=FULL,
)
def test_destroy(driver: ComputeDriver, events: EventCollector, tight: Tight, world: World) -> None:
    instance = filled(driver, events, tight)
    driver.destroy(instance.uuid)
    assert world.state(instance.uuid) is None
    assert {volume.name for volume in driver.volumes(tight.pool)} == {FILLER.volume, tight.ballast}
    events.settle()
    assert events.kinds(instance.uuid) == (*PAUSED, EventKind.STOPPED, EventKind.UNDEFINED)


@case(
    "events.disk.others",
    Level.MUST,
    requirement="A disk without room pauses its own instance only.",
    source="https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms: error_policy",
    since="1.0",
    needs=FULL,
)
def test_others_run_on(driver: ComputeDriver, events: EventCollector, small: Small, tight: Tight, world: World) -> None:
    other = driver.spawn(small())
    filled(driver, events, tight)
    assert state_of(world, other) == DomainState.RUNNING
    events.settle()
    assert events.kinds(other.uuid) == (EventKind.DEFINED, EventKind.STARTED)
