"""The lane of a user's own URI: a host that the suite did not provision, and uses only when it is allowed to.

What belongs here: whether the URI is reachable and may be used, the lane, and a case's world there. What does not: what is on
the host besides; only what bears the worker's prefix is touched. `test:///…` is a host in this process's memory and needs no
permission.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from virtproof.backends.model import Backend
from virtproof.errors import LaneUnavailable, SuiteError, UsageError
from virtproof.lanes.bare import bare_binding, opened
from virtproof.lanes.facts import fingerprint_of, versions_of
from virtproof.lanes.folders import make_folder, reap_folders, remove_folder
from virtproof.lanes.inhabited import inhabit, inhabited_node
from virtproof.lanes.model import CaseWorld, DaemonControl, GuestControl, SecondHost, Ways, Worker, label_of
from virtproof.lanes.node import PASSWORD, USER, write_node
from virtproof.lanes.reaper import reap
from virtproof.lanes.smallest import smallest
from virtproof.lanes.standing import OnDemand, Standing
from virtproof_driver.auth import without_credentials
from virtproof_driver.binding import Binding, Connection
from virtproof_driver.spec import InstanceSpec


class HostWorld:
    """A case's view of the host. `observed` is None where each connection has a host of its own."""

    def __init__(self, lane: "HostLane", observed: OnDemand | None) -> None:
        self.uri = lane.backend.uri
        self._lane = lane
        self._observed = observed

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
        return self._observed is not None

    def observer(self, of_driver: Connection | None) -> Connection:
        found = self._observed.connection() if self._observed is not None else of_driver
        if found is None:
            raise SuiteError(f"{self.uri}: this host exists only while a driver is connected: ask for the driver first")
        return found

    def small(self, name: str, index: int, guest: str | None = None) -> InstanceSpec:
        return smallest(self._lane.connection_type, name, index, guest=guest)

    def authenticated(self) -> tuple[str, str, str] | None:
        """The test driver in process asks for credentials where a node file says so; of other hosts the suite knows none."""
        if not is_in_process(self.uri):
            return None
        return write_node(self._lane.folder, "node-auth.xml", authenticated=True), USER, PASSWORD

    def inhabited(self, spec: InstanceSpec) -> str:
        if self._observed is None:
            return inhabited_node(self._lane.folder, spec)
        inhabit(self._observed.connection(), spec)
        return self.uri


class HostLane:
    """A host of the user's, for one worker."""

    def __init__(self, backend: Backend, transport: str, worker: Worker) -> None:
        self.backend = backend
        self.transport = transport
        self.worker = worker
        self.binding: Binding = bare_binding()
        reap_folders()
        self._connection = opened(backend.uri)
        self.connection_type = self._connection.getType()
        self.versions = versions_of(self.binding, self._connection)
        self.fingerprint = fingerprint_of(self.versions, self._connection)
        self.folder = make_folder()
        self._standing = Standing(backend.uri)

    @property
    def label(self) -> str:
        return label_of(self.backend, self.transport)

    @contextmanager
    def open_case(self, *, exclusive: bool, paired: bool = False) -> Generator[CaseWorld]:
        """The host; a case that freezes or kills daemons finds none to do it to."""
        del exclusive, paired
        observed = None if is_private(self.backend.uri) else OnDemand(self.backend.uri)
        try:
            yield HostWorld(self, observed)
        finally:
            if observed is not None:
                observed.close()

    def observer(self) -> Connection | None:
        return None if is_private(self.backend.uri) else self._standing.connection()

    def logs(self, domains: Sequence[str]) -> Mapping[str, bytes]:
        """None: the host's files are its owner's."""
        del domains
        return {}

    def reap(self) -> Sequence[str]:
        return reap(self.binding, self._connection, self.worker.prefix)

    def close(self) -> None:
        self._standing.close()
        self._connection.close()
        remove_folder(self.folder)


def check_permission(backend: Backend, *, allow_host: bool) -> None:
    """Raise LaneUnavailable when the host is out of reach, UsageError when it could be used but was not allowed."""
    check_reachable(backend)
    if not (is_in_process(backend.uri) or allow_host):
        shown = without_credentials(backend.uri)
        raise UsageError(f"{backend.origin}: uri: {shown} is a host that virtproof did not set up; to use it, add --allow-host")


def check_reachable(backend: Backend) -> None:
    """Raise LaneUnavailable, naming the backend's file, when the host does not answer; it is read only."""
    try:
        opened(backend.uri, read_only=True).close()
    except LaneUnavailable as error:
        raise LaneUnavailable(f"{backend.origin}: {error}") from error


def is_in_process(uri: str) -> bool:
    """Whether a URI is the test driver in this process."""
    parts = urlsplit(uri)
    return parts.scheme == "test" and not parts.netloc


def is_private(uri: str) -> bool:
    """Whether each connection to the URI has a host of its own: a node file of the test driver in process."""
    return is_in_process(uri) and urlsplit(uri).path != "/default"
