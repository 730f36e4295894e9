"""QEMU through libvirt's QEMU driver: full machines, under KVM where the host has it and under TCG elsewhere.

What belongs here: its facts, as measured on libvirt 9.0.0 with QEMU 7.2 and 11.3.0 with QEMU 10.0, and the reason of each
capability that it lacks. What does not: what to do about them; operations ask the value.
"""

from types import MappingProxyType

from virtproof_driver.capabilities import Capability
from virtproof_driver.constants import DomainEventId, RebootFlag, ShutdownFlag, UndefineFlag
from virtproof_driver.hypervisors.model import Hypervisor, Since

_MACHINE = "a machine has disks, not file systems of its host; those are for containers"

_UNSUPPORTED = MappingProxyType(
    {
        Capability.FIREWALL: "this driver has no security groups yet",
        Capability.FILESYSTEM_DIRECTORY: _MACHINE,
        Capability.FILESYSTEM_IMAGE: _MACHINE,
    }
)

_SINCE = (
    # refused with 67 by libvirt 9.0.0, done by 11.3.0; libvirt's change is of August 2023, which is release 9.7
    Since(
        capability=Capability.SNAPSHOT_EXTERNAL_REVERT,
        libvirt=9_007_000,
        reason="libvirt's QEMU driver reverts to no external snapshot before release 9.7 (error 67)",
    ),
    # 7.0.0 takes a snapshot of a volume's disk and leaves the definition on the file below the overlay: the next boot has lost
    # what was written since. It deletes none (67). 9.0.0 does both; what lies between was not measured
    Since(
        capability=Capability.SNAPSHOT_EXTERNAL,
        libvirt=9_000_000,
        reason="libvirt's QEMU driver merges no external snapshot before release 9.0, and may boot a disk without its overlay",
    ),
    # 7.0.0 has virDomainBackupBegin and refuses it (84); disks of instances that are off could be captured there
    Since(
        capability=Capability.IMAGE_CAPTURE,
        libvirt=9_000_000,
        reason="libvirt's QEMU driver copies no disk of a running instance at one moment before release 9.0 (error 84)",
    ),
)

QEMU = Hypervisor(
    connection_type="QEMU",
    domain_types=("kvm", "qemu"),
    os_type="hvm",
    unsupported=_UNSUPPORTED,
    event_ids=frozenset(
        {
            DomainEventId.LIFECYCLE,
            DomainEventId.REBOOT,
            DomainEventId.IO_ERROR_REASON,
            DomainEventId.DEVICE_REMOVED,
            DomainEventId.DEVICE_REMOVAL_FAILED,
            DomainEventId.DEVICE_ADDED,
            DomainEventId.BLOCK_JOB_2,
            DomainEventId.JOB_COMPLETED,
            DomainEventId.MIGRATION_ITERATION,
            DomainEventId.METADATA_CHANGE,
        }
    ),
    reboot_emits=True,
    bulk_state=True,
    undefine_flags=(
        UndefineFlag.MANAGED_SAVE | UndefineFlag.SNAPSHOTS_METADATA | UndefineFlag.CHECKPOINTS_METADATA | UndefineFlag.NVRAM
    ),
    # By default libvirt asks an agent that is connected first, and waits a minute in the call for the guest's end (11.3.0).
    shutdown_flags=ShutdownFlag.ACPI_POWER_BTN,
    reboot_flags=RebootFlag.DEFAULT,
    features=("acpi",),
    console_element="serial",
    needs_console=False,
    console_exclusive=True,  # a second one is refused with 9
    device_events=True,
    adds_usb=True,
    waits_for_agents=True,
    thaws_together=True,  # virDomainFSThaw of mountpoints is refused with 74
    paused_revert_since=9_000_000,  # 7.0.0 loads the snapshot into the QEMU that runs, 9.0.0 starts another
    notices_readers_since=8_002_000,  # chardev/char-pty.c: 5.2.0 loses bytes; the last of 7.2 have the mending too
    since=_SINCE,
)
