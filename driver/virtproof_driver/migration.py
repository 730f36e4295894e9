"""Moving an instance to another host: what a caller asks for, and what it is told, as frozen values.

What belongs here: the values, their units and their defaults. What does not: libvirt's flags and parameters (`migration_calls`),
whether a value can be (`migration_validation`), and doing it (`operations.migrating`).
"""

from dataclasses import dataclass, field
from enum import StrEnum, unique

from virtproof_driver.auth import Authenticate
from virtproof_driver.values import Instance


@unique
class MigrationMode(StrEnum):
    """What the guest does while it is moved."""

    LIVE = "live"
    """It runs while its memory is copied, and stands still for the last of it."""
    PAUSED = "paused"
    """It stands still while its memory is copied, and runs afterwards."""
    OFFLINE = "offline"
    """The instance is off, and its definition alone is moved."""


@unique
class MigrationStorage(StrEnum):
    """Where the disks are."""

    SHARED = "shared"
    """Both hosts reach the same ones; nothing is copied."""
    COPIED = "copied"
    """The destination has its own, to which the writable ones are copied in whole."""


@unique
class OnTimeout(StrEnum):
    """What is done when a migration has not ended by its deadline."""

    ABORT = "abort"
    """The guest runs on where it was."""
    PAUSE = "pause"
    """The guest stands still on the source, so that what remains is copied, and runs on the destination."""
    POST_COPY = "post-copy"
    """The guest runs on the destination at once, and what remains follows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A host to move to.

    `uri` is how this client reaches it, with `auth` for its credentials. `peer_uri` is how the source's daemon reaches it: given,
    the two daemons do it among themselves (peer-to-peer), and it goes on should this client end; None, this client conducts it.
    `address` is the name or IP address at which the source reaches it for the guest's memory; None leaves that to libvirt, which
    takes the destination's own host name.
    """

    uri: str = field(repr=False)
    peer_uri: str | None = field(default=None, repr=False)
    address: str | None = None
    auth: Authenticate | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationOptions:
    """How an instance is moved.

    `bandwidth_mib_s` bounds how much is sent (1 to 8,796,093,022,207 MiB/s), `max_downtime_ms` how long the guest may stand still
    at the end (1 to 2,000,000 ms); both None for the hypervisor's own. `auto_converge` slows a guest that writes faster than is
    sent. `post_copy` makes `start_post_copy()` possible; `on_timeout` POST_COPY has it too. `name` is a new name, None keeps it.
    `paused` has the instance arrive paused. `unsafe` moves it even where libvirt sees that a disk may be damaged by that.
    """

    storage: MigrationStorage = MigrationStorage.SHARED
    bandwidth_mib_s: int | None = None
    max_downtime_ms: int | None = None
    auto_converge: bool = False
    post_copy: bool = False
    name: str | None = None
    paused: bool = False
    unsafe: bool = False
    on_timeout: OnTimeout = OnTimeout.ABORT


@unique
class InstanceLocation(StrEnum):
    """On which of two hosts an instance is after a migration failed: where it runs, or where it is defined if it runs nowhere."""

    SOURCE = "source"
    DESTINATION = "destination"
    BOTH = "both"
    NEITHER = "neither"
    UNKNOWN = "unknown"


@unique
class MigrationPhase(StrEnum):
    """How far a migration is."""

    COPYING = "copying"
    """The guest is on the source."""
    POST_COPY = "post-copy"
    """The guest is on the destination, and what remains of its memory follows."""
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationProgress:
    """How far a migration is, as one look found it; bytes and milliseconds, 0 for what the host does not tell.

    `iteration` counts the passes over the guest's memory from 1. `throttle_percent` is how much auto-converge slows the guest.
    """

    phase: MigrationPhase
    iteration: int = 0
    elapsed_ms: int = 0
    memory_total_bytes: int = 0
    memory_processed_bytes: int = 0
    memory_remaining_bytes: int = 0
    disk_total_bytes: int = 0
    disk_processed_bytes: int = 0
    disk_remaining_bytes: int = 0
    throttle_percent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationResult:
    """A migration that has ended well.

    `instance` is as the destination has it. Times are the host's own of its job, 0 where it had none (OFFLINE). `leftovers` says
    what of the instance is on the source still and could not be removed, as sentences.
    """

    instance: Instance
    total_ms: int = 0
    downtime_ms: int = 0
    memory_transferred_bytes: int = 0
    disk_transferred_bytes: int = 0
    iterations: int = 0
    leftovers: tuple[str, ...] = ()
