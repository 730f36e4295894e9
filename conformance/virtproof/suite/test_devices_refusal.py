"""Devices: disks that cannot be given to an instance, which stays as it is.

What belongs here: cases whose ids begin with `devices.refusal`. What does not: disks that can (`test_devices_attach`), and
interfaces (`test_devices_interface`).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, NO_SUCH_NAME, domain_of
from virtproof.suite.places import (
    ATTACHED,
    Names,
    new_disk,
    places,
    spawned,
    volume_disk,
    volumes_in,
    xmls,
)
from virtproof_driver import Capability
from virtproof_driver.constants import Affect
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
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
from virtproof_driver.spec import Disk, FileSource, VolumeSource, VolumeSpec
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


@case(
    "devices.refusal.target-taken",
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
    "devices.refusal.raced",
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
    "devices.refusal.missing",
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
    "devices.refusal.missing-file",
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
    "devices.refusal.volume-taken",
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
    "devices.refusal.in-use",
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
    "devices.refusal.own",
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
    "devices.refusal.invalid",
    Level.MUST,
    requirement="A disk that cannot be is InvalidSpec naming the field, before anything is done.",
    source="driver contract: InvalidSpec",
    since="1.0",
    needs=ATTACHED,
)
@pytest.mark.parametrize("what", NOT_A_DISK)
def test_attach_invalid(driver: ComputeDriver, off_instance: Instance, world: World, pool: PoolInfo, what: str) -> None:
    field, spoil = NOT_A_DISK[what]
    before = xmls(world, off_instance.uuid)
    with pytest.raises(InvalidSpec) as refused:
        driver.attach_volume(off_instance.uuid, spoil(volume_disk(driver, pool)))
    assert refused.value.field == field
    assert xmls(world, off_instance.uuid) == before


@case(
    "devices.refusal.unknown",
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
    "devices.refusal.suspended",
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
