"""Devices: taking a disk from an instance, whose guest lets go.

What belongs here: cases whose ids begin with `devices.detach`. What does not: guests that do not, and lost events
(`test_devices_removal`), and interfaces (`test_devices_interface`).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, domain_of
from virtproof.suite.places import (
    DETACHED,
    RELEASER,
    new_disk,
    notices,
    places,
    power_cycle,
    volume_disk,
    volumes_in,
    xmls,
)
from virtproof.suite.together import together
from virtproof_driver import Capability
from virtproof_driver.constants import Affect, DomainEventId, ErrorCode
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DeviceNotFound, HypervisorError, InstanceNotFound, InvalidState
from virtproof_driver.markup.attached import device_xml
from virtproof_driver.values import Instance, PoolInfo

REMOVED: Final = DomainEventId.DEVICE_REMOVED
Change = Callable[[ComputeDriver, str], None]
CHANGES: dict[str, Change] = {
    "detach": lambda driver, uuid: driver.detach_volume(uuid, "vdb"),
    "extend": lambda driver, uuid: driver.extend_volume(uuid, "vdb", 2 << 20),
    "interface": lambda driver, uuid: driver.detach_interface(uuid, "52:54:00:00:00:01"),
}


@pytest.fixture
def releaser(driver: ComputeDriver, pool: PoolInfo, small: Small) -> Instance:
    """An instance that runs and lets go of devices; the pool is there before it, and goes after it."""
    del pool
    return driver.spawn(small(guest=RELEASER))


@case(
    "devices.detach.released",
    Level.MUST,
    requirement="detach_volume() takes the disk from the running instance and its definition, and from one that is off.",
    source="virDomainDetachDeviceFlags: asynchronous; DEVICE_REMOVED tells the end, and may come before the return",
    since="1.0",
    needs=DETACHED | {Capability.STOP},
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_detach(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo, state: str) -> None:
    before = driver.spec(releaser.uuid)
    driver.attach_volume(releaser.uuid, volume_disk(driver, pool))
    if state == "off":
        driver.stop(releaser.uuid, timeout=0)
    driver.detach_volume(releaser.uuid, "vdb")
    assert not any(places(world, releaser.uuid).have("vdb"))
    assert driver.spec(releaser.uuid) == before
    assert volumes_in(world, pool) == ["volume-vdb"]


@case(
    "devices.detach.cycles",
    Level.MUST,
    requirement="A disk can be attached and detached again and again; each time the host tells one arrival and one removal.",
    source="virConnectDomainEventDeviceRemovedCallback, once a removal (libvirt 11.3.0)",
    since="1.0",
    needs=DETACHED,
)
def test_cycles(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo) -> None:
    disk = volume_disk(driver, pool)
    for round_number in range(1, 5):
        driver.attach_volume(releaser.uuid, disk)
        driver.detach_volume(releaser.uuid, "vdb")
        world.wait_notice(releaser.uuid, REMOVED, count=round_number)
        assert not any(places(world, releaser.uuid).have("vdb"))
    added = notices(world, releaser.uuid, DomainEventId.DEVICE_ADDED)
    assert (len(added), notices(world, releaser.uuid, REMOVED)) == (4, added)


@case(
    "devices.detach.stays-away",
    Level.MUST,
    requirement="A disk that was detached is not back after the instance was switched off and on.",
    source="virDomainDetachDeviceFlags: only CONFIG lasts beyond the run",
    since="1.0",
    needs=DETACHED | {Capability.STOP, Capability.START},
)
def test_detached_stays_away(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo) -> None:
    driver.attach_volume(releaser.uuid, volume_disk(driver, pool))
    driver.detach_volume(releaser.uuid, "vdb")
    power_cycle(driver, releaser.uuid)
    assert places(world, releaser.uuid).have("vdb") == (False, False)


@case(
    "devices.detach.new",
    Level.MUST,
    requirement="detach_volume() deletes a volume that the driver made for the instance.",
    source="driver contract: what attach_volume() and spawn() made, they also remove",
    since="1.0",
    needs=DETACHED | {Capability.STOP},
)
@pytest.mark.parametrize("state", ["running", "off"])
@pytest.mark.parametrize("made_by", ["attach", "spawn"])
def test_detach_deletes_new_volume(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str, made_by: str
) -> None:
    spec, disk = small(guest=RELEASER), new_disk(pool)
    driver.spawn(replace(spec, disks=(*spec.disks, disk)) if made_by == "spawn" else spec)
    if made_by == "attach":
        driver.attach_volume(spec.uuid, disk)
    if state == "off":
        driver.stop(spec.uuid, timeout=0)
    driver.detach_volume(spec.uuid, "vdb")
    assert volumes_in(world, pool) == []
    assert driver.spec(spec.uuid).disks == spec.disks


@case(
    "devices.detach.new-gone",
    Level.MUST,
    requirement="detach_volume() succeeds when another client has deleted the volume that the driver made.",
    source="libvirt error 50 is the state that was asked for; libvirt deletes a volume that is in use (11.3.0)",
    since="1.0",
    needs=DETACHED,
)
def test_detach_when_the_volume_is_gone(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo) -> None:
    driver.attach_volume(releaser.uuid, new_disk(pool))
    world.connection.storagePoolLookupByName(pool.name).storageVolLookupByName("new-vdb").delete(0)
    driver.detach_volume(releaser.uuid, "vdb")
    assert not any(places(world, releaser.uuid).have("vdb"))


@case(
    "devices.detach.one-place",
    Level.MUST,
    requirement="A disk that only the running instance has, or only its definition, is detached from there.",
    source="libvirt error 99 for both at once (11.3.0); nova commits eb67ec24e3 and 17b6b12365",
    since="1.0",
    needs=DETACHED,
)
@pytest.mark.parametrize("place", [pytest.param(Affect.LIVE, id="running"), pytest.param(Affect.CONFIG, id="definition")])
def test_detach_from_one_place(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo, place: Affect) -> None:
    domain_of(world, releaser.uuid).attachDeviceFlags(device_xml(volume_disk(driver, pool)), place)
    driver.detach_volume(releaser.uuid, "vdb")
    assert places(world, releaser.uuid).have("vdb") == (False, False)


@case(
    "devices.detach.missing",
    Level.MUST,
    requirement="Detaching what the instance has not is DeviceNotFound, running or off, also the second time.",
    source="libvirt error 99 (VIR_ERR_DEVICE_MISSING, 11.3.0), 9 before it",
    since="1.0",
    needs=DETACHED | {Capability.STOP},
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_detach_missing(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo, state: str) -> None:
    driver.attach_volume(releaser.uuid, volume_disk(driver, pool))
    driver.detach_volume(releaser.uuid, "vdb")
    if state == "off":
        driver.stop(releaser.uuid, timeout=0)
    before = xmls(world, releaser.uuid)
    for target in ("vdb", "vdz", "<none>"):
        with pytest.raises(DeviceNotFound) as missing:
            driver.detach_volume(releaser.uuid, target)
        assert missing.value.key == target
    assert xmls(world, releaser.uuid) == before


@case(
    "devices.detach.unknown",
    Level.MUST,
    requirement="Changing a device of an instance that is not there is InstanceNotFound.",
    source="libvirt error 42",
    since="1.0",
    needs=DETACHED | {Capability.VOLUME_EXTEND, Capability.INTERFACE_DETACH},
)
@pytest.mark.parametrize("change", CHANGES)
def test_change_of_unknown(driver: ComputeDriver, change: str) -> None:
    with pytest.raises(InstanceNotFound) as unknown:
        CHANGES[change](driver, NO_SUCH)
    assert unknown.value.key == NO_SUCH


@case(
    "devices.detach.refused",
    Level.MUST,
    requirement="A detach that the host refuses is its error, and instance and storage stay as they are.",
    source="driver contract: HypervisorError carries libvirt's code",
    since="1.0",
    needs=DETACHED,
)
def test_refused_detach(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo, faults: Faults) -> None:
    driver.attach_volume(releaser.uuid, new_disk(pool))
    before = xmls(world, releaser.uuid)
    faults.raise_on("Domain.detachDevice", ErrorCode.INTERNAL_ERROR, 10, "the monitor refused")
    with pytest.raises(HypervisorError) as refused:
        driver.detach_volume(releaser.uuid, "vdb")
    assert (refused.value.code, refused.value.undone_failures) == (ErrorCode.INTERNAL_ERROR, ())
    assert (xmls(world, releaser.uuid), volumes_in(world, pool)) == (before, ["new-vdb"])


@case(
    "devices.detach.half",
    Level.MUST,
    requirement="A detach that reached only the running instance says so, and a second call completes it.",
    source="driver contract: an operation that fails says what it could not undo",
    since="1.0",
    needs=DETACHED,
)
def test_half_a_detach(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo, faults: Faults) -> None:
    driver.attach_volume(releaser.uuid, new_disk(pool))
    faults.raise_on("Domain.detachDevice", ErrorCode.SYSTEM_ERROR, 10, "no space left", nth=2)
    with pytest.raises(HypervisorError) as failed:
        driver.detach_volume(releaser.uuid, "vdb")
    assert any("vdb" in leftover for leftover in failed.value.undone_failures)
    assert volumes_in(world, pool) == ["new-vdb"]
    driver.detach_volume(releaser.uuid, "vdb")
    assert places(world, releaser.uuid).have("vdb") == (False, False)
    assert volumes_in(world, pool) == []


@case(
    "devices.detach.several",
    Level.MUST,
    requirement="Several disks can be detached one after the other, in any order.",
    source="driver contract: detach_volume() takes one disk and no other",
    since="1.0",
    needs=DETACHED,
)
def test_detach_several(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo) -> None:
    before = driver.spec(releaser.uuid)
    targets = ["vdb", "vdc", "vdd", "vde"]
    for target in targets:
        driver.attach_volume(releaser.uuid, new_disk(pool, target))
    for done, target in enumerate(("vdc", "vde", "vdb", "vdd"), 1):
        driver.detach_volume(releaser.uuid, target)
        targets.remove(target)
        assert [disk.target for disk in driver.spec(releaser.uuid).disks[1:]] == targets, f"after {done}"
    assert (driver.spec(releaser.uuid), volumes_in(world, pool)) == (before, [])


@case(
    "devices.detach.one-wins",
    Level.MUST,
    requirement="Of threads that detach one disk at once exactly one succeeds, to the others it is DeviceNotFound.",
    source="driver contract: all methods may be called from any thread",
    since="1.0",
    needs=DETACHED,
)
def test_detach_at_once(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo) -> None:
    driver.attach_volume(releaser.uuid, new_disk(pool))
    outcomes = together([partial(driver.detach_volume, releaser.uuid, "vdb")] * 3)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["DeviceNotFound", "DeviceNotFound", "NoneType"]
    assert (places(world, releaser.uuid).have("vdb"), volumes_in(world, pool)) == ((False, False), [])


@case(
    "devices.detach.suspended",
    Level.MUST,
    requirement="Detaching from a suspended instance is InvalidState: resuming would bring the disk back.",
    source="virDomainManagedSave keeps the devices of the run; measured on libvirt 11.3.0",
    since="1.0",
    needs=DETACHED | {Capability.SUSPEND},
)
def test_detach_from_suspended(driver: ComputeDriver, releaser: Instance, world: World, pool: PoolInfo) -> None:
    driver.attach_volume(releaser.uuid, new_disk(pool))
    driver.suspend(releaser.uuid)
    before = xmls(world, releaser.uuid)
    with pytest.raises(InvalidState):
        driver.detach_volume(releaser.uuid, "vdb")
    assert (xmls(world, releaser.uuid), volumes_in(world, pool)) == (before, ["new-vdb"])
    driver.resume(releaser.uuid)
    driver.detach_volume(releaser.uuid, "vdb")
    assert volumes_in(world, pool) == []
