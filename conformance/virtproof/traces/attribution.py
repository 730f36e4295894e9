"""What a case's evidence says of the host's events: each act of each domain, and what was told of it.

What belongs here: walking a case, and which cases and domains say nothing of a host. What does not: a domain's life (`lives`)
and counting (`counting`). Left out are cases that did not pass, that met a fault of the suite's, or that are about connections
that break, since part of the events is not heard in them; and domains that several threads changed at once
(`judges.contention`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from virtproof.evidence import Kind, Record
from virtproof.judges.contention import contention
from virtproof.judges.reading import Call, CaseEvidence, items, number, text, uuid_in
from virtproof.traces.acts import ACTS, UNASKED
from virtproof.traces.asking import DELETE, REVERT, act_of
from virtproof.traces.lives import ARRIVED, MIGRATE, MIGRATE_REFUSED, MIGRATING, UNKNOWN, Doing, Life
from virtproof.traces.lives import NONE as NOT_THERE
from virtproof.traces.model import Sighting, Situation
from virtproof.traces.names import event_name, told_in_a_row
from virtproof_driver.constants import DomainEventId

BREAKING: Final = ("connection.", "migration.failure.")
"""How the ids of the cases begin whose connections break."""
DISKS: Final = "disks"
"""What an external snapshot is of."""
ARRIVE: Final = "arrive"
AGENT: Final[Mapping[str, str]] = {
    "AGENT_LIFECYCLE disconnected domain-started": "agent awaited",
    "AGENT_LIFECYCLE connected channel": "agent connects",
    "AGENT_LIFECYCLE disconnected channel": "agent leaves",
}
"""A device's own life beside its domain's: each event is an act by itself."""
# A client's doing, by libvirt's own detail: of an act that nobody asked for, it says that the suite or another client did.
_CLIENTS: Final = ("DEFINED", "UNDEFINED", "STARTED", "STOPPED destroyed", "STOPPED saved", "STOPPED from-snapshot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one case tells: its sightings, and of how many events that were heard how many are in them."""

    sightings: tuple[Sighting, ...] = ()
    heard: int = 0


def told(case: CaseEvidence) -> Told:
    """The sightings of one case; none of a case that says nothing of a host."""
    if not _is_fit(case):
        return Told()
    walk = Walk(case)
    contended = contention(case.calls)
    lives = {uuid: life for uuid, life in walk.lives().items() if uuid.partition("@")[0] not in contended and life.acted_on}
    name = case.records[0].case
    of_doings = (_sighting(doing, name) for life in lives.values() for doing in life.doings)
    apart = [sighting for uuid, sighting in (*walk.refused, *walk.agents) if uuid in lives]
    heard = sum(len(doing.told) for life in lives.values() for doing in life.doings)
    heard += sum(len(sighting.trace) for sighting in apart)
    return Told(sightings=(*filter(None, of_doings), *apart), heard=heard)


def _is_fit(case: CaseEvidence) -> bool:
    ends = case.of(Kind.CASE_END)
    passed = bool(ends) and text(ends[-1], "outcome") == "passed"
    return passed and not case.of(Kind.FAULT) and not case.records[0].case.startswith(BREAKING)


def _sighting(doing: Doing, case: str) -> Sighting | None:
    """What was told of an act; None where the act is none of the table's, or what the domain was before is not known."""
    name = doing.name or _unasked(doing, case)
    before = NOT_THERE if name.startswith(ARRIVE) else doing.before
    if name not in ACTS or before in (UNKNOWN, MIGRATING):
        return None
    situation = Situation(act=name, before=before)
    return Sighting(situation=situation, trace=told_in_a_row(doing.told), case=case, lines=doing.lines)


def _unasked(doing: Doing, case: str) -> str:
    if doing.told[0] == ARRIVED and "STOPPED destroyed" not in doing.told:
        return f"{ARRIVE} failed" if "STOPPED failed" in doing.told else ARRIVE
    clients = any(event == each or event.startswith(f"{each} ") for event in doing.told for each in _CLIENTS)
    return "" if clients else UNASKED.get(case.partition("[")[0], "")


@dataclass(slots=True)
class Walk:
    """One walk over a case."""

    case: CaseEvidence
    refused: list[tuple[str, Sighting]] = field(default_factory=list[tuple[str, Sighting]])
    agents: list[tuple[str, Sighting]] = field(default_factory=list[tuple[str, Sighting]])
    _lives: dict[str, Life] = field(default_factory=dict[str, Life])
    _owners: dict[str, str] = field(default_factory=dict[str, str])
    _doings: dict[int, tuple[Life, Doing]] = field(default_factory=dict[int, tuple[Life, Doing]])
    _calls: dict[int, Call] = field(default_factory=dict[int, Call])

    def lives(self) -> Mapping[str, Life]:
        """Each domain's life, by its UUID."""
        begins = {call.begin.line: call for call in self.case.calls}
        reads = {call.end.line: call for call in self.case.calls if call.end is not None and call.family in _READS}
        operations = {operation.number: operation.method for operation in self.case.operations}
        for record in self.case.records:
            if record.kind is Kind.CALL:
                self._asked(begins[record.line], operations.get(begins[record.line].operation or 0, ""))
            elif record.kind is Kind.EVENT:
                self._heard(record)
            elif record.line in self._doings:
                self._returned(record.line)
            elif record.kind is Kind.STATE:
                self._life(_place(record, text(record, "uuid"))).read(number(record, "state"))
            elif record.line in reads:
                call = reads[record.line]
                _READS[call.family](self._life(_place(call.begin, call.key)), record)
        return self._lives

    def _life(self, uuid: str) -> Life:
        return self._lives.setdefault(uuid, Life())

    def _asked(self, call: Call, operation: str) -> None:
        name, uuid = act_of(call, operation), self._domain_of(call)
        if name is None or not uuid or call.end is None:
            return
        life, line = self._life(uuid), call.begin.line
        if name == REVERT:
            name = f"{REVERT} {life.snapshots.get(_snapshot_of(call), '')}"
        elif name == DELETE and life.snapshots.get(f"DomainSnapshot:{call.key}") == DISKS:
            name = "delete external snapshot"
        if not call.succeeded:
            self._is_refused(uuid, name, life, (line, call.end.line))
        else:
            self._doings[call.end.line] = (life, life.ask(name, line))
            self._calls[call.end.line] = call

    def _is_refused(self, uuid: str, name: str, life: Life, lines: tuple[int, int]) -> None:
        """A refused call tells nothing, but for a start, which may have got as far as a process, and a migration."""
        if name.startswith("create"):
            life.ask("create refused", lines[0])
            return
        if name == MIGRATE:
            self._doings[lines[1]] = (life, life.ask(MIGRATE_REFUSED, lines[0]))
            return
        life.acted_on = True
        situation = Situation(act="refused", before="any")
        self.refused.append((uuid, Sighting(situation=situation, trace=(), case=self.case.records[0].case, lines=lines)))

    def _returned(self, line: int) -> None:
        life, doing = self._doings[line]
        life.reach(doing)
        call = self._calls.get(line)
        if call is not None and call.end is not None and doing.name in ("snapshot", "snapshot external"):
            snapshot = text(call.end, "value")
            self._owners[snapshot] = _place(call.begin, call.key)
            life.snapshots[snapshot] = DISKS if doing.name == "snapshot external" else doing.before

    def _domain_of(self, call: Call) -> str:
        """The UUID of the domain that a call is about: of a definition it is known by what comes back."""
        if call.family == "defineXML":
            return _place(call.begin, uuid_in(call.end.data.get("value"))) if call.end is not None and call.succeeded else ""
        if call.family == "delete":
            return self._owners.get(f"DomainSnapshot:{call.key}", "")
        return _place(call.begin, call.key.lower())

    def _heard(self, record: Record) -> None:
        if number(record, "id") == DomainEventId.MIGRATION_ITERATION:
            return  # how far a migration is, and as often as memory takes
        uuid, name = _place(record, text(record, "uuid")), event_name(record)
        life = self._life(uuid)
        life.acted_on = life.acted_on or name == ARRIVED
        if name in AGENT:
            situation = Situation(act=AGENT[name], before="any")
            lines = (record.line, record.line)
            self.agents.append((uuid, Sighting(situation=situation, trace=(name,), case=record.case, lines=lines)))
        else:
            life.hear(name, record.line)


def _place(record: Record, uuid: str) -> str:
    """A domain by its UUID, and by its host where that is not the case's own: a migration has it on both."""
    host = text(record, "host")
    return f"{uuid}@{host}" if host and uuid else uuid


def _snapshot_of(call: Call) -> str:
    return str(next(iter(call.shown), ""))


def _read_state(life: Life, answer: Record) -> None:
    state = next(iter(items(answer.data.get("value"))), None)
    life.read(state if isinstance(state, int) else None)


def _read_image(life: Life, answer: Record) -> None:
    if answer.data.get("value") == 0:
        life.lose_image()


# What shows on reading what a domain is, by the call's family.
_READS: Final[Mapping[str, Callable[[Life, Record], None]]] = {"state": _read_state, "hasManagedSaveImage": _read_image}


def grouped(records: Iterable[Record]) -> Iterator[tuple[Record, ...]]:
    """The records of each case of each worker, from the first to the last."""
    open_cases: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        if record.case:
            key = (record.worker, record.lane, record.case)
            open_cases.setdefault(key, []).append(record)
            if record.kind is Kind.CASE_END:
                yield tuple(open_cases.pop(key))
