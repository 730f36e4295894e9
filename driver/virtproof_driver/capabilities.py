"""The vocabulary of what a driver can claim.

What belongs here: one member a named ability, and one sentence saying what claiming it promises.
What does not: which hypervisor has it (`hypervisors/`), and how it is probed (the suite's `probes`).
A capability's value is permanent: manifests, certificates and case ids spell it.
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from types import MappingProxyType


@unique
class Capability(StrEnum):
    """A named ability that a driver claims on a connection, and a manifest declares of a lane."""

    HOST_INFO = "host.info"
    HOST_STATS = "host.stats"
    INVENTORY = "inventory.list"
    BOOKS = "inventory.books"
    DIAGNOSTICS = "diagnostics.counters"
    SPAWN = "lifecycle.spawn"
    SPAWN_PAUSED = "lifecycle.spawn.paused"
    DESTROY = "lifecycle.destroy"
    START = "lifecycle.start"
    STOP = "lifecycle.stop"
    STOP_GRACEFUL = "lifecycle.stop.graceful"
    REBOOT = "lifecycle.reboot"
    REBOOT_HARD = "lifecycle.reboot.hard"
    PAUSE = "lifecycle.pause"
    SUSPEND = "lifecycle.suspend"
    RESCUE = "lifecycle.rescue"
    RESIZE = "lifecycle.resize"
    REACTIONS = "lifecycle.reactions"
    AUTOSTART = "lifecycle.autostart"
    METADATA = "metadata.instance"
    DISKS = "devices.disks"
    VOLUME_ATTACH = "devices.volume.attach"
    VOLUME_DETACH = "devices.volume.detach"
    VOLUME_EXTEND = "devices.volume.extend"
    INTERFACE_ATTACH = "devices.interface.attach"
    INTERFACE_DETACH = "devices.interface.detach"
    SNAPSHOT_INTERNAL = "snapshots.internal"
    SNAPSHOT_EXTERNAL = "snapshots.external"
    SNAPSHOT_EXTERNAL_REVERT = "snapshots.external.revert"
    IMAGE_CAPTURE = "images.capture"
    CONSOLE_OUTPUT = "console.output"
    CONSOLE_STREAM = "console.stream"
    CONSOLE_EXCLUSIVE = "console.stream.exclusive"
    SCREENSHOT = "console.screenshot"
    GRAPHICS = "console.graphics"
    AGENT_PASSWORD = "agent.password"
    AGENT_QUIESCE = "agent.quiesce"
    FIRMWARE_EFI = "firmware.efi"
    TPM = "devices.tpm"
    FILESYSTEM_DIRECTORY = "filesystems.directory"
    FILESYSTEM_IMAGE = "filesystems.image"
    LIMITS = "limits.resources"
    GUESTS = "guests.run"
    FIREWALL = "firewall.nwfilter"
    MIGRATION_LIVE = "migration.live"
    MIGRATION_PEER_TO_PEER = "migration.peer-to-peer"
    MIGRATION_PAUSED = "migration.paused"
    MIGRATION_OFFLINE = "migration.offline"
    MIGRATION_STORAGE = "migration.storage"
    MIGRATION_AUTO_CONVERGE = "migration.auto-converge"
    MIGRATION_POST_COPY = "migration.post-copy"
    STORAGE_POOLS = "storage.pools"
    STORAGE_VOLUMES = "storage.volumes"
    STORAGE_BACKING = "storage.volumes.backing"
    STORAGE_CLONE = "storage.volumes.clone"
    STORAGE_RESIZE = "storage.volumes.resize"
    STORAGE_UPLOAD = "storage.volumes.upload"
    STORAGE_DOWNLOAD = "storage.volumes.download"
    SECRETS = "secrets.manage"
    DISK_ENCRYPTION = "devices.volume.encryption"
    NETWORKS = "networks.manage"
    NETWORK_LEASES = "networks.leases"
    EVENTS_LIFECYCLE = "events.lifecycle"
    EVENTS_REBOOT = "events.reboot"
    EVENTS_HOST = "events.host"
    EVENTS_IO_ERROR = "events.io-error"
    EVENTS_PANIC = "events.panic"
    CONNECTION_KEEPALIVE = "connection.keepalive"
    CONNECTION_RECONNECT = "connection.reconnect"
    CONNECTION_AUTH = "connection.authentication"
    CONNECTION_READ_ONLY = "connection.read-only"
    CONNECTION_TLS = "connection.tls"
    CONNECTION_SSH = "connection.ssh"


MIGRATION: tuple[Capability, ...] = tuple(each for each in Capability if each.startswith("migration."))
"""All that is of moving instances to another host."""

PROMISES: Mapping[Capability, str] = MappingProxyType(
    {
        Capability.HOST_INFO: "host() describes the host: name, hypervisor, versions, processors and memory.",
        Capability.HOST_STATS: "host_stats() reads the host's cumulative processor times.",
        Capability.INVENTORY: "instances() lists every domain of the host, instance() finds one, spec() reads its definition.",
        Capability.BOOKS: "books() tells the instances as last heard of, without asking the host, also while it is unreachable.",
        Capability.DIAGNOSTICS: "diagnostics() reads a running instance's counters.",
        Capability.SPAWN: "spawn() defines an instance and, unless start=False, starts it.",
        Capability.SPAWN_PAUSED: "spawn(paused=True) leaves the instance paused before its first instruction.",
        Capability.DESTROY: "destroy() stops an instance and removes all that spawn() made; a second call changes nothing.",
        Capability.START: "start() starts an instance that is off; on a running one it changes nothing.",
        Capability.STOP: "stop(force=True) leaves the instance off within the timeout and the force that follows it.",
        Capability.STOP_GRACEFUL: "stop() asks the guest first, and waits for it by event.",
        Capability.REBOOT: "reboot() asks the guest to restart; the domain id stays.",
        Capability.REBOOT_HARD: "reboot(hard=True) restarts the instance without the guest's help.",
        Capability.PAUSE: "pause() and unpause() stop and continue the processors, each idempotent.",
        Capability.SUSPEND: "suspend() makes a managed save, and resume() restores it.",
        Capability.RESCUE: "rescue() boots another image with the old disks beside it; unrescue() undoes it.",
        Capability.RESIZE: "resize() changes processors and memory of the persistent definition.",
        Capability.REACTIONS: "a spec says what follows the guest's own power off, reset and crash, and that is what follows.",
        Capability.AUTOSTART: "autostart() and set_autostart() read and change whether the host starts the instance at boot.",
        Capability.METADATA: "title, description and metadata elements can be set, read and removed.",
        Capability.DISKS: "an instance has disks, from image files and storage volumes.",
        Capability.VOLUME_ATTACH: "attach_volume() adds a disk to a running instance and its definition.",
        Capability.VOLUME_DETACH: "detach_volume() removes a disk, and waits for the guest to release it.",
        Capability.VOLUME_EXTEND: "extend_volume() grows a disk and tells the guest.",
        Capability.INTERFACE_ATTACH: "attach_interface() adds a network interface.",
        Capability.INTERFACE_DETACH: "detach_interface() removes a network interface.",
        Capability.SNAPSHOT_INTERNAL: "snapshots with their state inside the domain can be made, listed, reverted to, deleted.",
        Capability.SNAPSHOT_EXTERNAL: "disk-only external snapshots, in overlay volumes, can be made, listed and deleted.",
        Capability.SNAPSHOT_EXTERNAL_REVERT: "an instance can be taken back to an external snapshot; it is off afterwards.",
        Capability.IMAGE_CAPTURE: "capture_image() streams an instance's disk to the caller, also while it runs.",
        Capability.CONSOLE_OUTPUT: "console_output() returns what the guest wrote to its console.",
        Capability.CONSOLE_STREAM: "console() opens a two-way stream to the guest's console.",
        Capability.CONSOLE_EXCLUSIVE: "a console has one reader at a time; console(force=True) takes it over.",
        Capability.SCREENSHOT: "screenshot() streams an image of the guest's screen.",
        Capability.GRAPHICS: "graphics() lists the endpoints of the guest's displays.",
        Capability.AGENT_PASSWORD: "set_admin_password() sets a password through the guest agent.",
        Capability.AGENT_QUIESCE: "quiesce() and unquiesce() freeze and thaw the guest's file systems.",
        Capability.FIRMWARE_EFI: "instances boot with UEFI, and keep their NVRAM for as long as they are defined.",
        Capability.TPM: "instances have an emulated TPM, and keep its state for as long as they are defined.",
        Capability.FILESYSTEM_DIRECTORY: "a directory of the host can be a container's file system.",
        Capability.FILESYSTEM_IMAGE: "an image file or volume can be a container's file system, through a loop device.",
        Capability.LIMITS: "spawn() bounds what an instance may use of the host's processors and memory.",
        Capability.GUESTS: "instances run guests, whose own doing (output, power off, reset) shows.",
        Capability.FIREWALL: "security groups become nwfilters that are in place before the instance starts.",
        Capability.MIGRATION_LIVE: "migrate() moves a running instance to another host.",
        Capability.MIGRATION_PEER_TO_PEER: "migrate() lets the two hosts' daemons move an instance among themselves.",
        Capability.MIGRATION_PAUSED: "migrate() moves an instance that stands still meanwhile.",
        Capability.MIGRATION_OFFLINE: "migrate() moves an instance that is off: its definition.",
        Capability.MIGRATION_STORAGE: "migrate() copies the disks to the destination with the memory.",
        Capability.MIGRATION_AUTO_CONVERGE: "migrate() slows a guest that writes faster than its memory can be sent.",
        Capability.MIGRATION_POST_COPY: "a guest can run on the destination before all of its memory is there.",
        Capability.STORAGE_POOLS: "storage pools can be defined, started, refreshed, stopped and removed.",
        Capability.STORAGE_VOLUMES: "storage volumes can be made, listed and deleted.",
        Capability.STORAGE_BACKING: "a storage volume can read what it has not written itself from another one.",
        Capability.STORAGE_CLONE: "a storage volume can be made from another one.",
        Capability.STORAGE_RESIZE: "a storage volume can be resized.",
        Capability.STORAGE_UPLOAD: "bytes can be streamed into a storage volume.",
        Capability.STORAGE_DOWNLOAD: "bytes can be streamed out of a storage volume.",
        Capability.SECRETS: "secrets can be defined with a value, listed and removed.",
        Capability.DISK_ENCRYPTION: "an instance's disk can be an encrypted image, whose passphrase is a secret of the host.",
        Capability.NETWORKS: "virtual networks can be defined, started, listed, stopped and removed.",
        Capability.NETWORK_LEASES: "the DHCP leases of a virtual network can be read.",
        Capability.EVENTS_LIFECYCLE: "subscribe() delivers each change of an instance's state once, in order.",
        Capability.EVENTS_REBOOT: "subscribe() delivers a guest's reboot once.",
        Capability.EVENTS_HOST: "subscribe_host() delivers, among the instances' changes, that the host was lost and is back.",
        Capability.EVENTS_IO_ERROR: "subscribe() delivers that an instance was paused because its disk could not be written.",
        Capability.EVENTS_PANIC: "a guest can tell by a panic device that it crashed, and subscribe() delivers that.",
        Capability.CONNECTION_KEEPALIVE: "a host that stops answering is noticed within the keepalive time.",
        Capability.CONNECTION_RECONNECT: "after an outage the driver reconnects, and changes missed are delivered exactly once.",
        Capability.CONNECTION_AUTH: "the factory's `auth` callback answers libvirt's credential requests.",
        Capability.CONNECTION_TLS: "hosts are reached over TLS, and none whose certificate does not verify.",
        Capability.CONNECTION_SSH: "hosts are reached over ssh, by the program and by libssh, and none whose key is not known.",
        Capability.CONNECTION_READ_ONLY: "the factory takes read_only=True: reads work, changes are PermissionDenied.",
    }
)
