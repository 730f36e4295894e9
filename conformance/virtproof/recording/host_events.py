"""What the host emitted, told once, though several connections hear of it.

What belongs here: which domain events are observed, how their arguments become (event, detail), and how the streams of several
connections to one host become one sequence. What does not: registration (`ears`) and judging. Two drivers on one host, or a
driver and the suite's observer, are each told of a change by their own stream; whichever hears it first writes it down, the
others only catch up.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from virtproof_driver.constants import DomainEventId as Id

Number = int | str | None
Pair = tuple[Number, Number]


def _pair(arguments: tuple[object, ...]) -> Pair:
    first, second = (value if isinstance(value, int | str) else None for value in (*arguments, None, None)[:2])
    return first, second


def _none(_arguments: tuple[object, ...]) -> Pair:
    return None, None


def _block_job(arguments: tuple[object, ...]) -> Pair:
    target, job, status = arguments
    return str(target), f"{job},{status}"


def _io_error(arguments: tuple[object, ...]) -> Pair:
    _source, alias, action, reason = arguments
    return str(alias or ""), f"{action},{reason or ''}"


def _job(arguments: tuple[object, ...]) -> Pair:
    statistics = arguments[0]
    operation = cast("Mapping[str, Number]", statistics).get("operation") if isinstance(statistics, Mapping) else None
    return operation, None


def _iteration(arguments: tuple[object, ...]) -> Pair:
    number = arguments[0]
    return (number, None) if isinstance(number, int) else (None, None)


# The events that are observed, and how a callback's arguments between domain and opaque become (event, detail): a device's alias
# and null; a block job's target and "type,status"; an error's alias and "action,reason"; a job's operation and null.
OBSERVED: Final[Mapping[int, Callable[[tuple[object, ...]], Pair]]] = {
    Id.LIFECYCLE: _pair,
    Id.REBOOT: _none,
    Id.WATCHDOG: _pair,
    Id.CONTROL_ERROR: _none,
    Id.IO_ERROR_REASON: _io_error,
    Id.DEVICE_REMOVED: _pair,
    Id.DEVICE_REMOVAL_FAILED: _pair,
    Id.DEVICE_ADDED: _pair,
    Id.BLOCK_JOB_2: _block_job,
    Id.AGENT_LIFECYCLE: _pair,
    Id.MIGRATION_ITERATION: _iteration,
    Id.JOB_COMPLETED: _job,
    Id.METADATA_CHANGE: _pair,
}


def numbers(event_id: int, arguments: tuple[object, ...]) -> Pair:
    """(event, detail) of any domain event; null where it has none."""
    return OBSERVED.get(event_id, _pair)(arguments)


@dataclass(frozen=True, slots=True)
class HostEvent:
    """One event as a stream told it."""

    uuid: str
    id: int
    event: Number
    detail: Number


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connection leads: `world` tells hosts apart, `host` is what evidence calls one that is not the case's own."""

    world: str = ""
    host: str = ""


Sequence = tuple[str, str, int]
"""A world, a domain's UUID there, and an event id."""


class Merged:
    """One sequence a domain and kind of event, made of several streams. Thread-safe.

    Kinds are kept apart, because a stream may be told of some only: it is ahead of the others in these, and has none of the rest.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a connection may be collected, and leave, while this thread is inside
        self._told: dict[Sequence, list[HostEvent]] = {}
        self._streams: dict[int, dict[Sequence, int]] = {}

    def join(self, stream: int) -> None:
        """A stream begins: it owes nothing of what was told before."""
        with self._lock:
            self._streams[stream] = {key: len(told) for key, told in self._told.items()}

    def leave(self, stream: int) -> None:
        """A stream ends."""
        with self._lock:
            self._streams.pop(stream, None)

    def clear(self) -> None:
        """Forget what was told; the streams go on."""
        with self._lock:
            self._told.clear()
            for positions in self._streams.values():
                positions.clear()

    def is_new(self, stream: int, world: str, event: HostEvent) -> bool:
        """Whether no other stream of that world told this event already; it counts as told from now on."""
        key = (world, event.uuid, event.id)
        with self._lock:
            told = self._told.setdefault(key, [])
            positions = self._streams.setdefault(stream, {})
            place = _place(told, positions.get(key, 0), event)
            positions[key] = place + 1
            if place == len(told):
                told.append(event)
                return True
            return False


def _place(told: list[HostEvent], start: int, event: HostEvent) -> int:
    """Where the event stands among those told from `start` on; the end when it is new. What it skips this stream missed."""
    return next((place for place in range(start, len(told)) if told[place] == event), len(told))
