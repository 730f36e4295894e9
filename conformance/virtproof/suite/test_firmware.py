"""UEFI: machines that boot with it, and the NVRAM that is theirs for as long as they are defined.

What belongs here: cases whose ids begin with `firmware`. What does not: TPMs (`test_devices_tpm`).
"""

from uuid import UUID
from xml.etree.ElementTree import fromstring

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.lanes.model import GuestControl
from virtproof.recording.world import World
from virtproof.suite.common import state_of
from virtproof.suite.machines import KEPT, WAYS
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.spec import Firmware, InstanceSpec, RescueImage
from virtproof_driver.values import Instance, PowerState

EFI = KEPT | {Capability.FIRMWARE_EFI}
MARK = b"virtproof"
MARKED_AT = 0x83000
"""Where the last of an NVRAM's 528 KiB begin that OVMF writes only when its variables' store is full."""


@pytest.fixture
def spec(small: Small) -> InstanceSpec:
    """A machine with UEFI."""
    return small(firmware=Firmware.EFI, memory_mib=64)


def nvram_of(world: World, uuid: UUID) -> str:
    """Where the host keeps that of an active instance; before libvirt 11.3 the persistent definition does not say (9.0.0)."""
    path = fromstring(world.xml(uuid)).findtext("os/nvram")
    assert path, "the host names no NVRAM"
    return path


def marked(world: World, guests: GuestControl, instance: Instance) -> str:
    """The path of an NVRAM that bears our mark."""
    path = nvram_of(world, instance.uuid)
    guests.write(path, MARK, MARKED_AT)
    return path


def has_mark(guests: GuestControl, path: str) -> bool:
    """Whether an NVRAM is the one that was marked."""
    return guests.read(path)[MARKED_AT : MARKED_AT + len(MARK)] == MARK


@case(
    "firmware.runs",
    Level.MUST,
    requirement="A machine with UEFI runs, with a loader and an NVRAM of its own.",
    source="https://libvirt.org/formatdomain.html#bios-bootloader: firmware='efi'",
    since="1.0",
    needs=EFI,
)
def test_runs(driver: ComputeDriver, spec: InstanceSpec, world: World, guests: GuestControl) -> None:
    instance = driver.spawn(spec)
    assert instance.state is PowerState.RUNNING
    assert state_of(world, instance) == DomainState.RUNNING
    assert fromstring(world.xml(instance.uuid)).findtext("os/loader")
    assert guests.exists(nvram_of(world, instance.uuid))


@case(
    "firmware.spec",
    Level.MUST,
    requirement="spec() tells the firmware that was asked for.",
    source="https://libvirt.org/formatdomain.html#bios-bootloader: firmware",
    since="1.0",
    needs=EFI,
)
@pytest.mark.parametrize("firmware", [Firmware.BIOS, Firmware.EFI, Firmware.EFI_SECURE_BOOT])
def test_spec(driver: ComputeDriver, small: Small, firmware: Firmware) -> None:
    spec = small(firmware=firmware, machine="q35", memory_mib=64)
    driver.spawn(spec)
    assert driver.spec(spec.uuid).firmware is firmware


@case(
    "firmware.secure-boot",
    Level.MUST,
    requirement="A machine with secure boot runs with a loader that enforces it, and one without it does not get that loader.",
    source="https://libvirt.org/formatdomain.html#bios-bootloader: feature secure-boot",
    since="1.0",
    needs=EFI,
)
@pytest.mark.parametrize("firmware", [Firmware.EFI, Firmware.EFI_SECURE_BOOT])
def test_secure_boot(driver: ComputeDriver, small: Small, world: World, firmware: Firmware) -> None:
    spec = small(firmware=firmware, machine="q35", memory_mib=64)
    driver.spawn(spec)
    loader = fromstring(world.xml(spec.uuid)).find("os/loader")
    assert loader is not None
    assert (loader.get("secure") == "yes") is (firmware is Firmware.EFI_SECURE_BOOT)


@case(
    "firmware.kept",
    Level.MUST,
    requirement="The NVRAM outlives whatever takes the instance off and on again.",
    source="nova bug 1633447: a hard reboot by undefining lost the NVRAM",
    since="1.0",
    needs=EFI,
)
@pytest.mark.parametrize("way", WAYS)
def test_kept(driver: ComputeDriver, spec: InstanceSpec, world: World, guests: GuestControl, way: str) -> None:
    instance = driver.spawn(spec)
    path = marked(world, guests, instance)
    WAYS[way](driver, instance.uuid)
    assert state_of(world, instance) == DomainState.RUNNING
    assert nvram_of(world, instance.uuid) == path
    assert has_mark(guests, path)


@case(
    "firmware.kept-by-rescue",
    Level.MUST,
    requirement="Rescue and unrescue use the instance's own NVRAM, and keep it.",
    source="driver contract: rescue() boots another image of the same machine",
    since="1.0",
    needs=EFI | {Capability.RESCUE},
)
def test_rescue(driver: ComputeDriver, spec: InstanceSpec, world: World, guests: GuestControl, rescue_image: RescueImage) -> None:
    instance = driver.spawn(spec)
    path = marked(world, guests, instance)
    driver.rescue(instance.uuid, rescue_image)
    assert (nvram_of(world, instance.uuid), has_mark(guests, path)) == (path, True)
    driver.unrescue(instance.uuid)
    assert (nvram_of(world, instance.uuid), has_mark(guests, path)) == (path, True)


@case(
    "firmware.suspend",
    Level.MUST,
    requirement="A machine with UEFI is suspended and resumed, and its NVRAM stays.",
    source="virDomainManagedSave",
    since="1.0",
    needs=EFI | {Capability.SUSPEND},
)
def test_suspend(driver: ComputeDriver, spec: InstanceSpec, world: World, guests: GuestControl) -> None:
    instance = driver.spawn(spec)
    path = marked(world, guests, instance)
    driver.suspend(instance.uuid)
    assert has_mark(guests, path)
    assert driver.resume(instance.uuid).reason == "restored"
    assert nvram_of(world, instance.uuid) == path


@case(
    "firmware.destroyed",
    Level.MUST,
    requirement="destroy() removes the NVRAM, and one made anew under the same UUID and name has none of the old one's content.",
    source="virDomainUndefine: 55 while there is an NVRAM; https://github.com/ansible-collections/community.libvirt/issues/40",
    since="1.0",
    needs=EFI,
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_destroyed(driver: ComputeDriver, spec: InstanceSpec, world: World, guests: GuestControl, state: str) -> None:
    instance = driver.spawn(spec)
    path = marked(world, guests, instance)
    if state == "off":
        driver.stop(instance.uuid, timeout=0)
    driver.destroy(instance.uuid)
    assert not guests.exists(path)
    driver.spawn(spec)
    assert not has_mark(guests, nvram_of(world, spec.uuid))


@case(
    "firmware.own",
    Level.MUST,
    requirement="Each machine has an NVRAM of its own.",
    source="https://libvirt.org/formatdomain.html#bios-bootloader: nvram",
    since="1.0",
    needs=EFI,
)
def test_own(driver: ComputeDriver, small: Small, world: World) -> None:
    instances = [driver.spawn(small(firmware=Firmware.EFI, memory_mib=64)) for _ in range(2)]
    assert len({nvram_of(world, instance.uuid) for instance in instances}) == 2
