"""What the suite needs of a provisioned lane, as Protocols.

What belongs here: the Protocols and the identity that a worker gets. What does not: any way of provisioning; each is in the
module named after it (`test.py`, `test_rpc.py`, `host.py`). A lane lives as long as its worker; what a case needs for itself
comes from `open_case`.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from virtproof.backends.model import Backend
from virtproof.errors import LaneUnavailable
from virtproof_driver.binding import Binding, Connection
from virtproof_driver.spec import InstanceSpec

_XDIST: Final = "gw"
LOG_BYTES: Final = 1 << 16  # the tail of each log that is kept of a case that failed

if TYPE_CHECKING:
    from virtproof.lanes.containers.description import Description


def nothing_shared(backend: Backend, transport: str) -> "Description":
    """For a worker whose run provisioned no containers. Raises LaneUnavailable."""
    del transport
    raise LaneUnavailable(f"{backend.name}: no process provisioned a container for this run; run it by `virtproof run` or pytest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker's identity, handed out by the controller. `prefix` begins the name of every object that the worker makes.

    `shared` gives the container that the run's leader provisioned for a backend and transport, or raises LaneUnavailable.
    """

    run: str
    name: str
    prefix: str
    shared: Callable[[Backend, str], "Description"] = nothing_shared

    @property
    def number(self) -> int:
        """Which of the run's workers it is, from 0; xdist names them gw0 and gw1."""
        return int(self.name.removeprefix(_XDIST)) if self.name.startswith(_XDIST) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Furniture:
    """What a host has for guests before any case: the pool with their images, and a network without a way out; by name."""

    pool: str
    network: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A file system's size, and what is free of it, in bytes."""

    size: int
    free: int


def label_of(backend: Backend, transport: str) -> str:
    """A lane's name in reports: the backend's, and the transport where the backend has more than one."""
    return backend.name if len(backend.transports) == 1 else f"{backend.name}/{transport}"


class DaemonControl(Protocol):
    """Power over the daemon between driver and hypervisor; only lanes with the capability connection.reconnect have it.

    Each brings about a state, so asking for the state that it is in changes nothing. While the daemon is down, and after `cut`,
    connecting is refused at once. Freezing one that is down is a SuiteError.
    """

    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def kill(self) -> None: ...
    def stop(self) -> None: ...
    def start(self) -> None: ...
    def restart(self) -> None: ...
    def cut(self) -> None:
        """Cut the driver's connections at the transport; daemon and guests live on, new connections are refused until `mend`."""
        ...

    def mend(self) -> None: ...


class GuestControl(Protocol):
    """Power over guests past libvirt, and a look at their host's files; only lanes in containers have it."""

    def kill(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the process that runs the domain of this name: QEMU, or LXC's controller."""
        ...

    def end(self, name: str, number: signal.Signals) -> None:
        """Send a signal likewise, and return once the process is gone. SuiteError when it outlives that by ten seconds."""
        ...

    def read(self, path: str) -> bytes:
        """A file of the host."""
        ...

    def write(self, path: str, data: bytes, offset: int = 0) -> None:
        """Overwrite a piece of a host's file, or make a new one; at most 64 KiB."""
        ...

    def exists(self, path: str) -> bool: ...

    def space(self, path: str) -> Space:
        """The file system that a path of the host lies on."""
        ...

    @property
    def small_folder(self) -> str:
        """A folder of the host with a file system of its own of 16 MiB, for cases that fill a disk; the worker's own."""
        ...


class Ways(Protocol):
    """Further ways to a case's host, past any proxy: right ones by transport, and such as a driver must refuse, by what is wrong.

    Only lanes whose credentials are the suite's own have them. Their names are those of `containers.ways` and `containers.wrong`.
    """

    def right(self, transport: str) -> str: ...

    def wrong(self, fault: str) -> str: ...

    @property
    def secrets(self) -> frozenset[bytes]:
        """What must show nowhere: passwords, and a piece of each private key."""
        ...


class SecondHost(Protocol):
    """A further host that a case's instances can be moved to; only worlds that were opened as a pair have one."""

    @property
    def uri(self) -> str:
        """As drivers under test reach it, by a way that can be cut."""
        ...

    @property
    def peer_uri(self) -> str:
        """As the daemon of the case's first host reaches it."""
        ...

    @property
    def address(self) -> str:
        """Its name on the network between the hosts."""
        ...

    @property
    def pool(self) -> str:
        """The storage pool that both hosts have on one storage."""
        ...

    @property
    def daemon(self) -> DaemonControl: ...

    @property
    def guests(self) -> GuestControl: ...

    def observer(self) -> Connection:
        """A connection past every driver; a new one when the daemon ended meanwhile, so ask again after `start`."""
        ...

    def part(self) -> None:
        """Cut the network between the hosts: what one sends to the other is lost. Drivers and the suite reach both still."""
        ...

    def rejoin(self) -> None:
        """The network is whole again."""
        ...


class CaseWorld(Protocol):
    """What one case works with."""

    @property
    def uri(self) -> str:
        """The URI that the driver under test gets."""
        ...

    @property
    def daemon(self) -> DaemonControl | None: ...

    @property
    def guests(self) -> GuestControl | None: ...

    @property
    def ways(self) -> Ways | None: ...

    @property
    def destination(self) -> SecondHost | None:
        """The host that instances can be moved to, where the world was opened as a pair."""
        ...

    @property
    def shared(self) -> bool:
        """Whether connections opened separately see one host; where false, what one connection made is not there for another."""
        ...

    def observer(self, of_driver: Connection | None) -> Connection:
        """A connection past the driver, on the bare binding: an own one where the host can be shared, else the driver's own."""
        ...

    def small(self, name: str, index: int, guest: str | None = None) -> InstanceSpec:
        """The smallest instance that the lane can run; `index` makes its UUID and hardware addresses.

        `guest` names what runs in it, where not the guest that obeys; a lane without guests raises SuiteError for it.
        """
        ...

    def authenticated(self) -> tuple[str, str, str] | None:
        """A URI that asks for credentials, with a user and password that it accepts; None where the lane has none."""
        ...

    def inhabited(self, spec: InstanceSpec) -> str:
        """A URI of a host that has this instance, running, before anybody connects. On a shared host the case takes it away."""
        ...


class Lane(Protocol):
    """One backend provisioned one way, for one worker."""

    @property
    def backend(self) -> Backend: ...

    @property
    def transport(self) -> str: ...

    @property
    def label(self) -> str:
        """`test`, or `test-rpc/unix` where there is more than one transport."""
        ...

    @property
    def binding(self) -> Binding:
        """The bare binding that reaches it."""
        ...

    @property
    def versions(self) -> Mapping[str, str]: ...

    @property
    def fingerprint(self) -> str:
        """A digest of what decides behaviour there: versions, type, capabilities XML."""
        ...

    def open_case(self, *, exclusive: bool, paired: bool = False) -> AbstractContextManager[CaseWorld]:
        """A world for one case; exclusive when the case stops, freezes or kills daemons, paired when it needs two hosts.

        A pair is always the case's own. A lane that has no second host opens a world without one.
        """
        ...

    def observer(self) -> Connection | None:
        """A connection past every driver, alive, and kept from case to case; on it the suite hears all that the host emits.

        None where each connection has a host of its own. Not to be asked for before an event loop runs: a connection that was
        opened earlier hears nothing (https://libvirt.org/html/libvirt-libvirt-event.html). Raises LaneUnavailable.
        """
        ...

    def logs(self, domains: Sequence[str]) -> Mapping[str, bytes]:
        """What is told of the case that ended last, by file name: the daemon's log, and that of each of these domains."""
        ...

    def reap(self) -> Sequence[str]:
        """Remove what bears the worker's prefix; the names removed."""
        ...

    def close(self) -> None: ...
