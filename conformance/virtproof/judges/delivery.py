"""Judge of delivery: what the driver told its listener, against what the host told.

What belongs here: aligning the two sequences of each domain. What does not: what should be told (`folding`). Only cases in
which the suite's listener heard anything are judged. What came before it subscribed may be heard; what is due and was not
heard is missing only once a later change was heard, or `PATIENCE` seconds passed, because deliveries keep their order. A
change marked as resynced needs no host event: it was missed in an outage, or its event was lost.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from virtproof.evidence import Kind, Record
from virtproof.judges.facts import Facts
from virtproof.judges.folding import Expected, expected
from virtproof.judges.host_events import by_domain, host_events
from virtproof.judges.promises import PATIENCE
from virtproof.judges.reading import CaseEvidence, fault_name, text
from virtproof.judges.rules import violation
from virtproof.verdicts import Violation

# Faults after which a driver cannot know better: it may miss a change, or tell it later.
MISLEADING: Final = frozenset({"drop_event", "delay_event", "swap_events"})
# Weights of an alignment: as many pairs as can be, of these the most that are due, of these the fewest resynced, which need none.
_PAIR, _DUE, _TOLD = 1_000_000, 1_000, 1


Expectations = Mapping[str, tuple[Expected, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """One domain's changes: pairs of expected and heard, what was heard alone, and what was expected alone."""

    pairs: tuple[tuple[Expected, Record], ...]
    unexpected: tuple[Record, ...]
    unheard: tuple[Expected, ...]


def judge(case: CaseEvidence, facts: Facts) -> tuple[Violation, ...]:
    """Violations of the `delivery` rules."""
    if not facts.has_events:
        return ()
    expectations = {uuid: expected(events, facts) for uuid, events in by_domain(host_events(case)).items()}
    listeners = dict.fromkeys(text(record, "listener") for record in case.of(Kind.DRIVER_EVENT))
    return tuple(found for listener in listeners for found in _judge_listener(case, listener, expectations))


def _judge_listener(case: CaseEvidence, listener: str, expectations: Expectations) -> list[Violation]:
    heard = [record for record in case.of(Kind.DRIVER_EVENT) if text(record, "listener") == listener]
    only = text(heard[0], "only")
    uuids = (only,) if only else dict.fromkeys((*expectations, *(text(record, "uuid") for record in heard)))
    aligned = [_align(expectations.get(uuid, ()), [r for r in heard if text(r, "uuid") == uuid]) for uuid in uuids]
    misled = any(fault_name(fault) in MISLEADING for fault in case.of(Kind.FAULT))
    newest = max((pair.record.line for one in aligned for pair, _ in one.pairs), default=0)
    found: list[Violation] = []
    for one in aligned:
        surplus = tuple(_surplus(one, heard))
        found += (each for each in surplus if not misled or each.rule == "delivery.duplicate")
        if not misled and not any(each.rule == "delivery.order" for each in surplus):
            found += _missing(one, case, heard, newest)
    return found


def _surplus(one: Aligned, heard: Sequence[Record]) -> Iterator[Violation]:
    for record in one.unexpected:
        kind, uuid = text(record, "kind"), text(record, "uuid")
        mine = [other for other in heard if text(other, "uuid") == uuid]
        twin = _twin(record, mine)
        swapped = next((each for each in one.unheard if each.due and each.kind == kind), None)
        if twin is not None:
            yield violation("delivery.duplicate", f"{kind} of {uuid} was delivered twice", twin, record)
        elif record.data.get("resynced") is True:
            continue
        elif swapped is not None:
            message = f"{kind} of {uuid} was not delivered in the host's order"
            yield violation("delivery.order", message, swapped.record, record)
        else:
            yield violation("delivery.stray", f"{kind} of {uuid} was delivered, and the host did not tell it", record)


def _twin(record: Record, mine: Sequence[Record]) -> Record | None:
    """The same change next to this one in what the listener heard of the domain."""
    place = next(index for index, other in enumerate(mine) if other is record)
    beside = (*mine[max(place - 1, 0) : place], *mine[place + 1 : place + 2])
    return next((other for other in beside if text(other, "kind") == text(record, "kind")), None)


def _missing(one: Aligned, case: CaseEvidence, heard: Sequence[Record], newest: int) -> Iterator[Violation]:
    since, until = _listening(case, heard[0])
    for each in one.unheard:
        waited = until.t - each.record.t > PATIENCE
        if each.due and each.record.line > since and (each.record.line < newest or waited):
            message = f"the host told {each.event} of {each.uuid}, and the driver did not deliver {each.kind}"
            yield violation("delivery.missing", message, each.record)


def _listening(case: CaseEvidence, first: Record) -> tuple[int, Record]:
    """The line since which a listener was surely subscribed, by what it heard `first`, and where it began to leave."""
    subscribed = [op.end.line for op in case.operations if op.method == "subscribe" and op.end and op.end.line < first.line]
    since = max(subscribed, default=first.line)
    ends = [record for record in case.of(Kind.LISTENER_END) if text(record, "listener") == text(first, "listener")]
    closes = [op.begin for op in case.operations if op.method == "close"]
    until = min((*ends, *closes[:1], case.records[-1]), key=lambda record: record.line)
    return since, until


def _align(due: Sequence[Expected], heard: Sequence[Record]) -> Aligned:
    """The heaviest alignment of two sequences by kind, each kept in order."""
    best = [[0] * (len(heard) + 1) for _ in range(len(due) + 1)]
    for i in reversed(range(len(due))):
        for j in reversed(range(len(heard))):
            both = best[i + 1][j + 1] + _weight(due[i], heard[j])
            best[i][j] = max(best[i + 1][j], best[i][j + 1], both)
    return _walk(best, due, heard)


def _walk(best: list[list[int]], due: Sequence[Expected], heard: Sequence[Record]) -> Aligned:
    pairs: list[tuple[Expected, Record]] = []
    i = j = 0
    while i < len(due) and j < len(heard):
        weight = _weight(due[i], heard[j])
        if weight and best[i][j] == best[i + 1][j + 1] + weight:
            pairs.append((due[i], heard[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    matched_due, matched_heard = {id(a) for a, _ in pairs}, {id(b) for _, b in pairs}
    return Aligned(
        pairs=tuple(pairs),
        unexpected=tuple(record for record in heard if id(record) not in matched_heard),
        unheard=tuple(each for each in due if id(each) not in matched_due),
    )


def _weight(each: Expected, record: Record) -> int:
    if each.kind != text(record, "kind"):
        return 0
    return _PAIR + _DUE * each.due + _TOLD * (record.data.get("resynced") is not True)
