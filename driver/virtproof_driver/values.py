"""What the driver tells: frozen values read from a host.

What belongs here: the values and their enums, with units. What does not: libvirt's numbers (`constants`) and how they
are turned into these (`events.table`, `states`, `markup`). Enums spell libvirt's own terms in lower case.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from types import MappingProxyType
from uuid import UUID

from virtproof_driver.spec import SnapshotSpec


@unique
class PowerState(StrEnum):
    """The state of an instance, one for each virDomainState that can be told apart."""

    NO_STATE = "nostate"
    RUNNING = "running"
    BLOCKED = "blocked"
    PAUSED = "paused"
    SHUTTING_DOWN = "shutdown"
    OFF = "shutoff"
    CRASHED = "crashed"
    PM_SUSPENDED = "pmsuspended"

    @property
    def active(self) -> bool:
        """Whether libvirt counts the domain as active; a paused one is."""
        return self not in (PowerState.OFF, PowerState.NO_STATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance as one read of its state found it; `reason` is libvirt's word for why (`booted`, `destroyed`, `saved`…)."""

    uuid: UUID
    name: str
    state: PowerState
    reason: str


@unique
class EventKind(StrEnum):
    """What happened to an instance, after duplicates and preliminaries of the hypervisor were folded away."""

    DEFINED = "defined"
    UNDEFINED = "undefined"
    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPED = "stopped"
    REBOOTED = "rebooted"
    CRASHED = "crashed"
    PM_SUSPENDED = "pmsuspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleEvent:
    """One change of one instance.

    `reason` is libvirt's detail in its own word; `stamp` is the monotonic clock in seconds at which libvirt's thread
    delivered it; `resynced` says that it was missed during an outage and found by comparing states afterwards.
    """

    uuid: UUID
    name: str
    kind: EventKind
    reason: str
    stamp: float
    resynced: bool = False


@unique
class DeviceEventKind(StrEnum):
    """What happened to a device of a running instance; REMOVAL_FAILED is the guest's refusal."""

    ADDED = "added"
    REMOVED = "removed"
    REMOVAL_FAILED = "removal-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEvent:
    """A device came or went. `alias` is libvirt's name for it within one run of the instance; `stamp` as of LifecycleEvent."""

    uuid: UUID
    name: str
    alias: str
    kind: DeviceEventKind
    stamp: float


@unique
class BlockJob(StrEnum):
    """What a job on a disk does."""

    UNKNOWN = "unknown"
    PULL = "pull"
    COPY = "copy"
    COMMIT = "commit"
    ACTIVE_COMMIT = "active-commit"
    BACKUP = "backup"


@unique
class BlockJobStatus(StrEnum):
    """How a job on a disk stands; READY waits to be pivoted or ended. UNKNOWN is a newer libvirt's."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    READY = "ready"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockJobEvent:
    """A job on the disk `target` (`vda`) ended or got ready; `stamp` as of LifecycleEvent."""

    uuid: UUID
    name: str
    target: str
    job: BlockJob
    status: BlockJobStatus
    stamp: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """A job of the whole instance ended; `operation` is libvirt's word (`save`, `dump`, `migration-out`…).

    `statistics` are the job's numbers by libvirt's names.
    """

    uuid: UUID
    name: str
    operation: str
    stamp: float
    statistics: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationEvent:
    """A job begins another pass over the guest's memory; `iteration` counts them from 1, which not every release tells."""

    uuid: UUID
    name: str
    iteration: int
    stamp: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEvent:
    """The guest agent came or went; `reason` is libvirt's word (`domain-started`, `channel`)."""

    uuid: UUID
    name: str
    connected: bool
    reason: str
    stamp: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IoErrorEvent:
    """A disk could not be read or written.

    `source` is its path on the host, `alias` libvirt's name for the device, `action` what the host did (`pause`, `report`,
    `none`), and `reason` why (`enospc`), empty when the hypervisor does not say.
    """

    uuid: UUID
    name: str
    source: str
    alias: str
    action: str
    reason: str
    stamp: float


Notice = DeviceEvent | BlockJobEvent | JobEvent | IterationEvent | AgentEvent | IoErrorEvent
"""What a host tells of an instance beside its changes of state; operations wait for them, listeners do not hear them."""


@unique
class StopOutcome(StrEnum):
    """How stop() ended."""

    ALREADY_OFF = "already-off"
    GRACEFUL = "graceful"
    FORCED = "forced"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostInfo:
    """A host. Memory is in MiB; versions are (major, minor, release)."""

    hostname: str
    uri: str
    hypervisor: str
    hypervisor_version: tuple[int, int, int]
    libvirt_version: tuple[int, int, int]
    architecture: str
    cpus: int
    memory_mib: int
    numa_nodes: int
    sockets: int
    cores: int
    threads: int
    encrypted: bool
    secure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStats:
    """Cumulative processor times of the host in nanoseconds since its boot, by libvirt's field names."""

    cpu_ns: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCounters:
    """A disk's cumulative requests and bytes since the instance started; -1 where the hypervisor does not count."""

    target: str
    read_requests: int
    read_bytes: int
    write_requests: int
    write_bytes: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceCounters:
    """An interface's cumulative bytes, packets, errors and drops since the instance started."""

    target: str
    rx_bytes: int
    rx_packets: int
    rx_errors: int
    rx_drops: int
    tx_bytes: int
    tx_packets: int
    tx_errors: int
    tx_drops: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """A running instance's counters. Processor time is cumulative nanoseconds; memory is KiB by libvirt's stat names."""

    uuid: UUID
    vcpus: int
    cpu_time_ns: int
    memory_kib: int
    max_memory_kib: int
    memory_stats_kib: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    blocks: tuple[BlockCounters, ...] = ()
    interfaces: tuple[InterfaceCounters, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot; `created` is seconds since the epoch on the host's clock, `state` the domain's state it holds."""

    name: str
    description: str | None
    state: str
    created: int
    parent: str | None
    current: bool
    external: bool = False

    @property
    def spec(self) -> SnapshotSpec:
        """What would make this snapshot again."""
        return SnapshotSpec(name=self.name, description=self.description, external=self.external)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkInfo:
    """A virtual network as it is now."""

    name: str
    uuid: UUID
    active: bool
    persistent: bool
    autostart: bool
    bridge: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """An address that a virtual network's DHCP server gave out.

    `expires` is seconds since the epoch on the host's clock, 0 for a lease without an end; `hostname` is what the guest or a
    fixed lease says, None where neither does.
    """

    mac: str
    ip: str
    prefix: int
    hostname: str | None
    expires: int


@unique
class ConsoleEnd(StrEnum):
    """Why a console's stream ended."""

    INSTANCE_ENDED = "instance-ended"
    """The instance stopped; or, a container, was started anew."""
    TAKEN_OVER = "taken-over"
    """Another client opened the console by force."""
    CLOSED = "closed"
    """The stream's own close()."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolInfo:
    """A storage pool as it is now; sizes in bytes, zero while it is not active."""

    name: str
    uuid: UUID
    active: bool
    persistent: bool
    autostart: bool
    capacity_bytes: int
    allocation_bytes: int
    available_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeInfo:
    """A storage volume as it is now; sizes in bytes, `path` on the host.

    `format` is the host's word (`raw`, `qcow2`, `vmdk`, `dir`…), found by looking into the volume. `backing` is what it reads
    from where it was not written: the name of a volume beside it, or the path of a file elsewhere.
    """

    pool: str
    name: str
    path: str
    capacity_bytes: int
    allocation_bytes: int
    format: str = "raw"
    backing: str | None = None
    encrypted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """What capture_image() wrote to its sink.

    `size_bytes` is how much it was, `capacity_bytes` the size of the disk that the image holds, `sha256` the digest of what was
    written, in hexadecimal.
    """

    format: str
    size_bytes: int
    capacity_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphicsEndpoint:
    """Where a display listens; port -1 while none is open."""

    kind: str
    host: str | None
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Screenshot:
    """What screenshot() wrote to its sink."""

    mime_type: str
    size_bytes: int
