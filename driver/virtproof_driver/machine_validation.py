"""What makes an instance's machine or container impossible: firmware, TPM, consoles, file systems, first program, limits.

What belongs here: the rules of those fields of a spec; they are reached from `validation`, and lie apart for length. What does
not: the rest of the spec. Each function returns None or raises InvalidSpec; NotSupported where the hypervisor has no such thing.
"""

import re
from collections.abc import Iterator

from virtproof_driver import checks
from virtproof_driver.capabilities import Capability
from virtproof_driver.errors import InvalidSpec, NotSupported
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.spec import DirectorySource, FileSource, Filesystem, InstanceSpec, Limits, NewVolume, Reaction, Tpm
from virtproof_driver.storage_validation import validate_new_volume

SHARES = (2, 262144)  # what the kernel's cgroups take
QUOTA_US = (1000, 17592186044415)  # libvirt's own range
TPM_MODELS = frozenset({"tpm-tis", "tpm-crb", "tpm-spapr"})
TPM_VERSIONS = frozenset({"1.2", "2.0"})
USUAL_REACTIONS = (("on_poweroff", Reaction.DESTROY), ("on_reboot", Reaction.RESTART), ("on_crash", Reaction.DESTROY))
"""What follows where nobody says otherwise (libvirt's own defaults), and every hypervisor does."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def validate_machine(spec: InstanceSpec, hypervisor: Hypervisor) -> None:
    """All of these fields. Raises InvalidSpec, NotSupported."""
    for capability in needed(spec):
        if capability in hypervisor.unsupported:
            raise NotSupported(capability, hypervisor.unsupported[capability])
    if spec.tpm is not None:
        _validate_tpm(spec.tpm)
    for index, console in enumerate(spec.consoles):
        if console.log is not None:
            checks.path(f"consoles[{index}].log", console.log)
    _validate_usb(spec, hypervisor)
    _validate_filesystems(spec.filesystems)
    _validate_init(spec)
    if spec.limits is not None:
        _validate_limits(spec.limits)


def needed(spec: InstanceSpec) -> Iterator[Capability]:
    """The capabilities that these fields ask for."""
    asked = (
        (Capability.FIRMWARE_EFI, spec.firmware is not None and spec.firmware != "bios"),
        (Capability.DISKS, bool(spec.disks)),
        (Capability.GRAPHICS, bool(spec.graphics)),
        (Capability.TPM, spec.tpm is not None),
        (Capability.EVENTS_PANIC, spec.panic_device),
        (Capability.REACTIONS, any(getattr(spec, field) not in (None, usual) for field, usual in USUAL_REACTIONS)),
        (Capability.LIMITS, spec.limits is not None),
        (Capability.CONSOLE_OUTPUT, any(console.log is not None for console in spec.consoles)),
        (Capability.DISK_ENCRYPTION, any(disk.secret is not None for disk in spec.disks)),
    )
    yield from (capability for capability, wanted in asked if wanted)
    for filesystem in spec.filesystems:
        directory = isinstance(filesystem.source, DirectorySource)
        yield Capability.FILESYSTEM_DIRECTORY if directory else Capability.FILESYSTEM_IMAGE


def _validate_tpm(tpm: Tpm) -> None:
    if tpm.model not in TPM_MODELS:
        raise InvalidSpec("tpm.model", f"{tpm.model!r} is unknown; use one of {', '.join(sorted(TPM_MODELS))}")
    if tpm.version not in TPM_VERSIONS:
        raise InvalidSpec("tpm.version", f"{tpm.version!r} is unknown; use one of {', '.join(sorted(TPM_VERSIONS))}")


def _validate_usb(spec: InstanceSpec, hypervisor: Hypervisor) -> None:
    if spec.usb and not hypervisor.adds_usb:
        raise InvalidSpec("usb", f"{hypervisor.connection_type} has no USB controller to give; leave it out")
    if spec.usb is False and any(disk.bus == "usb" for disk in spec.disks):
        raise InvalidSpec("usb", "a disk is on the bus usb, which needs a controller; leave it out, or use another bus")


def _validate_filesystems(filesystems: tuple[Filesystem, ...]) -> None:
    for index, filesystem in enumerate(filesystems):
        field, source = f"filesystems[{index}]", filesystem.source
        checks.path(f"{field}.target", filesystem.target)
        if isinstance(source, DirectorySource | FileSource):
            checks.path(f"{field}.source.path", source.path)
            continue
        checks.name(f"{field}.source.pool", source.pool)
        checks.volume_name(f"{field}.source.volume", source.volume)
        if isinstance(source, NewVolume):
            validate_new_volume(field, source, filesystem.format)
    checks.unique("filesystems.target", [filesystem.target for filesystem in filesystems])


def _validate_init(spec: InstanceSpec) -> None:
    if spec.init is None:
        return
    checks.path("init.path", spec.init.path)
    for index, argument in enumerate(spec.init.arguments):
        checks.filled(f"init.arguments[{index}]", argument)
    for name, value in spec.init.environment:
        checks.pattern("init.environment", name, _VARIABLE, "letters, digits and '_', not beginning with a digit")
        checks.filled("init.environment", value)  # libvirt: "No value supplied for <initenv> element" (error 27, 11.3.0)
        if "<" in value or "&" in value:  # libvirt writes it unescaped: it is lost, or read as elements (11.3.0)
            raise InvalidSpec("init.environment", f"{name} has '<' or '&', which libvirt does not escape; pass it as an argument")


def _validate_limits(limits: Limits) -> None:
    if limits.cpu_shares is not None:
        checks.within("limits.cpu_shares", limits.cpu_shares, *SHARES)
    if limits.cpu_quota_us is not None:
        checks.within("limits.cpu_quota_us", limits.cpu_quota_us, *QUOTA_US)
    if limits.memory_hard_mib is not None:
        checks.within("limits.memory_hard_mib", limits.memory_hard_mib, 1, 2**43 - 1)
