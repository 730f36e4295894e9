"""The recording binding: what the driver under test is given in libvirt's place.

What belongs here: the module's own functions, and adopting what they return. What does not: objects (`objects`), connections
(`connections`), what is recorded of a call. One binding a worker, not one a case: libvirt has one event loop a process.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakValueDictionary

from virtproof.recording.connections import Tracked, WrappedConnection
from virtproof.recording.ears import Ear
from virtproof.recording.host_events import Merged, Place
from virtproof.recording.objects import Identity, Site, Wrapped, identity, identity_of
from virtproof.recording.recorder import Recorder
from virtproof_driver.binding import Binding, Connection, LibvirtError, Opaque, TimeoutCallback
from virtproof_driver.edge.event_loop import THREAD_NAME as EVENT_LOOP

Address = tuple[str, str, str]
NOWHERE_ELSE: Final[Mapping[str, str]] = MappingProxyType({})
_PRIVATE_WORLD: Final = "test:///"
_SHARED_WORLD: Final = "test:///default"


class RecordingBinding:
    """A binding that records. Constants, classes and functions that it does not name pass through to the bare one."""

    def __init__(self, binding: Binding, recorder: Recorder) -> None:
        self._bare = binding
        self._recorder = recorder
        self._site = Site(recorder, binding.libvirtError, self._adopt, self._tidy)
        self._dropped: deque[Tracked] = deque()
        self._wrappers: WeakValueDictionary[int, WrappedConnection] = WeakValueDictionary()
        self._tracked: list[Tracked] = []
        self._merged = Merged()
        self._attending: dict[int, tuple[Connection, Ear]] = {}
        self._observed = False
        self._loops: set[int] = set()
        self._hosts: Mapping[Address, str] = {}

    # --- what drivers call ---------------------------------------------------------------------------

    @property
    def libvirtError(self) -> type[LibvirtError]:
        """The real error class: errors pass through the recorder untouched."""
        return self._bare.libvirtError

    def getVersion(self, name: str | None = None) -> int:
        """As in libvirt-python."""
        return self._bare.getVersion() if name is None else self._bare.getVersion(name)

    def registerErrorHandler(self, f: Callable[..., object] | None, ctx: Opaque) -> int:
        """As in libvirt-python."""
        return self._bare.registerErrorHandler(f, ctx)

    def virEventRegisterDefaultImpl(self) -> int:
        """As in libvirt-python."""
        return self._bare.virEventRegisterDefaultImpl()

    def virEventRunDefaultImpl(self) -> int:
        """As in libvirt-python; the thread that calls is an event loop's, which may outlive a driver."""
        self._loops.add(threading.get_ident())
        return self._bare.virEventRunDefaultImpl()

    def virEventAddTimeout(self, timeout: int, cb: TimeoutCallback, opaque: Opaque) -> int:
        """As in libvirt-python."""
        return self._bare.virEventAddTimeout(timeout, cb, opaque)

    def virEventRemoveTimeout(self, timer: int) -> int:
        """As in libvirt-python."""
        return self._bare.virEventRemoveTimeout(timer)

    def open(self, name: str | None = None) -> Connection:
        """As in libvirt-python; recorded."""
        return self._open("open", name)

    def openReadOnly(self, name: str | None = None) -> Connection:
        """As in libvirt-python; recorded."""
        return self._open("openReadOnly", name)

    def openAuth(self, uri: str, auth: list[Any], flags: int = 0) -> Connection:
        """As in libvirt-python; recorded without what was asked and answered."""
        return self._open("openAuth", uri, auth, flags)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bare, name)

    # --- what the suite asks --------------------------------------------------------------------------

    @property
    def __wrapped__(self) -> Binding:
        """The binding past the recorder, for who runs libvirt's event loop: one libvirt has one."""
        return self._bare

    @property
    def bare(self) -> Binding:
        """The binding past the recorder."""
        return self._bare

    @property
    def loops(self) -> frozenset[int]:
        """Identities of the threads that ran libvirt's event loop."""
        return frozenset(self._loops)

    @property
    def loop_runs(self) -> bool:
        """Whether a thread of this process runs libvirt's event loop: the reference driver's, or one that the recorder saw."""
        return any(thread.name == EVENT_LOOP or thread.ident in self._loops for thread in threading.enumerate())

    def begin_case(self, attended: Connection | None = None, hosts: Mapping[str, str] = NOWHERE_ELSE) -> None:
        """Forget the connections of earlier cases; call after the recorder began the case.

        `attended` is a connection of the suite's own that listens to the case's host throughout: from now on until `leave`.
        `hosts` names the hosts that are not the case's own, by the URIs that lead to them.
        """
        self._hosts = {_address(uri): host for uri, host in hosts.items()}
        self._tidy()
        self._tracked = []
        self._merged.clear()
        self._observed = attended is not None
        for _, ear in self._attending.values():
            ear.renew()
        if attended is not None and id(attended) not in self._attending:
            self._attending[id(attended)] = (attended, self.listen(attended))

    def tracked(self) -> tuple[Tracked, ...]:
        """The connections that were opened in this case, in order."""
        self._tidy()
        generation = self._recorder.generation
        return tuple(tracked for tracked in self._tracked if tracked.generation == generation)

    def bare_connection(self) -> Connection | None:
        """The bare connection of the driver that was opened last and still is open; None when there is none."""
        return next((tracked.bare for tracked in reversed(self.tracked()) if not tracked.closed), None)

    def listen(self, connection: Connection, host: str = "") -> Ear:
        """Listen on a connection of the suite's own as well, so that host truth outlives the driver's; release it at the end."""
        ear = Ear(connection, self._recorder, self._merged, Place(host, host))
        ear.listen()
        return ear

    def leave(self) -> None:
        """Stop listening on what was attended, before it is closed."""
        for _, ear in self._attending.values():
            ear.release()
        self._attending.clear()

    def is_own(self, connection: Connection) -> bool:
        """Whether the bare connection is one that the driver under test opened."""
        return any(tracked.bare is connection for tracked in self.tracked())

    def _tidy(self) -> None:
        """Let go of connections that the driver dropped, on a thread that is not inside libvirt."""
        while self._dropped:
            with contextlib.suppress(IndexError):  # another thread was quicker
                self._dropped.popleft().dropped()

    def _open(self, method: str, *args: object) -> Connection:
        module = Wrapped(self._site, self._bare, None, Identity("libvirt", "", self._recorder.generation))
        return cast("Connection", self._site.call(module, method, getattr(self._bare, method), args, {}))

    def _adopt(self, bare: object, parent: object) -> object:
        if hasattr(bare, "domainEventRegisterAny"):
            return self._connection(bare)
        generation = identity_of(parent).generation if isinstance(parent, Wrapped) else self._recorder.generation
        return Wrapped(self._site, bare, parent, identity(bare, generation, host=self._host_of(bare, parent)))

    def _host_of(self, bare: Any, parent: object) -> str:
        """The host of an object: its connection's, for a migrated domain is returned by its first host and lives on another."""
        reached: Callable[[], object] | None = getattr(bare, "connect", None) if self._hosts else None
        connection = reached() if reached is not None else None
        known = (tracked.host for tracked in self._tracked if connection is not None and tracked.bare is connection)
        return next(known, identity_of(parent).host if isinstance(parent, Wrapped) else "")

    def _connection(self, bare: Any) -> WrappedConnection:
        known = self._wrappers.get(id(bare))
        if known is not None:
            return known
        tracked = next((t for t in self._tracked if t.bare is bare), None) or self._track(bare)
        made = WrappedConnection(self._site, tracked, self._dropped.append)
        self._wrappers[id(bare)] = made
        return made

    def _track(self, bare: Any) -> Tracked:
        number = len(self._tracked) + 1
        host = self._hosts.get(_address(bare.getURI()), "") if self._hosts else ""
        place = Place(host or _world(bare, number), host)
        ear = Ear(bare, self._recorder, self._merged, place, alone=not self._observed)
        tracked = Tracked(bare, number, ear, self._recorder.generation, host)
        self._tracked.append(tracked)
        tracked.ear.listen()
        return tracked


def _address(uri: str) -> Address:
    """What tells one way to a host from another: libvirt writes a URI's parameters in its own manner."""
    parts = urlsplit(uri)
    return parts.scheme, parts.netloc, dict(parse_qsl(parts.query)).get("socket", "")


def _world(bare: Any, number: int) -> str:
    """Which host a connection reaches: the test driver in process has one a connection, unless it is the default one."""
    uri: str = bare.getURI()
    private = uri.startswith(_PRIVATE_WORLD) and not uri.startswith(_SHARED_WORLD)
    return f"connection-{number}" if private else ""
