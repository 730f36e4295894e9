"""The world of a case that moves instances: two hosts of its own, each behind a proxy, and the network between them.

What belongs here: a worker's pair of containers from its first such case to its last, and the second host as a case sees it. What
does not: making the pair (`pair`), and one host that is a case's own (`world`). The pair is reaped after each case, and given up
when that fails, so that the next one makes another.
"""

import itertools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from virtproof.backends.model import Backend
from virtproof.errors import LaneUnavailable, SuiteError
from virtproof.lanes.bare import bare_binding, opened
from virtproof.lanes.containers.guest_control import ContainerGuests
from virtproof.lanes.containers.inside import Inside
from virtproof.lanes.containers.pair import Pair, remove_pair
from virtproof.lanes.containers.shared import Provisioned
from virtproof.lanes.containers.world import ExclusiveContainerWorld, Reach, door_to, reach_of
from virtproof.lanes.forwarder import Forwarder
from virtproof.lanes.model import DaemonControl, GuestControl, Worker
from virtproof.lanes.reaper import reap
from virtproof_driver.binding import Connection

# The hosts of a pair are plain to each other at their tcp port, so that their TLS port is where a password is asked for.
_WITHOUT_PLAIN_TCP: Final = {"tcp-sasl": "tls-sasl", "tls": "tls-sasl"}
# $1 is -I or -D: what comes from the other host is dropped, and what goes there, as by a cable that was pulled in between.
_FILTER: Final = (
    "for each in $(getent ahostsv4 {peer} | cut -d ' ' -f 1 | sort -u); do "
    'iptables --wait "$1" INPUT --source "$each" --jump DROP && '
    'iptables --wait "$1" OUTPUT --destination "$each" --jump DROP; done'
)


class SecondContainer:
    """The host that instances are moved to."""

    def __init__(self, world: ExclusiveContainerWorld, reach: Reach, guests: ContainerGuests, pair: Pair) -> None:
        self.host = pair.destination.host
        self._origin = pair.origin
        self.reach = reach
        self.uri = world.uri
        self.peer_uri = f"{guests.driver}+tcp://{pair.address}/system"
        self.address = pair.address
        self.pool = pair.pool
        self.daemon: DaemonControl = world
        self.guests: GuestControl = guests
        self._world = world
        self._parted = False

    def observer(self) -> Connection:
        return self._world.observer(None)

    def part(self) -> None:
        if not self._parted:
            self._filter("-I")
            self._parted = True

    def rejoin(self) -> None:
        if self._parted:
            self._filter("-D")
            self._parted = False

    def _filter(self, act: str) -> None:
        self.host.do("sh", "-c", _FILTER.format(peer=self._origin), "sh", act)


class PairedWorld(ExclusiveContainerWorld):
    """A case's view of the first host of a pair, and by `destination` of the second."""

    def __init__(
        self, reach: Reach, guests: ContainerGuests, host: Inside, forwarder: Forwarder, second: SecondContainer
    ) -> None:
        super().__init__(reach, guests, host, forwarder)
        self.host = host
        self.reach = reach
        self._second = second
        self._powers = guests

    @property
    def guests(self) -> ContainerGuests:
        return self._powers

    @property
    def destination(self) -> SecondContainer:
        return self._second


class Pairs:
    """A worker's pair: made at the first case that needs one, kept for the next."""

    def __init__(self, backend: Backend, transport: str, worker: Worker, make: Callable[[], Pair], connection_type: str) -> None:
        self._backend = backend
        self._transport = _WITHOUT_PLAIN_TCP.get(transport, transport)
        self._worker = worker
        self._make = make
        self._connection_type = connection_type
        self._proxies = itertools.count(1)
        self._pair: Pair | None = None

    @contextmanager
    def open_case(self) -> Generator[PairedWorld]:
        """A pair for one case."""
        if self._pair is None:
            self._pair = self._make()
        pair = self._pair
        doors = [door_to(made, self._transport, next(self._proxies)) for made in (pair.source, pair.destination)]
        reaches = [self._reach(made, door) for made, door in zip((pair.source, pair.destination), doors, strict=True)]
        there = ExclusiveContainerWorld(reaches[1], self._guests(pair.destination), pair.destination.host, doors[1])
        second = SecondContainer(there, reaches[1], self._guests(pair.destination), pair)
        world = PairedWorld(reaches[0], self._guests(pair.source), pair.source.host, doors[0], second)
        for door in doors:
            door.accept()
        try:
            yield world
        finally:
            self._settle(pair, world, there)

    def give_up(self) -> None:
        """Remove the pair, if there is one."""
        pair, self._pair = self._pair, None
        if pair is not None:
            remove_pair(pair)

    def _settle(self, pair: Pair, world: PairedWorld, there: ExclusiveContainerWorld) -> None:
        """Bring both back to where a case may begin, or give the pair up."""
        try:
            world.destination.rejoin()
            for each in (world, there):
                each.close()
            for made in (pair.source, pair.destination):
                self._reap(made, pair.pool)
        except (SuiteError, LaneUnavailable, bare_binding().libvirtError):
            self.give_up()

    def _reap(self, made: Provisioned, pool: str) -> None:
        connection = opened(made.description.observed(self._backend.uri))
        try:
            connection.storagePoolLookupByName(pool).refresh(0)
            reap(bare_binding(), connection, self._worker.prefix)
        finally:
            connection.close()

    def _reach(self, made: Provisioned, door: Forwarder) -> Reach:
        return reach_of(self._backend, self._transport, made.description, self._connection_type, door)

    def _guests(self, made: Provisioned) -> ContainerGuests:
        return ContainerGuests(made.host, self._backend.uri, self._worker.name)
