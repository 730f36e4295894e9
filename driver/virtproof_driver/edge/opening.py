"""Opening a connection to a host and making it ready, and giving it up again.

What belongs here: the libvirt calls of both, in order, and the error of an opening. What does not: when it is done, and by whom
(`opener`, `session`). Callbacks are registered before the reading, so that no change falls between them.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from virtproof_driver.auth import Authenticate, names_a_file, without_credentials
from virtproof_driver.binding import Binding, Connection, Domain, LibvirtError
from virtproof_driver.constants import ConnectFlag, DomainEventId, ErrorCode
from virtproof_driver.edge import last_error
from virtproof_driver.edge.consoles import Consoles
from virtproof_driver.edge.credentials import CredentialDesk
from virtproof_driver.edge.event_loop import ensure_running
from virtproof_driver.edge.feed import Feed
from virtproof_driver.edge.inventory import read_inventory
from virtproof_driver.errors import DriverError, PermissionDenied
from virtproof_driver.events import NOTICE_IDS, RawEvent, RawNotice, Reading
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.keepalive import Keepalive
from virtproof_driver.markup.host import parse_capabilities
from virtproof_driver.opening_table import credentials_declined, translate_opening

HypervisorFor = Callable[[str], Hypervisor]
"""The hypervisor of a virConnectGetType; raises a DriverError for one that the driver does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What to open. The URI can hold a password and the callback can hold more, so neither is in the repr."""

    binding: Binding = field(repr=False)
    uri: str = field(repr=False)
    hypervisor_for: HypervisorFor = field(repr=False)
    auth: Authenticate | None = field(default=None, repr=False)
    read_only: bool = False
    keepalive: Keepalive = field(default_factory=Keepalive)

    @property
    def address(self) -> str:
        """The URI without credentials."""
        return without_credentials(self.uri)


@dataclass(slots=True, kw_only=True, eq=False)
class Opened:
    """A connection that is ready, and what belongs to it alone. `epoch` counts the connections of a session from 1.

    `lending` is held while a call on another host uses it, and it is not closed meanwhile.
    """

    connection: Connection
    epoch: int
    hypervisor: Hypervisor
    remote: bool
    callback_ids: tuple[int, ...]
    lending: threading.Lock = field(default_factory=threading.Lock)
    domains: dict[UUID, Domain] = field(default_factory=dict[UUID, Domain])
    consoles: Consoles = field(default_factory=Consoles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ear:
    """Where the callbacks of one connection tell what they hear: both functions only post, and return at once."""

    epoch: int
    feed: Feed
    on_close: Callable[[int], None]


def dial(target: Target) -> Connection:
    """Open the connection.

    Raises HostUnreachable, HostNotTrusted; PermissionDenied, with the callback's own error as its cause if it raised one.
    """
    desk = CredentialDesk(target.auth) if target.auth is not None or names_a_file(target.uri) else None
    ensure_running(target.binding)
    last_error.forget()
    try:
        return _open(target, desk)
    except target.binding.libvirtError as error:
        failure, cause = _failure(target, desk, error)
    raise failure from cause  # out of the handler: libvirt's error can hold the URI, and must not hang on as the context


def _open(target: Target, desk: CredentialDesk | None) -> Connection:
    if desk is not None:
        return target.binding.openAuth(target.uri, desk.auth(), int(ConnectFlag.RO) if target.read_only else 0)
    return (target.binding.openReadOnly if target.read_only else target.binding.open)(target.uri)


def _failure(target: Target, desk: CredentialDesk | None, error: LibvirtError) -> tuple[DriverError, BaseException | None]:
    if desk is not None and desk.error is not None:
        return PermissionDenied(f"{target.address}: the callback for credentials raised {type(desk.error).__name__}"), desk.error
    said = last_error.said(error)
    message = " ".join((said.get_error_message() or "").replace(target.uri, target.address).split())
    message = desk.without_secrets(message) if desk is not None else message
    if desk is not None and desk.declined:
        return credentials_declined(target.address, message), None
    return translate_opening(said.get_error_code(), said.get_error_domain(), message, uri=target.address), None


def establish(target: Target, ear: Ear) -> Opened:
    """Open a connection, make it ready and bring the feed up to date. Raises as `dial`, and leaves nothing open when it fails."""
    connection = dial(target)
    callback_ids: list[int] = []
    try:
        return _prepare(target, connection, ear, callback_ids)
    except target.binding.libvirtError as error:
        failure, cause = _failure(target, None, error)
        give_up(target.binding, connection, callback_ids)
    except BaseException:
        give_up(target.binding, connection, callback_ids)
        raise
    raise failure from cause


def _prepare(target: Target, connection: Connection, ear: Ear, callback_ids: list[int]) -> Opened:
    remote = _keep_alive(target, connection)
    last_error.forget()
    hypervisor = _hypervisor(target, connection)
    connection.registerCloseCallback(lambda _connection, _reason, _opaque: ear.on_close(ear.epoch), None)
    ear.feed.began(ear.epoch)
    since = time.monotonic()
    for event_id, callback in _callbacks(ear, hypervisor.event_ids):  # those registered before a failure count
        callback_ids.append(connection.domainEventRegisterAny(None, int(event_id), callback, None))
    found = read_inventory(target.binding, connection, hypervisor)
    ear.feed.read(ear.epoch, found, Reading(since=since, stamp=time.monotonic()))
    return Opened(connection=connection, epoch=ear.epoch, hypervisor=hypervisor, remote=remote, callback_ids=tuple(callback_ids))


def _hypervisor(target: Target, connection: Connection) -> Hypervisor:
    """The hypervisor of the connection at its libvirt; where it has domain types to choose from, as the host offers them."""
    hypervisor = target.hypervisor_for(connection.getType())
    if hypervisor.varies:
        hypervisor = hypervisor.at(connection.getLibVersion(), connection.getVersion())
    if len(hypervisor.domain_types) == 1:
        return hypervisor
    guests = parse_capabilities(connection.getCapabilities()).guests
    return hypervisor.on({kind for guest in guests for kind in guest.domain_types})


def _keep_alive(target: Target, connection: Connection) -> bool:
    """Set the keepalive; says whether there is a daemon to keep alive, which libvirt tells by refusing otherwise (code 3)."""
    last_error.forget()
    try:
        connection.setKeepAlive(target.keepalive.interval, target.keepalive.count)
    except target.binding.libvirtError as error:
        if last_error.said(error).get_error_code() != ErrorCode.NO_SUPPORT:
            raise
        return False
    return True


_CHANGES = frozenset({DomainEventId.LIFECYCLE, DomainEventId.REBOOT})


def _callbacks(ear: Ear, event_ids: frozenset[DomainEventId]) -> Iterator[tuple[DomainEventId, Callable[..., None]]]:
    """A callback for each event id that the hypervisor emits and that means something to the driver."""
    for event_id in sorted(event_ids & (_CHANGES | NOTICE_IDS)):
        yield event_id, partial(_take_change if event_id in _CHANGES else _take_notice, ear, event_id)


def _take_change(ear: Ear, event_id: DomainEventId, _connection: Connection, domain: Domain, *numbers: object) -> None:
    """Take a change from libvirt's thread: read the handle only, which asks no host, and return at once."""
    stamp = time.monotonic()
    event, detail = numbers[:2] if event_id is DomainEventId.LIFECYCLE else (0, 0)
    ear.feed.arrived(
        ear.epoch,
        RawEvent(
            uuid=domain.UUIDString(),
            name=domain.name(),
            domain_id=domain.ID(),
            event_id=event_id,
            event=int(str(event)),
            detail=int(str(detail)),
            stamp=stamp,
        ),
    )


def _take_notice(ear: Ear, event_id: DomainEventId, _connection: Connection, domain: Domain, *arguments: object) -> None:
    """Take what is no change of state, likewise; the last argument is the opaque one."""
    stamp = time.monotonic()
    raw = RawNotice(uuid=domain.UUIDString(), name=domain.name(), event_id=event_id, arguments=arguments[:-1], stamp=stamp)
    ear.feed.noticed(ear.epoch, raw)


def give_up(binding: Binding, connection: Connection, callback_ids: Sequence[int]) -> None:
    """Deregister and close.

    Errors are passed over: on a broken connection each of these fails, and libvirt frees what it holds.
    """
    for callback_id in callback_ids:
        with suppress(binding.libvirtError):
            connection.domainEventDeregisterAny(callback_id)
    with suppress(binding.libvirtError):
        connection.unregisterCloseCallback()
    with suppress(binding.libvirtError):
        connection.close()
