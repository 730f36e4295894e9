"""What is news: a change is folded into what is known of its domain, and what listeners should hear comes out.

What belongs here: the frozen value of what is known of one domain, and the tables that say which change is news in which state.
What does not: comparing with what a host answered (`resync`), and keeping the values of all domains (`world`).

Theory of operation. libvirt's events are changes, but some come twice (a reboot is told two or three times by QEMU, and a test
driver's domain that is undefined while it runs can be undefined again), some come early (QEMU 7.2 resumes before it has
started) and some are told by an event that was sent already. So a change is news only in the states that `NEWS_IN` names;
elsewhere it is folded away. A state that a change cannot follow directly (paused after off) means that an event was missed:
`IMPLIED` names what is told first, marked as resynced.

What libvirt tells of a migration under way is `PASSING`. Its source stands still for the last of its memory, or for somebody who
pauses it meanwhile, with the same event and the same state (11.3.0). Its destination has started, and may be given up; a guest
has started there, to listeners, when it runs or has arrived paused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf
from types import MappingProxyType

from virtproof_driver.events.table import RawChange
from virtproof_driver.states import UNKNOWN
from virtproof_driver.values import EventKind, LifecycleEvent, PowerState

REBOOT_BURST_SECONDS = 2.0
"""Reboots this close together are one. QEMU tells a reset two or three times, 0.57 s apart on a busy machine (11.3.0)."""
AWAITED_BURST_SECONDS = 0.5
"""The same where somebody waits for a reboot that was asked for after the first of them: it may be the one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What listeners were told of one domain.

    `state` is one of RUNNING, PAUSED, OFF, CRASHED, PM_SUSPENDED. `domain_id` tells two runs of a domain apart; None while off
    or not told. `arriving` says that a migration to this host is under way, of which listeners have heard nothing. The stamps
    are those of the newest event about the definition, the state and a reboot, told on or folded away.
    """

    name: str
    state: PowerState = PowerState.OFF
    persistent: bool = False
    domain_id: int | None = None
    arriving: bool = False
    definition_stamp: float = -inf
    state_stamp: float = -inf
    reboot_stamp: float = -inf

    @property
    def exists(self) -> bool:
        """Whether the host has the domain: defined, active without a definition, or arriving."""
        return self.heard_of or self.arriving

    @property
    def heard_of(self) -> bool:
        """Whether listeners know that there is such a domain; of one that is arriving they do not."""
        return self.persistent or self.state is not PowerState.OFF


Folded = tuple[Known, tuple[LifecycleEvent, ...]]

STATE_AFTER: Mapping[EventKind, PowerState] = MappingProxyType(
    {
        EventKind.STARTED: PowerState.RUNNING,
        EventKind.RESUMED: PowerState.RUNNING,
        EventKind.PAUSED: PowerState.PAUSED,
        EventKind.STOPPED: PowerState.OFF,
        EventKind.CRASHED: PowerState.CRASHED,
        EventKind.PM_SUSPENDED: PowerState.PM_SUSPENDED,
    }
)

_ON = frozenset({PowerState.RUNNING, PowerState.PAUSED, PowerState.CRASHED, PowerState.PM_SUSPENDED})

NEWS_IN: Mapping[EventKind, frozenset[PowerState]] = MappingProxyType(
    {
        EventKind.STARTED: frozenset({PowerState.OFF}),
        EventKind.RESUMED: _ON - {PowerState.RUNNING},
        EventKind.PAUSED: _ON - {PowerState.PAUSED},
        EventKind.STOPPED: _ON,
        EventKind.CRASHED: _ON - {PowerState.CRASHED},
        EventKind.PM_SUSPENDED: _ON - {PowerState.PM_SUSPENDED},
    }
)

MIGRATED = "migrated"
PASSING = frozenset({(EventKind.STARTED, MIGRATED), (EventKind.PAUSED, MIGRATED), (EventKind.PAUSED, "postcopy")})
"""What tells listeners nothing, by kind and reason: a migration is under way, and may fail."""
ARRIVED = frozenset({(EventKind.RESUMED, MIGRATED), (EventKind.RESUMED, "postcopy")})
"""How a guest begins to run on the host that it came to."""

Implied = Mapping[tuple[PowerState, EventKind], tuple[EventKind, ...]]

IMPLIED: Implied = MappingProxyType(
    {
        (PowerState.OFF, EventKind.PAUSED): (EventKind.STARTED,),
        (PowerState.OFF, EventKind.CRASHED): (EventKind.STARTED,),
        (PowerState.OFF, EventKind.PM_SUSPENDED): (EventKind.STARTED,),
    }
)
IMPLIED_AFTER_OUTAGE: Implied = MappingProxyType(
    {
        **IMPLIED,
        (PowerState.OFF, EventKind.RESUMED): (EventKind.STARTED, EventKind.PAUSED),
        (PowerState.PAUSED, EventKind.STARTED): (EventKind.STOPPED,),
        (PowerState.CRASHED, EventKind.STARTED): (EventKind.STOPPED,),
        (PowerState.PM_SUSPENDED, EventKind.STARTED): (EventKind.STOPPED,),
    }
)
"""While an outage's changes are not told yet, what would be an early or a second event is one that followed them."""


def fold(known: Known | None, change: RawChange, implications: Implied = IMPLIED) -> Folded:
    """What is known after a change, and what listeners hear of it: nothing, the change, or the change after those it implies."""
    known = known or Known(name=change.name)
    if change.kind in STATE_AFTER:
        return _fold_state(known, change, implications.get((known.state, change.kind), ()))
    return _FOLDS[change.kind](known, change)


def _fold_state(known: Known, change: RawChange, implied: tuple[EventKind, ...]) -> Folded:
    touched = replace(known, name=change.name, state_stamp=change.stamp)
    told = (change.kind, change.reason)
    if told in PASSING:
        return replace(touched, arriving=known.arriving or change.kind is EventKind.STARTED), ()
    if known.arriving or (known.state is PowerState.OFF and told in ARRIVED):
        return _fold_arrival(touched, change)
    if not implied and known.state not in NEWS_IN[change.kind]:
        return touched, ()
    state = STATE_AFTER[change.kind]
    domain_id = None if state is PowerState.OFF else change.domain_id or known.domain_id
    after = replace(touched, state=state, domain_id=domain_id, reboot_stamp=-inf)
    news = event_of(change, change.kind, change.reason)
    return after, (*(event_of(change, kind, UNKNOWN, resynced=True) for kind in implied), news)


def _fold_arrival(known: Known, change: RawChange) -> Folded:
    """The end of an arrival: it was given up, or the guest is here, running or as the change says."""
    landed = replace(known, arriving=False)
    if change.kind is EventKind.STOPPED:
        return landed, ()
    after = replace(landed, state=STATE_AFTER[change.kind], domain_id=change.domain_id or known.domain_id, reboot_stamp=-inf)
    started = event_of(change, EventKind.STARTED, MIGRATED)
    runs = after.state is PowerState.RUNNING
    return after, (started,) if runs else (started, event_of(change, change.kind, change.reason))


def _fold_defined(known: Known, change: RawChange) -> Folded:
    told = known.persistent and change.reason not in {"updated", "renamed"}
    after = replace(known, name=change.name, persistent=True, definition_stamp=change.stamp)
    return after, () if told else (event_of(change, change.kind, change.reason),)


def _fold_undefined(known: Known, change: RawChange) -> Folded:
    after = replace(known, name=change.name, persistent=False, definition_stamp=change.stamp)
    return after, (event_of(change, change.kind, change.reason),) if known.persistent else ()


def _fold_rebooted(known: Known, change: RawChange) -> Folded:
    burst = AWAITED_BURST_SECONDS if change.awaited else REBOOT_BURST_SECONDS
    if known.state is PowerState.OFF or change.stamp - known.reboot_stamp < burst:
        return known, ()
    return replace(known, reboot_stamp=change.stamp), (event_of(change, change.kind, change.reason),)


_FOLDS: Mapping[EventKind, Callable[[Known, RawChange], Folded]] = MappingProxyType(
    {
        EventKind.DEFINED: _fold_defined,
        EventKind.UNDEFINED: _fold_undefined,
        EventKind.REBOOTED: _fold_rebooted,
    }
)


def event_of(change: RawChange, kind: EventKind, reason: str, *, resynced: bool = False) -> LifecycleEvent:
    """What a listener hears of a change."""
    return LifecycleEvent(uuid=change.uuid, name=change.name, kind=kind, reason=reason, stamp=change.stamp, resynced=resynced)
