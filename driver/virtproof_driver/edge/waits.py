"""Waits of operations for events: armed before the call, ended by an event, a broken connection, or the deadline.

What belongs here: who waits for what, and the blocking. What does not: what to wait for (`operations`), and confirming by a
read of the state.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar
from uuid import UUID

from virtproof_driver.errors import DriverError, OperationTimeout
from virtproof_driver.link import Expectation, Told, Wait

E = TypeVar("E")


def waitable(seconds: float) -> float:
    """As many seconds as Python can wait, which takes neither fewer than none nor more than TIMEOUT_MAX."""
    return min(max(seconds, 0.0), threading.TIMEOUT_MAX)


class _Armed(Generic[E]):
    """One wait; what ends it is queued, so that a second `until` waits for the next event.

    What libvirt delivered before the wait was armed (`since`) may be told after it, when the dispatcher is behind, and answers no
    call of its: on a busy machine the end of one block job ended the wait for that of the next. It ends those that ask for it.
    """

    def __init__(self, awaited: Expectation[E], since: float) -> None:
        self._awaited = awaited
        self._late_too: bool = getattr(awaited, "late_too", False)  # changes of state alone may ask for that
        self.since = since
        self._outcomes: SimpleQueue[E | DriverError] = SimpleQueue()

    @property
    def cause(self) -> str | None:
        cause: str | None = getattr(self._awaited, "cause", None)  # changes of state alone have one
        return cause

    def tell(self, event: Told) -> None:
        found = self._found(event)
        if found is not None:
            self._outcomes.put(found)

    def awaits(self, event: Told) -> bool:
        return self._found(event) is not None

    def _found(self, event: Told) -> E | None:
        return self._awaited.of(event) if self._late_too or event.stamp >= self.since else None

    def fail(self, error: DriverError) -> None:
        self._outcomes.put(error)

    def until(self, seconds: float) -> E:
        try:
            outcome = self._outcomes.get(timeout=waitable(seconds))
        except Empty:
            raise OperationTimeout(self._awaited.what, seconds) from None
        if isinstance(outcome, DriverError):
            raise outcome
        return outcome


class _Heard:
    """A place where all that is told is passed on, and that the connection broke."""

    cause = None

    def __init__(self, told: Callable[[Told], object], broke: Callable[[], object]) -> None:
        self.tell = told
        self._broke = broke

    def awaits(self, _event: Told) -> bool:
        return False

    def fail(self, _error: DriverError) -> None:
        self._broke()


class Waits:
    """The waits of a connection, by domain. Safe from any thread. `clock` is the one that events are stamped by."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._armed: dict[UUID, list[_Armed[Any] | _Heard]] = {}

    @contextmanager
    def armed(self, uuid: UUID, awaited: Expectation[E]) -> Generator[Wait[E]]:
        """Arm a wait for as long as the block runs."""
        wait = _Armed(awaited, self._clock())
        with self._placed(uuid, wait):
            yield wait

    @contextmanager
    def heard(self, uuid: UUID, told: Callable[[Told], object], broke: Callable[[], object]) -> Generator[None]:
        """Pass on all that is told of a domain, for as long as the block runs; both return at once and raise nothing."""
        with self._placed(uuid, _Heard(told, broke)):
            yield

    def tell(self, event: Told) -> None:
        """End the waits that await this event."""
        with self._lock:
            for wait in self._armed.get(event.uuid, ()):
                wait.tell(event)

    def awaits(self, event: Told) -> bool:
        """Whether one of its domain's waits would end by this event."""
        with self._lock:
            return any(wait.awaits(event) for wait in self._armed.get(event.uuid, ()))

    def cause(self, uuid: UUID) -> str | None:
        """What one of this domain's waits knows to be the reason of what it awaits."""
        with self._lock:
            return next(filter(None, (wait.cause for wait in self._armed.get(uuid, ()))), None)

    def fail(self, error: Callable[[], DriverError]) -> None:
        """End every wait with an error of its own."""
        with self._lock:
            for wait in (wait for waits in self._armed.values() for wait in waits):
                wait.fail(error())

    @contextmanager
    def _placed(self, uuid: UUID, wait: _Armed[Any] | _Heard) -> Generator[None]:
        with self._lock:
            self._armed.setdefault(uuid, []).append(wait)
        try:
            yield
        finally:
            self._disarm(uuid, wait)

    def _disarm(self, uuid: UUID, wait: _Armed[Any] | _Heard) -> None:
        with self._lock:
            waits = self._armed[uuid]
            waits.remove(wait)
            if not waits:
                del self._armed[uuid]
