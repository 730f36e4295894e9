"""Judge of success: an operation that reports it must have seen the state it promises.

What belongs here: the promises of the contract's methods, as a table. What does not: what calls mean (`calls`), and changes that
failed (`errors`). The state counts as reached when anything in the evidence of the operation shows it: an event, a state
that was read, or the return of a synchronous call; or when the domain was there before. An event that comes within `GRACE`
seconds after the operation counts too, since it may reach the recorder a moment after the driver knew.
"""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from virtproof.evidence import Kind, Record
from virtproof.judges.automaton import OFF, Activity, activity_of
from virtproof.judges.calls import MUTATING, OPAQUE_READS, REACHED, STATE_READS
from virtproof.judges.facts import Facts
from virtproof.judges.host_events import HostEvent, host_events
from virtproof.judges.reading import Call, CaseEvidence, Operation, items, number, text, uuid_in
from virtproof.judges.rules import violation
from virtproof.verdicts import Violation
from virtproof_driver.constants import ErrorCode

GRACE: Final = 0.05
_RUNNING: Final = frozenset({Activity.RUNNING, Activity.LOADED, Activity.PRELUDE, Activity.POSTCOPY})
# What a method of the contract promises of the instance when it returns. spawn() depends on its arguments.
PROMISES: Final[Mapping[str, frozenset[Activity]]] = {
    "start": _RUNNING,
    "stop": OFF,
    "destroy": OFF,
    "pause": frozenset({Activity.PAUSED}),
    "unpause": _RUNNING,
    "suspend": OFF,
    "resume": _RUNNING,
    "spawn": _RUNNING | {Activity.PAUSED},
}
# Refusals that show an instance off or gone: it cannot be found, or destroy() says that it does not run.
_SHOW_OFF: Final = frozenset(
    {(family, ErrorCode.NO_DOMAIN) for family in (*STATE_READS, *MUTATING)} | {("destroy", ErrorCode.OPERATION_INVALID)}
)
_WORDS: Final[Mapping[str, str]] = {
    "start": "running",
    "stop": "off",
    "destroy": "off or gone",
    "pause": "paused",
    "unpause": "running",
    "suspend": "off",
    "resume": "running",
    "spawn": "started",
}


def judge(case: CaseEvidence, _facts: Facts) -> tuple[Violation, ...]:
    """Violations of `operation.early`."""
    events = host_events(case)
    promising = (operation for operation in case.operations if operation.succeeded and operation.uuid and _promised(operation))
    return tuple(found for operation in promising for found in _judge(operation, case, events))


def _promised(operation: Operation) -> frozenset[Activity]:
    if operation.method == "spawn" and _argument(operation, "start") is False:
        return frozenset()
    return PROMISES.get(operation.method, frozenset())


def _argument(operation: Operation, name: str) -> object:
    arguments = operation.begin.data.get("arguments")
    return cast("Mapping[str, object]", arguments).get(name) if isinstance(arguments, Mapping) else None


def _judge(operation: Operation, case: CaseEvidence, events: Sequence[HostEvent]) -> tuple[Violation, ...]:
    promised = _promised(operation)
    mine = [event for event in events if event.uuid == operation.uuid and event.lifecycle]
    if _was_there(operation, case, mine, promised) or _shown(operation, case, mine, promised):
        return ()
    message = (
        f"{operation.method}() of {operation.uuid} reported success before anything showed that it was {_WORDS[operation.method]}"
    )
    return (violation("operation.early", message, operation.begin, _proof(operation, case, mine, promised)),)


def _was_there(operation: Operation, case: CaseEvidence, events: Sequence[HostEvent], promised: frozenset[Activity]) -> bool:
    """Whether the domain may have been there before the operation began; so too when nothing was known of it."""
    before = [event for event in events if event.record.line < operation.begin.line]
    if not before:
        known = _known_by_calls(operation, case)
        return operation.method != "spawn" and (not known or bool(promised & known))
    after = before[-1].after
    return after is None or bool(promised & after.activities)


def _known_by_calls(operation: Operation, case: CaseEvidence) -> frozenset[Activity]:
    """Where the host's events are not heard: what the newest call about the domain showed; nothing when that cannot be told."""
    if any(call.family in OPAQUE_READS for call in case.calls_in(operation)):
        return frozenset()
    about = [call for call in case.calls if call.key == operation.uuid and call.begin.line < operation.begin.line]
    telling = [call for call in about if call.mutating or _read_activity(call) is not None]
    newest = telling[-1] if telling else None
    if newest is None or newest.end is None or newest.faulted or not newest.succeeded:
        return frozenset()
    read = _read_activity(newest)
    return REACHED.get(newest.family, frozenset()) if read is None else frozenset({read})


def _shown(operation: Operation, case: CaseEvidence, events: Sequence[HostEvent], promised: frozenset[Activity]) -> bool:
    until = _next_act(operation, case)
    inside = [event for event in events if _within(event.record, operation, until)]
    told = any(event.after and promised & event.after.activities for event in inside)
    called = any(_shows(call, operation.uuid, promised) for call in case.calls_in(operation))
    return told or called or _seen(operation, case, promised, until)


def _next_act(operation: Operation, case: CaseEvidence) -> float:
    """The line at which the driver next changes the instance: what is told after that may be of its doing."""
    end = operation.end or operation.begin
    acts = (call.begin.line for call in case.calls if call.mutating and call.key == operation.uuid)
    return min((line for line in acts if line > end.line), default=float("inf"))


def _within(record: Record, operation: Operation, until: float) -> bool:
    end = operation.end or operation.begin
    timely = record.line < end.line or (record.t <= end.t + GRACE and record.line < until)
    return record.line > operation.begin.line and timely


def _shows(call: Call, uuid: str, promised: frozenset[Activity]) -> bool:
    """Whether the call's return shows the promised state: a change that is synchronous, or a read."""
    if call.end is None or call.faulted or uuid not in (call.key, _looked_up(call)):
        return False
    if not call.succeeded:
        return promised is OFF and call.error is not None and (call.family, call.error[0]) in _SHOW_OFF
    if call.family in REACHED:
        return bool(promised & REACHED[call.family])
    return _read_activity(call) in promised


def _looked_up(call: Call) -> str:
    return uuid_in(call.arguments) if call.family == "lookupByUUIDString" else ""


def _read_activity(call: Call) -> Activity | None:
    value = call.end.data.get("value") if call.end else None
    state = next(iter(items(value)), None)
    if call.family in ("state", "info") and isinstance(state, int):
        return activity_of(state)
    if call.family == "isActive":
        return Activity.RUNNING if value else Activity.OFF
    return None


def _seen(operation: Operation, case: CaseEvidence, promised: frozenset[Activity], until: float) -> bool:
    mine = (record for record in case.of(Kind.STATE) if text(record, "uuid") == operation.uuid)
    states = (record for record in mine if _within(record, operation, until))
    return any(activity_of(number(record, "state")) in promised for record in states)


def _proof(operation: Operation, case: CaseEvidence, events: Sequence[HostEvent], promised: frozenset[Activity]) -> Record:
    """The line that shows the state reached later, or else a line that shows another state, or else the operation's end."""
    end = operation.end or operation.begin
    told = [event.record for event in events if event.after and promised & event.after.activities]
    later = [record for record in told if record.line > end.line]
    states = [record for record in case.of(Kind.STATE) if record.line > end.line and text(record, "uuid") == operation.uuid]
    return next(iter((*later, *states)), end)
