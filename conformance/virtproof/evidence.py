"""Evidence: what a run recorded, one value a line of `evidence.jsonl`.

What belongs here: the record's shape, its kinds with the fields each carries, and turning records into lines and back. What
does not: where records come from (`recording`) and what they prove (`judges`). A record is written once and never changed.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

# No encoding has these; a case that gives one to a driver is recorded with its number in words.
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@unique
class Kind(StrEnum):
    """What a record tells; the docstring of each member's line in FIELDS says which data it carries."""

    LANE = "lane"
    CASE_BEGIN = "case-begin"
    CASE_END = "case-end"
    OPERATION_BEGIN = "operation-begin"
    OPERATION_END = "operation-end"
    CALL = "call"
    RETURN = "return"
    RAISE = "raise"
    EVENT = "event"
    DELIVERY = "delivery"
    DRIVER_EVENT = "driver-event"
    LISTENER_END = "listener-end"
    STATE = "state"
    FAULT = "fault"
    LEFTOVER = "leftover"
    PROBE = "probe"
    ATTACHMENT = "attachment"
    NOTE = "note"


HOST: Final = "host"
"""A further field of what happened on another host than the case's own, of a call or operation that was made there; its name."""

FIELDS: Mapping[Kind, tuple[str, ...]] = {
    # The lane as the worker found it, once a worker: versions, fingerprint, basis, transport, seed.
    Kind.LANE: ("backend", "basis", "transport", "versions", "fingerprint", "uri"),
    Kind.CASE_BEGIN: ("where",),
    # outcome: passed | failed | error | unsupported; message says why, one paragraph.
    Kind.CASE_END: ("outcome", "message", "seconds"),
    # A method of the driver's contract, as the case called it. `operation` pairs begin and end.
    Kind.OPERATION_BEGIN: ("operation", "method", "arguments", "thread"),
    Kind.OPERATION_END: ("operation", "method", "result", "error"),
    # A libvirt call of the driver under test. `call` pairs it with its return or raise; `operation` is the innermost open one,
    # or null.
    Kind.CALL: ("call", "object", "key", "method", "arguments", "operation", "thread"),
    Kind.RETURN: ("call", "value"),
    Kind.RAISE: ("call", "code", "domain", "message"),
    # What the host emitted, seen by the recorder's own registration: a domain event with its numbers.
    Kind.EVENT: ("uuid", "name", "id", "event", "detail"),
    # The same reaching a callback that the driver registered.
    Kind.DELIVERY: ("callback", "uuid", "name", "id", "event", "detail"),
    # What the driver's subscribe() delivered to a listener of the suite; `only` is the instance it subscribed to, or null.
    Kind.DRIVER_EVENT: ("uuid", "name", "kind", "reason", "resynced", "listener", "only"),
    # That listener is about to unsubscribe: what comes later is not due to it.
    Kind.LISTENER_END: ("listener",),
    # The host's state of a domain, read by the suite past the driver: libvirt's numbers, null when it is gone.
    Kind.STATE: ("uuid", "name", "state", "reason"),
    # A fault that the case asked for took effect.
    Kind.FAULT: ("fault", "method", "key"),
    # Something that the case left: `what` is domain, snapshot, network, pool, volume, callback, connection, thread, process or
    # file.
    Kind.LEFTOVER: ("what", "name", "detail"),
    # A capability's probe: declared (by the manifest), claimed (by the driver), outcome works | refused | broken, bare likewise
    # or null.
    Kind.PROBE: ("capability", "declared", "claimed", "outcome", "bare", "detail"),
    # A file that was kept because the case failed: its path in the run's directory.
    Kind.ATTACHMENT: ("path",),
    Kind.NOTE: ("text",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of evidence. `t` is the worker's monotonic clock in seconds; `case` is empty outside cases.

    `line` is the 1-based line in evidence.jsonl once read from there, 0 before.
    """

    worker: str
    lane: str
    case: str
    t: float
    kind: Kind
    data: Mapping[str, object]
    line: int = 0


def on_host(host: str) -> dict[str, str]:
    """The field that tells a host; nothing for the case's own."""
    return {HOST: host} if host else {}


def to_line(record: Record) -> str:
    """The record as one line of JSON, without the newline; its kind is spelt `record`, for a driver's event has a `kind` too."""
    head = {
        "worker": record.worker,
        "lane": record.lane,
        "case": record.case,
        "t": round(record.t, 6),
        "record": record.kind.value,
    }
    text = json.dumps(head | dict(record.data), ensure_ascii=False, separators=(",", ":"))
    return _LONE_SURROGATE.sub(lambda found: f"\\\\u{ord(found[0]):04x}", text)


def from_line(text: str, line: int = 0) -> Record:
    """A record from its line of JSON. Raises ValueError naming the line when it is not one."""
    try:
        data = json.loads(text)
        head = {key: data.pop(key) for key in ("worker", "lane", "case", "t")}
        return Record(**head, kind=Kind(data.pop("record")), data=data, line=line)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"evidence line {line} is not a record: {error}") from error


def read(lines: Iterable[str]) -> Iterator[Record]:
    """The records of a file's lines, each with its line number."""
    return (from_line(text, number) for number, text in enumerate(lines, 1) if text.strip())
