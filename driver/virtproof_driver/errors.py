"""The driver's error classes: one root, and a child for each answer to "who must act?".

What belongs here: classes with the offender as attributes. What does not: which libvirt code means which
class; that is `error_table`. Every message names the offender and, where the caller can do something, the remedy.
"""

from collections.abc import Sequence
from uuid import UUID

from virtproof_driver.capabilities import Capability
from virtproof_driver.migration import InstanceLocation
from virtproof_driver.values import ConsoleEnd, Instance


class DriverError(Exception):
    """Root of all that the driver raises on purpose.

    `undone_failures` lists what a failed operation could not undo, as sentences; empty when nothing was left behind.
    """

    undone_failures: tuple[str, ...] = ()

    def with_leftovers(self, leftovers: Sequence[str]) -> "DriverError":
        """Say what could not be undone; the same error is returned so that it can be raised."""
        self.undone_failures = tuple(leftovers)
        for leftover in leftovers:
            self.add_note(f"could not undo: {leftover}")
        return self


# --- the caller's fault ---------------------------------------------------------------------------


class InvalidSpec(DriverError):
    """A value that the caller gave cannot be; `field` names it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class NotSupported(DriverError):
    """The driver does not do this on this connection, and says why."""

    def __init__(self, capability: Capability, reason: str) -> None:
        super().__init__(f"{capability}: {reason}")
        self.capability = capability
        self.reason = reason


class PermissionDenied(DriverError):
    """The connection may not do this: read-only, refused credentials, or the host's access control."""


class DriverClosed(DriverError):
    """The driver was closed; make a new one."""


# --- the world is not as the caller thinks -----------------------------------------------------------


class NotFound(DriverError):
    """An object is not there; `kind` says what it is, `key` how it was looked up."""

    kind = "object"

    def __init__(self, key: str, detail: str = "") -> None:
        super().__init__(f"no {self.kind} {key!r}" + (f": {detail}" if detail else ""))
        self.key = key


class InstanceNotFound(NotFound):
    """No domain with this UUID on this host."""

    kind = "instance"


class SnapshotNotFound(NotFound):
    """No snapshot of this name."""

    kind = "snapshot"


class DeviceNotFound(NotFound):
    """No such device in the instance."""

    kind = "device"


class NetworkNotFound(NotFound):
    """No virtual network of this name."""

    kind = "network"


class StoragePoolNotFound(NotFound):
    """No storage pool of this name."""

    kind = "storage pool"


class VolumeNotFound(NotFound):
    """No storage volume of this name in the pool."""

    kind = "storage volume"


class SecretNotFound(NotFound):
    """The host has no such secret, or none with a value; `key` is empty where only the host's message names it."""

    kind = "secret"


class MetadataNotFound(NotFound):
    """The instance has no such metadata."""

    kind = "metadata"


class NWFilterNotFound(NotFound):
    """No nwfilter of this name."""

    kind = "nwfilter"


class AlreadyExists(DriverError):
    """An object with this name or UUID is there already; it was left as it is."""

    kind = "object"

    def __init__(self, key: str, detail: str = "") -> None:
        super().__init__(f"{self.kind} {key!r} exists already" + (f": {detail}" if detail else ""))
        self.key = key


class InstanceExists(AlreadyExists):
    """A domain with this name or UUID exists."""

    kind = "instance"


class DeviceExists(AlreadyExists):
    """The instance has such a device: a disk of this target, or an interface of this hardware address."""

    kind = "device"


class SnapshotExists(AlreadyExists):
    """The instance has a snapshot of this name."""

    kind = "snapshot"


class NetworkExists(AlreadyExists):
    """A virtual network with this name or bridge exists."""

    kind = "network"


class StoragePoolExists(AlreadyExists):
    """A storage pool of this name exists."""

    kind = "storage pool"


class VolumeExists(AlreadyExists):
    """The pool has a storage volume of this name."""

    kind = "storage volume"


class SecretExists(AlreadyExists):
    """The host has a secret with this UUID, or another one for the same usage."""

    kind = "secret"


class InvalidState(DriverError):
    """The object is not in a state that allows the operation; nothing was changed."""


class VolumeInUse(InvalidState):
    """Other volumes of the pool read from this one; `users` are their names."""

    def __init__(self, volume: str, users: Sequence[str]) -> None:
        names = ", ".join(repr(user) for user in users)
        super().__init__(f"storage volume {volume!r} backs {names}; delete what reads from it first")
        self.volume = volume
        self.users = tuple(users)


class AgentNotConfigured(InvalidState):
    """The instance has no channel for a guest agent; spawn it with `agent=True`."""


class Busy(DriverError):
    """Another job holds the object; try again when it has ended."""


class ConsoleEnded(DriverError):
    """A console's stream has ended, and all that came before was read; `reason` says by what."""

    def __init__(self, reason: ConsoleEnd) -> None:
        super().__init__(f"the console's stream has ended ({reason}); open another one")
        self.reason = reason


# --- the guest --------------------------------------------------------------------------------------------


class AgentUnresponsive(DriverError):
    """The guest agent did not answer: none runs in the guest, or it hangs. Whether it did what was asked is not known."""


class AgentRefused(DriverError):
    """The guest agent answered that it did not do it, for the reason in the message: an unknown user, frozen file systems."""


# --- the host, the network, the hypervisor --------------------------------------------------------------


class HostUnreachable(DriverError):
    """No connection to the host could be made; `uri` is the one tried (without credentials)."""

    def __init__(self, uri: str, detail: str) -> None:
        super().__init__(f"cannot reach {uri}: {detail}")
        self.uri = uri


class HostNotTrusted(HostUnreachable):
    """The host did not prove that it is the one that was meant, so nothing was told it; `remedy` says which file to look at."""

    def __init__(self, uri: str, detail: str, remedy: str) -> None:
        super().__init__(uri, f"{detail}; {remedy}")
        self.remedy = remedy


class UnknownHypervisor(DriverError):
    """The connection leads to a hypervisor that the driver has no facts about; `connection_type` is virConnectGetType's word."""

    def __init__(self, connection_type: str, *, known: Sequence[str]) -> None:
        super().__init__(f"no facts about libvirt's {connection_type!r} driver; this driver knows {', '.join(known)}")
        self.connection_type = connection_type


class ConnectionLost(DriverError):
    """The connection broke; whether a change that was under way took effect is not known."""


class DiskFault(DriverError):
    """The host paused the instance because one of its disks could not be written or read; `reason` is the state's word for it."""

    def __init__(self, instance: str, reason: str) -> None:
        super().__init__(
            f"instance {instance} runs into its disk's error again ({reason}); make room for the disk, then unpause it"
        )
        self.instance = instance
        self.reason = reason


class OperationTimeout(DriverError):
    """A wait ended by its deadline; `awaited` says what for, `seconds` how long."""

    def __init__(self, awaited: str, seconds: float) -> None:
        super().__init__(f"no {awaited} within {seconds:g} s")
        self.awaited = awaited
        self.seconds = seconds


class MigrationUnsafe(InvalidState):
    """libvirt sees that a disk may be damaged by the migration: it is cached and not known to be shared. Nothing was changed."""


class MigrationFailed(DriverError):
    """A migration that had begun did not end well. `location` says where the instance is, `reason` why it is not elsewhere.

    `instance` is as it was read there, None where that could not be.
    """

    verb = "failed"

    def __init__(self, uuid: UUID, reason: str, *, location: InstanceLocation, instance: Instance | None = None) -> None:
        state = "" if instance is None else f", {instance.state} ({instance.reason})"
        text = f"the migration of instance {uuid} {self.verb}: {reason}; where it is now: {location}{state}"
        DriverError.__init__(self, text)  # by name: MigrationTimedOut has a second base between
        self.uuid = uuid
        self.reason = reason
        self.location = location
        self.instance = instance


class MigrationAborted(MigrationFailed):
    """A migration was called off, by abort() or by another client."""

    verb = "was aborted"


class MigrationTimedOut(MigrationFailed, OperationTimeout):  # pyright: ignore[reportUnsafeMultipleInheritance]  # sets all of both
    """A migration was called off at its deadline, `seconds` after it was asked for."""

    verb = "was called off at its deadline"

    def __init__(
        self, uuid: UUID, reason: str, seconds: float, *, location: InstanceLocation, instance: Instance | None = None
    ) -> None:
        MigrationFailed.__init__(self, uuid, reason, location=location, instance=instance)
        self.awaited = f"end of the migration of instance {uuid}"
        self.seconds = seconds


class HypervisorError(DriverError):
    """libvirt or the hypervisor failed; `code` and `domain` are libvirt's error numbers."""

    def __init__(self, code: int, domain: int, message: str) -> None:
        super().__init__(f"libvirt error {code} (domain {domain}): {message}")
        self.code = code
        self.domain = domain
        self.message = message
