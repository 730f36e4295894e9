"""What an operation needs from the edge, as a Protocol: a connection, translated calls, and waits.

What belongs here: the Protocol and the value that says what is awaited. What does not: threads, clocks, libvirt; those are
in `edge`, which implements this. Operations take a `Link`, so a test gives them any implementation.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, ParamSpec, Protocol, TypeVar
from uuid import UUID

from virtproof_driver.auth import Authenticate
from virtproof_driver.binding import Connection, Domain, Stream
from virtproof_driver.books import HostBooks
from virtproof_driver.capabilities import Capability
from virtproof_driver.contract import ConsoleStream, HostListener, Listener, Subscription
from virtproof_driver.errors import DriverError
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.values import (
    BlockJob,
    BlockJobEvent,
    BlockJobStatus,
    DeviceEvent,
    DeviceEventKind,
    EventKind,
    JobEvent,
    LifecycleEvent,
    Notice,
    PowerState,
)

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E")
F = TypeVar("F")
E_co = TypeVar("E_co", covariant=True)

Told = LifecycleEvent | Notice
"""What a wait can end by."""


class Expectation(Protocol[E_co]):
    """Which events end a wait; `what` names them in an OperationTimeout ("started event of instance …")."""

    @property
    def what(self) -> str: ...

    def of(self, event: Told) -> E_co | None:
        """The event if it is awaited, else None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """Changes of state, of any of these kinds.

    `cause` is the reason of such a change while it is awaited, where the host says `failed`: the caller knows better. libvirt's
    LXC driver calls some forced stops a failure before it tells what they were (2 of 25 on 11.3.0). `late_too` ends the wait also
    by what was delivered before it was armed and is told after that; its stamp is less than the wait's `since`.
    """

    kinds: frozenset[EventKind]
    what: str
    cause: str | None = None
    late_too: bool = False

    def of(self, event: Told) -> LifecycleEvent | None:
        """The event if it is awaited, else None."""
        return event if isinstance(event, LifecycleEvent) and event.kind in self.kinds else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedDevice:
    """What happens to the device of this alias, of any of these kinds."""

    alias: str
    kinds: frozenset[DeviceEventKind]
    what: str

    def of(self, event: Told) -> DeviceEvent | None:
        """The event if it is awaited, else None."""
        return event if isinstance(event, DeviceEvent) and event.alias == self.alias and event.kind in self.kinds else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedBlockJob:
    """A job of this kind on the disk `target` that reaches any of these statuses."""

    target: str
    job: BlockJob
    statuses: frozenset[BlockJobStatus]
    what: str

    def of(self, event: Told) -> BlockJobEvent | None:
        """The event if it is awaited, else None."""
        if not isinstance(event, BlockJobEvent):
            return None
        of_it = (event.target, event.job) == (self.target, self.job)
        return event if of_it and event.status in self.statuses else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedJob:
    """The end of a job of the whole instance, of any of these operations (`save`, `dump`, `backup`…)."""

    operations: frozenset[str]
    what: str

    def of(self, event: Told) -> JobEvent | None:
        """The event if it is awaited, else None."""
        return event if isinstance(event, JobEvent) and event.operation in self.operations else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedEither(Generic[E, F]):
    """Two expectations, whichever is met first. A domain that stops tells nothing of its devices and jobs any more."""

    first: Expectation[E]
    second: Expectation[F]
    what: str

    def of(self, event: Told) -> E | F | None:
        """The event if it is awaited, else None."""
        found = self.first.of(event)
        return self.second.of(event) if found is None else found


class Wait(Protocol[E_co]):
    """A wait that is armed already, `since` then; by the clock that events are stamped by, in seconds."""

    @property
    def since(self) -> float: ...

    def until(self, seconds: float) -> E_co:
        """Block until an awaited event came since the wait was armed.

        Raises OperationTimeout at the deadline, ConnectionLost when the connection broke meanwhile.
        """
        ...


class Attempt(Protocol):
    """What a `Work` tells of its call while it blocks. Both return at once, from any thread."""

    def under_way(self) -> None:
        """The job can be called off from now on."""
        ...

    def doomed(self) -> None:
        """The job cannot end well any more, and is to be called off."""
        ...


class Work(Protocol[E_co]):
    """A job that one call into libvirt waits for, as an operation describes it to `Link.begin`."""

    @property
    def what(self) -> str:
        """What ends it, for errors: "end of the migration of instance …"."""
        ...

    def attempt(self, attempt: Attempt) -> None:
        """Make the call, which returns when the job has ended. Raises DriverError."""
        ...

    def call_off(self) -> None:
        """Have the job end. Raises DriverError where it cannot."""
        ...

    def was_called_off(self, failure: DriverError) -> bool:
        """Whether the call failed because of `call_off`."""
        ...

    def deadline_passed(self) -> None:
        """Do what is to be done at the deadline. Raises DriverError where that cannot be, and the job is called off then."""
        ...

    def conclude(self, failure: DriverError | None) -> E_co:
        """Say what came of it; called once, when the last attempt is over."""
        ...


class Call(Protocol[E_co]):
    """A `Work` that has begun, on a thread of its own."""

    def await_start(self) -> None:
        """Block until the job is under way, or over."""
        ...

    def until(self, seconds: float | None) -> E_co:
        """Block until it has ended, and return or raise its conclusion. OperationTimeout when that takes longer."""
        ...

    def call_off(self) -> None:
        """Have the job end, and return without waiting for that. Raises what `Work.call_off` does when it goes on."""
        ...

    def interrupted(self) -> AbstractContextManager[None]:
        """Have the job rest for as long as the block runs, then begin again. Busy when it cannot be called off."""
        ...


class Link(Protocol):
    """A host as operations reach it."""

    @property
    def hypervisor(self) -> Hypervisor: ...

    @property
    def uri(self) -> str:
        """The URI without credentials."""
        ...

    @property
    def refusals(self) -> Mapping[Capability, str]:
        """Why each capability that is not claimed on this connection is not."""
        ...

    def connection(self) -> Connection:
        """The live connection; reconnects first when it was lost. Raises HostUnreachable, DriverClosed."""
        ...

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call into libvirt and translate its error by `error_table`; every libvirt call goes through here."""
        ...

    def read(self, function: Callable[[], T], /) -> T:
        """Run a function that only reads; when the connection was lost under it, reopen and run it once more.

        `function` fetches its handles itself (`connection()`, `domain(uuid)`), because those of a lost connection never heal.
        Raises what the function raises, and HostUnreachable when the reopening fails.
        """
        ...

    def domain(self, uuid: UUID) -> Domain:
        """The domain's handle, looked up once a connection and kept. Raises InstanceNotFound."""
        ...

    def remember(self, uuid: UUID, domain: Domain) -> None:
        """Keep the handle that defining the domain returned."""
        ...

    def forget(self, uuid: UUID) -> None:
        """Drop the kept handle, after undefine or when the host said the domain is gone."""
        ...

    def known_state(self, uuid: UUID) -> PowerState | None:
        """The state that the newest event told, None where no event did. Asks nothing; may lag behind the host."""
        ...

    def expect(self, uuid: UUID, awaited: Expectation[T]) -> AbstractContextManager[Wait[T]]:
        """Arm a wait. Enter before the call that causes the event; leaving disarms it."""
        ...

    def hear(
        self, uuid: UUID, told: Callable[[Told], object], broke: Callable[[], object] | None = None
    ) -> AbstractContextManager[None]:
        """Pass on all that the host tells of an instance, also what listeners do not hear, for as long as the block runs.

        `broke` is told that the connection did. Both are called on threads that others wait for: they return at once, and raise
        nothing.
        """
        ...

    def begin(self, work: Work[T], seconds: float) -> Call[T]:
        """Begin a job on a thread of its own, with a deadline in so many seconds."""
        ...

    def reach(self, uri: str, auth: Authenticate | None) -> "HostLink":
        """Open a link to another host, through the same libvirt; whoever asked for it closes it.

        Raises HostUnreachable, PermissionDenied, UnknownHypervisor.
        """
        ...

    def turn(self, uuid: UUID) -> AbstractContextManager[None]:
        """Hold an instance for a change that reads before it writes; other threads of this driver that ask for it wait.

        Not to be entered twice by one thread.
        """
        ...

    def converse(self, stream: Stream) -> ConsoleStream:
        """Listen on a stream, made non-blocking, that a console was opened on; it ends with the connection at the latest.

        Raises what ended the connection when that was meanwhile; the stream is then of no use.
        """
        ...

    def look(self, uuid: UUID) -> None:
        """Look once whether an instance is there, and how; what listeners were not told of it they are told now, as resynced.

        For what no event tells: libvirt undefines an instance that moved to another host without a word. Does nothing while the
        host cannot be reached, since the next connection begins with a look at all.
        """
        ...

    def observe(self, uuid: UUID, state: PowerState, reason: str) -> None:
        """Tell that a read found this state though its event did not come by the deadline.

        When the newest event said otherwise, listeners get the missing change once, as resynced; the event itself is folded
        away should it still come. Does nothing when an event of the domain came after this thread's last `call` began: that
        event is the newer word.
        """
        ...


class HostLink(Link, Protocol):
    """A link as the facade holds it: with listeners and an end."""

    def lent(self) -> AbstractContextManager[Connection]:
        """The live connection for a call on another host, to one at a time; it is kept until the block ends, though it broke.

        libvirt counts no reference for such a call: where the connection is closed under it, the process ends by a fault
        (virDomainMigrate3, 9.0.0).
        """
        ...

    @property
    def closed(self) -> bool:
        """Whether close() was called; nothing works afterwards but close()."""
        ...

    def books(self) -> HostBooks:
        """The instances as the newest events and readings told them, and since when there is no connection. Asks nothing."""
        ...

    def subscribe_host(self, listener: HostListener) -> Subscription:
        """Deliver each change of all instances, and between them each loss and return of the host, likewise."""
        ...

    def subscribe(self, listener: Listener, uuid: UUID | None) -> Subscription:
        """Deliver each change of one instance, or of all, to the listener, in order and shielded from other listeners."""
        ...

    def close(self) -> None:
        """End waits with DriverClosed, deregister callbacks, close the connection and end the threads. Idempotent."""
        ...
