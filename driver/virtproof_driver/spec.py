"""What a caller asks for: frozen values that describe instances, networks, storage and snapshots.

What belongs here: the values, their units, and their defaults. What does not: XML (`markup`), and whether a
hypervisor can do it (`hypervisors`). Building one of these touches nothing; `validation` says what is wrong with it.
Sizes are bytes or MiB as the field's name says; every collection is a tuple, so a spec can be a dictionary key.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from uuid import UUID


@unique
class DiskFormat(StrEnum):
    """Image formats, named as libvirt's storage volumes name them."""

    RAW = "raw"
    QCOW2 = "qcow2"


@unique
class DiskDevice(StrEnum):
    """What the guest sees the disk as."""

    DISK = "disk"
    CDROM = "cdrom"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """An image file on the host, by absolute path."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSource:
    """A storage volume, by the names of its pool and itself."""

    pool: str
    volume: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVolume:
    """A storage volume that spawn makes and destroy removes.

    `clone_of` names a volume of the same pool to copy. `backing` names one of it that a qcow2 volume reads what it has not
    written itself from; that one must stay as it is for as long.
    """

    pool: str
    volume: str
    capacity_bytes: int
    clone_of: str | None = None
    backing: str | None = None


DiskSource = FileSource | VolumeSource | NewVolume


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk of an instance. `target` is the guest's name for it (`vda`), unique within the instance."""

    target: str
    source: DiskSource | None
    bus: str = "virtio"
    device: DiskDevice = DiskDevice.DISK
    format: DiskFormat = DiskFormat.RAW
    read_only: bool = False
    serial: str | None = None
    secret: UUID | None = None
    """The secret that holds the passphrase of a LUKS-encrypted image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySource:
    """A directory on the host, by absolute path."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filesystem:
    """A file system of a container, mounted at `target` (`/` is its root).

    A directory is mounted as it is; an image file or a volume through a loop device, in the format that is given.
    """

    source: DirectorySource | FileSource | VolumeSource | NewVolume
    target: str = "/"
    format: DiskFormat = DiskFormat.RAW
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """The first program of a container, by its absolute path in the container, with its arguments and environment."""

    path: str
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """A text console. `log` is an absolute path on the host to which all that the guest writes there is appended too.

    Its folder must be the target of an active storage pool: spawn makes the file there, as a volume of the pool, console_output()
    reads it through the pool, and destroy deletes it.
    """

    log: str | None = None


@unique
class Firmware(StrEnum):
    """What a machine boots with."""

    BIOS = "bios"
    EFI = "efi"
    EFI_SECURE_BOOT = "efi-secure-boot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tpm:
    """An emulated trusted platform module; its state lives as long as the instance."""

    model: str = "tpm-crb"
    version: str = "2.0"


@unique
class Reaction(StrEnum):
    """What the host does when the guest ended by itself; not every one is there for every end (libvirt's formatdomain)."""

    DESTROY = "destroy"
    RESTART = "restart"
    PRESERVE = "preserve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an instance may use of its host.

    `cpu_shares` (2 to 262,144) weighs it against others; `cpu_quota_us` (1,000 to 17,592,186,044,415) is how many microseconds of
    each 100 ms a processor may run; `memory_hard_mib` bounds all of its memory.
    """

    cpu_shares: int | None = None
    cpu_quota_us: int | None = None
    memory_hard_mib: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A network interface. Exactly one of `network` (a virtual network) and `bridge` (a host's bridge) is given."""

    mac: str
    network: str | None = None
    bridge: str | None = None
    model: str | None = "virtio"
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graphics:
    """A display; port -1 lets the host choose one when the instance starts."""

    kind: str = "vnc"
    port: int = -1
    listen: str = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataElement:
    """One XML element kept with the instance under a namespace of the caller's.

    `xml` is the element without its namespace; libvirt qualifies it with `uri`, spelt by `prefix`.
    """

    uri: str
    prefix: str
    xml: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSpec:
    """An instance to spawn. Memory is in MiB; `max_*` bound a later resize, and equal the plain value when None.

    `init` and `filesystems` are for containers, `firmware`, `tpm`, `agent` (a channel for the guest agent) and `panic_device` for
    machines; `on_*` say what follows the guest's own power off, reset and crash, None leaves it to the host.
    `usb` says whether a machine has a USB controller; None gives it one where one of its disks is on that bus.
    """

    uuid: UUID
    name: str
    vcpus: int
    memory_mib: int
    max_vcpus: int | None = None
    max_memory_mib: int | None = None
    title: str | None = None
    description: str | None = None
    metadata: tuple[MetadataElement, ...] = ()
    disks: tuple[Disk, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    graphics: tuple[Graphics, ...] = ()
    architecture: str | None = None
    machine: str | None = None
    firmware: Firmware | None = None
    tpm: Tpm | None = None
    consoles: tuple[Console, ...] = ()
    filesystems: tuple[Filesystem, ...] = ()
    init: Init | None = None
    limits: Limits | None = None
    agent: bool = False
    panic_device: bool = False
    usb: bool | None = None
    on_poweroff: Reaction | None = None
    on_reboot: Reaction | None = None
    on_crash: Reaction | None = None


@unique
class ForwardMode(StrEnum):
    """How a virtual network reaches the outside; ISOLATED has no `<forward>` element."""

    NAT = "nat"
    ROUTE = "route"
    BRIDGE = "bridge"
    ISOLATED = "isolated"


@dataclass(frozen=True, slots=True, kw_only=True)
class DhcpHost:
    """A fixed lease: this hardware address gets this IP address."""

    mac: str
    ip: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DhcpRange:
    """The first and last address that DHCP may give, both included."""

    start: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """An address of the host on a virtual network, with its prefix length, and what DHCP serves there."""

    address: str
    prefix: int
    ranges: tuple[DhcpRange, ...] = ()
    hosts: tuple[DhcpHost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """A virtual network. `bridge` is the host's bridge device: at most 15 bytes.

    `spanning_tree` lets the bridge look for loops; a guest's packets are then held back for the first four seconds, because the
    kernel takes no forward delay under two (measured on libvirt 11.3.0, whose own default it is).
    """

    name: str
    uuid: UUID | None = None
    forward: ForwardMode = ForwardMode.NAT
    bridge: str | None = None
    spanning_tree: bool = False
    subnets: tuple[Subnet, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """A storage pool of a kind that libvirt names (`dir`, `logical`…); `target` is its path on the host."""

    name: str
    target: str
    kind: str = "dir"
    uuid: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSpec:
    """A storage volume; allocation 0 is sparse, None is fully allocated.

    `backing` names a volume of the same pool that a qcow2 volume reads what it has not written itself from; `backing_format` None
    takes the host's word for that one's format, which the host finds by looking into it. `secret` encrypts the volume with LUKS.
    """

    name: str
    capacity_bytes: int
    allocation_bytes: int | None = 0
    format: DiskFormat = DiskFormat.RAW
    backing: str | None = None
    backing_format: DiskFormat | None = None
    secret: UUID | None = None


@unique
class SecretKind(StrEnum):
    """What a secret is for, in libvirt's word."""

    VOLUME = "volume"
    CEPH = "ceph"
    ISCSI = "iscsi"
    TLS = "tls"
    VTPM = "vtpm"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSpec:
    """A secret of a host, without its value.

    `usage` tells it from the others of its kind (a volume's path, a client's name…); one without is found by its UUID alone. The
    value of a `private` one cannot be read back; an `ephemeral` one is kept in the memory of the host's daemon.
    """

    uuid: UUID
    usage: str | None = None
    kind: SecretKind = SecretKind.VOLUME
    description: str | None = None
    private: bool = True
    ephemeral: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSpec:
    """A snapshot to make.

    `external` keeps disks only: each writable disk goes on in a new overlay volume beside its own. `quiesce` lets the guest agent
    freeze the guest's file systems meanwhile, for external ones only.
    """

    name: str
    description: str | None = None
    external: bool = False
    quiesce: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueImage:
    """The image that a rescued instance boots from; its old disks stay, behind it."""

    source: FileSource | VolumeSource
    format: DiskFormat = DiskFormat.RAW
