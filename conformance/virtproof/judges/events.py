"""Judge of the host's events: each must be possible after the ones before it.

What belongs here: naming what is wrong with an impossible event. What does not: what is possible (`automaton`) and events
that did not come (`promises`). An impossible event has one of four causes, tried in this order: it repeats the one before it,
it changed places with a neighbour, it is about a domain that was off, or it is just impossible.
"""

from collections.abc import Sequence
from typing import Final

from virtproof.evidence import Record
from virtproof.judges.automaton import World, only_off, step
from virtproof.judges.facts import Facts
from virtproof.judges.host_events import HostEvent, by_domain, host_events, outages
from virtproof.judges.manners import breaches, is_retold
from virtproof.judges.reading import CaseEvidence
from virtproof.judges.rules import violation
from virtproof.verdicts import Violation
from virtproof_driver.constants import DomainEvent

_OF_ACTIVE: Final = frozenset(DomainEvent) - {DomainEvent.DEFINED, DomainEvent.UNDEFINED, DomainEvent.STARTED}


def judge(case: CaseEvidence, facts: Facts) -> tuple[Violation, ...]:
    """Violations of `events.duplicate`, `events.order`, `events.stray` and `events.illegal-transition`."""
    if not facts.has_events:
        return ()
    groups = by_domain(host_events(case)).values()
    again = outages(case)
    general = (found for events in groups for found in _judge_domain(_without_retold(events, again, facts.hypervisor)))
    particular = (found for events in groups for found in breaches(events, facts))
    return (*general, *particular)


def _without_retold(events: Sequence[HostEvent], again: Sequence[Record], hypervisor: str) -> list[HostEvent]:
    """The events but those that tell an end again, as the hypervisor may where a connection was opened since the start."""
    kept: list[HostEvent] = []
    started = 0
    for previous, event in zip((None, *events), events, strict=False):
        meanwhile = any(started < opened.line < event.record.line for opened in again)
        if event.after is not None or not meanwhile or not is_retold(event, previous, hypervisor):
            kept.append(event)
        if event.event == DomainEvent.STARTED:
            started = event.record.line
    return kept


def _judge_domain(events: Sequence[HostEvent]) -> list[Violation]:
    found: list[Violation] = []
    excused = -1
    for index, event in enumerate(events):
        if event.after is not None or index == excused:
            continue
        previous = events[index - 1] if index else None
        following = events[index + 1] if index + 1 < len(events) else None
        if previous is not None and previous.lifecycle and previous.pair == event.pair and event.lifecycle:
            found.append(violation("events.duplicate", f"{event} was sent twice", previous.record, event.record))
        elif following is not None and _possible(event.before, following, event):
            excused = index + 1
            found.append(violation("events.order", f"{event} was sent before {following}", event.record, following.record))
        elif previous is not None and _possible(previous.before, event, previous):
            found.append(violation("events.order", f"{event} was sent after {previous}", previous.record, event.record))
        else:
            found.append(_impossible(event, previous))
    return found


def _possible(world: World, *events: HostEvent) -> bool:
    """Whether these events could have come in this order."""
    for event in events:
        after = step(world, event.event, event.detail) if event.lifecycle else None
        if after is None:
            return False
        world = after
    return True


def _impossible(event: HostEvent, previous: HostEvent | None) -> Violation:
    first = previous.record if previous else event.record
    if only_off(event.before.activities) and (event.event in _OF_ACTIVE or not event.lifecycle):
        return violation("events.stray", f"{event} of a domain that was off", first, event.record)
    states = ", ".join(sorted(activity.value for activity in event.before.activities))
    return violation("events.illegal-transition", f"{event} cannot follow while the domain is {states}", first, event.record)
