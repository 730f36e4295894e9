"""A case's evidence laid out on a time axis, as values that a template prints without thinking.

What belongs here: which records are shown, their track, their place from 0 to 100 on the axis, and one line of text for each.
What does not: markup. Times are seconds since the case began; lines are those of `evidence.jsonl`. A long case shows what
surrounds its violations.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from virtproof.evidence import HOST, Kind, Record
from virtproof.judges.host_events import event_text
from virtproof.judges.reading import Call, CaseEvidence, Operation, read_case, text
from virtproof.verdicts import Violation

MOST: Final = 250
_LONGEST: Final = 160
TRACKS: Final = ("operation", "call", "event", "driver event", "state", "fault", "case")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened. `left` and `width` are percent of the axis; `blamed` says that a violation cites its line."""

    track: str
    line: int
    last_line: int
    t: float
    seconds: float
    left: float
    width: float
    text: str
    blamed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A case's moments in order; `seconds` is the length of the axis, `left_out` how many moments are not shown."""

    moments: tuple[Moment, ...]
    seconds: float
    left_out: int

    @property
    def tracks(self) -> tuple[str, ...]:
        """The tracks that have a moment."""
        return tuple(track for track in TRACKS if any(moment.track == track for moment in self.moments))

    def on(self, track: str) -> tuple[Moment, ...]:
        """The moments of one track."""
        return tuple(moment for moment in self.moments if moment.track == track)

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Five places on the axis with their times."""
        return tuple((25.0 * part, _clock(self.seconds * part / 4)) for part in range(5))


def timeline(records: Sequence[Record], violations: Sequence[Violation] = ()) -> Timeline:
    """The timeline of one case."""
    case = read_case(records)
    if not case.records:
        return Timeline(moments=(), seconds=0.0, left_out=0)
    axis = _Axis(start=case.records[0].t, seconds=max(case.records[-1].t - case.records[0].t, 1e-6))
    blamed = frozenset(line for each in violations for line in each.evidence)
    moments = sorted((*_spans(case, axis, blamed), *_points(case, axis, blamed)), key=lambda moment: moment.line)
    shown = _around(moments)
    return Timeline(moments=tuple(shown), seconds=axis.seconds, left_out=len(moments) - len(shown))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    start: float
    seconds: float

    def moment(self, track: str, first: Record, last: Record, told: str, blamed: frozenset[int]) -> Moment:
        return Moment(
            track=track,
            line=first.line,
            last_line=last.line,
            t=first.t - self.start,
            seconds=last.t - first.t,
            left=round(100 * (first.t - self.start) / self.seconds, 3),
            width=round(100 * (last.t - first.t) / self.seconds, 3),
            text=_short(f"on {text(first, HOST)}: {told}" if HOST in first.data else told),
            blamed=bool(blamed & {first.line, last.line}),
        )


def _spans(case: CaseEvidence, axis: _Axis, blamed: frozenset[int]) -> list[Moment]:
    last = case.records[-1]
    calls = [axis.moment("call", call.begin, call.end or last, _call(call), blamed) for call in case.calls]
    return calls + [axis.moment("operation", op.begin, op.end or last, _operation(op), blamed) for op in case.operations]


def _points(case: CaseEvidence, axis: _Axis, blamed: frozenset[int]) -> list[Moment]:
    return [
        axis.moment(_POINTS[record.kind][0], record, record, _POINTS[record.kind][1](record), blamed)
        for record in case.records
        if record.kind in _POINTS
    ]


def _around(moments: Sequence[Moment]) -> Sequence[Moment]:
    """At most MOST moments: those next to what is blamed first, or the first ones."""
    if len(moments) <= MOST:
        return moments
    marks = [index for index, moment in enumerate(moments) if moment.blamed] or [0]
    nearest = sorted(range(len(moments)), key=lambda index: (min(abs(index - mark) for mark in marks), index))[:MOST]
    return [moments[index] for index in sorted(nearest)]


def _call(call: Call) -> str:
    arguments = ", ".join(_value(each) for each in call.shown)
    said = f" -> {_value(call.end.data.get('value'))}" if call.end is not None and call.succeeded else ""
    failed = f" failed: {call.error[0]} (domain {call.error[1]}) {text(call.end, 'message')}" if call.end and call.error else ""
    return f"{call.method}({arguments}) of {call.key or 'libvirt'}{said}{failed}" + ("" if call.end else " never returned")


def _operation(operation: Operation) -> str:
    end = operation.end
    if end is None:
        return f"{operation.method}() {operation.uuid} never ended"
    error = text(end, "error")
    return f"{operation.method}() {operation.uuid} " + (f"raised {error}" if error else f"-> {_value(end.data.get('result'))}")


def _driver_event(record: Record) -> str:
    resynced = ", resynced" if record.data.get("resynced") is True else ""
    return f"{text(record, 'kind')} ({text(record, 'reason')}{resynced}) of {text(record, 'uuid')}"


def _state(record: Record) -> str:
    gone = record.data.get("state") is None
    return f"{text(record, 'uuid')} is " + (
        "gone" if gone else f"in state {text(record, 'state')}, reason {text(record, 'reason')}"
    )


def _fields(record: Record) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in record.data.items() if value not in (None, ""))


_POINTS: Final[Mapping[Kind, tuple[str, Callable[[Record], str]]]] = {
    Kind.EVENT: ("event", event_text),
    Kind.DRIVER_EVENT: ("driver event", _driver_event),
    Kind.LISTENER_END: ("driver event", lambda record: f"listener {text(record, 'listener')} leaves"),
    Kind.STATE: ("state", _state),
    Kind.FAULT: ("fault", lambda record: f"{text(record, 'fault')} at {text(record, 'method')}() of {text(record, 'key')}"),
    Kind.LEFTOVER: ("case", lambda record: f"left behind: {_fields(record)}"),
    Kind.PROBE: ("case", lambda record: f"probe: {_fields(record)}"),
    Kind.ATTACHMENT: ("case", lambda record: f"kept: {text(record, 'path')}"),
    Kind.NOTE: ("case", lambda record: text(record, "text")),
    Kind.CASE_BEGIN: ("case", lambda record: f"begin, {text(record, 'where')}"),
    Kind.CASE_END: ("case", lambda record: f"end: {text(record, 'outcome')} {text(record, 'message')}"),
}


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _short(told: str) -> str:
    return told if len(told) <= _LONGEST else told[: _LONGEST - 1] + "…"


def _clock(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
