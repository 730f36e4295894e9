"""Connections that the driver under test opened: their callbacks and their closing.

What belongs here: what is kept of a connection, and the wrapper that knows callbacks. What does not: opening (`binding`). The
recorder registers first, so that EVENT precedes DELIVERY, and lets go before the driver closes: libvirt counts a reference
for each callback, and a connection with one does not close.
"""

import contextlib
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Self

from virtproof.recording.callbacks import Callback, EventCallback
from virtproof.recording.ears import LIFECYCLE, Ear
from virtproof.recording.objects import Identity, Site, Wrapped, bound, identity, site_of

# Methods that register and deregister callbacks, and the kind of the callback; a connection has one close callback.
REGISTERING: Final[Mapping[str, str]] = {
    "domainEventRegisterAny": "domain",
    "domainEventRegister": "domain-first",
    "networkEventRegisterAny": "network",
    "storagePoolEventRegisterAny": "storage-pool",
    "nodeDeviceEventRegisterAny": "node-device",
    "secretEventRegisterAny": "secret",
    "registerCloseCallback": "close",
}
DEREGISTERING: Final[Mapping[str, str]] = {
    "domainEventDeregisterAny": "domain",
    "domainEventDeregister": "domain-first",
    "networkEventDeregisterAny": "network",
    "storagePoolEventDeregisterAny": "storage-pool",
    "nodeDeviceEventDeregisterAny": "node-device",
    "secretEventDeregisterAny": "secret",
    "unregisterCloseCallback": "close",
}

_PARAMETERS: Final = ("dom", "eventID", "cb", "opaque")  # of domainEventRegisterAny
Register = Callable[..., object]


class Tracked:
    """What is kept of a connection that the driver opened. It never holds the wrapper, whose collection must be seen."""

    def __init__(self, bare: Any, number: int, ear: Ear, generation: int, host: str = "") -> None:
        self.bare: Any = bare
        self.host = host
        self.number = number
        self.ear = ear
        self.generation = generation
        self.closed = False
        self.lost = False
        self.callbacks: dict[tuple[str, object], EventCallback | None] = {}

    def alive(self) -> bool:
        """Whether the transport stands; False after closing."""
        bare: Any = self.bare
        with contextlib.suppress(Exception):
            return not self.closed and bool(bare.isAlive())
        return False

    def registered(self, kind: str, key: object, callback: EventCallback | None) -> None:
        """The driver registered a callback."""
        self.callbacks[kind, key] = callback

    def deregistered(self, kind: str, key: object) -> EventCallback | None:
        """The driver deregistered it, or tries to: on a broken connection libvirt answers with an error but has forgotten it."""
        callback = self.callbacks.pop((kind, key), None)
        if callback is not None:
            callback.forget()
        return callback

    def dropped(self) -> None:
        """The driver dropped the connection: libvirt-python closes it when nothing holds it, and a callback does.

        Called on a thread that is not inside libvirt, not by the collector: libvirt frees a callback, and what only that held, in
        its event thread and under its lock, where deregistering waits for that lock for ever (libvirt 9.0.0).
        """
        self.ear.release()
        if not self.closed and not self.callbacks:
            self.closed = True
            with contextlib.suppress(Exception):
                self.bare.close()


class WrappedConnection(Wrapped):
    """A connection; registering, deregistering and closing are seen, all else is as for any object."""

    __slots__ = ("_virtproof_tracked",)

    def __init__(self, site: Site, tracked: Tracked, dropped: Callable[[Tracked], object]) -> None:
        super().__init__(site, tracked.bare, None, identity_of_connection(tracked))
        object.__setattr__(self, "_virtproof_tracked", tracked)
        weakref.finalize(self, dropped, tracked).atexit = False

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        if name in REGISTERING:
            return bound(self, name, partial(_register, self, name, found))
        if name in DEREGISTERING:
            return bound(self, name, partial(_deregister, self, name, found))
        return bound(self, name, partial(_close, self, found)) if name == "close" else found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def identity_of_connection(tracked: Tracked) -> Identity:
    """What the evidence says of a connection."""
    return identity(tracked.bare, tracked.generation, f"connection-{tracked.number}", tracked.host)


def tracked_of(connection: WrappedConnection) -> Tracked:
    """What is kept of it."""
    found: Tracked = object.__getattribute__(connection, "_virtproof_tracked")
    return found


def _register(connection: WrappedConnection, name: str, register: Register, *args: Any, **kwargs: Any) -> object:
    tracked, kind = tracked_of(connection), REGISTERING[name]
    if kind == "domain":
        return _register_domain(connection, register, *args, **kwargs)
    if kind == "domain-first":
        return _register_first(connection, register, *args, **kwargs)
    result = register(*args, **kwargs)
    tracked.registered(kind, None if kind == "close" else result, None)
    return result


def _register_domain(connection: WrappedConnection, register: Register, *args: Any, **kwargs: Any) -> object:
    domain, event_id, cb, opaque = (*args, *(kwargs[name] for name in _PARAMETERS[len(args) :]))
    tracked = tracked_of(connection)
    callback = _event_callback(connection, cb, event_id, opaque, of_all=domain is None)
    if domain is None:
        tracked.ear.give_way(event_id)
    try:
        result = register(domain, event_id, callback, opaque)
    except BaseException:
        if domain is None:
            tracked.ear.take_back(event_id)
        raise
    tracked.registered("domain", result, callback)
    return result


def _register_first(connection: WrappedConnection, register: Register, cb: Any, opaque: object) -> object:
    tracked = tracked_of(connection)
    callback = _event_callback(connection, cb, LIFECYCLE, opaque, of_all=True)
    tracked.ear.give_way_first()
    result = register(callback, opaque)
    tracked.registered("domain-first", cb, callback)
    return result


def _event_callback(connection: WrappedConnection, cb: Any, event_id: int, opaque: object, *, of_all: bool) -> EventCallback:
    site, tracked = site_of(connection), tracked_of(connection)
    tracked.ear.listen()
    plain = Callback(cb, site.wrap, (opaque,), connection)
    return EventCallback(plain, event_id, site.recorder, tracked.ear.overhear if of_all else None, tracked.host)


def _deregister(connection: WrappedConnection, name: str, deregister: Register, *args: object, **kwargs: object) -> object:
    kind, tracked = DEREGISTERING[name], tracked_of(connection)
    key = None if kind == "close" else next(iter((*args, *kwargs.values())), None)
    callback = tracked.deregistered(kind, key)
    try:
        return deregister(callback) if kind == "domain-first" and callback else deregister(*args, **kwargs)
    finally:
        if callback is not None and callback.of_all:
            tracked.ear.take_back(callback.event_id)


def _close(connection: WrappedConnection, close: Callable[[], object]) -> object:
    tracked = tracked_of(connection)
    tracked.lost = tracked.lost or not (tracked.closed or tracked.alive())
    tracked.ear.release()
    tracked.closed = True
    return close()
