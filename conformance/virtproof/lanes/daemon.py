"""A private, unprivileged libvirtd: its configuration, its process, and that it never outlives the worker.

What belongs here: starting, stopping, freezing and killing one daemon. What does not: the process as such (`supervised`), what
connects to it (`test_rpc`) and the proxy between them (`forwarder`). Everything of a daemon lies in one folder; as root it runs
as `nobody`, so that it can change nothing else.
"""

import os
import pwd
import shutil
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from virtproof.errors import LaneUnavailable, SuiteError
from virtproof.lanes.model import LOG_BYTES
from virtproof.lanes.supervised import Supervised, listens

START_SECONDS: Final = 15.0
PORT_ATTEMPTS: Final = 5
LONGEST_SOCKET: Final = 107  # bytes: sun_path of unix(7), less its final NUL
LOOPBACK: Final = "127.0.0.1"


def libvirtd() -> Path:
    """The daemon's program. Raises LaneUnavailable where there is none."""
    found = shutil.which("libvirtd", path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin")))
    if found is None:
        raise LaneUnavailable("libvirtd is not installed; install it (on Debian: apt-get install libvirt-daemon)")
    return Path(found)


class PrivateDaemon(Protocol):
    """One libvirtd with a folder of its own; started by `start`, as often as it was ended, and gone for good after `close`.

    `port` is the loopback's, None for a daemon that was not asked to listen there, or has not been started.
    """

    @property
    def folder(self) -> Path: ...
    @property
    def socket(self) -> Path: ...
    @property
    def port(self) -> int | None: ...
    @property
    def runs(self) -> bool:
        """Whether it was started and not ended by us since."""
        ...

    def start(self) -> None:
        """Start it and return once it answers at its sockets; one that runs is left as it is. Raises LaneUnavailable."""
        ...

    def freeze(self) -> None:
        """Stop its processor time; its sockets stay open. Returns once it stands still. Raises SuiteError when it is down."""
        ...

    def thaw(self) -> None:
        """Let a frozen one run again; any other is left as it is."""
        ...

    def kill(self) -> None:
        """End it without a chance to say goodbye; one that is down is left as it is."""
        ...

    def stop(self) -> None:
        """End it in order, by SIGKILL when that takes too long; one that is down is left as it is."""
        ...

    def close(self) -> None:
        """End it, whatever its state; closing twice changes nothing."""
        ...

    def last_log(self) -> bytes:
        """The tail of its log; empty where there is none."""
        ...


class DaemonMaker(Protocol):
    """Makes a daemon that has not been started; with `tcp` it will listen at a port of the loopback too."""

    def __call__(self, folder: Path, *, tcp: bool) -> PrivateDaemon: ...


class Daemon:
    """A libvirtd of this machine: a PrivateDaemon."""

    def __init__(self, folder: Path, *, tcp: bool) -> None:
        self.folder = folder
        self.program = libvirtd()
        self.home = folder / "home"
        self.home.mkdir(mode=0o700)
        self.socket = self.home / "libvirt-sock"
        self.port: int | None = None
        self.log = self.home / "libvirtd.log"
        self._tcp = tcp
        self._identity = _unprivileged()
        self._process: Supervised | None = None
        if self._identity:
            os.chown(self.home, self._identity["user"], self._identity["group"])

    def start(self) -> None:
        if self._process is not None:
            return
        for _ in range(PORT_ATTEMPTS if self._tcp else 1):
            self.port = _free_port() if self._tcp else None
            if self._started():
                return
        raise LaneUnavailable(f"libvirtd does not start: {self._last_words()}; try it by hand: {self.program} --verbose")

    def freeze(self) -> None:
        self._running().send(signal.SIGSTOP)
        self._running().await_state("T")

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send(signal.SIGCONT)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def close(self) -> None:
        self.kill()

    def last_log(self) -> bytes:
        return self.log.read_bytes()[-LOG_BYTES:] if self.log.exists() else b""

    @property
    def runs(self) -> bool:
        return self._process is not None

    def _started(self) -> bool:
        self.socket.unlink(missing_ok=True)  # a killed daemon leaves it, and a connection to it is how we see the new one
        configuration = self.home / "libvirtd.conf"
        configuration.write_text(configuration_text(self.home, self.port), encoding="utf-8")
        listen = ["--listen"] if self.port is not None else []
        command = [str(self.program), "-f", str(configuration), *listen, "-p", str(self.home / "libvirtd.pid")]
        self._process = Supervised(command, self.log, environment(self.home), self._identity)
        if self._process.until(self._answers, START_SECONDS):
            return True
        self._end(signal.SIGKILL)
        return False

    def _answers(self) -> bool:
        """Whether it listens; that the port accepts would prove nothing, since libvirtd ends late when another process has it."""
        return (self.port is None or listens(self._running().pid, self.port)) and _accepts(str(self.socket))

    def _end(self, number: signal.Signals) -> None:
        running, self._process = self._process, None
        if running is not None:
            running.end(number)

    def _running(self) -> Supervised:
        if self._process is None:
            raise SuiteError("the daemon is not running: start it first")
        return self._process

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        return lines[-1] if lines else "it said nothing"


def configuration_text(home: Path, port: int | None) -> str:
    """The daemon's libvirtd.conf: no authentication, since only our folder and the loopback reach it; no own keepalive."""
    settings: dict[str, str | int] = {
        "unix_sock_dir": str(home),
        "auth_unix_rw": "none",
        "auth_unix_ro": "none",
        "listen_tls": 0,
        "listen_tcp": int(port is not None),
        "auth_tcp": "none",
        "listen_addr": LOOPBACK,
        "keepalive_interval": -1,
    }
    if port is not None:
        settings["tcp_port"] = str(port)
    return "".join(f'{key} = "{value}"\n' if isinstance(value, str) else f"{key} = {value}\n" for key, value in settings.items())


def environment(home: Path) -> dict[str, str]:
    """The daemon's environment: the folders that an unprivileged libvirtd keeps its state in, all private."""
    names = ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    return {"PATH": os.environ.get("PATH", os.defpath), **dict.fromkeys(names, str(home))}


def _unprivileged() -> Mapping[str, int]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _free_port() -> int:
    """A port that was free a moment ago; whoever takes it meanwhile makes the daemon end at once, and the next one is tried."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _accepts(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        return client.connect_ex(path) == 0
