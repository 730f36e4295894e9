"""Disks that several instances use: those that only read share one, a second that writes is refused.

What belongs here: cases whose ids begin with `lifecycle.shared`. What does not: volumes (`test_storage_spawn`).
"""

from dataclasses import replace

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.guests.own_disk import with_own_disk
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.common import HEARD, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import HypervisorError
from virtproof_driver.spec import InstanceSpec, NewVolume, VolumeSource
from virtproof_driver.values import EventKind

# Only machines lock their disks' images; they are those that have a firmware.
LOCKED = HEARD | {Capability.GUESTS, Capability.STORAGE_CLONE, Capability.FIRMWARE_EFI}


def on_the_disk_of(spec: InstanceSpec, owner: InstanceSpec) -> InstanceSpec:
    """An instance that would write to another one's disk."""
    disk = owner.disks[0]
    assert isinstance(disk.source, NewVolume)
    return replace(spec, disks=(replace(disk, source=VolumeSource(pool=disk.source.pool, volume=disk.source.volume)),))


@case(
    "lifecycle.shared.locked",
    Level.MUST,
    requirement="A second instance that would write to a disk in use is refused and leaves nothing; the first one runs on.",
    source='QEMU\'s image locking: Failed to get "write" lock (libvirt error 1, 9.0.0 to 12.8)',
    since="1.0",
    needs=LOCKED,
)
def test_second_writer(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    owner = with_own_disk(small())
    first = driver.spawn(owner)
    before = world.inventory()
    second = on_the_disk_of(small(), owner)
    with pytest.raises(HypervisorError) as refused:
        driver.spawn(second)
    assert refused.value.undone_failures == ()
    assert world.inventory() == before
    assert state_of(world, first) == DomainState.RUNNING
    events.settle()
    assert EventKind.STARTED not in events.kinds(second.uuid)
    assert events.kinds(first.uuid) == (EventKind.DEFINED, EventKind.STARTED)


@case(
    "lifecycle.shared.released",
    Level.MUST,
    requirement="Once the first instance is off the second one starts on its disk.",
    source="QEMU's image locking",
    since="1.0",
    needs=LOCKED | {Capability.STOP, Capability.START},
)
def test_second_writer_after_the_first(driver: ComputeDriver, small: Small, world: World) -> None:
    owner = with_own_disk(small())
    first = driver.spawn(owner)
    second = driver.spawn(on_the_disk_of(small(), owner), start=False)
    with pytest.raises(HypervisorError):
        driver.start(second.uuid)
    assert state_of(world, second) == DomainState.SHUTOFF
    driver.stop(first.uuid, timeout=0)
    driver.start(second.uuid)
    assert (state_of(world, first), state_of(world, second)) == (DomainState.SHUTOFF, DomainState.RUNNING)


@case(
    "lifecycle.shared.readers",
    Level.MUST,
    requirement="Instances that only read a disk run on it together.",
    source="https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms: readonly",
    since="1.0",
    needs=HEARD | {Capability.GUESTS},
)
def test_readers(driver: ComputeDriver, small: Small, world: World) -> None:
    instances = [driver.spawn(small()) for _ in range(3)]
    assert [state_of(world, instance) for instance in instances] == [DomainState.RUNNING] * 3
