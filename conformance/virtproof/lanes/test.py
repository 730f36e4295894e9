"""The lane `test`: libvirt's test driver in the worker's own process, with a node file of its own for each case.

What belongs here: the lane and a case's world. What does not: the node file's content (`node`). Such a host is private to
the connection that opened it, and gone when that is closed: another connection cannot see it, so the observer past the driver is
the driver's own connection, used on the bare binding.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from virtproof.backends.model import Backend
from virtproof.errors import SuiteError
from virtproof.lanes.bare import bare_binding, opened
from virtproof.lanes.facts import fingerprint_of, versions_of
from virtproof.lanes.folders import make_folder, reap_folders, remove_folder
from virtproof.lanes.inhabited import inhabited_node
from virtproof.lanes.model import CaseWorld, DaemonControl, GuestControl, SecondHost, Ways, Worker, label_of
from virtproof.lanes.node import PASSWORD, USER, write_node
from virtproof.lanes.smallest import smallest
from virtproof_driver.binding import Binding, Connection
from virtproof_driver.spec import InstanceSpec


class NodeFileWorld:
    """A case's host in process: two node files, with and without authentication."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uri = write_node(folder, "node.xml")

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
        return False

    def observer(self, of_driver: Connection | None) -> Connection:
        if of_driver is None:
            raise SuiteError("a host of the lane test exists only while a driver is connected: ask for the driver first")
        return of_driver

    def small(self, name: str, index: int, guest: str | None = None) -> InstanceSpec:
        return smallest("TEST", name, index, guest=guest)

    def authenticated(self) -> tuple[str, str, str] | None:
        return write_node(self.folder, "node-auth.xml", authenticated=True), USER, PASSWORD

    def inhabited(self, spec: InstanceSpec) -> str:
        return inhabited_node(self.folder, spec)


class InProcessLane:
    """The test driver in process, for one worker."""

    def __init__(self, backend: Backend, transport: str, worker: Worker) -> None:
        self.backend = backend
        self.transport = transport
        self.worker = worker
        self.binding: Binding = bare_binding()
        reap_folders()
        self.folder = make_folder()
        self.versions, self.fingerprint = self._facts()
        self._cases = 0

    @property
    def label(self) -> str:
        return label_of(self.backend, self.transport)

    @contextmanager
    def open_case(self, *, exclusive: bool, paired: bool = False) -> Generator[CaseWorld]:
        """A host of its own; `exclusive` changes nothing, since every case is alone already."""
        del exclusive, paired
        self._cases += 1
        folder = self.folder / str(self._cases)
        folder.mkdir()
        try:
            yield NodeFileWorld(folder)
        finally:
            remove_folder(folder)

    def observer(self) -> Connection | None:
        """None: the host of a connection is its own."""
        return None

    def logs(self, domains: Sequence[str]) -> Mapping[str, bytes]:
        """None: in process libvirt tells its errors to the caller only."""
        del domains
        return {}

    def reap(self) -> Sequence[str]:
        """Nothing: a case's host went with its connections."""
        return ()

    def close(self) -> None:
        remove_folder(self.folder)

    def _facts(self) -> tuple[Mapping[str, str], str]:
        connection = opened(NodeFileWorld(self.folder).uri)
        try:
            versions = versions_of(self.binding, connection)
            return versions, fingerprint_of(versions, connection)
        finally:
            connection.close()
