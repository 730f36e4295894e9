"""What makes a machine or a container impossible, each rule named by its field."""

from dataclasses import replace
from uuid import UUID

import pytest

from virtproof_driver.capabilities import Capability
from virtproof_driver.errors import InvalidSpec, NotSupported
from virtproof_driver.hypervisors.lxc import LXC
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.machine_validation import validate_machine
from virtproof_driver.spec import (
    Console,
    DirectorySource,
    Disk,
    FileSource,
    Filesystem,
    Firmware,
    Init,
    InstanceSpec,
    Limits,
    NewVolume,
    Reaction,
    Tpm,
)

SPEC = InstanceSpec(uuid=UUID("6695eb01-f6a4-4304-b9aa-97f2502e193f"), name="machine", vcpus=1, memory_mib=64)
ROOT = Filesystem(source=DirectorySource(path="/"))

BAD_MACHINES = {
    "tpm.model": replace(SPEC, tpm=Tpm(model="tpm-none")),
    "tpm.version": replace(SPEC, tpm=Tpm(version="3.0")),
    "consoles[1].log": replace(SPEC, consoles=(Console(), Console(log="relative"))),
    "usb": replace(SPEC, usb=False, disks=(Disk(target="sda", source=FileSource(path="/d"), bus="usb"),)),
    "limits.cpu_shares": replace(SPEC, limits=Limits(cpu_shares=1)),
    "limits.cpu_quota_us": replace(SPEC, limits=Limits(cpu_quota_us=999)),
    "limits.memory_hard_mib": replace(SPEC, limits=Limits(memory_hard_mib=0)),
}
BAD_CONTAINERS = {
    "usb": replace(SPEC, usb=True),
    "filesystems[0].target": replace(SPEC, filesystems=(replace(ROOT, target="relative"),)),
    "filesystems[0].source.path": replace(SPEC, filesystems=(replace(ROOT, source=DirectorySource(path="")),)),
    "filesystems[1].source.pool": replace(
        SPEC, filesystems=(ROOT, Filesystem(target="/a", source=NewVolume(pool="a/b", volume="v", capacity_bytes=1)))
    ),
    "filesystems[0].source.capacity_bytes": replace(
        SPEC, filesystems=(Filesystem(source=NewVolume(pool="p", volume="v", capacity_bytes=-1)),)
    ),
    "filesystems.target": replace(SPEC, filesystems=(ROOT, ROOT)),
    "init.path": replace(SPEC, init=Init(path="sh")),
    "init.arguments[0]": replace(SPEC, init=Init(path="/sh", arguments=("",))),
    "init.environment": replace(SPEC, init=Init(path="/sh", environment=(("1A", "x"),))),
}
MISSING = [
    (TEST, replace(SPEC, firmware=Firmware.EFI), Capability.FIRMWARE_EFI),
    (LXC, replace(SPEC, firmware=Firmware.EFI_SECURE_BOOT), Capability.FIRMWARE_EFI),
    (TEST, replace(SPEC, tpm=Tpm()), Capability.TPM),
    (LXC, replace(SPEC, on_reboot=Reaction.DESTROY), Capability.REACTIONS),
    (TEST, replace(SPEC, panic_device=True), Capability.EVENTS_PANIC),
    (TEST, replace(SPEC, limits=Limits(cpu_shares=2)), Capability.LIMITS),
    (QEMU, replace(SPEC, filesystems=(ROOT,)), Capability.FILESYSTEM_DIRECTORY),
    (QEMU, replace(SPEC, filesystems=(Filesystem(source=FileSource(path="/i")),)), Capability.FILESYSTEM_IMAGE),
]


@pytest.mark.parametrize("field", BAD_MACHINES)
def test_what_cannot_be_of_a_machine_is_named(field: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        validate_machine(BAD_MACHINES[field], QEMU)
    assert caught.value.field == field


@pytest.mark.parametrize("value", ["", "<", "&", "a</initenv>"])
def test_a_variable_that_libvirt_would_write_wrongly_is_refused(value: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        validate_machine(replace(SPEC, init=Init(path="/sh", environment=(("A", value),))), LXC)
    assert caught.value.field == "init.environment"


@pytest.mark.parametrize("field", BAD_CONTAINERS)
def test_what_cannot_be_of_a_container_is_named(field: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        validate_machine(BAD_CONTAINERS[field], LXC)
    assert caught.value.field == field


@pytest.mark.parametrize(("hypervisor", "spec", "capability"), MISSING)
def test_what_the_hypervisor_has_not_is_refused_with_its_reason(
    hypervisor: Hypervisor, spec: InstanceSpec, capability: Capability
) -> None:
    with pytest.raises(NotSupported) as caught:
        validate_machine(spec, hypervisor)
    assert (caught.value.capability, caught.value.reason) == (capability, hypervisor.unsupported[capability])


@pytest.mark.parametrize(
    "spec",
    [
        replace(SPEC, firmware=Firmware.BIOS, on_crash=Reaction.PRESERVE),
        replace(SPEC, on_poweroff=Reaction.RESTART, on_reboot=Reaction.DESTROY),
    ],
)
def test_what_every_machine_has_is_taken(spec: InstanceSpec) -> None:
    validate_machine(spec, TEST)
    validate_machine(spec, QEMU)


def test_what_libvirt_does_anyway_may_be_asked_of_any_hypervisor() -> None:
    usual = replace(SPEC, on_poweroff=Reaction.DESTROY, on_reboot=Reaction.RESTART, on_crash=Reaction.DESTROY)
    validate_machine(usual, LXC)
