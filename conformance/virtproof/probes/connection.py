"""Probes of the areas events and connection.

What belongs here: their questions. What does not: what an answer means (`agreement`), and how soon or how often: that is for
cases. Only a lane that has power over a daemon can show keepalive and reconnection, so elsewhere both count as refused.
"""

import queue
import time
from collections.abc import Callable, Mapping
from functools import partial
from threading import Event
from types import MappingProxyType
from typing import Final, TypeVar
from uuid import UUID

from virtproof.guests.coming_up import await_up
from virtproof.lanes.model import DaemonControl
from virtproof.probes.bench import Bench, Broken, bare_domain, up
from virtproof.probes.model import Probe, Refused
from virtproof_driver import Capability, CredentialRequest, Keepalive
from virtproof_driver.books import HostEvent, HostEventKind
from virtproof_driver.constants import CredentialType, DomainEvent, DomainEventId
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import PermissionDenied
from virtproof_driver.values import EventKind, LifecycleEvent

E = TypeVar("E")

_EVENT_SECONDS: Final = 5.0
_NO_EVENT_SECONDS: Final = 0.5  # how long something that is expected not to come is waited for
_RECONNECT_SECONDS: Final = 10.0
_MADE: Final = ("spawn", "destroy")
_SECRETS: Final = frozenset({CredentialType.PASSPHRASE, CredentialType.NOECHOPROMPT})


def _lifecycle_events(bench: Bench) -> None:
    _heard(bench, EventKind.STARTED, _EVENT_SECONDS, lambda _uuid: None)


def _reboot_events(bench: Bench) -> None:
    claimed = Capability.EVENTS_REBOOT in bench.driver.capabilities
    seconds = _EVENT_SECONDS if claimed else _NO_EVENT_SECONDS
    _heard(bench, EventKind.REBOOTED, seconds, bench.driver.reboot)


def _heard(bench: Bench, kind: EventKind, seconds: float, act: Callable[[UUID], object]) -> None:
    told: queue.SimpleQueue[LifecycleEvent] = queue.SimpleQueue()
    with bench.driver.subscribe(told.put), up(bench) as instance:
        act(instance.uuid)
        _await(told, lambda event: (event.uuid, event.kind) == (instance.uuid, kind), kind, seconds)


def _await(told: "queue.SimpleQueue[E]", wanted: Callable[[E], bool], kind: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            event = told.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise Refused(f"no event {kind} within {seconds:g} s") from None
        if wanted(event):
            return


def _bare_event(bench: Bench, event_id: DomainEventId, seconds: float) -> None:
    """Register, start a domain and reboot it, and wait for the host's own event of it."""
    connection = bench.host()
    told = Event()
    with bare_domain(bench, start=False) as domain:
        callback = connection.domainEventRegisterAny(domain, event_id, _setting(told), None)
        try:
            domain.create()
            if event_id is DomainEventId.REBOOT:
                await_up(domain)
                domain.reboot(0)
            if not told.wait(seconds):
                raise Refused(f"no event {event_id.name} within {seconds:g} s")
        finally:
            connection.domainEventDeregisterAny(callback)


def _setting(told: Event) -> Callable[..., None]:
    def listener(_connection: object, _domain: object, *details: object) -> None:
        if len(details) == 1 or details[0] == DomainEvent.STARTED:  # REBOOT has no event and detail, only the opaque
            told.set()

    return listener


def _read_only(bench: Bench) -> None:
    driver = _connected(bench, read_only=True)
    driver.host()
    spec = bench.small()
    try:
        driver.spawn(spec, start=False)
    except PermissionDenied:
        return
    bench.driver.destroy(spec.uuid)
    raise Broken("a read-only driver spawned an instance")


def _authentication(bench: Bench) -> None:
    asked = bench.authenticated()
    if asked is None:
        raise Refused("the lane has no host that asks for credentials")
    uri, user, password = asked

    def answer(request: CredentialRequest) -> str:
        return password if request.kind in _SECRETS else user

    _connected(bench, uri, auth=answer).host()


def _reached_by(*transports: str) -> Callable[[Bench], None]:
    def through(bench: Bench) -> None:
        if bench.ways is None:
            raise Refused("the lane is reached in its one way only")
        for transport in transports:
            _connected(bench, bench.ways.right(transport)).host()

    return through


def _keepalive(bench: Bench) -> None:
    _daemon(bench)
    _connected(bench, keepalive=Keepalive(interval=1, count=1)).host()


def _reconnect(bench: Bench) -> None:
    daemon = _daemon(bench)
    bench.driver.instances()
    daemon.cut()
    daemon.mend()
    deadline = time.monotonic() + _RECONNECT_SECONDS
    while True:
        try:
            bench.driver.instances()
        except Exception as error:
            if time.monotonic() > deadline:
                raise Refused(f"no answer within {_RECONNECT_SECONDS:g} s of an outage: {error}") from error
            Event().wait(0.05)
        else:
            return


def _host_events(bench: Bench) -> None:
    daemon = _daemon(bench)
    told: queue.SimpleQueue[LifecycleEvent | HostEvent] = queue.SimpleQueue()
    with bench.driver.subscribe_host(told.put):
        for act, kind in ((daemon.cut, HostEventKind.LOST), (daemon.mend, HostEventKind.RETURNED)):
            act()
            _await(told, partial(_is_kind, kind), kind, _RECONNECT_SECONDS)


def _is_kind(kind: HostEventKind, event: LifecycleEvent | HostEvent) -> bool:
    return event.kind is kind


def _daemon(bench: Bench) -> DaemonControl:
    if bench.daemon is None:
        raise Refused("the suite has no power over a daemon of this lane, so it cannot show this; declare it unsupported")
    return bench.daemon


def _connected(bench: Bench, uri: str | None = None, **options: object) -> ComputeDriver:
    try:
        return bench.connect(uri, **options)
    except TypeError as error:
        raise Refused(f"the driver's factory takes no {', '.join(options)}: {error}") from error


PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
        Capability.EVENTS_LIFECYCLE: Probe(
            through=_lifecycle_events,
            methods=(*_MADE, "subscribe"),
            bare=lambda bench: _bare_event(bench, DomainEventId.LIFECYCLE, _EVENT_SECONDS),
        ),
        Capability.EVENTS_REBOOT: Probe(
            through=_reboot_events,
            methods=(*_MADE, "subscribe", "reboot"),
            bare=lambda bench: _bare_event(bench, DomainEventId.REBOOT, _NO_EVENT_SECONDS),
        ),
        Capability.EVENTS_HOST: Probe(through=_host_events, methods=("subscribe_host",)),
        Capability.CONNECTION_KEEPALIVE: Probe(through=_keepalive, methods=("host",)),
        Capability.CONNECTION_RECONNECT: Probe(through=_reconnect, methods=("instances",)),
        Capability.CONNECTION_AUTH: Probe(through=_authentication, methods=("host",)),
        Capability.CONNECTION_TLS: Probe(through=_reached_by("tls"), methods=("host",)),
        Capability.CONNECTION_SSH: Probe(through=_reached_by("ssh", "libssh"), methods=("host",)),
        Capability.CONNECTION_READ_ONLY: Probe(through=_read_only, methods=("host", *_MADE)),
    }
)
