"""LXC through libvirt's LXC driver: containers of the host's own kernel.

What belongs here: its facts, as measured on libvirt 9.0.0 and 11.3.0, and the reason of each capability that it lacks; the
numbers are libvirt's error codes. What does not: what to do about them; operations ask the value.
"""

from types import MappingProxyType

from virtproof_driver.capabilities import MIGRATION, Capability
from virtproof_driver.constants import DomainEventId, RebootFlag, ShutdownFlag
from virtproof_driver.hypervisors.model import Hypervisor

_NO_API = "libvirt's LXC driver has no such call (error 3)"
_NO_MIGRATION = f"{_NO_API}: migration"

_UNSUPPORTED = MappingProxyType(
    {
        Capability.SPAWN_PAUSED: "libvirt's LXC driver refuses VIR_DOMAIN_START_PAUSED (error 8)",
        Capability.SUSPEND: f"{_NO_API}: virDomainManagedSave",
        Capability.RESCUE: "a container boots from a file system, and has no disk that a rescue image could displace",
        Capability.REACTIONS: "libvirt's LXC driver ignores on_poweroff and on_reboot (11.3.0)",
        Capability.DISKS: "libvirt's LXC driver gives a container disks of image files, by loop devices, and none of "
        "storage volumes (error 1 at the start)",
        Capability.VOLUME_ATTACH: "libvirt's LXC driver attaches only block devices of the host, no volumes (error 67)",
        Capability.VOLUME_DETACH: "libvirt's LXC driver has no disks that could be detached",
        Capability.VOLUME_EXTEND: f"{_NO_API}: virDomainBlockResize",
        Capability.SNAPSHOT_INTERNAL: f"{_NO_API}: snapshots",
        Capability.SNAPSHOT_EXTERNAL: f"{_NO_API}: snapshots",
        Capability.SNAPSHOT_EXTERNAL_REVERT: f"{_NO_API}: snapshots",
        Capability.IMAGE_CAPTURE: "a container has no disk image that is known to be at rest",
        Capability.CONSOLE_OUTPUT: "libvirt's LXC driver ignores a console's <log>: nobody keeps what nobody reads",
        Capability.CONSOLE_EXCLUSIVE: "libvirt's LXC driver lets several read one console, each a part (SAFE and FORCE give 8)",
        Capability.SCREENSHOT: f"{_NO_API}: virDomainScreenshot",
        Capability.GRAPHICS: "a container has no display",
        Capability.AGENT_PASSWORD: f"{_NO_API}: virDomainSetUserPassword",
        Capability.AGENT_QUIESCE: f"{_NO_API}: virDomainFSFreeze",
        Capability.FIRMWARE_EFI: "a container has no firmware",
        Capability.TPM: "a container has no TPM of its own",
        Capability.DISK_ENCRYPTION: "a container's file system is mounted by the host, which takes no secret for it",
        Capability.EVENTS_PANIC: "a container has no panic device; its kernel is its host's",
        Capability.EVENTS_IO_ERROR: "a container writes through the host's kernel, which pauses nobody",
        Capability.FIREWALL: "this driver has no security groups yet",
        **dict.fromkeys(MIGRATION, _NO_MIGRATION),
    }
)

LXC = Hypervisor(
    connection_type="LXC",
    domain_types=("lxc",),
    os_type="exe",
    unsupported=_UNSUPPORTED,
    event_ids=frozenset({DomainEventId.LIFECYCLE, DomainEventId.REBOOT, DomainEventId.METADATA_CHANGE}),
    # shutdown(0), reboot(0) and their INITCTL variants return 0 and do nothing; only a signal reaches init (9.0.0, 11.3.0)
    shutdown_flags=ShutdownFlag.SIGNAL,
    reboot_flags=RebootFlag.SIGNAL,
    reboot_emits=True,
    bulk_state=False,  # virConnectGetAllDomainStats gives 3
    undefine_flags=0,  # every flag is refused with 8
    features=(),
    console_element="console",
    needs_console=True,  # "At least one PTY console is required" (error 67)
    console_exclusive=False,  # SAFE and FORCE are refused with 8; several readers each get a part
    device_events=False,
    # its controller listens at /run/libvirt/lxc/NAME.sock, and unix(7) takes 107 bytes; a longer path is error 1 at the start
    longest_name=85,
    sets_vcpus=False,  # virDomainSetVcpusFlags gives 3
    # libvirt_lxc asks the kernel for a free loop device and takes it in a second step: one of two that start at once may find it
    # taken (error 1, 11.3.0). The devices are the kernel's, so that the other may be on no host that this driver knows.
    start_races=("to loop device: Device or resource busy",),
    settles=True,  # until libvirt knows the container's first process, which may be 0.1 s after the start (11.3.0)
)
