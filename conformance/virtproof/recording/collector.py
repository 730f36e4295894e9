"""What the driver's subscribe() delivered to the suite's listener.

What belongs here: the listener, and waiting for it. What does not: what the host emitted (`host_events`) and judging the two
against each other. Each delivery is recorded as DRIVER_EVENT at the moment the listener got it.
"""

import threading
from collections.abc import Callable
from typing import Self
from uuid import UUID

from virtproof.evidence import Kind, on_host
from virtproof.recording.recorder import Recorder
from virtproof.recording.world import World
from virtproof_driver.books import HostEvent, HostEventKind
from virtproof_driver.contract import ComputeDriver, Subscription
from virtproof_driver.values import EventKind, LifecycleEvent


class EventCollector:
    """A listener that keeps what it got, in order."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._generation = recorder.generation
        self._number = recorder.number()
        self._only: str | None = None
        self._changed = threading.Condition()
        self._told: list[LifecycleEvent | HostEvent] = []
        self._world: World | None = None
        self._subscription: Subscription | None = None

    def attach(self, driver: ComputeDriver, world: World | None = None, uuid: UUID | str | None = None) -> Self:
        """Subscribe to the driver; `world` is what `settle` makes its marker on, `uuid` narrows the subscription."""
        self._world = world
        self._only = None if uuid is None else str(uuid)
        self._subscription = driver.subscribe(self.listen, uuid=uuid) if uuid is not None else driver.subscribe(self.listen)
        return self

    def attach_host(self, driver: ComputeDriver, world: World | None = None) -> Self:
        """Subscribe to the driver's host too, in place of `attach`."""
        self._world = world
        self._subscription = driver.subscribe_host(self.listen)
        return self

    def detach(self) -> None:
        """End the subscription. What was collected stays."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._recorder.write(Kind.LISTENER_END, self._generation, listener=self._number)
            subscription.close()

    def listen(self, event: LifecycleEvent | HostEvent) -> None:
        """The listener itself. It hears of other workers' instances on a host that they share, and keeps nothing of that."""
        if isinstance(event, LifecycleEvent) and not self._recorder.concerns(event.name):
            return
        self._record(event)
        with self._changed:
            self._told.append(event)
            self._changed.notify_all()

    def _record(self, event: LifecycleEvent | HostEvent) -> None:
        if isinstance(event, HostEvent):
            self._recorder.write(Kind.NOTE, self._generation, text=f"listener {self._number} hears that the host is {event.kind}")
            return
        self._recorder.write(
            Kind.DRIVER_EVENT,
            self._generation,
            uuid=str(event.uuid),
            name=event.name,
            kind=event.kind.value,
            reason=event.reason,
            resynced=event.resynced,
            listener=self._number,
            only=self._only,
            **on_host(self._world.host if self._world is not None else ""),
        )

    def all(self) -> tuple[LifecycleEvent, ...]:
        """Every change of an instance that came, markers of `settle` included."""
        with self._changed:
            return self._changes()

    def of_host(self) -> tuple[HostEvent, ...]:
        """What came for the host."""
        with self._changed:
            return tuple(each for each in self._told if isinstance(each, HostEvent))

    def told(self, uuid: UUID | str) -> tuple[EventKind | HostEventKind, ...]:
        """The kinds of what came for one instance and for the host, in order."""
        with self._changed:
            return tuple(each.kind for each in self._told if isinstance(each, HostEvent) or str(each.uuid) == str(uuid))

    def of(self, uuid: UUID | str) -> tuple[LifecycleEvent, ...]:
        """What came for one instance."""
        return tuple(event for event in self.all() if str(event.uuid) == str(uuid))

    def kinds(self, uuid: UUID | str) -> tuple[EventKind, ...]:
        """The kinds of what came for one instance."""
        return tuple(event.kind for event in self.of(uuid))

    def wait(self, uuid: UUID | str, kind: EventKind, timeout: float = 10, *, count: int = 1) -> LifecycleEvent:
        """The `count`-th event of this kind for the instance, waited for.

        Raises AssertionError, saying what came instead, when `timeout` seconds pass first.
        """

        def found() -> list[LifecycleEvent]:
            return [event for event in self._changes() if str(event.uuid) == str(uuid) and event.kind == kind]

        if not self._wait_for(lambda: len(found()) >= count, timeout):
            told = ", ".join(self.kinds(uuid)) or "nothing"
            raise AssertionError(f"the driver delivered no {kind} event of {uuid} within {timeout:g} s; it delivered {told}")
        with self._changed:
            return found()[count - 1]

    def wait_host(self, kind: HostEventKind, timeout: float = 10, *, count: int = 1) -> HostEvent:
        """The `count`-th event of this kind for the host, likewise."""

        def found() -> list[HostEvent]:
            return [event for event in self._told if isinstance(event, HostEvent) and event.kind == kind]

        if not self._wait_for(lambda: len(found()) >= count, timeout):
            raise AssertionError(f"the driver did not tell {count} times within {timeout:g} s that the host is {kind}")
        with self._changed:
            return found()[count - 1]

    def settle(self, timeout: float = 10) -> None:
        """Wait until the driver has delivered all that the host emitted so far, by the events of a marker made past the driver.

        Raises AssertionError when the marker's events do not come within `timeout` seconds.
        """
        if self._world is None:
            raise RuntimeError("settle() needs the world: attach(driver, world)")
        marker = self._world.touch()
        if not self._wait_for(lambda: EventKind.UNDEFINED in self._seen(marker), timeout):
            raise AssertionError(f"the driver did not deliver the events of a domain defined past it within {timeout:g} s")

    def _seen(self, uuid: str) -> set[EventKind]:
        return {event.kind for event in self._changes() if str(event.uuid) == uuid}

    def _changes(self) -> tuple[LifecycleEvent, ...]:
        return tuple(event for event in self._told if isinstance(event, LifecycleEvent))

    def _wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(condition, timeout)
