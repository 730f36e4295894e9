"""Emulated TPMs: machines that have one, and its state, which is theirs for as long as they are defined.

What belongs here: cases whose ids begin with `devices.tpm`. What does not: NVRAM (`test_firmware`).
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
from virtproof_driver.spec import InstanceSpec, RescueImage, Tpm
from virtproof_driver.values import PowerState

TPM = KEPT | {Capability.TPM}
MODELS = [("tpm-crb", "2.0"), ("tpm-tis", "2.0"), ("tpm-tis", "1.2")]


@pytest.fixture
def spec(small: Small) -> InstanceSpec:
    """A machine with a TPM."""
    return small(tpm=Tpm(), memory_mib=64)


def folder_of(uuid: UUID) -> str:
    """Where libvirt's QEMU driver keeps a TPM's state (https://libvirt.org/formatdomain.html#tpm-device: emulator)."""
    return f"/var/lib/libvirt/swtpm/{uuid}"


def marked(guests: GuestControl, uuid: UUID) -> str:
    """A file beside the state, which is there for as long as that is."""
    path = f"{folder_of(uuid)}/tpm2/virtproof"
    guests.write(path, b"mark")
    return path


@case(
    "devices.tpm.runs",
    Level.MUST,
    requirement="A machine with a TPM runs, its TPM is of the model and version asked for, and spec() tells it.",
    source="https://libvirt.org/formatdomain.html#tpm-device",
    since="1.0",
    needs=TPM,
)
@pytest.mark.parametrize(("model", "version"), MODELS, ids=[f"{model}-{version}" for model, version in MODELS])
def test_runs(driver: ComputeDriver, small: Small, world: World, model: str, version: str) -> None:
    spec = small(tpm=Tpm(model=model, version=version), memory_mib=64)
    assert driver.spawn(spec).state is PowerState.RUNNING
    device = fromstring(world.xml(spec.uuid)).find("devices/tpm")
    backend = fromstring(world.xml(spec.uuid)).find("devices/tpm/backend")
    assert device is not None
    assert backend is not None
    assert (device.get("model"), backend.get("version")) == (model, version)
    assert driver.spec(spec.uuid).tpm == Tpm(model=model, version=version)


@case(
    "devices.tpm.kept",
    Level.MUST,
    requirement="A TPM's state outlives whatever takes the instance off and on again.",
    source="nova bug 2118888: a hard reboot by undefining lost the TPM's state",
    since="1.0",
    needs=TPM,
)
@pytest.mark.parametrize("way", WAYS)
def test_kept(driver: ComputeDriver, spec: InstanceSpec, world: World, guests: GuestControl, way: str) -> None:
    instance = driver.spawn(spec)
    path = marked(guests, spec.uuid)
    WAYS[way](driver, instance.uuid)
    assert state_of(world, instance) == DomainState.RUNNING
    assert guests.exists(path)


@case(
    "devices.tpm.kept-by-rescue",
    Level.MUST,
    requirement="Rescue and unrescue keep the TPM and its state.",
    source="driver contract: rescue() boots another image of the same machine",
    since="1.0",
    needs=TPM | {Capability.RESCUE},
)
def test_rescue(driver: ComputeDriver, spec: InstanceSpec, world: World, guests: GuestControl, rescue_image: RescueImage) -> None:
    instance = driver.spawn(spec)
    path = marked(guests, spec.uuid)
    driver.rescue(instance.uuid, rescue_image)
    assert fromstring(world.xml(spec.uuid)).find("devices/tpm") is not None
    assert guests.exists(path)
    driver.unrescue(instance.uuid)
    assert fromstring(world.xml(spec.uuid)).find("devices/tpm") is not None
    assert guests.exists(path)


@case(
    "devices.tpm.suspend",
    Level.MUST,
    requirement="A machine with a TPM is suspended and resumed with it.",
    source="virDomainManagedSave",
    since="1.0",
    needs=TPM | {Capability.SUSPEND},
)
def test_suspend(driver: ComputeDriver, spec: InstanceSpec, guests: GuestControl) -> None:
    driver.spawn(spec)
    path = marked(guests, spec.uuid)
    driver.suspend(spec.uuid)
    assert guests.exists(path)
    assert driver.resume(spec.uuid).reason == "restored"


@case(
    "devices.tpm.destroyed",
    Level.MUST,
    requirement="destroy() removes the TPM's state.",
    source="VIR_DOMAIN_UNDEFINE_TPM",
    since="1.0",
    needs=TPM,
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_destroyed(driver: ComputeDriver, spec: InstanceSpec, guests: GuestControl, state: str) -> None:
    driver.spawn(spec)
    assert guests.exists(folder_of(spec.uuid))
    if state == "off":
        driver.stop(spec.uuid, timeout=0)
    driver.destroy(spec.uuid)
    assert not guests.exists(folder_of(spec.uuid))


@case(
    "devices.tpm.own",
    Level.MUST,
    requirement="Each machine has a TPM of its own, and ending one leaves the other's alone.",
    source="https://libvirt.org/formatdomain.html#tpm-device: emulator",
    since="1.0",
    needs=TPM,
)
def test_own(driver: ComputeDriver, small: Small, world: World, guests: GuestControl) -> None:
    first, second = (driver.spawn(small(tpm=Tpm(), memory_mib=64)) for _ in range(2))
    driver.destroy(first.uuid)
    assert not guests.exists(folder_of(first.uuid))
    assert guests.exists(folder_of(second.uuid))
    assert state_of(world, second) == DomainState.RUNNING
