"""Devices: giving a disk to an instance.

What belongs here: cases whose ids begin with `devices.attach`. What does not: taking one away (`test_devices_detach`), and
interfaces (`test_devices_interface`).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.foreign import foreign_domain
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, NO_SUCH_NAME, domain_of
from virtproof.suite.places import (
    ATTACHED,
    DETACHED,
    RELEASER,
    Names,
    element,
    new_disk,
    notices,
    places,
    power_cycle,
    volume_disk,
    volumes_in,
    xmls,
)
from virtproof.suite.test_concurrency import together
from virtproof_driver import Capability
from virtproof_driver.constants import Affect, DomainEventId, ErrorCode
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    ConnectionLost,
    DeviceExists,
    DriverError,
    HypervisorError,
    InstanceNotFound,
    InvalidSpec,
    InvalidState,
    StoragePoolNotFound,
    VolumeExists,
    VolumeNotFound,
)
from virtproof_driver.markup.attached import device_xml
from virtproof_driver.spec import Disk, DiskDevice, DiskFormat, FileSource, NewVolume, VolumeSource, VolumeSpec
from virtproof_driver.values import Instance, PoolInfo

MISSING: dict[str, tuple[Callable[[PoolInfo], VolumeSource], type[DriverError]]] = {
    "volume": (lambda pool: VolumeSource(pool=pool.name, volume=NO_SUCH_NAME), VolumeNotFound),
    "pool": (lambda _pool: VolumeSource(pool=NO_SUCH_NAME, volume="one"), StoragePoolNotFound),
}
NOT_A_DISK: dict[str, tuple[str, Callable[[Disk], Disk]]] = {
    "target": ("volume.target", lambda disk: replace(disk, target="disk one")),
    "bus": ("volume.bus", lambda disk: replace(disk, bus="floppy")),
    "serial": ("volume.serial", lambda disk: replace(disk, serial="a<b")),
    "nothing": ("volume.source", lambda disk: replace(disk, source=None)),
    "path": ("volume.source.path", lambda disk: replace(disk, source=FileSource(path="disk.img"))),
    "pool": ("volume.source.pool", lambda disk: replace(disk, source=VolumeSource(pool="", volume="one"))),
}


def spawned(driver: ComputeDriver, small: Small, state: str) -> Instance:
    """An instance in this state."""
    instance = driver.spawn(small(), start=state != "off")
    return driver.pause(instance.uuid) if state == "paused" else instance


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
    "devices.attach.taken",
    Level.MUST,
    requirement="A target that is taken is DeviceExists, and neither instance nor storage changes.",
    source="libvirt error 27 of a running domain and 55 of a definition (11.3.0): one error for both",
    since="1.0",
    needs=ATTACHED,
)
@pytest.mark.parametrize("state", ["running", "off"])
@pytest.mark.parametrize("by", ["spawn", "attach"])
def test_attach_to_taken_target(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str, by: str
) -> None:
    instance = spawned(driver, small, state)
    target = small().disks[0].target if by == "spawn" else "vdb"
    if by == "attach":
        driver.attach_volume(instance.uuid, volume_disk(driver, pool, target))
    before, had = xmls(world, instance.uuid), volumes_in(world, pool)
    with pytest.raises(DeviceExists) as taken:
        driver.attach_volume(instance.uuid, new_disk(pool, target))
    assert taken.value.key == target
    assert (xmls(world, instance.uuid), volumes_in(world, pool)) == (before, had)


@case(
    "devices.attach.raced",
    Level.MUST,
    requirement="A target that another client takes at the last moment is DeviceExists too, and the other's disk stays.",
    source="libvirt error 27 of a running domain and 55 of a definition (11.3.0)",
    since="1.0",
    needs=ATTACHED,
)
@pytest.mark.parametrize("place", [pytest.param(Affect.LIVE, id="running"), pytest.param(Affect.CONFIG, id="definition")])
def test_attach_after_another_client(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, instance: Instance, world: World, pool: PoolInfo, faults: Faults, place: Affect
) -> None:
    xml, bare = device_xml(volume_disk(driver, pool, name="theirs")), domain_of(world, instance.uuid)
    faults.before("Domain.attachDevice", partial(bare.attachDeviceFlags, xml, place))
    with pytest.raises(DeviceExists):
        driver.attach_volume(instance.uuid, new_disk(pool))
    assert places(world, instance.uuid).have("vdb") == (place is Affect.LIVE, place is Affect.CONFIG)
    assert volumes_in(world, pool) == ["theirs"]


@case(
    "devices.attach.missing",
    Level.MUST,
    requirement="A volume or a pool that is not there is its own NotFound, running or off, and the instance stays as it is.",
    source="libvirt errors 50 and 49 of a running domain; a definition takes any name (11.3.0)",
    since="1.0",
    needs=ATTACHED,
)
@pytest.mark.parametrize("state", ["running", "off"])
@pytest.mark.parametrize("what", MISSING)
def test_attach_missing(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str, what: str
) -> None:
    instance = spawned(driver, small, state)
    before = xmls(world, instance.uuid)
    source, error = MISSING[what]
    with pytest.raises(error) as missing:
        driver.attach_volume(instance.uuid, Disk(target="vdb", source=source(pool)))
    assert getattr(missing.value, "key", None) == NO_SUCH_NAME
    assert xmls(world, instance.uuid) == before


@case(
    "devices.attach.missing-file",
    Level.MUST,
    requirement="An image file that is not there cannot be attached to a running instance, which stays as it is.",
    source="libvirt error 38 from the storage driver (11.3.0)",
    since="1.0",
    needs=ATTACHED,
)
def test_attach_missing_file(driver: ComputeDriver, instance: Instance, world: World, names: Names) -> None:
    before = driver.spec(instance.uuid), places(world, instance.uuid)
    with pytest.raises(HypervisorError):
        driver.attach_volume(instance.uuid, Disk(target="vdb", source=FileSource(path=f"/nowhere/{names('disk')}")))
    assert (driver.spec(instance.uuid), places(world, instance.uuid)) == before


@case(
    "devices.attach.volume-taken",
    Level.MUST,
    requirement="A new volume whose name is taken is VolumeExists: the instance stays as it is, and so does the volume.",
    source="libvirt error 90 before the domain is touched",
    since="1.0",
    needs=ATTACHED,
)
def test_attach_new_volume_that_exists(driver: ComputeDriver, instance: Instance, world: World, pool: PoolInfo) -> None:
    before = driver.spec(instance.uuid)
    kept = driver.create_volume(pool.name, VolumeSpec(name="new-vdb", capacity_bytes=2 << 20))
    with pytest.raises(VolumeExists):
        driver.attach_volume(instance.uuid, new_disk(pool))
    assert (driver.spec(instance.uuid), driver.volume(pool.name, "new-vdb")) == (before, kept)
    assert not any(places(world, instance.uuid).have("vdb"))


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
    "devices.attach.in-use",
    Level.MUST,
    requirement="A volume that another running instance writes is refused by the host, and both instances stay as they are.",
    source='QEMU\'s image lock: libvirt error 1, "Failed to get write lock" (11.3.0, QEMU 10.0)',
    since="1.0",
    needs=ATTACHED,
)
def test_attach_volume_in_use(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo) -> None:
    first, second = driver.spawn(small()), driver.spawn(small())
    disk = volume_disk(driver, pool)
    driver.attach_volume(first.uuid, disk)
    before = driver.spec(second.uuid), places(world, second.uuid)
    with pytest.raises(HypervisorError):
        driver.attach_volume(second.uuid, disk)
    assert (driver.spec(second.uuid), places(world, second.uuid)) == before
    assert places(world, first.uuid).have("vdb") == (True, True)


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
    "devices.attach.own",
    Level.MUST,
    requirement="A volume that the instance has already is InvalidSpec under another target, running or off.",
    source="libvirt takes it into a definition, and then cannot start the domain (write lock, 11.3.0)",
    since="1.0",
    needs=ATTACHED,
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_attach_own_volume_again(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, state: str) -> None:
    instance, disk = spawned(driver, small, state), volume_disk(driver, pool)
    driver.attach_volume(instance.uuid, disk)
    before = xmls(world, instance.uuid)
    with pytest.raises(InvalidSpec, match="vdb") as refused:
        driver.attach_volume(instance.uuid, replace(disk, target="vdc"))
    assert refused.value.field == "volume.source"
    assert xmls(world, instance.uuid) == before


@case(
    "devices.attach.invalid",
    Level.MUST,
    requirement="A disk that cannot be is InvalidSpec naming the field, before anything is done.",
    source="driver contract: InvalidSpec",
    since="1.0",
    needs=ATTACHED,
)
@pytest.mark.parametrize("what", NOT_A_DISK)
def test_attach_invalid(driver: ComputeDriver, instance: Instance, world: World, pool: PoolInfo, what: str) -> None:
    field, spoil = NOT_A_DISK[what]
    before = xmls(world, instance.uuid)
    with pytest.raises(InvalidSpec) as refused:
        driver.attach_volume(instance.uuid, spoil(volume_disk(driver, pool)))
    assert refused.value.field == field
    assert xmls(world, instance.uuid) == before


@case(
    "devices.attach.unknown",
    Level.MUST,
    requirement="Attaching to an instance that is not there is InstanceNotFound, and makes no volume.",
    source="libvirt error 42",
    since="1.0",
    needs=ATTACHED,
)
def test_attach_to_unknown(driver: ComputeDriver, world: World, pool: PoolInfo) -> None:
    with pytest.raises(InstanceNotFound) as unknown:
        driver.attach_volume(NO_SUCH, new_disk(pool))
    assert (unknown.value.key, volumes_in(world, pool)) == (NO_SUCH, [])


@case(
    "devices.attach.suspended",
    Level.MUST,
    requirement="Attaching to a suspended instance is InvalidState: resuming would bring back the devices it was saved with.",
    source="virDomainManagedSave keeps the devices of the run; measured on libvirt 11.3.0",
    since="1.0",
    needs=ATTACHED | {Capability.SUSPEND},
)
def test_attach_to_suspended(driver: ComputeDriver, instance: Instance, world: World, pool: PoolInfo) -> None:
    driver.suspend(instance.uuid)
    before = xmls(world, instance.uuid)
    with pytest.raises(InvalidState):
        driver.attach_volume(instance.uuid, new_disk(pool))
    assert (xmls(world, instance.uuid), volumes_in(world, pool)) == (before, [])
    driver.resume(instance.uuid)


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
