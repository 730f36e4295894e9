"""libvirt's test driver: a hypervisor in the memory of the process that opens it, which runs no guests.

What belongs here: its facts, as measured on libvirt 9.0.0 in process and behind a private libvirtd, and the reason of each
capability that it lacks; the numbers are libvirt's error codes. What does not: what to do about them; operations ask the value.
"""

from types import MappingProxyType

from virtproof_driver.capabilities import MIGRATION, Capability
from virtproof_driver.constants import DomainEventId, RebootFlag, ShutdownFlag, UndefineFlag
from virtproof_driver.hypervisors.model import Hypervisor

_NO_API = "libvirt's test driver has no such call (error 3, libvirt 9.0.0)"
_NO_GUEST = "libvirt's test driver keeps the definition and runs no guest"
_NO_MIGRATION = f"{_NO_API}: migration"

_UNSUPPORTED = MappingProxyType(
    {
        Capability.SPAWN_PAUSED: "libvirt's test driver refuses VIR_DOMAIN_START_PAUSED (error 8, libvirt 9.0.0)",
        Capability.VOLUME_ATTACH: f"{_NO_API}; virDomainAttachDevice is there from libvirt 10.0",
        Capability.VOLUME_DETACH: f"{_NO_API}; from libvirt 10.0 a device can be detached by its alias only",
        Capability.VOLUME_EXTEND: f"{_NO_API}: virDomainBlockResize",
        Capability.INTERFACE_ATTACH: f"{_NO_API}; virDomainAttachDevice is there from libvirt 10.0",
        Capability.INTERFACE_DETACH: f"{_NO_API}; from libvirt 10.0 a device can be detached by its alias only",
        Capability.SNAPSHOT_EXTERNAL: "libvirt's test driver refuses SNAPSHOT_CREATE_DISK_ONLY (error 8, libvirt 9.0.0)",
        Capability.SNAPSHOT_EXTERNAL_REVERT: "libvirt's test driver makes no external snapshots",
        Capability.IMAGE_CAPTURE: f"{_NO_API}: its storage volumes hold no bytes to stream",
        Capability.CONSOLE_OUTPUT: "libvirt's test driver runs no guest that could write to a console",
        Capability.CONSOLE_STREAM: f"{_NO_API}: virDomainOpenConsole",
        Capability.CONSOLE_EXCLUSIVE: f"{_NO_API}: virDomainOpenConsole",
        Capability.FIREWALL: f"{_NO_API}: it has no nwfilters",
        **dict.fromkeys(MIGRATION, _NO_MIGRATION),
        Capability.STORAGE_RESIZE: f"{_NO_API}: virStorageVolResize",
        Capability.STORAGE_UPLOAD: f"{_NO_API}: its storage volumes hold no bytes",
        Capability.STORAGE_DOWNLOAD: f"{_NO_API}: its storage volumes hold no bytes",
        Capability.NETWORK_LEASES: f"{_NO_API}: virNetworkGetDHCPLeases",
        Capability.STORAGE_BACKING: "storage volumes of libvirt's test driver hold no bytes that another could read",
        Capability.SECRETS: f"{_NO_API}: virSecretDefineXML",
        Capability.DISK_ENCRYPTION: f"{_NO_API}: it has no secrets",
        Capability.FIRMWARE_EFI: _NO_GUEST,
        Capability.TPM: _NO_GUEST,
        Capability.FILESYSTEM_DIRECTORY: _NO_GUEST,
        Capability.FILESYSTEM_IMAGE: _NO_GUEST,
        Capability.LIMITS: _NO_GUEST,
        Capability.GUESTS: _NO_GUEST,
        Capability.EVENTS_PANIC: "libvirt's test driver runs no guest that could panic",
        Capability.EVENTS_IO_ERROR: "libvirt's test driver runs no guest that could write to a disk",
        Capability.EVENTS_REBOOT: "libvirt's test driver emits nothing when a domain reboots (libvirt 9.0.0)",
    }
)

TEST = Hypervisor(
    connection_type="TEST",
    domain_types=("test",),
    os_type="hvm",
    unsupported=_UNSUPPORTED,
    event_ids=frozenset({DomainEventId.LIFECYCLE, DomainEventId.METADATA_CHANGE}),
    reboot_emits=False,
    bulk_state=True,
    bulk_since=9_000_000,  # 7.0.0 gives 3; releases between were not measured
    paused_revert_since=9_000_000,  # as above: 7.0.0 emits nothing
    undefine_flags=UndefineFlag.MANAGED_SAVE | UndefineFlag.SNAPSHOTS_METADATA,
    shutdown_flags=ShutdownFlag.DEFAULT,
    reboot_flags=RebootFlag.DEFAULT,
    features=(),
    console_element="serial",
    needs_console=False,
    console_exclusive=True,
    device_events=False,
)
