"""Listeners: each has a queue and a thread of its own, so that a slow or raising one delays nobody but itself.

What belongs here: delivery. What does not: which events there are (`feed`). A listener may call the driver; it is not on
libvirt's thread.
"""

import logging
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from virtproof_driver.books import HostEvent
from virtproof_driver.values import LifecycleEvent

_log = logging.getLogger(__name__)
Told = LifecycleEvent | HostEvent
JOIN_SECONDS = 1.0


class Delivery:
    """A listener's place; a `contract.Subscription`.

    `failures` counts the exceptions that the listener raised; each is logged.
    """

    def __init__(
        self, listener: Callable[[Any], object], wanted: Callable[[Told], bool], on_close: Callable[["Delivery"], None]
    ) -> None:
        self.failures = 0
        self._listener = listener
        self._wanted = wanted
        self._on_close = on_close
        self._closed = threading.Event()
        self._events: SimpleQueue[Told | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="virtproof-listener", daemon=True)
        self._thread.start()

    def put(self, event: Told) -> None:
        """Queue an event when it is one that the listener asked for."""
        if self._wanted(event):
            self._events.put(event)

    def close(self) -> None:
        """Stop delivery, also of what is queued. Waits up to a second for a call of the listener that is under way."""
        self.end()
        if threading.current_thread() is not self._thread:
            self._thread.join(JOIN_SECONDS)

    def end(self) -> None:
        """Stop delivery without waiting."""
        self._closed.set()
        self._events.put(None)
        self._on_close(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _run(self) -> None:
        while (event := self._events.get()) is not None and not self._closed.is_set():
            try:
                self._listener(event)
            except Exception:  # noqa: BLE001  # listeners are the caller's code
                self.failures += 1
                _log.exception("a listener raised on %s; it stays subscribed", _named(event))


class Subscriptions:
    """The listeners of a connection. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deliveries: tuple[Delivery, ...] = ()

    def add(self, listener: Callable[[LifecycleEvent], object], uuid: UUID | None) -> Delivery:
        """Deliver what is published from now on of one instance, or of all."""
        return self._added(listener, partial(_is_of, uuid))

    def add_host(self, listener: Callable[[Told], object]) -> Delivery:
        """Deliver all that is published from now on."""
        return self._added(listener, lambda _event: True)

    def publish(self, event: Told) -> None:
        """Queue an event for each listener that asked for it."""
        for delivery in self._deliveries:
            delivery.put(event)

    def close(self) -> None:
        """Close every delivery: all are stopped first, and then waited for."""
        deliveries = self._deliveries
        for delivery in deliveries:
            delivery.end()
        for delivery in deliveries:
            delivery.close()

    def _added(self, listener: Callable[[Any], object], wanted: Callable[[Told], bool]) -> Delivery:
        delivery = Delivery(listener, wanted, self._discard)
        with self._lock:
            self._deliveries += (delivery,)
        return delivery

    def _discard(self, delivery: Delivery) -> None:
        with self._lock:
            self._deliveries = tuple(other for other in self._deliveries if other is not delivery)


def _is_of(uuid: UUID | None, event: Told) -> bool:
    return isinstance(event, LifecycleEvent) and uuid in {None, event.uuid}


def _named(event: Told) -> str:
    return f"{event.kind} of instance {event.uuid}" if isinstance(event, LifecycleEvent) else f"{event.kind} of the host"
