"""Judge of events that should have come: a change that libvirt reported done is told by an event, and soon.

What belongs here: matching the driver's successful calls with the host's events. What does not: whether an event may come at
all (`events`). Silence proves nothing by itself, since an event may still be on its way when a case ends. It is proof when an
event for a later call came (libvirt delivers in order), or when the case went on for `PATIENCE` seconds and the connection
lived.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from virtproof.evidence import Record
from virtproof.judges.automaton import UNKNOWN, Activity
from virtproof.judges.calls import PROMISED_EVENT
from virtproof.judges.contention import LAG, melee
from virtproof.judges.facts import Facts
from virtproof.judges.host_events import HostEvent, host_events
from virtproof.judges.reading import Call, CaseEvidence
from virtproof.judges.rules import violation
from virtproof.verdicts import Violation
from virtproof_driver.constants import DomainEvent

PATIENCE: Final = 2.0
LATE_AFTER: Final = 5.0
# Calls that succeed in silence when the domain is there already (QEMU, LXC: suspending a paused domain; libvirt 9.0.0).
_SILENT_IN: Final = {DomainEvent.SUSPENDED: Activity.PAUSED, DomainEvent.RESUMED: Activity.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A call that reported success, when it did, and the event that keeps its promise, if one came."""

    call: Call
    done: Record
    expected: DomainEvent
    kept: HostEvent | None


def judge(case: CaseEvidence, facts: Facts) -> tuple[Violation, ...]:
    """Violations of `events.missing` and `events.late`."""
    if not facts.has_events:
        return ()
    promises = _promises(case, host_events(case))
    missing = tuple(_missing(promise) for promise in promises if promise.kept is None and _proven(promise, promises, case))
    late = tuple(_late(promise) for promise in promises if promise.kept and _delay(promise) > LATE_AFTER)
    return missing + late


def _promises(case: CaseEvidence, events: Sequence[HostEvent]) -> tuple[Promise, ...]:
    taken: set[int] = set()
    found: list[Promise] = []
    for call in case.calls:
        expected = PROMISED_EVENT.get(call.family)
        if expected is None or call.end is None or not _binding(call, expected, events) or _shared(call, expected, case, events):
            continue
        kept = next((event for event in events if _keeps(event, call, expected) and event.record.line not in taken), None)
        taken.update({kept.record.line} if kept else ())
        found.append(Promise(call=call, done=call.end, expected=expected, kept=kept))
    return tuple(found)


def _binding(call: Call, expected: DomainEvent, events: Sequence[HostEvent]) -> bool:
    """Whether the call promises anything: it succeeded, the host is heard, and the domain was not there already."""
    if not call.succeeded or call.faulted or call.begin.data.get("object") != "Domain" or not events:
        return False
    known = [event for event in events if event.uuid == call.key and event.record.line < call.begin.line]
    world = (known[-1].after if known else UNKNOWN) or UNKNOWN
    return _SILENT_IN.get(expected) not in world.activities


def _shared(call: Call, expected: DomainEvent, case: CaseEvidence, events: Sequence[HostEvent]) -> bool:
    """Whether the call may have found another thread's work done, so that one event tells of both (QEMU 10.0, libvirt 11.3.0).

    Threads that paused and unpaused one domain against each other: of two suspend() that overlapped the second was silent.
    """
    span = melee(case.calls, call) if expected in _SILENT_IN else None
    return span is not None and any(
        event.uuid == call.key and event.event == expected and span.begin <= event.record.t <= span.end + LAG for event in events
    )


def _keeps(event: HostEvent, call: Call, expected: DomainEvent) -> bool:
    return event.uuid == call.key and event.lifecycle and event.event == expected and event.record.line > call.begin.line


def _proven(promise: Promise, promises: Sequence[Promise], case: CaseEvidence) -> bool:
    """Whether the event would have come by now."""
    if any(later.kept and later.call.begin.line > promise.done.line for later in promises):
        return True
    lost = any(call.lost_connection for call in case.calls)
    closed = (call.begin for call in case.calls if call.method == "close" and call.begin.line > promise.done.line)
    return not lost and next(closed, case.records[-1]).t - promise.done.t > PATIENCE


def _delay(promise: Promise) -> float:
    return promise.kept.record.t - promise.done.t if promise.kept else 0.0


def _missing(promise: Promise) -> Violation:
    message = f"{promise.call.method}() of {promise.call.key} succeeded and {promise.expected.name} never came"
    return violation("events.missing", message, promise.call.begin, promise.done)


def _late(promise: Promise) -> Violation:
    call = promise.call
    message = f"{promise.expected.name} came {_delay(promise):.1f} s after {call.method}() of {call.key} had succeeded"
    return violation("events.late", message, promise.done, promise.kept.record if promise.kept else promise.done)
