"""What libvirt's domain events mean, one at a time: (event id, event, detail) to the kind of change and its reason.

What belongs here: the tables, and the two values before and after them. What does not: whether a change is news; that needs to
know the domain and is `fold`. Reasons are libvirt's own names of the details in lower case, and a test compares each with the
real module. Source: https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainEventType and the detail enums beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from virtproof_driver.constants import DomainEvent, DomainEventId
from virtproof_driver.states import UNKNOWN, word
from virtproof_driver.values import EventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEvent:
    """An event as libvirt's thread delivered it: numbers and texts only, read from the handle without asking the host.

    `event` and `detail` are 0 for event ids that have none. `domain_id` is -1 for a domain that is off.
    """

    uuid: str
    name: str
    domain_id: int
    event_id: DomainEventId
    event: int = 0
    detail: int = 0
    stamp: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RawChange:
    """An event that can be news to a listener. `domain_id` is None for a domain that is off.

    `awaited` says that an operation of this driver waits for such a change.
    """

    uuid: UUID
    name: str
    kind: EventKind
    reason: str
    stamp: float
    domain_id: int | None = None
    awaited: bool = False


DETAILS: Mapping[DomainEvent, tuple[str, ...]] = MappingProxyType(
    {
        DomainEvent.DEFINED: ("added", "updated", "renamed", "from-snapshot"),
        DomainEvent.UNDEFINED: ("removed", "renamed"),
        DomainEvent.STARTED: ("booted", "migrated", "restored", "from-snapshot", "wakeup"),
        DomainEvent.SUSPENDED: (
            "paused",
            "migrated",
            "ioerror",
            "watchdog",
            "restored",
            "from-snapshot",
            "api-error",
            "postcopy",
            "postcopy-failed",
        ),
        DomainEvent.RESUMED: ("unpaused", "migrated", "from-snapshot", "postcopy", "postcopy-failed"),
        DomainEvent.STOPPED: ("shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "from-snapshot"),
        DomainEvent.SHUTDOWN: ("finished", "guest", "host"),
        DomainEvent.PMSUSPENDED: ("memory", "disk"),
        DomainEvent.CRASHED: ("panicked", "crashloaded"),
    }
)

KINDS: Mapping[DomainEvent, EventKind | None] = MappingProxyType(
    {
        DomainEvent.DEFINED: EventKind.DEFINED,
        DomainEvent.UNDEFINED: EventKind.UNDEFINED,
        DomainEvent.STARTED: EventKind.STARTED,
        DomainEvent.SUSPENDED: EventKind.PAUSED,
        DomainEvent.RESUMED: EventKind.RESUMED,
        DomainEvent.STOPPED: EventKind.STOPPED,
        DomainEvent.SHUTDOWN: None,  # a preliminary: QEMU sends it before STOPPED, which tells the same (7.2, libvirt 9.0.0)
        DomainEvent.PMSUSPENDED: EventKind.PM_SUSPENDED,
        DomainEvent.CRASHED: EventKind.CRASHED,
    }
)

EXCEPTIONS: Mapping[tuple[DomainEvent, str], EventKind | None] = MappingProxyType(
    {
        (DomainEvent.UNDEFINED, "renamed"): None,  # the first half of a rename: DEFINED `renamed` follows, under the new name
        (DomainEvent.STARTED, "wakeup"): EventKind.RESUMED,  # ends PMSUSPENDED; the domain was active all along
    }
)


def change_of(raw: RawEvent) -> RawChange | None:
    """The change that an event tells, or None for one that tells a listener nothing."""
    kind, reason = _meaning(raw)
    if kind is None:
        return None
    domain_id = raw.domain_id if raw.domain_id > 0 else None
    return RawChange(uuid=UUID(raw.uuid), name=raw.name, kind=kind, reason=reason, stamp=raw.stamp, domain_id=domain_id)


def _meaning(raw: RawEvent) -> tuple[EventKind | None, str]:
    if raw.event_id is DomainEventId.REBOOT:
        return EventKind.REBOOTED, UNKNOWN
    if raw.event_id is not DomainEventId.LIFECYCLE:
        return None, UNKNOWN
    try:
        event = DomainEvent(raw.event)
    except ValueError:  # a newer libvirt's
        return None, UNKNOWN
    reason = word(DETAILS[event], raw.detail)
    return EXCEPTIONS.get((event, reason), KINDS[event]), reason
