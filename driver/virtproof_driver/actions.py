"""The vocabulary of plans: one value for each thing that is done to a host as a step of something larger.

What belongs here: the actions, and the words for each (`str(action)`), which errors use for what could not be undone.
What does not: in which order they come (`plans`), and doing them: each area's operations register that (`operations.executing`).
"""

from dataclasses import dataclass, field
from enum import StrEnum, unique
from uuid import UUID

from virtproof_driver.constants import Affect
from virtproof_driver.spec import DiskFormat, NetworkSpec, NewVolume, PoolSpec, SecretSpec


class Action:
    """One thing to do on a host; as a string, the words for it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVolume(Action):
    """Make a storage volume for an instance."""

    volume: NewVolume
    format: DiskFormat
    secret: UUID | None = None

    def __str__(self) -> str:
        return f"make storage volume {self.volume.volume!r} in pool {self.volume.pool!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVolume(Action):
    """Delete a storage volume."""

    pool: str
    volume: str

    def __str__(self) -> str:
        return f"delete storage volume {self.volume!r} of pool {self.pool!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardVolume(Action):
    """Delete a storage volume that may be gone already."""

    pool: str
    volume: str

    def __str__(self) -> str:
        return f"delete storage volume {self.volume!r} of pool {self.pool!r} if it is there"


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeLog(Action):
    """Make the empty file that a console is logged to, by its path on the host."""

    log: str

    def __str__(self) -> str:
        return f"make console log {self.log!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteLog(Action):
    """Delete a console's log."""

    log: str

    def __str__(self) -> str:
        return f"delete console log {self.log!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineDomain(Action):
    """Define a domain that must not exist yet."""

    uuid: UUID
    name: str
    xml: str

    def __str__(self) -> str:
        return f"define instance {self.name!r} ({self.uuid})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedefineDomain(Action):
    """Replace the persistent definition of a domain that exists."""

    uuid: UUID
    xml: str

    def __str__(self) -> str:
        return f"redefine instance {self.uuid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveDomain(Action):
    """Force a domain off and undefine it."""

    uuid: UUID

    def __str__(self) -> str:
        return f"remove instance {self.uuid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDomain(Action):
    """Start a domain that is off, and wait for it."""

    uuid: UUID
    paused: bool = False

    def __str__(self) -> str:
        return f"start instance {self.uuid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceOff(Action):
    """End a domain now, and wait for it."""

    uuid: UUID

    def __str__(self) -> str:
        return f"force instance {self.uuid} off"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVcpus(Action):
    """Set the processors, or the most that there may be, of the persistent definition."""

    uuid: UUID
    count: int
    maximum: bool

    def __str__(self) -> str:
        return f"set {'maximum vcpus' if self.maximum else 'vcpus'} of instance {self.uuid} to {self.count}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMemory(Action):
    """Set the memory, or the most that there may be, of the persistent definition; MiB."""

    uuid: UUID
    mib: int
    maximum: bool

    def __str__(self) -> str:
        return f"set {'maximum memory' if self.maximum else 'memory'} of instance {self.uuid} to {self.mib} MiB"


@unique
class DeviceKind(StrEnum):
    """What is attached and detached."""

    DISK = "disk"
    INTERFACE = "interface"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceName:
    """A device of an instance: a disk by its target, an interface by its hardware address in lower case."""

    kind: DeviceKind
    key: str

    def __str__(self) -> str:
        return f"{self.kind} {self.key!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachDevice(Action):
    """Give a device to the running instance, to its definition, or to both; libvirt does all of it or nothing."""

    uuid: UUID
    device: DeviceName
    xml: str
    affect: Affect

    def __str__(self) -> str:
        return f"attach {self.device} to instance {self.uuid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachDevice(Action):
    """Take a device from the running instance, which its guest must release, and then from the definition."""

    uuid: UUID
    device: DeviceName

    def __str__(self) -> str:
        return f"detach {self.device} from instance {self.uuid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteDevices(Action):
    """Replace the driver's note of an instance, which says what its XML cannot; `note` is an element as text."""

    uuid: UUID
    note: str
    affect: Affect

    def __str__(self) -> str:
        return f"note the devices of instance {self.uuid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineNetwork(Action):
    """Define a virtual network that must not exist yet."""

    network: NetworkSpec
    xml: str

    def __str__(self) -> str:
        return f"define network {self.network.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartNetwork(Action):
    """Start a virtual network."""

    name: str

    def __str__(self) -> str:
        return f"start network {self.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutostartNetwork(Action):
    """Let the host start a virtual network when it boots."""

    name: str

    def __str__(self) -> str:
        return f"set autostart of network {self.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveNetwork(Action):
    """Stop and undefine a virtual network."""

    name: str

    def __str__(self) -> str:
        return f"remove network {self.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinePool(Action):
    """Define a storage pool that must not exist yet."""

    pool: PoolSpec
    xml: str

    def __str__(self) -> str:
        return f"define storage pool {self.pool.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPool(Action):
    """Make the place that a storage pool keeps its volumes in."""

    name: str

    def __str__(self) -> str:
        return f"build storage pool {self.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPool(Action):
    """Start a storage pool."""

    name: str

    def __str__(self) -> str:
        return f"start storage pool {self.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutostartPool(Action):
    """Let the host start a storage pool when it boots."""

    name: str

    def __str__(self) -> str:
        return f"set autostart of storage pool {self.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePool(Action):
    """Stop and undefine a storage pool; what it holds stays."""

    name: str

    def __str__(self) -> str:
        return f"remove storage pool {self.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineSecret(Action):
    """Define a secret that must not exist yet; it has no value then."""

    secret: SecretSpec
    xml: str

    def __str__(self) -> str:
        return f"define secret {self.secret.uuid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSecretValue(Action):
    """Give a secret its value, which no representation shows."""

    uuid: UUID
    value: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"set the value of secret {self.uuid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveSecret(Action):
    """Remove a secret and its value."""

    uuid: UUID

    def __str__(self) -> str:
        return f"remove secret {self.uuid}"
