"""Connections that the driver under test opened: their callbacks, their closing, and the recorder's own ear on the host.

What belongs here: what is kept of a connection, and the wrapper that knows callbacks. What does not: opening (`binding`). The recorder
registers first, so that EVENT precedes DELIVERY, and lets go before the driver closes: libvirt counts a reference for each
callback, and a connection with one does not close.
"""

import contextlib
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from virtproof.evidence import Kind
from virtproof.recording.callbacks import Callback, EventCallback
from virtproof.recording.host_events import OBSERVED, HostEvent, Merged, numbers
from virtproof.recording.objects import Site, Wrapped, identity, site_of
from virtproof.recording.recorder import Recorder

# Methods that register and deregister callbacks, and the kind of the callback; a connection has one close callback.
REGISTERING: Final[Mapping[str, str]] = {
    "domainEventRegisterAny": "domain",
    "domainEventRegister": "domain-legacy",
    "networkEventRegisterAny": "network",
    "storagePoolEventRegisterAny": "storage-pool",
    "nodeDeviceEventRegisterAny": "node-device",
    "secretEventRegisterAny": "secret",
    "registerCloseCallback": "close",
}
DEREGISTERING: Final[Mapping[str, str]] = {
    "domainEventDeregisterAny": "domain",
    "domainEventDeregister": "domain-legacy",
    "networkEventDeregisterAny": "network",
    "storagePoolEventDeregisterAny": "storage-pool",
    "nodeDeviceEventDeregisterAny": "node-device",
    "secretEventDeregisterAny": "secret",
    "unregisterCloseCallback": "close",
}
LIFECYCLE: Final = 0


class Ear:
    """The recorder's own registration on a bare connection: it writes EVENT for what the host emits."""

    def __init__(self, bare: Any, recorder: Recorder, merged: Merged, world: str) -> None:
        self._bare = bare
        self._recorder = recorder
        self._merged = merged
        self._world = world
        self._generation = recorder.generation
        self._stream = recorder.number()
        self._ids: list[int] = []

    def listen(self, libvirt_error: type[Exception]) -> None:
        """Register for every observed event; what the connection refuses (no event loop, no such event) is not observed."""
        if self._ids or self._bare is None:
            return
        self._merged.join(self._stream)
        for event_id in OBSERVED:
            with contextlib.suppress(libvirt_error):
                self._ids.append(self._bare.domainEventRegisterAny(None, event_id, self._heard, event_id))
            if not self._ids:
                return

    def release(self) -> None:
        """Deregister; a connection that broke refuses, which changes nothing."""
        ids, self._ids = self._ids, []
        for callback in ids:
            with contextlib.suppress(Exception):
                self._bare.domainEventDeregisterAny(callback)
        self._merged.leave(self._stream)
        self._bare = None

    def _heard(self, _connection: object, domain: Any, *rest: Any) -> None:
        event_id: int = rest[-1]
        event, detail = numbers(event_id, rest[:-1])
        told = HostEvent(domain.UUIDString(), event_id, event, detail)
        if self._generation != self._recorder.generation or not self._merged.is_new(self._stream, self._world, told):
            return
        self._recorder.write(
            Kind.EVENT, self._generation, uuid=told.uuid, name=domain.name(), id=event_id, event=event, detail=detail
        )


class Tracked:
    """What is kept of a connection that the driver opened. It never holds the wrapper, whose collection must be seen."""

    def __init__(self, bare: Any, number: int, ear: Ear, generation: int) -> None:
        self.bare = bare
        self.number = number
        self.ear = ear
        self.generation = generation
        self.closed = False
        self.lost = False
        self.callbacks: dict[tuple[str, object], EventCallback | None] = {}

    def alive(self) -> bool:
        """Whether the transport stands; False after closing."""
        with contextlib.suppress(Exception):
            return not self.closed and bool(self.bare.isAlive())
        return False

    def broken(self) -> bool:
        """Whether the connection was lost before it was closed; libvirt then takes no deregistration."""
        return self.lost

    def registered(self, kind: str, key: object, callback: EventCallback | None) -> None:
        """The driver registered a callback."""
        self.callbacks[kind, key] = callback

    def deregistered(self, kind: str, key: object) -> EventCallback | None:
        """The driver deregistered it, or tries to: on a broken connection libvirt answers with an error but has forgotten it."""
        callback = self.callbacks.pop((kind, key), None)
        if callback is not None:
            callback.forget()
        return callback

    def collected(self) -> None:
        """The driver dropped the connection: libvirt closes it when nothing holds it, and a callback does."""
        self.ear.release()
        self.closed = self.closed or not self.callbacks
        self.bare = None


class WrappedConnection(Wrapped):
    """A connection; registering, deregistering and closing are seen, all else is as for any object."""

    __slots__ = ("_virtproof_tracked",)

    def __init__(self, site: Site, tracked: Tracked) -> None:
        super().__init__(site, tracked.bare, None, identity(tracked.bare, tracked.generation, f"connection-{tracked.number}"))
        object.__setattr__(self, "_virtproof_tracked", tracked)
        weakref.finalize(self, tracked.collected).atexit = False

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        if name in REGISTERING:
            return partial(_register, self, name, found)
        if name in DEREGISTERING:
            return partial(_deregister, self, name, found)
        return partial(_close, self, found) if name == "close" else found

    def __enter__(self) -> "WrappedConnection":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def tracked_of(connection: WrappedConnection) -> Tracked:
    """What is kept of it."""
    found: Tracked = object.__getattribute__(connection, "_virtproof_tracked")
    return found


def _register(connection: WrappedConnection, name: str, register: Callable[..., object], *args: Any, **kwargs: Any) -> object:
    tracked, kind = tracked_of(connection), REGISTERING[name]
    if kind == "domain":
        return _register_domain(connection, register, *args, **kwargs)
    if kind == "domain-legacy":
        return _register_legacy(connection, register, *args, **kwargs)
    result = register(*args, **kwargs)
    tracked.registered(kind, None if kind == "close" else result, None)
    return result


def _register_domain(connection: WrappedConnection, register: Callable[..., object], dom: object, eventID: int, cb: Any, opaque: object) -> object:
    callback = _event_callback(connection, cb, eventID, opaque)
    result = register(dom, eventID, callback, opaque)
    tracked_of(connection).registered("domain", result, callback)
    return result


def _register_legacy(connection: WrappedConnection, register: Callable[..., object], cb: Any, opaque: object) -> object:
    callback = _event_callback(connection, cb, LIFECYCLE, opaque)
    result = register(callback, opaque)
    tracked_of(connection).registered("domain-legacy", cb, callback)
    return result


def _event_callback(connection: WrappedConnection, cb: Callable[..., object], event_id: int, opaque: object) -> EventCallback:
    site = site_of(connection)
    tracked_of(connection).ear.listen(site.libvirt_error)
    return EventCallback(Callback(cb, site.wrap, (opaque,), connection), event_id, site.recorder)


def _deregister(connection: WrappedConnection, name: str, deregister: Callable[..., object], *args: object, **kwargs: object) -> object:
    kind, tracked = DEREGISTERING[name], tracked_of(connection)
    key = None if kind == "close" else next(iter((*args, *kwargs.values())), None)
    callback = tracked.deregistered(kind, key)
    return deregister(callback) if kind == "domain-legacy" and callback else deregister(*args, **kwargs)


def _close(connection: WrappedConnection, close: Callable[[], object]) -> object:
    tracked = tracked_of(connection)
    tracked.lost = not tracked.alive()
    tracked.ear.release()
    tracked.closed = True
    return close()
