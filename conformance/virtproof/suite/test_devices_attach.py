"""Devices: giving a disk to an instance.

What belongs here: cases whose ids begin with `devices.attach`. What does not: taking one away (`test_devices_detach`), and
interfaces (`test_devices_interface`).
"""

from dataclasses import replace
from functools import partial

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.foreign import foreign_domain
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import domain_of
from virtproof.suite.places import (
    ATTACHED,
    DETACHED,
    RELEASER,
    element,
    new_disk,
    notices,
    places,
    power_cycle,
    spawned,
    volume_disk,
    volumes_in,
)
from virtproof.suite.together import together
from virtproof_driver import Capability
from virtproof_driver.constants import DomainEventId, ErrorCode
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    ConnectionLost,
    DeviceExists,
    HypervisorError,
)
from virtproof_driver.spec import Disk, DiskDevice, DiskFormat, NewVolume, VolumeSource, VolumeSpec
from virtproof_driver.values import Instance, PoolInfo


@case(
    "devices.attach.places",
    Level.MUST,
    requirement="attach_volume() gives the disk to the running instance and to the definition, of one that is off to that.",
    source="virDomainAttachDeviceFlags: LIVE of a domain that is off is error 55; attaching LIVE alone is lost when it stops",
    since="1.0",
    needs=ATTACHED | {Capability.PAUSE},
)
@pytest.mark.parametrize("state", ["running", "paused", "off"])
def test_attach(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str) -> None:
    instance, disk = spawned(driver, small, state), volume_disk(driver, pool)
    before = driver.spec(instance.uuid)
    driver.attach_volume(instance.uuid, disk)
    assert places(world, instance.uuid).have("vdb") == (state != "off", True)
    assert driver.spec(instance.uuid) == replace(before, disks=(*before.disks, disk))
    assert driver.instance(instance.uuid).state == instance.state


@case(
    "devices.attach.usb",
    Level.SHOULD,
    requirement="An instance that was spawned with a USB controller takes a disk on that bus while it runs.",
    source="https://libvirt.org/formatdomain.html#controllers: a machine with usb model none has no port",
    since="1.0",
    needs=ATTACHED,
)
def test_attach_usb(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo) -> None:
    instance, disk = driver.spawn(small(usb=True)), replace(volume_disk(driver, pool, "sdb"), bus="usb")
    driver.attach_volume(instance.uuid, disk)
    assert places(world, instance.uuid).have("sdb") == (True, True)
    assert driver.spec(instance.uuid).usb is True


@case(
    "devices.attach.transient",
    Level.MUST,
    requirement="A transient instance gets the disk for as long as it runs.",
    source="virDomainAttachDeviceFlags: CONFIG of a transient domain is error 55 (libvirt 11.3.0)",
    since="1.0",
    needs=ATTACHED,
)
def test_attach_to_transient(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo) -> None:
    spec, disk = small(), volume_disk(driver, pool)
    with foreign_domain(world, spec, transient=True):
        driver.attach_volume(spec.uuid, disk)
        assert places(world, spec.uuid).have("vdb")[0]
        assert driver.spec(spec.uuid).disks[-1] == disk


@case(
    "devices.attach.once",
    Level.MUST,
    requirement="A running instance is told of one new device by one attach_volume().",
    source="virConnectDomainEventDeviceAddedCallback; measured once for LIVE and CONFIG together (libvirt 11.3.0)",
    since="1.0",
    needs=ATTACHED,
)
def test_attach_is_told_once(driver: ComputeDriver, instance: Instance, world: World, pool: PoolInfo) -> None:
    driver.attach_volume(instance.uuid, volume_disk(driver, pool))
    world.wait_notice(instance.uuid, DomainEventId.DEVICE_ADDED)
    driver.attach_volume(instance.uuid, volume_disk(driver, pool, "vdc"))
    world.wait_notice(instance.uuid, DomainEventId.DEVICE_ADDED, count=2)
    alias = element(domain_of(world, instance.uuid), "vdc").find("alias")
    assert alias is not None
    told = notices(world, instance.uuid, DomainEventId.DEVICE_ADDED)
    assert (len(told), told[-1]) == (2, alias.get("name"))


@case(
    "devices.attach.survives",
    Level.MUST,
    requirement="A disk that was attached is there after the instance was switched off and on.",
    source="virDomainAttachDeviceFlags: only CONFIG lasts beyond the run",
    since="1.0",
    needs=ATTACHED | {Capability.STOP, Capability.START},
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_attach_survives(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str) -> None:
    instance = spawned(driver, small, state)
    driver.attach_volume(instance.uuid, volume_disk(driver, pool))
    power_cycle(driver, instance.uuid)
    assert places(world, instance.uuid).have("vdb") == (True, True)


@case(
    "devices.attach.new",
    Level.MUST,
    requirement="A new volume is made by attach_volume(), told by spec(), and removed by destroy() with the instance.",
    source="driver contract: destroy removes all that the driver made for the instance",
    since="1.0",
    needs=ATTACHED,
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_attach_new_volume(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str) -> None:
    instance, disk = spawned(driver, small, state), new_disk(pool)
    driver.attach_volume(instance.uuid, disk)
    assert volumes_in(world, pool) == ["new-vdb"]
    assert driver.spec(instance.uuid).disks[-1] == disk
    driver.destroy(instance.uuid)
    assert volumes_in(world, pool) == []


@case(
    "devices.attach.clone",
    Level.MUST,
    requirement="A new volume can be a clone of another one of its pool, which stays.",
    source="driver contract: NewVolume.clone_of",
    since="1.0",
    needs=ATTACHED | {Capability.STORAGE_CLONE},
)
def test_attach_clone(driver: ComputeDriver, instance: Instance, world: World, pool: PoolInfo) -> None:
    driver.create_volume(pool.name, VolumeSpec(name="golden", capacity_bytes=1 << 20))
    source = NewVolume(pool=pool.name, volume="copy", capacity_bytes=2 << 20, clone_of="golden")
    driver.attach_volume(instance.uuid, Disk(target="vdb", source=source))
    assert driver.volume(pool.name, "copy").capacity_bytes == 2 << 20
    driver.destroy(instance.uuid)
    assert volumes_in(world, pool) == ["golden"]


@case(
    "devices.attach.undone",
    Level.MUST,
    requirement="An attach_volume() that fails removes the volume that it made and changes nothing.",
    source="driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=ATTACHED,
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_failed_attach_is_undone(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, faults: Faults, state: str
) -> None:
    instance = spawned(driver, small, state)
    before, had = driver.spec(instance.uuid), places(world, instance.uuid)
    faults.raise_on("Domain.attachDevice", ErrorCode.INTERNAL_ERROR, 10, "the monitor refused")
    with pytest.raises(HypervisorError, match="refused") as failed:
        driver.attach_volume(instance.uuid, new_disk(pool))
    assert failed.value.undone_failures == ()
    assert (driver.spec(instance.uuid), places(world, instance.uuid), volumes_in(world, pool)) == (before, had, [])


@case(
    "devices.attach.unsure",
    Level.MUST,
    requirement="When the answer to attaching is lost with the connection, nothing is left: no disk, no volume.",
    source="driver contract: ConnectionLost leaves the outcome unknown; what undoing cannot harm is undone",
    since="1.0",
    needs=DETACHED,
)
def test_attach_without_an_answer(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, faults: Faults) -> None:
    instance = driver.spawn(small(guest=RELEASER))
    before = driver.spec(instance.uuid)
    faults.raise_after("Domain.attachDevice", ErrorCode.INTERNAL_ERROR, 7, "client socket is closed")
    with pytest.raises(ConnectionLost) as lost:
        driver.attach_volume(instance.uuid, new_disk(pool))
    assert lost.value.undone_failures == ()
    assert driver.spec(instance.uuid) == before
    assert (places(world, instance.uuid).have("vdb"), volumes_in(world, pool)) == ((False, False), [])


@case(
    "devices.attach.read-only",
    Level.MUST,
    requirement="A disk that is attached read-only cannot be written by the guest, now and after the next start.",
    source="https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms: readonly",
    since="1.0",
    needs=ATTACHED,
)
def test_attach_read_only(driver: ComputeDriver, instance: Instance, world: World, pool: PoolInfo) -> None:
    disk = replace(volume_disk(driver, pool), read_only=True)
    driver.attach_volume(instance.uuid, disk)
    domain = domain_of(world, instance.uuid)
    assert all(element(domain, "vdb", inactive=inactive).find("readonly") is not None for inactive in (False, True))
    assert driver.spec(instance.uuid).disks[-1] == disk


@case(
    "devices.attach.shared",
    Level.MUST,
    requirement="Instances can share a volume that all of them only read.",
    source="QEMU's image lock is shared by readers (QEMU 10.0)",
    since="1.0",
    needs=ATTACHED,
)
def test_attach_shared_read_only(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo) -> None:
    disk = replace(volume_disk(driver, pool), read_only=True)
    instances = [driver.spawn(small()) for _ in range(2)]
    for instance in instances:
        driver.attach_volume(instance.uuid, disk)
    assert [places(world, instance.uuid).have("vdb") for instance in instances] == [(True, True)] * 2


@case(
    "devices.attach.form",
    Level.MUST,
    requirement="Format, serial and the characters of a volume's name reach the host as they were given, and read back the same.",
    source="https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms; case of XML escaping",
    since="1.0",
    needs=ATTACHED,
)
@pytest.mark.parametrize(
    ("name", "disk_format", "serial"),
    [("plain", DiskFormat.QCOW2, "VP-0001.a_b+c"), ("a<b>&'\"é", DiskFormat.RAW, None)],
    ids=["qcow2", "escaped"],
)
def test_attach_form(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, instance: Instance, pool: PoolInfo, name: str, disk_format: DiskFormat, serial: str | None
) -> None:
    driver.create_volume(pool.name, VolumeSpec(name=name, capacity_bytes=1 << 20, format=disk_format))
    source = VolumeSource(pool=pool.name, volume=name)
    disk = Disk(target="vdb", source=source, format=disk_format, serial=serial, device=DiskDevice.DISK)
    driver.attach_volume(instance.uuid, disk)
    assert driver.spec(instance.uuid).disks[-1] == disk


@case(
    "devices.attach.several",
    Level.MUST,
    requirement="Several disks can be attached one after the other, and spec() tells them in that order.",
    source="driver contract: the order of a spec's disks is the caller's; libvirt sorts them by target",
    since="1.0",
    needs=ATTACHED,
)
def test_attach_several(driver: ComputeDriver, pool: PoolInfo, instance: Instance, world: World) -> None:
    disks = tuple(new_disk(pool, target) for target in ("vdf", "vdb", "vde", "vdc", "vdd"))
    first = driver.spec(instance.uuid).disks
    for disk in disks:
        driver.attach_volume(instance.uuid, disk)
    assert driver.spec(instance.uuid).disks == (*first, *disks)
    found = places(world, instance.uuid)
    assert [found.have(disk.target) for disk in disks] == [(True, True)] * len(disks)


@case(
    "devices.attach.at-once",
    Level.MUST,
    requirement="Disks that several threads attach to one instance at once are all there, and destroy() removes their volumes.",
    source="driver contract: all methods may be called from any thread; what is noted of a volume is read before it is written",
    since="1.0",
    needs=ATTACHED,
)
def test_attach_at_once(driver: ComputeDriver, pool: PoolInfo, instance: Instance, world: World) -> None:
    disks = [new_disk(pool, target) for target in ("vdb", "vdc", "vdd", "vde")]
    assert together([partial(driver.attach_volume, instance.uuid, disk) for disk in disks]) == [None] * len(disks)
    assert {disk.target for disk in disks} <= {disk.target for disk in driver.spec(instance.uuid).disks}
    driver.destroy(instance.uuid)
    assert volumes_in(world, pool) == []


@case(
    "devices.attach.one-wins",
    Level.MUST,
    requirement="Of threads that attach to one target at once one succeeds, the others get DeviceExists and leave no volume.",
    source="libvirt errors 27 and 55 (11.3.0); driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=ATTACHED,
)
def test_attach_one_target_at_once(driver: ComputeDriver, pool: PoolInfo, instance: Instance, world: World) -> None:
    disks = [replace(new_disk(pool), source=replace(_new(pool), volume=f"new-{number}")) for number in range(3)]
    outcomes = together([partial(driver.attach_volume, instance.uuid, disk) for disk in disks])
    winners = [disk for disk, outcome in zip(disks, outcomes, strict=True) if outcome is None]
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [DeviceExists] * 2
    assert driver.spec(instance.uuid).disks[-1:] == tuple(winners)
    assert volumes_in(world, pool) == [_new_name(winners[0])]


@case(
    "devices.attach.foreign",
    Level.MUST,
    requirement="A disk is attached to an instance that another client made as to one of the driver's own.",
    source="driver contract: spec() reads any domain; a domain of another client has none of the driver's notes",
    since="1.0",
    needs=ATTACHED,
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_attach_to_foreign(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str) -> None:
    spec, running = small(), state == "running"
    with foreign_domain(world, spec, start=running):
        before = driver.spec(spec.uuid)
        driver.attach_volume(spec.uuid, new_disk(pool))
        assert driver.spec(spec.uuid) == replace(before, disks=(*before.disks, new_disk(pool)))
        assert places(world, spec.uuid).have("vdb") == (running, True)
        driver.destroy(spec.uuid)
    assert volumes_in(world, pool) == []


def _new(pool: PoolInfo) -> NewVolume:
    return NewVolume(pool=pool.name, volume="new", capacity_bytes=1 << 20)


def _new_name(disk: Disk) -> str:
    assert isinstance(disk.source, NewVolume)
    return disk.source.volume
