"""What a listener should hear of the host's events: the suite's own folding, independent of any driver's.

What belongs here: the table from a host event, in the world that it met, to the change that listeners are told. What does not:
comparing with what they were told (`delivery`). A change is *due* when it is news in every world that is possible, else it *may*
be delivered: so a driver is never blamed for what the evidence leaves open.

A migration under way changes nothing yet that a listener has to hear, since it may fail: neither that the guest stands still on
its source for the last of its memory, nor that it has been started on its destination to receive it. It has started there when it
runs, or stands still for another reason, and what was given up before that need never have been there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from virtproof.evidence import Record
from virtproof.judges.automaton import ACTIVE, ADDED, OFF, PANICKED, Activity
from virtproof.judges.facts import Facts
from virtproof.judges.host_events import HostEvent
from virtproof_driver.constants import DomainEvent as E
from virtproof_driver.values import EventKind as K

BURST: Final = 2.0  # seconds; QEMU tells one reboot two or three times (7.2 to 11.1)
_WAKEUP: Final = 4  # VIR_DOMAIN_EVENT_STARTED_WAKEUP
# VIR_DOMAIN_EVENT_STARTED_MIGRATED, _SUSPENDED_MIGRATED, _SUSPENDED_POSTCOPY.
_UNDER_WAY: Final = frozenset({(E.STARTED, 1), (E.SUSPENDED, 1), (E.SUSPENDED, 7)})
_A = Activity


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A change that a listener may hear; it has to when it is `due`."""

    uuid: str
    kind: K
    due: bool
    record: Record
    event: HostEvent


_KINDS: Final[Mapping[E, K]] = {
    E.DEFINED: K.DEFINED,
    E.UNDEFINED: K.UNDEFINED,
    E.STARTED: K.STARTED,
    E.SUSPENDED: K.PAUSED,
    E.RESUMED: K.RESUMED,
    E.STOPPED: K.STOPPED,
    E.PMSUSPENDED: K.PM_SUSPENDED,
    E.CRASHED: K.CRASHED,
}
# The activities from which an event is news for certain. SHUTDOWN is a preliminary of STOPPED and no change of its own.
_NEWS_FROM: Final[Mapping[E, frozenset[Activity]]] = {
    E.STARTED: OFF | {_A.PRELUDE},
    E.SUSPENDED: frozenset({_A.RUNNING, _A.POSTCOPY}),
    E.RESUMED: frozenset({_A.PAUSED, _A.PM_SUSPENDED}),
    E.STOPPED: ACTIVE - PANICKED,
    E.PMSUSPENDED: frozenset({_A.RUNNING}),
    E.CRASHED: frozenset({_A.RUNNING, _A.PAUSED, _A.LOADED}),
}


def expected(events: Sequence[HostEvent], facts: Facts) -> tuple[Expected, ...]:
    """What listeners should hear of these events of one domain, in order."""
    found: list[Expected] = []
    moving: E | None = None
    for index, event in enumerate(events):
        previous = events[index - 1] if index else None
        kind = _kind(event)
        passing, moving = moving, _moving(event, moving)
        if kind is not None:
            due = _due_reboot(event, previous, facts) if not event.lifecycle else _due(event)
            found += _meeting(passing, moving, Expected(uuid=event.uuid, kind=kind, due=due, record=event.record, event=event))
    return tuple(found)


def _moving(event: HostEvent, before: E | None) -> E | None:
    """What began a migration that is under way after this event: STARTED on its destination, SUSPENDED on its source."""
    if event.lifecycle and event.pair in _UNDER_WAY:
        return before or E(event.event)
    goes_on = not event.lifecycle or event.event in (E.DEFINED, E.UNDEFINED, E.SHUTDOWN)
    return before if goes_on else None


def _meeting(before: E | None, after: E | None, told: Expected) -> tuple[Expected, ...]:
    """What may be heard of an event during a migration, and what has to be heard when it has arrived."""
    if told.event.event in (E.DEFINED, E.UNDEFINED) or not told.event.lifecycle or (before is None and after is None):
        return (told,)
    may = replace(told, due=False)
    if before is E.STARTED and after is None and told.event.event != E.STOPPED:
        return (replace(told, kind=K.STARTED, due=told.event.after is not None), may)
    ended = before is E.SUSPENDED and told.event.event == E.STOPPED
    return (told,) if ended else (may,)


def _kind(event: HostEvent) -> K | None:
    if not event.lifecycle:
        return K.REBOOTED
    prelude = event.event == E.RESUMED and event.before.activities <= OFF
    if prelude or event.event not in _KINDS:
        return None
    return K.RESUMED if event.pair == (E.STARTED, _WAKEUP) else _KINDS[E(event.event)]


def _due(event: HostEvent) -> bool:
    if event.after is None:
        return False
    if event.event == E.DEFINED:
        return event.detail == ADDED and event.before.persistent == frozenset({False})
    if event.event == E.UNDEFINED:
        return event.detail == 0 and event.before.persistent == frozenset({True})
    return event.before.activities <= _NEWS_FROM[E(event.event)]


def _due_reboot(event: HostEvent, previous: HostEvent | None, facts: Facts) -> bool:
    burst = previous is not None and not previous.lifecycle and event.record.t - previous.record.t < BURST
    return facts.has_reboot_events and not burst and event.before.activities <= ACTIVE
