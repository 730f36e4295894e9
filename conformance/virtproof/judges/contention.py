"""When the order of a domain's events proves nothing: while its own client changes it from several threads at once.

What belongs here: finding those stretches of time. What does not: what a judge makes of them (`host_events`). libvirt changes a
domain under its lock and queues the event after it has let go, so the events of calls that overlap may come in another order
than the changes: four threads that suspended and resumed one domain of the test driver were told SUSPENDED, SUSPENDED, RESUMED,
RESUMED in each of three runs, though no domain can be suspended twice (libvirt 9.0.0, bare libvirt-python).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from virtproof.judges.calls import PROMISED_EVENT, SILENT
from virtproof.judges.reading import Call

LAG: Final = 2.0  # seconds that an event may take to the recorder; it took milliseconds (libvirt 9.0.0, in process and over RPC)
_CHANGES: Final = PROMISED_EVENT.keys() | SILENT


@dataclass(frozen=True, slots=True)
class Span:
    """From the begin of a call to the end of what overlaps it, by the worker's clock in seconds."""

    begin: float
    end: float


Contention = Mapping[str, Sequence[Span]]


def contention(calls: Iterable[Call]) -> Contention:
    """For each domain the spans in which two or more of its changes were under way at once."""
    spans: dict[str, list[Span]] = {}
    for call in sorted((call for call in calls if call.family in _CHANGES), key=lambda call: call.begin.t):
        spans.setdefault(call.key, []).append(Span(call.begin.t, _end(call)))
    return {key: overlaps for key, found in spans.items() if (overlaps := _overlaps(found))}


def is_contended(spans: Contention, key: str, now: float) -> bool:
    """Whether an event that comes now may be out of order."""
    return any(span.begin <= now <= span.end + LAG for span in spans.get(key, ()))


def melee(calls: Iterable[Call], call: Call) -> Span | None:
    """From the first begin to the last end of the changes of a call's domain that overlap in a chain; None when it is alone."""
    others = sorted(
        (other for other in calls if other.key == call.key and other.family in _CHANGES), key=lambda other: other.begin.t
    )
    chain: list[Call] = []
    for other in others:
        if chain and other.begin.t >= max(_end(each) for each in chain):
            if call in chain:
                break
            chain = []
        chain.append(other)
    return Span(chain[0].begin.t, max(_end(each) for each in chain)) if call in chain and len(chain) > 1 else None


def _end(call: Call) -> float:
    return call.end.t if call.end else float("inf")


def _overlaps(found: Sequence[Span]) -> list[Span]:
    """The spans in which a change met one that had begun before it; `found` is in order of their begins."""
    met: list[Span] = []
    open_until = -1.0
    for span in found:
        if span.begin < open_until:
            met.append(Span(span.begin, max(span.end, open_until)))
        open_until = max(open_until, span.end)
    return met
