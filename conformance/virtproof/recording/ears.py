"""The recorder's own ear on a connection: what the host emits, whether or not the driver listens.

What belongs here: registering beside the driver. What does not: merging ears (`host_events`) and deliveries (`callbacks`).
libvirt tracks one registration of an event without a domain filter a connection and refuses a second ("event callback already
tracked", measured on libvirt 9.0.0). So the ear hears LIFECYCLE by libvirt's first interface, virConnectDomainEventRegister,
which is tracked apart, and for any other event gives way to the driver and overhears its callback. libvirt-python frees a
domain twice when two callbacks share that first interface, so the ear leaves it to a driver that uses it.

Where an ear of the suite's own connection hears the host throughout, that of a driver's connection is only there so that what the
driver is told comes after what the host emitted: then it hears LIFECYCLE, and overhears the rest without registering for it. Each
registration is a round trip, and for a case a dozen of them on each connection would be most of what it costs.
"""

import contextlib
from collections.abc import Callable
from typing import Any, Final

from virtproof.evidence import Kind, on_host
from virtproof.recording.host_events import OBSERVED, HostEvent, Merged, Place, numbers
from virtproof.recording.recorder import Recorder

LIFECYCLE: Final = 0


class Ear:
    """Writes EVENT for what the host emits on one bare connection. `alone` when no other ear hears that host throughout."""

    def __init__(self, bare: Any, recorder: Recorder, merged: Merged, place: Place, *, alone: bool = True) -> None:
        self._bare: Any = bare
        self._alone = alone
        self._recorder = recorder
        self._merged = merged
        self._world = place.world
        self._host = on_host(place.host)
        self._generation = recorder.generation
        self._stream = recorder.number()
        self._listening = False
        self._first_interface = False
        self._ids: dict[int, int] = {}
        self._overheard: set[int] = set()

    def listen(self) -> None:
        """Register for every observed event; what the connection refuses (no event loop, no such event) is not observed."""
        if self._listening or self._bare is None:
            return
        self._merged.join(self._stream)
        self._listening = self._listen_first() or self._listen_any(LIFECYCLE)
        for event_id in OBSERVED if self._listening else ():
            if event_id != LIFECYCLE:
                self._listen_any(event_id)

    def renew(self) -> None:
        """A further case begins, and what is heard from now on is its."""
        self._generation = self._recorder.generation

    def give_way(self, event_id: int) -> None:
        """The driver is about to register for this event of all domains."""
        callback = self._ids.pop(event_id, None)
        if callback is not None:
            self._quietly(self._bare.domainEventDeregisterAny, callback)
        if event_id != LIFECYCLE or not self._first_interface:
            self._overheard.add(event_id)

    def give_way_first(self) -> None:
        """The driver is about to register by the first interface."""
        if self._first_interface:
            self._leave_first()
            self._listen_any(LIFECYCLE)
        if LIFECYCLE not in self._ids:
            self._overheard.add(LIFECYCLE)

    def take_back(self, event_id: int) -> None:
        """The driver deregistered, or could not register."""
        if event_id in self._overheard:
            self._overheard.discard(event_id)
            self._listen_any(event_id)

    def release(self) -> None:
        """Deregister; a connection that broke refuses, which changes nothing."""
        if self._first_interface:
            self._leave_first()
        for callback in self._ids.values():
            self._quietly(self._bare.domainEventDeregisterAny, callback)
        self._ids.clear()
        self._bare = None
        self._merged.leave(self._stream)

    def overhear(self, event_id: int, domain: Any, numbers_of_it: tuple[object, ...]) -> None:
        """A callback of the driver for all domains is about to be told; written when this ear does not hear the event itself."""
        if event_id in self._overheard:
            self._hear(event_id, domain, numbers_of_it)

    def _listen_first(self) -> bool:
        register: Callable[..., object] | None = getattr(self._bare, "domainEventRegister", None)
        self._first_interface = register is not None and self._quietly(register, self._heard_first, None)
        return self._first_interface

    def _leave_first(self) -> None:
        """Deregister from a copy of libvirt-python's callbacks, over which its event thread may be iterating right now."""
        self._first_interface = False
        callbacks: dict[object, object] | None = getattr(self._bare, "domainEventCallbacks", None)
        if callbacks is not None:
            self._bare.domainEventCallbacks = dict(callbacks)
        self._quietly(self._bare.domainEventDeregister, self._heard_first)

    def _listen_any(self, event_id: int) -> bool:
        def register() -> None:
            self._ids[event_id] = self._bare.domainEventRegisterAny(None, event_id, self._heard, event_id)

        return self._bare is not None and (self._alone or event_id == LIFECYCLE) and self._quietly(register)

    def _heard_first(self, _connection: object, domain: Any, event: int, detail: int, _opaque: object) -> None:
        self._hear(LIFECYCLE, domain, (event, detail))

    def _heard(self, _connection: object, domain: Any, *rest: Any) -> None:
        self._hear(rest[-1], domain, rest[:-1])

    def _hear(self, event_id: int, domain: Any, given: tuple[object, ...]) -> None:
        if not self._recorder.concerns(domain.name()):
            return
        event, detail = numbers(event_id, given)
        told = HostEvent(domain.UUIDString(), event_id, event, detail)
        if self._generation == self._recorder.generation and self._merged.is_new(self._stream, self._world, told):
            data = {"uuid": told.uuid, "name": domain.name(), "id": event_id, "event": event, "detail": detail}
            self._recorder.write(Kind.EVENT, self._generation, **data, **self._host)

    @staticmethod
    def _quietly(function: Callable[..., object], *args: object) -> bool:
        with contextlib.suppress(Exception):
            function(*args)
            return True
        return False
