"""Two hosts in memory, whose calls and events are those that libvirt 11.3.0 was seen to give, and moving between them."""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from queue import SimpleQueue
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast
from uuid import UUID

import pytest

from virtproof_driver.constants import DomainState
from virtproof_driver.edge import long_calls
from virtproof_driver.edge.long_calls import LongCall
from virtproof_driver.edge.waits import Waits
from virtproof_driver.errors import (
    DriverError,
    HostUnreachable,
    HypervisorError,
    InstanceNotFound,
    MigrationFailed,
)
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.migration import (
    Destination,
    MigrationMode,
    MigrationOptions,
)
from virtproof_driver.operations import deadlines
from virtproof_driver.operations.migrating import Migrations, migrate
from virtproof_driver.operations.moving import Move
from virtproof_driver.operations.under_way import UnderWay
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import EventKind, IterationEvent, JobEvent, LifecycleEvent, PowerState

if TYPE_CHECKING:
    from virtproof_driver.capabilities import Capability
    from virtproof_driver.link import Call, Link, Told, Work

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE = 20.0
LONG = 1000.0
UUID_A = UUID(int=10)
SPEC = InstanceSpec(uuid=UUID_A, name="a", vcpus=1, memory_mib=16)
ABORTED = HypervisorError(78, 10, "canceled by client")
RUNNING, PAUSED, SHUTOFF = DomainState.RUNNING, DomainState.PAUSED, DomainState.SHUTOFF
STATISTICS = {"operation": 5, "time_elapsed": 700, "downtime": 12, "memory_processed": 80, "memory_iteration": 3}


class Host:
    """A host with one domain or none, which is also its link. `calls` are those that change something."""

    def __init__(self, name: str, state: tuple[int, int] | None, hypervisor: Hypervisor = QEMU) -> None:
        self.uri = f"qemu://{name}/system"
        self.state_now = state
        self.hypervisor = hypervisor
        self.refusals: Mapping[Capability, str] = {}
        self.waits = Waits(lambda: 0.0)
        self.expect = self.waits.armed
        self.calls: list[object] = []
        self.refused: dict[str, DriverError] = {}
        self.silent = False
        self.closed = False
        self.there: Host | None = None
        self.leaving: SimpleQueue[DriverError | None] = SimpleQueue()
        self.aborted: DriverError = ABORTED
        self.acted = threading.Event()
        self.tells_begin = True
        self.keeps_arrivals = False
        self.forgotten: list[UUID] = []
        self.looked: list[UUID] = []

    # --- virDomain ----------------------------------------------------------------------------------------

    def name(self) -> str:
        return "a"

    def state(self) -> tuple[int, int]:
        assert self.state_now is not None
        return self.state_now

    def XMLDesc(self, _flags: int = 0) -> str:
        return domain_xml(SPEC, QEMU)

    def autostart(self) -> int:
        return 1

    def setAutostart(self, value: int) -> int:
        return self._did("setAutostart", value)

    def hasManagedSaveImage(self) -> int:
        return int("saved" in self.refused)

    def migrateGetMaxDowntime(self) -> int:
        return 300

    def migrateSetMaxDowntime(self, milliseconds: int) -> int:
        return self._did("migrateSetMaxDowntime", milliseconds)

    def migrateSetMaxSpeed(self, mib_s: int) -> int:
        return self._did("migrateSetMaxSpeed", mib_s)

    def migrateStartPostCopy(self) -> int:
        self.acted.set()
        return self._did("migrateStartPostCopy")

    def jobStats(self, flags: int = 0) -> Mapping[str, int]:
        return {"memory_processed": 1, "downtime": 99} if flags else {"memory_processed": 40, "memory_iteration": 2}

    def abortJob(self) -> int:
        self._did("abortJob")
        self.leaving.put(self.aborted)
        return 0

    def suspend(self) -> int:
        self.acted.set()
        return self._did("suspend")

    def resume(self) -> int:
        self.state_now = (RUNNING, 5)
        self.tell(EventKind.RESUMED, "unpaused")
        return self._did("resume")

    def destroy(self) -> int:
        self.state_now = None
        self.tell(EventKind.STOPPED, "destroyed")
        return self._did("destroy")

    def migrate3(self, there: "Host", params: Mapping[str, object], flags: int) -> int:
        return self._leaves(there, ("migrate3", dict(params), flags))

    def migrateToURI3(self, uri: str, params: Mapping[str, object], flags: int) -> int:
        assert self.there is not None
        return self._leaves(self.there, ("migrateToURI3", uri, dict(params), flags))

    def _leaves(self, there: "Host", call: tuple[object, ...]) -> int:
        self._did(str(call[0]), *call[1:])
        if self.tells_begin:
            there.state_now = (PAUSED, 2)
            there.tell(EventKind.STARTED, "migrated")
            self.waits.tell(IterationEvent(uuid=UUID_A, name="a", iteration=1, stamp=1.0))
        failure = self.leaving.get(timeout=PATIENCE)
        if failure is not None:
            if not there.keeps_arrivals:
                there.state_now = None
            raise failure
        there.state_now, self.state_now = (RUNNING, 2), None
        if self.tells_begin:
            self.waits.tell(JobEvent(uuid=UUID_A, name="a", operation="migration-out", stamp=2.0, statistics=STATISTICS))
        return 0

    def _did(self, what: str, *arguments: object) -> int:
        self.calls.append((what, *arguments) if arguments else what)
        if what in self.refused:
            raise self.refused[what]
        return 0

    # --- virConnect ---------------------------------------------------------------------------------------

    def lookupByUUIDString(self, uuid: str) -> "Host":
        if self.state_now is None:
            raise InstanceNotFound(uuid)
        return self

    def lookupByName(self, name: str) -> "Host":
        if name not in self.refused:
            raise InstanceNotFound(name)
        return self

    @property
    def link(self) -> "Link":
        return cast("Link", cast("object", self))

    # --- link.HostLink ------------------------------------------------------------------------------------

    def connection(self) -> "Host":
        if self.silent:
            raise HostUnreachable(self.uri, "silent")
        return self

    def domain(self, uuid: UUID) -> "Host":
        return self.connection().lookupByUUIDString(str(uuid))

    def lent(self) -> AbstractContextManager["Host"]:
        return nullcontext(self)

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    def read(self, function: Callable[[], T]) -> T:
        return function()

    def forget(self, uuid: UUID) -> None:
        self.forgotten.append(uuid)

    def look(self, uuid: UUID) -> None:
        self.looked.append(uuid)

    def known_state(self, _uuid: UUID) -> PowerState | None:
        return None if self.state_now is None else PowerState.PAUSED if self.state_now[0] == PAUSED else PowerState.RUNNING

    def hear(
        self, uuid: UUID, told: "Callable[[Told], object]", broke: Callable[[], object] | None = None
    ) -> AbstractContextManager[None]:
        return self.waits.heard(uuid, told, broke or (lambda: None))

    def begin(self, work: "Work[T]", seconds: float) -> "Call[T]":
        call = LongCall(work, seconds)
        call.start()
        return call

    def reach(self, uri: str, _auth: object) -> "Host":
        assert self.there is not None
        if uri != self.there.uri:
            raise HostUnreachable(uri, "no such host")
        self.there.closed = False
        return self.there

    def close(self) -> None:
        self.closed = True

    # --- what a test does ---------------------------------------------------------------------------------

    def tell(self, kind: EventKind, reason: str) -> None:
        self.waits.tell(LifecycleEvent(uuid=UUID_A, name="a", kind=kind, reason=reason, stamp=1.0))


class Pair:
    """Two hosts, the instance on the first, and what the first's driver moves."""

    def __init__(self) -> None:
        self.here = Host("here", (RUNNING, 1))
        self.there = Host("there", None)
        self.here.there = self.there
        self.migrations = Migrations()

    def move(
        self,
        options: MigrationOptions = MigrationOptions(),  # noqa: B008  # frozen
        *,
        mode: MigrationMode = MigrationMode.LIVE,
        seconds: float = LONG,
        peer_uri: str | None = None,
        uri: str = "qemu://there/system",
    ) -> UnderWay:
        destination = Destination(uri=uri, peer_uri=peer_uri)
        move = Move(destination=destination, mode=mode, options=options, seconds=seconds)
        return migrate(self.here.link, self.migrations, UUID_A, move)

    def failed(self, under_way: UnderWay) -> MigrationFailed:
        with pytest.raises(MigrationFailed) as caught:
            under_way.wait(PATIENCE)
        return caught.value

    def over(self) -> bool:
        """Whether nothing of a move is left: the second connection is closed, and the instance may be moved again."""
        self.migrations.hold(UUID_A)
        return self.there.closed


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Pair:
    """The instance on a host of two. No deadline holds a test up."""
    monkeypatch.setattr(long_calls, "ENDING_SECONDS", 0.0)
    monkeypatch.setattr(deadlines, "ON_ITS_WAY", 0.0)
    monkeypatch.setattr(deadlines, "DEPARTURE", 0.0)
    return Pair()
