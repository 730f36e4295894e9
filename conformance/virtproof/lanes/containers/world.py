"""What a case works with on a container: shared with the other cases, or for itself where it freezes and kills the daemon.

What belongs here: the two worlds. What does not: the container (`container`), and when a world is opened (`lane`). A case of
its own goes through a proxy, so that the driver can be cut off while daemon and guests live; the observer goes past it. Guests
survive the daemon: after `start` they are there again.
"""

from dataclasses import dataclass

from virtproof.backends.model import Backend
from virtproof.lanes.containers.daemon import HostDaemon
from virtproof.lanes.containers.description import Description
from virtproof.lanes.containers.guest_control import ContainerGuests
from virtproof.lanes.containers.inside import Inside
from virtproof.lanes.containers.shared import Provisioned
from virtproof.lanes.containers.ways import UNIX
from virtproof.lanes.containers.wrong import ContainerWays
from virtproof.lanes.forwarder import Forwarder
from virtproof.lanes.inhabited import inhabit
from virtproof.lanes.model import DaemonControl, GuestControl, SecondHost, Ways
from virtproof.lanes.smallest import smallest
from virtproof.lanes.standing import OnDemand
from virtproof_driver.binding import Connection
from virtproof_driver.spec import InstanceSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How a container is reached: `uri` is the driver's way, `observed` leads to the same daemon past any proxy.

    `backend_uri` is the backend's own, `qemu:///system`, from which other ways are made. `connection_type` is virConnectGetType's
    answer, asked before: a frozen daemon would not give it.
    """

    backend_uri: str
    uri: str
    observed: str
    connection_type: str
    description: Description


def reach_of(backend: Backend, transport: str, told: Description, connection_type: str, door: Forwarder | None = None) -> Reach:
    """How a container is reached; with a door, through that."""
    return Reach(
        backend_uri=backend.uri,
        uri=told.uri(backend.uri, transport, None if door is None else door.address),
        observed=told.observed(backend.uri),
        connection_type=connection_type,
        description=told,
    )


def door_to(own: Provisioned, transport: str, number: int) -> Forwarder:
    """A proxy in front of a container. It keeps its address until it is closed, and its socket's file longer: hence a number."""
    path = own.folder / f"proxy-{number}" if transport == UNIX else None
    return Forwarder(own.description.upstream(transport), path)


class ContainerWorld:
    """A case's view of a container that other cases use too."""

    def __init__(self, reach: Reach, guests: ContainerGuests) -> None:
        self.uri = reach.uri
        self._reach = reach
        self._guests = guests
        self._observer = OnDemand(reach.observed)
        self._ways = ContainerWays(reach.backend_uri, reach.description)

    @property
    def daemon(self) -> DaemonControl | None:
        return None

    @property
    def guests(self) -> GuestControl | None:
        return self._guests

    @property
    def ways(self) -> Ways | None:
        return self._ways

    @property
    def destination(self) -> SecondHost | None:
        return None

    @property
    def shared(self) -> bool:
        return True

    def observer(self, of_driver: Connection | None) -> Connection:
        """The connection past the driver; a new one when the daemon ended meanwhile, so ask again after `start`."""
        del of_driver
        return self._observer.connection()

    def small(self, name: str, index: int, guest: str | None = None) -> InstanceSpec:
        return smallest(self._reach.connection_type, name, index, self._reach.description.furniture, guest)

    def authenticated(self) -> tuple[str, str, str] | None:
        return self._ways.authenticated()

    def inhabited(self, spec: InstanceSpec) -> str:
        inhabit(self.observer(None), spec)
        return self.uri

    def close(self) -> None:
        """Close the observer, and what the case asked for beside the host."""
        self._observer.close()
        self._ways.close()


class ExclusiveContainerWorld(ContainerWorld):
    """A case's own daemon, and power over it. It is its own DaemonControl."""

    def __init__(self, reach: Reach, guests: ContainerGuests, host: Inside, forwarder: Forwarder) -> None:
        super().__init__(reach, guests)
        self._daemon = HostDaemon(host)
        self._forwarder = forwarder

    @property
    def daemon(self) -> DaemonControl | None:
        return self

    def freeze(self) -> None:
        self._daemon.freeze()

    def thaw(self) -> None:
        self._daemon.thaw()

    def kill(self) -> None:
        self._end("KILL")

    def stop(self) -> None:
        self._end("TERM")

    def start(self) -> None:
        if not self._daemon.runs:
            self._daemon.start()
            self._forwarder.accept()

    def restart(self) -> None:
        self.stop()
        self.start()

    def cut(self) -> None:
        self._forwarder.refuse()

    def mend(self) -> None:
        if self._daemon.runs:
            self._forwarder.accept()

    def close(self) -> None:
        """Leave a daemon that runs, without the proxy."""
        self.thaw()
        self.start()
        super().close()
        self._forwarder.close()

    def _end(self, signal: str) -> None:
        """The daemon is gone: so is what was connected to it, and connecting fails at once."""
        self._daemon.end(signal)
        self._forwarder.refuse()
        self._observer.close()
