"""A host's event in libvirt's own words: the event's name, and its detail where that tells something.

What belongs here: (event id, event, detail) of an EVENT record to text, and text for events that come in a row. What does not:
what an event is of (`acts`). A device's alias, a job's disk and an element's address are left out: they tell one domain from
another, not one situation from another.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from itertools import groupby
from typing import Final

from virtproof.evidence import Record
from virtproof.judges.reading import number, text
from virtproof_driver.constants import (
    AgentReason,
    AgentState,
    BlockJobResult,
    BlockJobType,
    DomainEvent,
    DomainEventId,
    IoErrorAction,
    JobOperation,
)
from virtproof_driver.events.table import DETAILS

MANY: Final = 4
"""Of so many in a row and more it is only told that they were many: a guest that resets does so until somebody stops it."""


def event_name(record: Record) -> str:
    """`STOPPED destroyed`, `REBOOT`, `BLOCK_JOB_2 commit completed`; a number that is not known stays a number."""
    identity = number(record, "id")
    if identity == DomainEventId.LIFECYCLE:
        return _lifecycle(number(record, "event") or 0, number(record, "detail") or 0)
    name = DomainEventId(identity).name if identity in frozenset(DomainEventId) else f"event id {identity}"
    more = _MORE.get(identity or 0)
    return f"{name} {more(record)}" if more else name


def told_in_a_row(names: Sequence[str]) -> tuple[str, ...]:
    """The events with those that repeat as one: `REBOOT`, `REBOOT` is `REBOOT x2`."""
    return tuple(_counted(name, len(list(same))) for name, same in groupby(names))


def bare(name: str) -> str:
    """The name without the count of those in a row."""
    return name.partition(" x")[0]


def _counted(name: str, count: int) -> str:
    return name if count == 1 else f"{name} x{count}" if count < MANY else f"{name} x{MANY} or more"


def _lifecycle(event: int, detail: int) -> str:
    if event not in frozenset(DomainEvent):
        return f"LIFECYCLE {event} {detail}"
    details = DETAILS[DomainEvent(event)]
    return f"{DomainEvent(event).name} {details[detail] if 0 <= detail < len(details) else detail}"


def _word(words: type[IntEnum], value: str | int | None) -> str:
    known = {int(member): member.name.lower().replace("_", "-") for member in words}
    return known.get(int(value), str(value)) if str(value).isdecimal() and value is not None else str(value)


def _block_job(record: Record) -> str:
    job, _, status = text(record, "detail").partition(",")
    return f"{_word(BlockJobType, job)} {_word(BlockJobResult, status)}"


def _io_error(record: Record) -> str:
    action, _, reason = text(record, "detail").partition(",")
    return f"{_word(IoErrorAction, action)} {reason}".strip()


def _agent(record: Record) -> str:
    return f"{_word(AgentState, number(record, 'event'))} {_word(AgentReason, number(record, 'detail'))}"


_MORE: Final[Mapping[int, Callable[[Record], str]]] = {
    DomainEventId.BLOCK_JOB_2: _block_job,
    DomainEventId.IO_ERROR_REASON: _io_error,
    DomainEventId.AGENT_LIFECYCLE: _agent,
    DomainEventId.JOB_COMPLETED: lambda record: _word(JobOperation, number(record, "event")),
}
