"""Two hosts with a driver each, and where an instance is on them.

What belongs here: provisioning them by the suite's lane, and looking at both past the drivers. What does not: any migration.
"""

import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import Final
from uuid import UUID

from virtproof.backends import load
from virtproof.guests.sweeps import Sweeps, await_sweeps, sweeps
from virtproof.lanes import Worker
from virtproof.lanes.containers.engine import connected
from virtproof.lanes.containers.images import image_of
from virtproof.lanes.containers.pair import DESTINATION, SOURCE, provision_pair
from virtproof.lanes.containers.recipe import shipped_recipe
from virtproof.lanes.containers.second import PairedWorld, Pairs
from virtproof.lanes.model import DaemonControl, GuestControl
from virtproof.lanes.standing import OnDemand
from virtproof_driver import Destination, LibvirtDriver, connect
from virtproof_driver.binding import Connection, Domain
from virtproof_driver.constants import DomainState, ErrorCode
from virtproof_driver.edge import libvirt_binding

WORKER: Final = Worker(run="moves", name="main", prefix="vp-moves-")
SETTLES: Final = 20.0  # seconds
_AGAIN: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host of the two. `ways` lead to it: by name, what a driver of the other host takes."""

    name: str
    driver: LibvirtDriver
    daemon: DaemonControl
    guests: GuestControl
    observed: OnDemand
    ways: dict[str, Destination]

    @property
    def connection(self) -> Connection:
        """Past the driver, alive."""
        if self.observed.broken():
            self.observed.close()
        return self.observed.connection()

    def state(self, uuid: UUID) -> int | None:
        """Libvirt's state of the instance here; None where the host does not know it, or just stops knowing it."""
        try:
            return self.connection.lookupByUUIDString(str(uuid)).state()[0]
        except libvirt_binding().libvirtError as error:
            if error.get_error_code() == ErrorCode.NO_DOMAIN:
                return None
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """Both hosts, and the world that made them."""

    world: PairedWorld
    hosts: tuple[Host, Host]

    def other(self, host: Host) -> Host:
        """The host that it is not."""
        return next(each for each in self.hosts if each is not host)

    def whole(self) -> None:
        """Undo every fault."""
        self.world.destination.rejoin()
        for host in self.hosts:
            host.daemon.thaw()
            host.daemon.start()

    def home_of(self, uuid: UUID) -> Host | None:
        """The host that runs the instance, once the other does not know it; None when that does not come about in time."""
        deadline = time.monotonic() + SETTLES
        while True:
            known = {host.name: state for host in self.hosts if (state := host.state(uuid)) is not None}
            if list(known.values()) == [DomainState.RUNNING]:
                return next(host for host in self.hosts if host.name in known)
            if time.monotonic() > deadline:
                return None
            Event().wait(_AGAIN)

    def left(self) -> tuple[str, ...]:
        """What bears this run's prefix on either host."""
        domains = (domain.name() for host in self.hosts for domain in host.connection.listAllDomains())
        pools = (pool for host in self.hosts for pool in host.connection.listAllStoragePools())
        volumes = (volume.name() for pool in pools for volume in pool.listAllVolumes())
        return tuple(sorted({name for name in (*domains, *volumes) if name.startswith(WORKER.prefix)}))


def spawned(host: Host, world: PairedWorld) -> UUID:
    """An instance with the guest that notices lost memory, which is up."""
    spec = replace(world.small(f"{WORKER.prefix}vm", 1, "sweeper"), interfaces=())
    host.driver.spawn(spec)
    await_sweeps(domain_on(host, spec.uuid), 2)
    return spec.uuid


def swept(host: Host, uuid: UUID) -> Sweeps:
    """What the guest tells of its memory now."""
    return sweeps(domain_on(host, uuid))


def domain_on(host: Host, uuid: UUID) -> Domain:
    """The instance on a host that must have it."""
    return host.connection.lookupByUUIDString(str(uuid))


@contextmanager
def two() -> Generator[Two]:
    """Both hosts, for as long as the context lasts. Raises LaneUnavailable without a container engine."""
    libvirt_binding().registerErrorHandler(_silent, None)
    image = image_of(connected(), shipped_recipe(), print)
    make = partial(provision_pair, load("qemu"), WORKER.run, WORKER.name, image)
    pairs = Pairs(load("qemu"), "unix", WORKER, make, "QEMU")
    with ExitStack() as stack:
        stack.callback(pairs.give_up)
        world = stack.enter_context(pairs.open_case())
        yield Two(world=world, hosts=(_first(world, stack), _second(world, stack)))


def _first(world: PairedWorld, stack: ExitStack) -> Host:
    observed = stack.enter_context(_closing(OnDemand(world.reach.observed)))
    return Host(
        name=SOURCE,
        driver=stack.enter_context(connect(world.uri)),
        daemon=world,
        guests=world.guests,
        observed=observed,
        ways=_ways(world.uri, SOURCE),
    )


def _second(world: PairedWorld, stack: ExitStack) -> Host:
    second = world.destination
    observed = stack.enter_context(_closing(OnDemand(second.reach.observed)))
    return Host(
        name=DESTINATION,
        driver=stack.enter_context(connect(second.uri)),
        daemon=second.daemon,
        guests=second.guests,
        observed=observed,
        ways=_ways(second.uri, DESTINATION),
    )


def _ways(uri: str, name: str) -> dict[str, Destination]:
    return {
        "managed": Destination(uri=uri, address=name),
        "peer-to-peer": Destination(uri=uri, peer_uri=f"qemu+tcp://{name}/system", address=name),
    }


@contextmanager
def _closing(observed: OnDemand) -> Generator[OnDemand]:
    try:
        yield observed
    finally:
        observed.close()


def _silent(_context: object, _error: object) -> None:
    """Errors are told by exceptions."""
