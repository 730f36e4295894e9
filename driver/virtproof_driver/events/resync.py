"""What was missed: comparing what listeners were told with what a host answers gives the events that did not come.

What belongs here: the comparison of one domain, by table. What does not: reading the host (`edge.inventory`) and keeping the
domains (`world`).

Theory of operation. A comparison knows when its reading began (`since`). Callbacks are registered before the reading, so an
event stamped later than that is the newer word: what it told (definition or state) is left out of the comparison. Everything
else that differs was missed, is told now, marked as resynced, and becomes what is known, so that an event for it that still
comes is folded away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from uuid import UUID

from virtproof_driver.events.fold import Known
from virtproof_driver.states import UNKNOWN
from virtproof_driver.values import EventKind, LifecycleEvent, PowerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A domain as a reading of the host found it. `domain_id` is None for one that is off or whose id was not read."""

    name: str
    state: PowerState
    reason: str
    persistent: bool
    domain_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """When a reading of the host began and ended, by the monotonic clock in seconds."""

    since: float
    stamp: float


PHASES: Mapping[PowerState, PowerState] = MappingProxyType(
    {
        PowerState.NO_STATE: PowerState.OFF,
        PowerState.OFF: PowerState.OFF,
        PowerState.RUNNING: PowerState.RUNNING,
        PowerState.BLOCKED: PowerState.RUNNING,
        PowerState.SHUTTING_DOWN: PowerState.RUNNING,  # a QEMU guest that ended is so for about 0.1 s, then STOPPED comes (9.0.0)
        PowerState.PAUSED: PowerState.PAUSED,
        PowerState.CRASHED: PowerState.CRASHED,
        PowerState.PM_SUSPENDED: PowerState.PM_SUSPENDED,
    }
)
"""What listeners can tell apart: states between which no event passes are one."""

STARTING = (PowerState.PAUSED, "starting-up")
"""What a QEMU domain is from its process's begin until STARTED is told: off still, to a listener (libvirt 11.3.0)."""

MOVING = frozenset({(PowerState.PAUSED, "migration"), (PowerState.PAUSED, "postcopy")})
"""What a domain is on either host of a migration under way, whose end will tell what comes of it (libvirt 11.3.0)."""

_ENTERED: Mapping[PowerState, tuple[EventKind, ...]] = MappingProxyType(
    {
        PowerState.OFF: (EventKind.STOPPED,),
        PowerState.RUNNING: (EventKind.RESUMED,),
        PowerState.PAUSED: (EventKind.PAUSED,),
        PowerState.CRASHED: (EventKind.CRASHED,),
        PowerState.PM_SUSPENDED: (EventKind.PM_SUSPENDED,),
    }
)
_STARTED: Mapping[PowerState, tuple[EventKind, ...]] = MappingProxyType(
    {**{state: (EventKind.STARTED, *kinds) for state, kinds in _ENTERED.items()}, PowerState.RUNNING: (EventKind.STARTED,)}
)

DETAIL_OF_REASON: Mapping[tuple[EventKind, str], str] = MappingProxyType(
    {
        (EventKind.PAUSED, "user"): "paused",
        (EventKind.PAUSED, "migration"): "migrated",
        (EventKind.DEFINED, UNKNOWN): "added",
        (EventKind.STOPPED, "starting-up"): UNKNOWN,
        (EventKind.STARTED, "migration"): UNKNOWN,
        (EventKind.STARTED, "postcopy"): UNKNOWN,
    }
)
"""Where the reason of a state and the detail of its event are different words for the same."""


def phase(found: Found) -> PowerState:
    """What a listener would take the state that was read for."""
    return PowerState.OFF if (found.state, found.reason) == STARTING else PHASES[found.state]


def missed_kinds(known: Known, found: Found) -> tuple[EventKind, ...]:
    """The shortest changes from the known state to the found one; another domain id means a stop and a start between."""
    if (found.state, found.reason) in MOVING:
        return () if known.state is not PowerState.OFF or not found.persistent else _STARTED[PowerState.RUNNING]
    before, after = known.state, phase(found)
    if before is PowerState.OFF:
        return () if after is PowerState.OFF else _STARTED[after]
    restarted = known.domain_id is not None and found.domain_id is not None and known.domain_id != found.domain_id
    if restarted and after is not PowerState.OFF:
        return (EventKind.STOPPED, *_STARTED[after])
    return () if before is after else _ENTERED[after]


def compare(uuid: UUID, known: Known | None, found: Found | None, reading: Reading) -> tuple[Known, tuple[LifecycleEvent, ...]]:
    """What is known after a reading that found this (None: no such domain), and the events that were missed, in order."""
    name = found.name if found else known.name if known else ""
    before = known or Known(name=name)
    now = found or Found(name=name, state=PowerState.OFF, reason=UNKNOWN, persistent=False)
    defined, undefined = _definition(before, now, reading)
    changed = missed_kinds(before, now) if before.state_stamp < reading.since else ()
    events = tuple(
        LifecycleEvent(uuid=uuid, name=name, kind=kind, reason=reason, stamp=reading.stamp, resynced=True)
        for kind, reason in (*defined, *_reasons(changed, now.reason), *undefined)
    )
    return _after(before, now, reading), events


Told = tuple[tuple[EventKind, str], ...]


def _definition(before: Known, now: Found, reading: Reading) -> tuple[Told, Told]:
    """What was missed of the definition: what goes before the changes of state, and what after them."""
    if before.definition_stamp >= reading.since:
        return (), ()
    if now.persistent and not before.persistent:
        return ((EventKind.DEFINED, "added"),), ()
    if now.persistent and before.name != now.name:
        return ((EventKind.DEFINED, "renamed"),), ()
    return (), ((EventKind.UNDEFINED, "removed"),) if before.persistent and not now.persistent else ()


def _reasons(kinds: tuple[EventKind, ...], reason: str) -> Told:
    """The host's reason belongs to the newest change; of those before it nothing is known."""
    earlier = tuple((kind, UNKNOWN) for kind in kinds[:-1])
    return earlier + tuple((kind, DETAIL_OF_REASON.get((kind, reason), reason)) for kind in kinds[-1:])


def _after(before: Known, now: Found, reading: Reading) -> Known:
    after = before
    if before.definition_stamp < reading.since:
        after = replace(after, name=now.name, persistent=now.persistent)
    if before.state_stamp < reading.since:
        after = _moving(after, now) if (now.state, now.reason) in MOVING else _at(after, now)
    return after


def _at(known: Known, now: Found) -> Known:
    state = phase(now)
    return replace(known, state=state, domain_id=None if state is PowerState.OFF else now.domain_id, arriving=False)


def _moving(known: Known, now: Found) -> Known:
    """What is known of a domain that was found in a migration.

    One that was off and has no definition is arriving; one that has is at its source, or has come and is let run just now.
    """
    was_off = known.state is PowerState.OFF
    state = PowerState.RUNNING if was_off and now.persistent else known.state
    return replace(known, state=state, arriving=was_off and not now.persistent, domain_id=now.domain_id)
