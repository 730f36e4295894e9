"""Devices: how the end of a removal is told, or is not: guests that are deaf or end meanwhile, and events that are late or lost.

What belongs here: cases whose ids begin with `devices.removal`; a deaf guest keeps an interface as it keeps a disk, so that is
here too. What does not: detaching from a guest that lets go (`test_devices_detach`).
"""

import time
from functools import partial
from typing import Final

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.foreign import foreign_domain
from virtproof.recording.fault_rules import notice
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import domain_of
from virtproof.suite.places import (
    DEAF,
    DETACHED,
    RELEASER,
    new_disk,
    notices,
    places,
    volume_disk,
    volumes_in,
)
from virtproof_driver import Capability
from virtproof_driver.constants import Affect, DomainEventId
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import OperationTimeout
from virtproof_driver.markup.attached import device_xml
from virtproof_driver.values import Instance, PoolInfo

REMOVED: Final = DomainEventId.DEVICE_REMOVED
PATIENCE: Final = 60.0  # seconds; no driver may wait longer for a guest that does not answer


@pytest.fixture
def releaser(driver: ComputeDriver, pool: PoolInfo, small: Small) -> Instance:
    """An instance that runs and lets go of devices; the pool is there before it, and goes after it."""
    del pool
    return driver.spawn(small(guest=RELEASER))


@pytest.fixture
def deaf(driver: ComputeDriver, pool: PoolInfo, small: Small) -> Instance:
    """An instance whose guest does not answer."""
    del pool
    return driver.spawn(small(guest=DEAF))


@case(
    "devices.removal.unanswered",
    Level.MUST,
    requirement="A guest that does not answer is OperationTimeout: instance, definition and spec() have the device still.",
    source="libvirt returns 0 after 5.0 s without an event; with CONFIG it takes the device from the definition too (11.3.0)",
    since="1.0",
    needs=DETACHED | {Capability.INTERFACE_ATTACH, Capability.INTERFACE_DETACH},
)
@pytest.mark.parametrize("device", ["volume", "interface"])
def test_unanswered_detach(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, deaf: Instance, small: Small, world: World, pool: PoolInfo, device: str
) -> None:
    disk, nic = new_disk(pool), small(wired=True).interfaces[0]
    driver.attach_volume(deaf.uuid, disk)
    driver.attach_interface(deaf.uuid, nic)
    before, had = driver.spec(deaf.uuid), places(world, deaf.uuid)
    began = time.monotonic()
    with pytest.raises(OperationTimeout):
        driver.detach_volume(deaf.uuid, "vdb") if device == "volume" else driver.detach_interface(deaf.uuid, nic.mac)
    assert time.monotonic() - began < PATIENCE
    assert (driver.spec(deaf.uuid), places(world, deaf.uuid)) == (before, had)
    assert volumes_in(world, pool) == ["new-vdb"]
    assert notices(world, deaf.uuid, REMOVED) == []


@case(
    "devices.removal.late",
    Level.MUST,
    requirement="A removal that comes after the deadline is absorbed: the definition keeps the disk, and a second call takes it.",
    source="DEVICE_REMOVED comes with a later reset (libvirt 11.3.0, QEMU 10.0)",
    since="1.0",
    needs=DETACHED,
)
def test_late_removal(driver: ComputeDriver, deaf: Instance, world: World, pool: PoolInfo) -> None:
    before, disk = driver.spec(deaf.uuid), new_disk(pool)
    driver.attach_volume(deaf.uuid, disk)
    with pytest.raises(OperationTimeout):
        driver.detach_volume(deaf.uuid, "vdb")
    domain_of(world, deaf.uuid).reset()
    world.wait_notice(deaf.uuid, REMOVED)
    assert places(world, deaf.uuid).have("vdb") == (False, True)
    assert driver.spec(deaf.uuid).disks[-1] == disk
    driver.detach_volume(deaf.uuid, "vdb")
    assert places(world, deaf.uuid).have("vdb") == (False, False)
    assert (driver.spec(deaf.uuid), volumes_in(world, pool)) == (before, [])


@case(
    "devices.removal.delayed",
    Level.MUST,
    requirement="detach_volume() waits for the removal to be told, however late within its deadline the event comes.",
    source="virDomainDetachDeviceFlags: beware that depending on the hypervisor, the event may come before or after the return",
    since="1.0",
    needs=DETACHED,
)
def test_delayed_removal(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo, faults: Faults) -> None:
    faults.delay_event(notice(REMOVED), 1.0)
    driver.attach_volume(releaser.uuid, volume_disk(driver, pool))
    began = time.monotonic()
    driver.detach_volume(releaser.uuid, "vdb")
    assert time.monotonic() - began >= 1.0
    assert not any(places(world, releaser.uuid).have("vdb"))


@case(
    "devices.removal.lost",
    Level.MUST,
    requirement="A removal whose event is lost is found by the end of the deadline, and detach_volume() succeeds.",
    source="driver contract: a wait that ends by its deadline is decided by reading the state",
    since="1.0",
    needs=DETACHED,
)
def test_lost_removal(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo, faults: Faults) -> None:
    faults.drop_event(notice(REMOVED))
    driver.attach_volume(releaser.uuid, volume_disk(driver, pool))
    driver.detach_volume(releaser.uuid, "vdb")
    assert not any(places(world, releaser.uuid).have("vdb"))


@case(
    "devices.removal.repeated",
    Level.MUST,
    requirement="A removal that is told twice ends one detach_volume(), not the next.",
    source="the host may tell one removal to several connections; waits are armed for one call",
    since="1.0",
    needs=DETACHED,
)
def test_repeated_removal(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo, faults: Faults) -> None:
    faults.duplicate_event(notice(REMOVED))
    disk = volume_disk(driver, pool)
    for _ in range(2):
        driver.attach_volume(releaser.uuid, disk)
        assert places(world, releaser.uuid).have("vdb") == (True, True)
        driver.detach_volume(releaser.uuid, "vdb")
        assert places(world, releaser.uuid).have("vdb") == (False, False)


@case(
    "devices.removal.other",
    Level.MUST,
    requirement="The removal of another device does not end the wait for this one.",
    source="virConnectDomainEventDeviceRemovedCallback tells the device's alias",
    since="1.0",
    needs=DETACHED,
)
def test_removal_of_another_device(
    driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo, faults: Faults
) -> None:
    other = volume_disk(driver, pool, "vdc")
    for disk in (volume_disk(driver, pool), other):
        driver.attach_volume(releaser.uuid, disk)
    bare = domain_of(world, releaser.uuid)
    faults.before("Domain.detachDevice", partial(bare.detachDeviceFlags, device_xml(other), Affect.LIVE))
    faults.swallow("Domain.detachDevice", nth=1)
    with pytest.raises(OperationTimeout):
        driver.detach_volume(releaser.uuid, "vdb")
    assert places(world, releaser.uuid).have("vdb") == (True, True)
    assert places(world, releaser.uuid).have("vdc") == (False, True)


@case(
    "devices.removal.ended",
    Level.MUST,
    requirement="An instance that is destroyed while a disk is being detached has released it: no error.",
    source="a domain that stops tells no DEVICE_REMOVED (libvirt 11.3.0); nova: domain gone during detach",
    since="1.0",
    needs=DETACHED,
)
@pytest.mark.parametrize("kind", ["persistent", "transient"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_detach_while_the_instance_ends(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, faults: Faults, kind: str, when: str
) -> None:
    spec = small(guest=RELEASER)
    with foreign_domain(world, spec, transient=kind == "transient") as domain:
        driver.attach_volume(spec.uuid, new_disk(pool))
        if when == "before":
            faults.before("Domain.detachDevice", domain.destroy)
        else:  # the guest has not answered when the call returns, and never will
            faults.after("Domain.detachDevice", domain.destroy)
            faults.swallow("Domain.detachDevice")
        driver.detach_volume(spec.uuid, "vdb")
        assert volumes_in(world, pool) == []
        if kind == "persistent":
            assert places(world, spec.uuid).have("vdb") == (False, False)
