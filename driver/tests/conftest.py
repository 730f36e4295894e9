"""What the driver's tests stand on: private hosts of libvirt's test driver, in process and behind a daemon of our own.

What belongs here: fixtures that several files use. What does not: expectations. No host outlives its test, and none is the
machine's own.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import SimpleQueue
from uuid import UUID, uuid5

import pytest

from virtproof_driver.auth import Authenticate
from virtproof_driver.binding import Binding, Connection
from virtproof_driver.connecting import connect
from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.edge import Session, Target, libvirt_binding
from virtproof_driver.edge.event_loop import ensure_running
from virtproof_driver.hypervisors import hypervisor_for
from virtproof_driver.keepalive import Keepalive
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import EventKind, LifecycleEvent

NODE = "<node><cpu><active>2</active><mhz>1000</mhz><model>i686</model></cpu><memory>4194304</memory></node>"
LIBVIRTD = shutil.which("libvirtd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or "libvirtd"
NOBODY = 65534
PATIENCE_SECONDS = 20.0
"""How long a test waits for what must come. No test waits for what must not."""


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether a condition that no event tells came true in time; looked at often."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


class Domains:
    """Names to the smallest domains that the test driver takes."""

    def uuid(self, name: str) -> UUID:
        return uuid5(UUID(int=0), name)

    def xml(self, name: str) -> str:
        body = f"<name>{name}</name><uuid>{self.uuid(name)}</uuid><memory>1024</memory><os><type>hvm</type></os>"
        return f"<domain type='test'>{body}</domain>"


class Heard:
    """A listener that keeps what it heard, and lets a test wait for it."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[LifecycleEvent] = SimpleQueue()

    def __call__(self, event: LifecycleEvent) -> None:
        self._queue.put(event)

    def until(self, name: str, kind: EventKind) -> list[tuple[str, EventKind, str, bool]]:
        """What was heard since the last time, up to this event, as (name, kind, reason, resynced); waits until it came."""
        events: list[LifecycleEvent] = []
        while not events or (events[-1].name, events[-1].kind) != (name, kind):
            events.append(self._queue.get(timeout=PATIENCE_SECONDS))
        return [(event.name, event.kind, event.reason, event.resynced) for event in events]


class Daemon:
    """A libvirtd of our own, unprivileged, that serves the test driver on a unix socket and on a loopback port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._frozen = False
        self._write_configuration()

    @property
    def socket_path(self) -> Path:
        return self.folder / "libvirt-sock"

    @property
    def unix_uri(self) -> str:
        return f"test+unix:///default?socket={self.socket_path}"

    @property
    def tcp_uri(self) -> str:
        return f"test+tcp://127.0.0.1:{self.port}/default"

    def start(self) -> None:
        """Start it, and return when it answers."""
        root = os.geteuid() == 0
        self._process = subprocess.Popen(
            [LIBVIRTD, "-f", str(self.folder / "libvirtd.conf"), "-l", "-p", str(self.folder / "pid")],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **dict.fromkeys(("HOME", *_XDG), str(self.folder))},
            user=NOBODY if root else None,
            group=NOBODY if root else None,
            extra_groups=[] if root else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert eventually(self._answers)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)
        self._frozen = False

    def kill(self) -> None:
        """End it without a word to its clients; guests of the test driver end with it."""
        self._signal(signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        """End it if it runs."""
        if self._process is None:
            return
        if self._frozen:
            self.thaw()
        self._signal(signal.SIGTERM)
        self._reap()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _reap(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(PATIENCE_SECONDS)
        self._process = None

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as unix, socket.socket() as tcp, suppress(OSError):
            unix.connect(str(self.socket_path))
            tcp.connect(("127.0.0.1", self.port))
            return True
        return False

    def _write_configuration(self) -> None:
        lines = (
            f'unix_sock_dir = "{self.folder}"',
            'auth_unix_rw = "none"',
            'auth_unix_ro = "none"',
            "listen_tls = 0",
            "listen_tcp = 1",
            f'tcp_port = "{self.port}"',
            'listen_addr = "127.0.0.1"',
            'auth_tcp = "none"',
            "keepalive_interval = -1",
        )
        (self.folder / "libvirtd.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")


_XDG = ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Cable:
    """A unix socket that forwards to the daemon's, so that a test can cut one client off while another works on."""

    def __init__(self, daemon: Daemon) -> None:
        self.path = daemon.folder / "cable-sock"
        self._target = daemon.socket_path
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._plugged = True
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def uri(self) -> str:
        return f"test+unix:///default?socket={self.path}"

    def cut(self) -> None:
        """Break all connections, and every new one at once, until `mend`."""
        with self._lock:
            self._plugged = False
            ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        with self._lock:
            self._plugged = True

    def close(self) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(PATIENCE_SECONDS)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._join(self._listener.accept()[0])

    def _join(self, client: socket.socket) -> None:
        with self._lock:
            if not self._plugged:
                client.close()
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._target))
            self._ends += [client, server]
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    one.close()


class Sessions:
    """Opens sessions, and closes them when the test ends."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self.opened: list[Session] = []

    def make(
        self, uri: str, *, auth: Authenticate | None = None, read_only: bool = False, keepalive: Keepalive | None = None
    ) -> Session:
        """A session that is not open yet."""
        target = Target(
            binding=self._binding,
            uri=uri,
            hypervisor_for=hypervisor_for,
            auth=auth,
            read_only=read_only,
            keepalive=keepalive or Keepalive(),
        )
        session = Session(target)
        self.opened.append(session)
        return session

    def open(self, uri: str, *, keepalive: Keepalive | None = None) -> Session:
        """An open session."""
        session = self.make(uri, keepalive=keepalive)
        session.open()
        return session


@pytest.fixture
def binding() -> Binding:
    """The real libvirt."""
    return libvirt_binding()


@pytest.fixture
def node_uri(tmp_path: Path) -> str:
    """A host of the test driver with no domains, private to each connection that is opened to it."""
    path = tmp_path / "node.xml"
    path.write_text(NODE, encoding="utf-8")
    return f"test://{path}"


@pytest.fixture
def domains() -> Domains:
    """The domains of these tests."""
    return Domains()


@pytest.fixture
def heard() -> Heard:
    """A listener."""
    return Heard()


@pytest.fixture
def sessions(binding: Binding) -> Iterator[Sessions]:
    """Sessions that are closed at the end, before the hosts that they reach."""
    made = Sessions(binding)
    yield made
    for session in made.opened:
        session.close()


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A libvirtd of this test's own, running."""
    with tempfile.TemporaryDirectory(prefix="vp-") as folder:  # a unix socket's path has 107 bytes at most
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        daemon = Daemon(Path(folder))
        daemon.start()
        yield daemon
        daemon.stop()


@pytest.fixture
def anchor(daemon: Daemon, binding: Binding) -> Iterator[Connection]:
    """A connection of somebody else: the daemon's test host lives as long as its last connection."""
    ensure_running(binding)
    with ExitStack() as stack:
        connection = binding.open(daemon.unix_uri)
        stack.callback(_close, binding, connection)
        yield connection


def _close(binding: Binding, connection: Connection) -> None:
    with suppress(binding.libvirtError):
        connection.close()


@pytest.fixture
def cable(daemon: Daemon) -> Iterator[Cable]:
    """The driver's own way to the daemon."""
    cable = Cable(daemon)
    yield cable
    cable.close()


@pytest.fixture
def driver(node_uri: str) -> Iterator[LibvirtDriver]:
    """The reference driver on a host of its own."""
    with connect(node_uri) as driver:
        yield driver


@pytest.fixture
def small() -> InstanceSpec:
    """An instance that every host can have."""
    return InstanceSpec(uuid=Domains().uuid("small"), name="small", vcpus=1, memory_mib=16)
