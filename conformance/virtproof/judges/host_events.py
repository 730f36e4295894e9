"""The host's own lifecycle events of a case, each with the world before and after it.

What belongs here: walking the evidence once with the automaton of each domain, so that judges of events and of delivery share
one view. What does not: rules. States that somebody read, and calls that may change a state in silence, widen what is
possible; they never narrow it, because an event may reach the recorder after the state that it leads to was read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from virtproof.evidence import Kind, Record
from virtproof.judges import automaton
from virtproof.judges.automaton import UNKNOWN, Activity, World
from virtproof.judges.calls import OPENING, SILENT, family
from virtproof.judges.contention import LAG, Contention, contention, is_contended
from virtproof.judges.reading import Call, CaseEvidence, items, number, text
from virtproof_driver.constants import DomainEvent, DomainEventId


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEvent:
    """A lifecycle or reboot event, the world it met, and the world after it: None where the event is impossible."""

    record: Record
    uuid: str
    id: int
    event: int
    detail: int
    before: World
    after: World | None

    @property
    def pair(self) -> tuple[int, int]:
        """The event and its detail, as libvirt's documentation counts them."""
        return self.event, self.detail

    @property
    def lifecycle(self) -> bool:
        """Whether it is of the LIFECYCLE id, not REBOOT."""
        return self.id == DomainEventId.LIFECYCLE

    def __str__(self) -> str:
        return _name(self.id, self.event, self.detail)


def event_text(record: Record) -> str:
    """A host event of any kind in words: `STOPPED (5,1) of UUID`, `METADATA_CHANGE of UUID`."""
    told = _name(number(record, "id") or 0, number(record, "event") or 0, number(record, "detail") or 0)
    return f"{told} of {text(record, 'uuid')}"


def _name(id_: int, event: int, detail: int) -> str:
    if id_ != DomainEventId.LIFECYCLE:
        return DomainEventId(id_).name if id_ in frozenset(DomainEventId) else f"event id {id_}"
    name = DomainEvent(event).name if event in frozenset(DomainEvent) else str(event)
    return f"{name} ({event},{detail})"


class Worlds:
    """What is possible of each domain, as the walk goes on."""

    def __init__(self) -> None:
        self._worlds: dict[str, World] = {}
        self._silent: dict[str, float] = {}

    def before(self, uuid: str, event: int, detail: int) -> World:
        """The world in which an event arrives."""
        return self._worlds.get(uuid) or automaton.first_world(event, detail)

    def put(self, uuid: str, world: World, now: float) -> None:
        """What is possible from now on, by an event. It may be older than a call that undid it in silence."""
        self._worlds[uuid] = world
        if now - self._silent.get(uuid, -LAG) < LAG:
            self._resumed(uuid)

    def widen(self, uuid: str, activity: Activity | None) -> None:
        """Somebody saw this activity."""
        if activity is not None and uuid in self._worlds:
            self._worlds[uuid] = self._worlds[uuid].allowing(activity)

    def silently_resumed(self, uuid: str, now: float) -> None:
        """If it is paused, the domain may run from now on, without an event."""
        self._silent[uuid] = now
        self._resumed(uuid)

    def _resumed(self, uuid: str) -> None:
        if uuid in self._worlds and Activity.PAUSED in self._worlds[uuid].activities:
            self.widen(uuid, Activity.RUNNING)

    def lose(self, uuid: str) -> None:
        """Anything is possible of this domain from now on."""
        self._worlds[uuid] = UNKNOWN

    def forget(self) -> None:
        """A connection was opened: what happened before it was heard is not known."""
        self._worlds = dict.fromkeys(self._worlds, UNKNOWN)


@lru_cache(maxsize=1)  # four judges ask of one case after the other
def host_events(case: CaseEvidence) -> tuple[HostEvent, ...]:
    """The host's lifecycle and reboot events, in order."""
    worlds, contended = Worlds(), contention(case.calls)
    returns = {call.end.line: call for call in case.calls if call.end is not None}
    found: list[HostEvent] = []
    for record in case.records:
        if record.kind is Kind.EVENT:
            found += _heard(worlds, record, contended)
        elif record.kind is Kind.STATE:
            worlds.widen(text(record, "uuid"), automaton.activity_of(number(record, "state")))
        elif record.kind is Kind.CALL:
            _called(worlds, record)
        elif record.kind is Kind.RETURN and record.line in returns:
            _returned(worlds, returns[record.line])
    return tuple(found)


def outages(case: CaseEvidence) -> tuple[Record, ...]:
    """Where a connection was opened after the first one."""
    return tuple(record for record in case.of(Kind.CALL) if text(record, "method") in OPENING)[1:]


def by_domain(events: tuple[HostEvent, ...]) -> Mapping[str, tuple[HostEvent, ...]]:
    """The events of each domain."""
    grouped: dict[str, list[HostEvent]] = {}
    for event in events:
        grouped.setdefault(event.uuid, []).append(event)
    return {uuid: tuple(group) for uuid, group in grouped.items()}


def _heard(worlds: Worlds, record: Record, contended: Contention) -> list[HostEvent]:
    identity, uuid = number(record, "id"), text(record, "uuid")
    disorder = is_contended(contended, uuid, record.t)
    if disorder:
        worlds.lose(uuid)
    event, detail = number(record, "event") or 0, number(record, "detail") or 0
    if identity is None or identity not in (DomainEventId.LIFECYCLE, DomainEventId.REBOOT):
        return []
    if identity == DomainEventId.REBOOT:
        before = worlds.before(uuid, -1, -1)
        after = None if automaton.only_off(before.activities) else before
    else:
        before = worlds.before(uuid, event, detail)
        after = automaton.step(before, event, detail)
        worlds.put(uuid, UNKNOWN if disorder else after or automaton.forced(event, detail), record.t)
    return [HostEvent(record=record, uuid=uuid, id=identity, event=event, detail=detail, before=before, after=after)]


def _called(worlds: Worlds, record: Record) -> None:
    method = text(record, "method")
    if method in OPENING:
        worlds.forget()
    if family(method) in SILENT:
        worlds.silently_resumed(text(record, "key"), record.t)


def _returned(worlds: Worlds, call: Call) -> None:
    """A driver's own read of a state counts as much as the suite's."""
    state = next(iter(items(call.end.data.get("value"))), None) if call.end is not None and call.family == "state" else None
    if isinstance(state, int):
        worlds.widen(call.key, automaton.activity_of(state))
