"""What a listener should hear of the host's events: the suite's own folding, independent of any driver's.

What belongs here: the table from a host event, in the world that it met, to the change that listeners are told. What does not:
comparing with what they were told (`delivery`). A change is *due* when it is news in every world that is possible, else it *may*
be delivered: so a driver is never blamed for what the evidence leaves open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from virtproof.evidence import Record
from virtproof.judges.automaton import ACTIVE, ADDED, OFF, Activity
from virtproof.judges.facts import Facts
from virtproof.judges.host_events import HostEvent
from virtproof_driver.constants import DomainEvent as E
from virtproof_driver.values import EventKind as K

BURST: Final = 2.0  # seconds; QEMU tells one reboot two or three times (7.2 to 11.1)
_WAKEUP: Final = 4  # VIR_DOMAIN_EVENT_STARTED_WAKEUP
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
    E.STOPPED: ACTIVE - {_A.CRASHED},
    E.PMSUSPENDED: frozenset({_A.RUNNING}),
    E.CRASHED: frozenset({_A.RUNNING, _A.PAUSED, _A.LOADED}),
}


def expected(events: Sequence[HostEvent], facts: Facts) -> tuple[Expected, ...]:
    """What listeners should hear of these events of one domain, in order."""
    found: list[Expected] = []
    for index, event in enumerate(events):
        previous = events[index - 1] if index else None
        kind = _kind(event)
        if kind is not None:
            due = _due_reboot(event, previous, facts) if not event.lifecycle else _due(event)
            found.append(Expected(uuid=event.uuid, kind=kind, due=due, record=event.record, event=event))
    return tuple(found)


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
