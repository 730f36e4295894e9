"""The lane `test-rpc`: libvirt's test driver behind private daemons, over unix or tcp sockets.

What belongs here: the lane, and the worlds of cases that share the worker's daemon. What does not: daemons as such (`daemon`, and
`containers.daemon` for those of another release) and the worlds of cases that need one for themselves (`exclusive`).
`test:///default` in a daemon is one host for all its clients, which the daemon forgets when the last of them leaves (measured on
libvirt 9.0.0): an anchor connection of the lane keeps it.
"""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from virtproof.backends.model import Backend
from virtproof.errors import LaneUnavailable
from virtproof.lanes.bare import bare_binding, opened
from virtproof.lanes.daemon import LONGEST_SOCKET, LOOPBACK, Daemon, DaemonMaker, PrivateDaemon
from virtproof.lanes.exclusive import ExclusiveWorld
from virtproof.lanes.facts import fingerprint_of, versions_of
from virtproof.lanes.folders import make_folder, places, reap_folders, remove_folder
from virtproof.lanes.forwarder import Forwarder
from virtproof.lanes.inhabited import inhabit
from virtproof.lanes.model import CaseWorld, DaemonControl, GuestControl, SecondHost, Ways, Worker, label_of
from virtproof.lanes.reaper import reap
from virtproof.lanes.smallest import smallest
from virtproof.lanes.standing import OnDemand, Standing
from virtproof_driver.binding import Binding, Connection
from virtproof_driver.spec import InstanceSpec

_LONGEST_TAIL: Final = len("/virtproof-12345678/9999/home/libvirt-sock")


class SharedWorld:
    """A case's view of the worker's daemon."""

    def __init__(self, uri: str, observer: OnDemand) -> None:
        self.uri = uri
        self._observer = observer

    @property
    def daemon(self) -> DaemonControl | None:
        return None

    @property
    def guests(self) -> GuestControl | None:
        return None

    @property
    def ways(self) -> Ways | None:
        return None

    @property
    def destination(self) -> SecondHost | None:
        return None

    @property
    def shared(self) -> bool:
        return True

    def observer(self, of_driver: Connection | None) -> Connection:
        del of_driver
        return self._observer.connection()

    def small(self, name: str, index: int, guest: str | None = None) -> InstanceSpec:
        return smallest("TEST", name, index, guest=guest)

    def authenticated(self) -> tuple[str, str, str] | None:
        return None

    def inhabited(self, spec: InstanceSpec) -> str:
        inhabit(self._observer.connection(), spec)
        return self.uri


class DaemonLane:
    """The test driver behind daemons that `make` makes, for one worker."""

    def __init__(self, backend: Backend, transport: str, worker: Worker, make: DaemonMaker = Daemon) -> None:
        self.backend = backend
        self.transport = transport
        self.worker = worker
        self.binding: Binding = bare_binding()
        reap_folders()
        self.folder = make_folder(short_base())
        self.folder.chmod(0o711)  # the daemon's user passes through
        self._cases = 0
        self._make = make
        self._daemon = self._new_daemon(tcp=transport == "tcp")
        try:
            self._daemon.start()
            self._anchor = opened(unix_uri(self._daemon.socket))
            self.versions = versions_of(self.binding, self._anchor)
            self.fingerprint = fingerprint_of(self.versions, self._anchor)
            self._standing = Standing(unix_uri(self._daemon.socket))
        except Exception:
            self._daemon.close()
            remove_folder(self.folder)
            raise

    @property
    def label(self) -> str:
        return label_of(self.backend, self.transport)

    @contextmanager
    def open_case(self, *, exclusive: bool, paired: bool = False) -> Generator[CaseWorld]:
        del paired
        with self._exclusive() if exclusive else self._shared() as world:
            yield world

    def observer(self) -> Connection | None:
        return self._standing.connection()

    def logs(self, domains: Sequence[str]) -> Mapping[str, bytes]:
        """The log of the worker's daemon; the one of a case's own daemon is gone with it."""
        del domains
        log = self._daemon.last_log()
        return {"libvirtd.log": log} if log else {}

    def reap(self) -> Sequence[str]:
        return reap(self.binding, self._anchor, self.worker.prefix)

    def close(self) -> None:
        self._standing.close()
        self._anchor.close()
        self._daemon.close()
        remove_folder(self.folder)

    @contextmanager
    def _shared(self) -> Generator[CaseWorld]:
        port = self._daemon.port
        uri = unix_uri(self._daemon.socket) if port is None else tcp_uri(port)
        observer = OnDemand(unix_uri(self._daemon.socket))
        try:
            yield SharedWorld(uri, observer)
        finally:
            observer.close()

    @contextmanager
    def _exclusive(self) -> Generator[CaseWorld]:
        daemon = self._new_daemon(tcp=False)
        path = daemon.folder / "proxy" if self.transport == "unix" else None
        forwarder = Forwarder(str(daemon.socket), path)
        address = forwarder.address
        uri = unix_uri(Path(address)) if isinstance(address, str) else tcp_uri(address[1])
        world = ExclusiveWorld(uri, daemon, forwarder, observed=unix_uri(daemon.socket))
        try:
            world.start()
            yield world
        finally:
            world.close()
            remove_folder(daemon.folder)

    def _new_daemon(self, *, tcp: bool) -> PrivateDaemon:
        self._cases += 1
        folder = self.folder / str(self._cases)
        folder.mkdir(mode=0o711)
        return self._make(folder, tcp=tcp)


def unix_uri(path: Path) -> str:
    """The URI of the shared host behind a unix socket."""
    return f"test+unix:///default?socket={quote(str(path))}"


def tcp_uri(port: int) -> str:
    """The URI of the shared host behind a port of the loopback."""
    return f"test+tcp://{LOOPBACK}:{port}/default"


def short_base() -> Path:
    """A temporary folder under which a daemon's socket has a short enough path and its user may pass.

    Raises LaneUnavailable when there is none.
    """
    candidates = places()
    for base in candidates:
        if len(os.fsencode(base)) + _LONGEST_TAIL <= LONGEST_SOCKET and os.access(base, os.W_OK) and _passable(base):
            return base
    problem = f"{candidates[0]} has too long a path for a daemon's socket, or is closed to its user"
    raise LaneUnavailable(f"{problem}; set TMPDIR to a folder such as /tmp")


def _passable(base: Path) -> bool:
    return os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in (base, *base.parents))
