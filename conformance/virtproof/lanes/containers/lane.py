"""The lanes `qemu` and `lxc`: a worker's use of a container that the run's leader provisioned, over any transport.

What belongs here: the lane, and the worker's own container for cases that freeze and kill the daemon. What does not: provisioning
(`shared`), worlds (`world`), and the worker's own pair of containers (`second`). The own container is made at the first such case
and kept for the next ones; it is reaped after each, and given up when that fails.
"""

import itertools
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from virtproof.backends.model import Backend
from virtproof.errors import LaneUnavailable, SuiteError
from virtproof.lanes.bare import bare_binding, opened
from virtproof.lanes.containers import options
from virtproof.lanes.containers.container import attached
from virtproof.lanes.containers.description import Description
from virtproof.lanes.containers.doors import Asking
from virtproof.lanes.containers.guest_control import ContainerGuests
from virtproof.lanes.containers.inside import Inside, InsideBySsh
from virtproof.lanes.containers.pair import DESTINATION, Pair, provision_pair, standing_pair
from virtproof.lanes.containers.second import Pairs
from virtproof.lanes.containers.shared import Provisioned, Wanted, provision_container, remove_container
from virtproof.lanes.containers.world import ContainerWorld, ExclusiveContainerWorld, door_to, reach_of
from virtproof.lanes.facts import fingerprint_of, versions_of
from virtproof.lanes.model import CaseWorld, Worker, label_of
from virtproof.lanes.reaper import reap
from virtproof.lanes.standing import Standing
from virtproof_driver.binding import Connection


class ContainerLane:
    """A hypervisor in a container, for one worker."""

    def __init__(self, backend: Backend, transport: str, worker: Worker) -> None:
        self.backend = backend
        self.transport = transport
        self.worker = worker
        self.binding = bare_binding()
        self._description = worker.shared(backend, transport)
        self._host = _inside(self._description)
        self._used = {"": self._host}  # the hosts of the case that ended last, by what begins the names of their logs
        self._own: Provisioned | None = None
        self._proxies = itertools.count(1)
        self._observed = self._description.observed(backend.uri)
        self._standing = Standing(self._observed)
        self._connection = opened(self._observed)
        self.connection_type = self._connection.getType()
        self.versions = versions_of(self.binding, self._connection)
        self.fingerprint = fingerprint_of(self.versions, self._connection)
        self._pairs = Pairs(backend, transport, worker, self._pair, self.connection_type)

    @property
    def label(self) -> str:
        return label_of(self.backend, self.transport)

    @contextmanager
    def open_case(self, *, exclusive: bool, paired: bool = False) -> Generator[CaseWorld]:
        with self._paired() if paired else self._exclusive() if exclusive else self._shared() as world:
            yield world

    def observer(self) -> Connection | None:
        return self._standing.connection()

    def logs(self, domains: Sequence[str]) -> Mapping[str, bytes]:
        folder = f"/var/log/libvirt/{self._guests(self._host).driver}"
        paths = {"libvirtd.log": options.DAEMON_LOG, **{f"{name}.log": f"{folder}/{name}.log" for name in domains}}
        found = [(where, host.tails(paths)) for where, host in self._used.items()]
        return {f"{where}{name}": text for where, texts in found for name, text in texts.items()}

    def reap(self) -> Sequence[str]:
        return reap(self.binding, self._connection, self.worker.prefix)

    def close(self) -> None:
        self._standing.close()
        self._connection.close()
        self._give_up()
        self._pairs.give_up()

    @contextmanager
    def _paired(self) -> Generator[CaseWorld]:
        with self._pairs.open_case() as world:
            self._used = {"": world.host, f"{DESTINATION}-": world.destination.host}
            yield world

    @contextmanager
    def _shared(self) -> Generator[CaseWorld]:
        self._used = {"": self._host}
        reach = reach_of(self.backend, self.transport, self._description, self.connection_type)
        world = ContainerWorld(reach, self._guests(self._host))
        try:
            yield world
        finally:
            world.close()

    @contextmanager
    def _exclusive(self) -> Generator[CaseWorld]:
        own = self._owned()
        self._used = {"": own.host}
        door = door_to(own, self.transport, next(self._proxies))
        reach = reach_of(self.backend, self.transport, own.description, self.connection_type, door)
        world = ExclusiveContainerWorld(reach, self._guests(own.host), own.host, door)
        door.accept()
        try:
            yield world
        finally:
            self._settle(world, own)

    def _owned(self) -> Provisioned:
        if self._own is None:
            self._own = self._spare() if self._description.apart else self._provisioned()
        return self._own

    def _pair(self) -> Pair:
        if self._description.apart:
            return standing_pair(self._description, self.worker.number, self.worker.run)
        told = self._description
        return provision_pair(self.backend, self.worker.run, self.worker.name, told.image, Path(told.folder))

    def _provisioned(self) -> Provisioned:
        told = self._description
        wanted = Wanted(
            backend=self.backend,
            run=self.worker.run,
            image=told.image,
            asking=Asking(told.asking),
            kvm=told.kvm,
            like=Path(told.folder),
        )
        return provision_container(wanted)

    def _spare(self) -> Provisioned:
        spare = self._description.spare(self.worker.number)
        return Provisioned(host=InsideBySsh(spare), description=spare, folder=Path(spare.folder))

    def _settle(self, world: ExclusiveContainerWorld, own: Provisioned) -> None:
        """Bring the worker's own container back to where a case may begin, or give it up."""
        try:
            world.close()
            connection = opened(own.description.observed(self.backend.uri))
            try:
                reap(self.binding, connection, self.worker.prefix)
            finally:
                connection.close()
        except (SuiteError, LaneUnavailable, self.binding.libvirtError):
            self._give_up()

    def _give_up(self) -> None:
        own, self._own = self._own, None
        if own is not None and not own.description.apart:
            remove_container(own)

    def _guests(self, host: Inside) -> ContainerGuests:
        return ContainerGuests(host, self.backend.uri, self.worker.name)


def _inside(told: Description) -> Inside:
    return InsideBySsh(told) if told.apart else attached(told.container)
