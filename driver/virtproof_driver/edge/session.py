"""A host as the driver holds it: the live connection, the calls made on it, what happens when it is lost, and the end.

What belongs here: which connection is the live one. What does not: opening one (`opening`), the way of an event (`feed`),
trying again (`supervisor`).

Theory of operation. A session has at most one live connection, numbered by its epoch. It is lost when libvirt says so (the
close callback) or when a call fails with ConnectionLost and the connection is no longer alive; then waits end, and the
supervisor tries to open the next one. Whoever needs a connection meanwhile tries at once. A lost connection never heals, so its
handles go with it.
"""

import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import ParamSpec, TypeVar
from uuid import UUID

from virtproof_driver.auth import Authenticate
from virtproof_driver.binding import Connection, Domain, Stream
from virtproof_driver.books import HostBooks
from virtproof_driver.capabilities import Capability
from virtproof_driver.contract import ConsoleStream, HostListener, Listener, Subscription
from virtproof_driver.edge import last_error
from virtproof_driver.edge.feed import Feed
from virtproof_driver.edge.inventory import read_domain
from virtproof_driver.edge.long_calls import LongCall
from virtproof_driver.edge.offenders import offender
from virtproof_driver.edge.opener import Opener
from virtproof_driver.edge.opening import Ear, Opened, Target, establish, give_up
from virtproof_driver.edge.supervisor import Supervisor
from virtproof_driver.edge.turns import Turns
from virtproof_driver.error_table import translate
from virtproof_driver.errors import ConnectionLost, DriverClosed, DriverError
from virtproof_driver.events import Reading
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.link import Call, Expectation, HostLink, Told, Wait, Work
from virtproof_driver.values import PowerState

P = ParamSpec("P")
T = TypeVar("T")
JOIN_SECONDS = 5.0
OPENER_JOIN_SECONDS = 1.0


class Session:
    """Implements `link.HostLink`. Nothing is done before `open()`. Safe from any thread."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._live: Opened | None = None
        self._first: Opened | None = None
        self._epoch = 0
        self._ending = threading.Event()
        self._feed = Feed(self.forget, self._look_aside)
        self._opener = Opener(self._establish, target.address)
        self._supervisor = Supervisor(self._opened, self._ending)
        self._thread = threading.local()
        self._turns = Turns()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.uri}>"

    def open(self) -> None:
        """Connect; once.

        Raises HostUnreachable, PermissionDenied. With a credentials callback there is no deadline: a person may answer.
        """
        self._feed.dispatcher.start()
        try:
            self._opener.attempt(None if self._target.auth is not None else self._target.keepalive.patience_seconds)
        except BaseException:
            self.close()
            raise

    # --- what the host is -----------------------------------------------------------------------------

    @property
    def hypervisor(self) -> Hypervisor:
        return self._was_opened().hypervisor

    @property
    def uri(self) -> str:
        return self._target.address

    @property
    def refusals(self) -> Mapping[Capability, str]:
        first = self._was_opened()
        return first.hypervisor.refusals(remote=first.remote)

    @property
    def closed(self) -> bool:
        return self._ending.is_set()

    def _was_opened(self) -> Opened:
        if self._first is None:
            raise DriverClosed(f"the connection to {self.uri} was never opened")
        return self._first

    # --- calls -----------------------------------------------------------------------------------------

    def connection(self) -> Connection:
        return self._opened().connection

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        self._check_open()
        live = self._live
        self._thread.call_began = time.monotonic()
        last_error.forget()
        try:
            return function(*args, **kwargs)
        except self._target.binding.libvirtError as error:
            said = last_error.said(error)
            failure = translate(
                said.get_error_code(),
                said.get_error_domain(),
                said.get_error_message(),
                offender=offender(function, args, said.get_error_code()),
            )
            raise self._noticed(failure, live) from error

    def read(self, function: Callable[[], T], /) -> T:
        try:
            return function()
        except ConnectionLost:
            self._opened()
            return function()

    def domain(self, uuid: UUID) -> Domain:
        live = self._opened()
        handle = live.domains.get(uuid)
        if handle is None:
            handle = self.call(live.connection.lookupByUUIDString, str(uuid))
            live.domains[uuid] = handle
        return handle

    def remember(self, uuid: UUID, domain: Domain) -> None:
        live = self._live
        if live is not None:
            live.domains[uuid] = domain

    def forget(self, uuid: UUID) -> None:
        live = self._live
        if live is not None:
            live.domains.pop(uuid, None)

    # --- events ----------------------------------------------------------------------------------------

    def known_state(self, uuid: UUID) -> PowerState | None:
        return self._feed.known_state(uuid)

    def expect(self, uuid: UUID, awaited: Expectation[T]) -> AbstractContextManager[Wait[T]]:
        self._check_open()
        return self._feed.waits.armed(uuid, awaited)

    def hear(
        self, uuid: UUID, told: Callable[[Told], object], broke: Callable[[], object] | None = None
    ) -> AbstractContextManager[None]:
        self._check_open()
        return self._feed.waits.heard(uuid, told, broke or (lambda: None))

    def turn(self, uuid: UUID) -> AbstractContextManager[None]:
        return self._turns.held(uuid)

    def converse(self, stream: Stream) -> ConsoleStream:
        opened = self._opened()
        console = opened.consoles.begin(stream, self._target.binding.libvirtError)
        if opened.hypervisor.notices_readers_late:
            console.await_notice()
        return console

    def observe(self, uuid: UUID, state: PowerState, reason: str) -> None:
        now = time.monotonic()
        since: float = getattr(self._thread, "call_began", now)
        self._feed.observed(uuid, state, reason, Reading(since=since, stamp=now))

    def books(self) -> HostBooks:
        self._check_open()
        return self._feed.books()

    def look(self, uuid: UUID) -> None:
        since = time.monotonic()
        try:
            found = self.call(read_domain, self._target.binding, self.connection(), uuid)
        except DriverError:
            return
        self._feed.looked(uuid, found, Reading(since=since, stamp=time.monotonic()))

    def _look_aside(self, uuid: UUID) -> None:
        """Look without holding up the dispatcher's thread, which asks no host."""
        thread = threading.Thread(target=self.look, args=(uuid,), name="virtproof-look", daemon=True)
        thread.start()

    def subscribe(self, listener: Listener, uuid: UUID | None = None) -> Subscription:
        self._check_open()
        return self._added(self._feed.subscriptions.add(listener, uuid))

    def subscribe_host(self, listener: HostListener) -> Subscription:
        self._check_open()
        return self._added(self._feed.subscriptions.add_host(listener))

    def _added(self, delivery: Subscription) -> Subscription:
        if self.closed:  # meanwhile
            delivery.close()
            raise self._closed_error()
        return delivery

    # --- beside it -------------------------------------------------------------------------------------

    def begin(self, work: Work[T], seconds: float) -> Call[T]:
        call = LongCall(work, seconds)
        call.start()
        return call

    @contextmanager
    def lent(self) -> Generator[Connection]:
        live = self._opened()
        with live.lending:
            yield live.connection

    def reach(self, uri: str, auth: Authenticate | None) -> HostLink:
        session = Session(replace(self._target, uri=uri, auth=auth, read_only=False))
        session.open()
        return session

    # --- the end ---------------------------------------------------------------------------------------

    def close(self) -> None:
        with self._lock:
            if self._ending.is_set():
                return
            self._ending.set()
            live, self._live = self._live, None
        self._feed.waits.fail(self._closed_error)
        self._feed.subscriptions.close()
        self._opener.abandon(self._closed_error(), OPENER_JOIN_SECONDS)
        self._supervisor.wait_ended(JOIN_SECONDS)
        if live is not None:
            live.consoles.end(self._closed_error)
            self._retire(live)
        self._feed.dispatcher.stop(JOIN_SECONDS)

    def _check_open(self) -> None:
        if self.closed:
            raise self._closed_error()

    def _closed_error(self) -> DriverClosed:
        return DriverClosed(f"the driver of {self.uri} is closed; make a new one")

    def _broken_error(self) -> DriverError:
        return ConnectionLost(f"the connection to {self.uri} broke")

    # --- which connection is the live one --------------------------------------------------------------

    def _opened(self) -> Opened:
        """The live connection, or the one that a single attempt brings.

        Raises HostUnreachable, PermissionDenied, DriverClosed.
        """
        self._check_open()
        live = self._live
        if live is None:
            self._opener.attempt(self._target.keepalive.patience_seconds)
            live = self._live
        self._check_open()
        if live is None:
            raise ConnectionLost(f"the connection to {self.uri} broke again as soon as it was made")
        return live

    def _establish(self) -> None:
        """Open the next connection and make it the live one; on the opener's thread."""
        self._check_open()
        if self._live is not None:
            return
        self._epoch += 1
        opened = establish(self._target, Ear(epoch=self._epoch, feed=self._feed, on_close=self._close_reported))
        try:
            self._install(opened)
        except DriverClosed:
            self._retire(opened)
            raise
        if not self._alive(opened):
            self._lose(opened.epoch)

    def _install(self, opened: Opened) -> None:
        with self._lock:
            self._check_open()
            self._live = opened
            self._first = self._first or opened

    def _close_reported(self, epoch: int) -> None:
        """Take the close callback, on libvirt's thread: post and return."""
        self._feed.dispatcher.post(partial(self._lose, epoch))

    def _noticed(self, failure: DriverError, live: Opened | None) -> DriverError:
        """The error to raise for a call; a broken connection is noticed here too, when no close callback told of it."""
        if self.closed:
            return self._closed_error()
        if isinstance(failure, ConnectionLost) and live is not None:
            if self._alive(live):
                live.domains.clear()  # the handle was one of an older connection
            else:
                self._lose(live.epoch)
        return failure

    def _alive(self, opened: Opened) -> bool:
        """Whether the connection stands.

        Asked under the lock of giving up: libvirt counts no reference for a call, and to ask one that another thread closes
        meanwhile may wait for ever, for a lock that was freed (libvirt 9.0.0).
        """
        with self._lock:
            if self._live is not opened:
                return False
            try:
                return opened.connection.isAlive() == 1
            except self._target.binding.libvirtError:
                return False

    def _lose(self, epoch: int) -> None:
        with self._lock:
            live = self._live
            if live is None or live.epoch != epoch:
                return
            self._live = None
            # Under the lock: a wait that is armed for the next connection must not end by the loss of this one, and close() must
            # find the supervisor's thread to join it.
            live.consoles.end(self._broken_error)  # first: giving up lets go of them
            self._feed.lost(time.monotonic())  # before the next connection can be made, and its return be told
            self._supervisor.lost(partial(self._give_up, live))
            self._feed.waits.fail(self._broken_error)

    def _retire(self, opened: Opened) -> None:
        """Give a connection up on a thread of its own: deregistering asks the daemon, which may not answer."""
        thread = threading.Thread(target=self._give_up, args=(opened,), name="virtproof-closer", daemon=True)
        thread.start()
        thread.join(JOIN_SECONDS)

    def _give_up(self, opened: Opened) -> None:
        with opened.lending:
            opened.domains.clear()
            opened.consoles.release()
            give_up(self._target.binding, opened.connection, opened.callback_ids)
