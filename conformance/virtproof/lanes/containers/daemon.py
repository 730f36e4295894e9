"""Power over the libvirtd of a container, and the lane `test-rpc` on such daemons: the test driver as another release has it.

What belongs here: starting, stopping, freezing and killing it, by the words of the container's `entry`. What does not: the same
for a libvirtd of this machine (`lanes.daemon`), and what lanes do with either.
"""

import os
from functools import partial
from pathlib import Path

from virtproof.backends.model import Backend
from virtproof.errors import SuiteError
from virtproof.lanes.containers import options
from virtproof.lanes.containers.container import Host, Order, start
from virtproof.lanes.containers.credentials import make_credentials
from virtproof.lanes.containers.doors import Asking, files_of
from virtproof.lanes.containers.engine import connected
from virtproof.lanes.containers.images import image_of
from virtproof.lanes.containers.inside import Inside
from virtproof.lanes.containers.recipe import shipped_recipe
from virtproof.lanes.folders import owner_of
from virtproof.lanes.model import Worker
from virtproof.lanes.test_rpc import DaemonLane


class HostDaemon:
    """The libvirtd of a running container, which runs at first. Each method brings about a state, as those of DaemonControl.

    A state that is there already costs nothing: each word to the container is 0.1 s of a processor, and every case ends with a
    daemon that is thawed and runs. Nobody else has power over this one.
    """

    def __init__(self, host: Inside) -> None:
        self._host = host
        self._frozen = False
        self.runs = True

    def freeze(self) -> None:
        """Stop its processor time. Raises SuiteError when it is down."""
        if not self.runs:
            raise SuiteError("the daemon is not running: start it first")
        if not self._frozen:
            self._frozen = True  # also where it is not told whether that was done
            self._host.do("entry", "freeze")

    def thaw(self) -> None:
        """Let a frozen one run again."""
        if self._frozen:
            self._host.do("entry", "thaw")
            self._frozen = False

    def end(self, signal: str) -> None:
        """End it by a signal, KILL or TERM, and return once it is gone."""
        if self.runs:
            self._host.do("entry", "end", signal)
            self.runs = self._frozen = False

    def start(self) -> None:
        """Start it and return once it listens."""
        if not self.runs:
            self._host.do("entry", "daemon")
            self.runs = True


class ContainerDaemon:
    """A libvirtd in a container of its own: a PrivateDaemon. The container starts with it, and stays until it is closed."""

    def __init__(self, folder: Path, *, tcp: bool, image: str, run: str) -> None:
        self.folder = folder
        self.port: int | None = None
        self._tcp = tcp
        files = files_of(make_credentials(options.LOOPBACK), Asking.TLS)
        self._order = Order(image=image, run=run, owner=owner_of(os.getpid()), folder=folder, files=files, kvm=False)
        self._host: Host | None = None
        self._daemon: HostDaemon | None = None

    @property
    def socket(self) -> Path:
        return self.folder / options.SOCKET

    @property
    def runs(self) -> bool:
        return self._daemon is not None and self._daemon.runs

    def start(self) -> None:
        if self._daemon is not None:
            self._daemon.start()
            return
        self._host = start(self._order)
        self._daemon = HostDaemon(self._host)
        self.port = self._host.ports["tcp"] if self._tcp else None

    def freeze(self) -> None:
        if self._daemon is None:
            raise SuiteError("the daemon was never started: start it first")
        self._daemon.freeze()

    def thaw(self) -> None:
        if self._daemon is not None:
            self._daemon.thaw()

    def kill(self) -> None:
        self._end("KILL")

    def stop(self) -> None:
        self._end("TERM")

    def close(self) -> None:
        host, self._host, self._daemon = self._host, None, None
        if host is not None:
            host.remove()

    def last_log(self) -> bytes:
        return self._host.tails({"log": options.DAEMON_LOG}).get("log", b"") if self._host is not None else b""

    def _end(self, signal: str) -> None:
        if self._daemon is not None:
            self._daemon.end(signal)


def daemon_lane(backend: Backend, transport: str, worker: Worker) -> DaemonLane:
    """The lane `test-rpc` on the libvirt of the backend's suite. Raises LaneUnavailable."""
    engine = connected()
    try:
        image = image_of(engine, shipped_recipe(backend.suite), lambda _line: None)
    finally:
        engine.close()
    return DaemonLane(backend, transport, worker, partial(ContainerDaemon, image=image, run=worker.run))
