"""What an operation needs from the edge, as a Protocol: a connection, translated calls, and waits.

What belongs here: the Protocol and the value that says what is awaited. What does not: threads, clocks, libvirt; those are
in `edge`, which implements this. Operations take a `Link`, so a test gives them any implementation.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ParamSpec, Protocol, TypeVar
from uuid import UUID

from virtproof_driver.binding import Connection, Domain
from virtproof_driver.capabilities import Capability
from virtproof_driver.contract import Listener, Subscription
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.values import EventKind, LifecycleEvent, PowerState

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """Which events end a wait; `what` names them in an OperationTimeout ("started event of instance …")."""

    kinds: frozenset[EventKind]
    what: str


class Wait(Protocol):
    """A wait that is armed already."""

    def until(self, seconds: float) -> LifecycleEvent:
        """Block until an awaited event came since the wait was armed.

        Raises OperationTimeout at the deadline, ConnectionLost when the connection broke meanwhile.
        """
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

    def expect(self, uuid: UUID, awaited: Awaited) -> AbstractContextManager[Wait]:
        """Arm a wait. Enter before the call that causes the event; leaving disarms it."""
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

    @property
    def closed(self) -> bool:
        """Whether close() was called; nothing works afterwards but close()."""
        ...

    def subscribe(self, listener: Listener, uuid: UUID | None) -> Subscription:
        """Deliver each change of one instance, or of all, to the listener, in order and shielded from other listeners."""
        ...

    def close(self) -> None:
        """End waits with DriverClosed, deregister callbacks, close the connection and end the threads. Idempotent."""
        ...
