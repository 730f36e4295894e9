"""A session over libvirt's test driver in process: calls, handles, waits, listeners, and the end."""

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from virtproof_driver.binding import Domain
from virtproof_driver.capabilities import Capability
from virtproof_driver.edge import Session, libvirt_binding
from virtproof_driver.edge import session as session_module
from virtproof_driver.errors import (
    DriverClosed,
    HostUnreachable,
    HypervisorError,
    InstanceNotFound,
    OperationTimeout,
    PermissionDenied,
    UnknownHypervisor,
)
from virtproof_driver.link import Awaited
from virtproof_driver.values import EventKind, PowerState

if TYPE_CHECKING:
    from tests.conftest import Domains, Heard, Sessions

PATIENCE_SECONDS = 20.0
STARTED = Awaited(kinds=frozenset({EventKind.STARTED}), what="started event of a")
PAUSED = Awaited(kinds=frozenset({EventKind.PAUSED}), what="paused event of a")
OURS = ("virtproof-dispatcher", "virtproof-listener", "virtproof-opener", "virtproof-supervisor", "virtproof-closer")


def threads() -> list[str]:
    return sorted(thread.name for thread in threading.enumerate() if thread.name in OURS)


@pytest.fixture
def session(sessions: "Sessions", node_uri: str) -> Session:
    return sessions.open(node_uri)


@pytest.fixture
def domain(session: Session, domains: "Domains") -> Domain:
    """A domain that is defined and off."""
    domain = session.call(session.connection().defineXML, domains.xml("a"))
    session.remember(domains.uuid("a"), domain)
    return domain


def start(session: Session, domains: "Domains", domain: Domain) -> None:
    with session.expect(domains.uuid("a"), STARTED) as wait:
        session.call(domain.create)
        wait.until(PATIENCE_SECONDS)


def test_a_wait_ends_by_the_event_and_the_state_is_known(session: Session, domains: "Domains", domain: Domain) -> None:
    with session.expect(domains.uuid("a"), STARTED) as wait:
        session.call(domain.create)
        event = wait.until(PATIENCE_SECONDS)
    assert (event.uuid, event.name, event.kind, event.reason, event.resynced) == (
        domains.uuid("a"),
        "a",
        EventKind.STARTED,
        "booted",
        False,
    )
    assert session.known_state(domains.uuid("a")) is PowerState.RUNNING


def test_a_wait_for_what_does_not_come_ends_at_its_deadline(session: Session, domains: "Domains", domain: Domain) -> None:
    with session.expect(domains.uuid("a"), PAUSED) as wait:
        session.call(domain.create)
        with pytest.raises(OperationTimeout, match="paused event of a"):
            wait.until(0.01)


def test_domains_of_before_are_known_and_not_told(
    sessions: "Sessions", node_uri: str, domains: "Domains", heard: "Heard"
) -> None:
    node = Path(node_uri.removeprefix("test://"))
    node.write_text(node.read_text(encoding="utf-8").replace("<cpu>", domains.xml("early") + "<cpu>"), encoding="utf-8")
    session = sessions.open(node_uri)
    session.subscribe(heard)
    assert session.known_state(domains.uuid("early")) is PowerState.RUNNING
    session.call(session.connection().defineXML, domains.xml("late"))
    assert heard.until("late", EventKind.DEFINED) == [("late", EventKind.DEFINED, "added", False)]


def test_listeners_hear_all_instances_or_one(session: Session, domains: "Domains", heard: "Heard") -> None:
    other: list[str] = []
    session.subscribe(heard)
    session.subscribe(lambda event: other.append(event.name), domains.uuid("b"))
    for name in ("a", "b", "c"):
        session.call(session.connection().defineXML, domains.xml(name))
    assert [event[0] for event in heard.until("c", EventKind.DEFINED)] == ["a", "b", "c"]
    session.close()
    assert other in (["b"], [])  # closing stops what is queued


def test_errors_are_translated_and_carry_whom_they_are_about(session: Session, domains: "Domains", domain: Domain) -> None:
    with pytest.raises(HypervisorError) as refused:
        session.call(domain.suspend)
    assert (refused.value.code, refused.value.domain) == (1, 12)
    with pytest.raises(InstanceNotFound) as unknown:
        session.domain(domains.uuid("nobody"))
    assert unknown.value.key == str(domains.uuid("nobody"))
    session.call(domain.undefineFlags, 0)

    def create(handle: Domain) -> int:
        return handle.create()

    for call in (partial(session.call, domain.create), partial(session.call, create, domain)):
        with pytest.raises(InstanceNotFound) as gone:
            call()
        assert gone.value.key == str(domains.uuid("a"))


def test_a_handle_is_looked_up_once_and_kept_until_the_domain_is_gone(
    session: Session, domains: "Domains", domain: Domain, heard: "Heard"
) -> None:
    uuid = domains.uuid("a")
    assert session.domain(uuid) is domain
    session.forget(uuid)
    looked_up = session.domain(uuid)
    assert looked_up is not domain
    assert session.domain(uuid) is looked_up
    session.subscribe(heard)
    session.call(domain.undefineFlags, 0)
    heard.until("a", EventKind.UNDEFINED)
    with pytest.raises(InstanceNotFound):
        session.domain(uuid)


def test_a_change_that_libvirt_told_nobody_is_told_when_it_was_seen(
    session: Session, domains: "Domains", domain: Domain, heard: "Heard"
) -> None:
    uuid = domains.uuid("a")
    start(session, domains, domain)
    session.subscribe(heard)
    session.call(domain.suspend)
    assert heard.until("a", EventKind.PAUSED) == [("a", EventKind.PAUSED, "paused", False)]
    session.call(domain.reboot)  # the test driver makes it running and emits nothing (libvirt 9.0.0)
    assert list(session.call(domain.state)) == [1, 1]
    session.observe(uuid, PowerState.RUNNING, "booted")
    assert heard.until("a", EventKind.RESUMED) == [("a", EventKind.RESUMED, "booted", True)]
    session.observe(uuid, PowerState.RUNNING, "booted")
    session.call(domain.destroy)
    assert heard.until("a", EventKind.STOPPED) == [("a", EventKind.STOPPED, "destroyed", False)]


def test_a_look_tells_what_libvirt_told_nobody_and_tells_it_once(
    session: Session, domains: "Domains", domain: Domain, heard: "Heard"
) -> None:
    uuid = domains.uuid("a")
    start(session, domains, domain)
    session.subscribe(heard)
    session.call(domain.suspend)
    assert heard.until("a", EventKind.PAUSED) == [("a", EventKind.PAUSED, "paused", False)]
    session.call(domain.reboot)  # as above
    session.look(uuid)
    session.look(uuid)
    session.look(domains.uuid("nobody"))
    assert heard.until("a", EventKind.RESUMED) == [("a", EventKind.RESUMED, "booted", True)]
    session.call(domain.destroy)
    assert heard.until("a", EventKind.STOPPED) == [("a", EventKind.STOPPED, "destroyed", False)]


def test_a_connection_that_is_lent_is_kept_until_it_is_given_back(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "JOIN_SECONDS", 0.0)
    with session.lent() as connection:
        session.close()
        assert connection.isAlive() == 1
    for thread in threading.enumerate():
        if thread.name == "virtproof-closer" and thread.ident is not None:  # ours has begun; an earlier session's may be about to
            thread.join(PATIENCE_SECONDS)
    with pytest.raises(libvirt_binding().libvirtError):
        connection.getType()


def test_another_host_is_reached_through_the_same_libvirt(session: Session, node_uri: str) -> None:
    other = session.reach(node_uri, None)
    assert other.hypervisor == session.hypervisor
    other.close()
    with pytest.raises(DriverClosed):
        other.connection()
    assert session.connection().isAlive() == 1
    with pytest.raises(HostUnreachable):
        session.reach("test:///nowhere.xml", None)


def test_an_event_newer_than_the_read_outweighs_it(session: Session, domains: "Domains", domain: Domain, heard: "Heard") -> None:
    uuid = domains.uuid("a")
    session.call(domain.state)
    began = threading.Event()

    def other_client() -> None:
        start(session, domains, domain)
        began.set()

    threading.Thread(target=other_client).start()
    assert began.wait(PATIENCE_SECONDS)
    session.subscribe(heard)
    session.observe(uuid, PowerState.OFF, "unknown")
    session.call(domain.destroy)
    assert heard.until("a", EventKind.STOPPED) == [("a", EventKind.STOPPED, "destroyed", False)]


def test_in_process_there_is_nobody_to_keep_alive(session: Session) -> None:
    assert {Capability.CONNECTION_KEEPALIVE, Capability.CONNECTION_RECONNECT} <= session.refusals.keys()
    assert session.hypervisor.connection_type == "TEST"


def test_a_read_only_connection_reads(sessions: "Sessions", node_uri: str, domains: "Domains") -> None:
    session = sessions.make(node_uri, read_only=True)
    session.open()
    assert session.call(session.connection().listAllDomains) == []
    with pytest.raises(PermissionDenied):
        session.call(session.connection().defineXML, domains.xml("a"))


def test_after_the_end_all_says_so_and_nothing_is_left(
    session: Session, domains: "Domains", domain: Domain, heard: "Heard"
) -> None:
    session.subscribe(heard)
    connection = session.connection()
    session.close()
    session.close()
    assert session.closed
    assert threads() == []
    uuid = domains.uuid("a")
    for use in (
        session.connection,
        lambda: session.call(domain.state),
        lambda: session.read(session.connection),
        lambda: session.domain(uuid),
        lambda: session.expect(uuid, STARTED),
        lambda: session.subscribe(heard),
        lambda: session.call(connection.getHostname),
    ):
        with pytest.raises(DriverClosed):
            use()
    session.observe(uuid, PowerState.OFF, "unknown")


def test_closing_ends_a_wait(session: Session, domains: "Domains") -> None:
    with session.expect(domains.uuid("a"), STARTED) as wait:
        threading.Thread(target=session.close).start()
        with pytest.raises(DriverClosed):
            wait.until(PATIENCE_SECONDS)


def test_a_listener_may_close_the_session(session: Session, domains: "Domains") -> None:
    closed = threading.Event()

    def listener(_event: object) -> None:
        session.close()
        closed.set()

    session.subscribe(listener)
    session.call(session.connection().defineXML, domains.xml("a"))
    assert closed.wait(PATIENCE_SECONDS)


def test_a_host_that_cannot_be_reached_leaves_nothing(sessions: "Sessions") -> None:
    session = sessions.make("test+tcp://joe:s3cret@127.0.0.1:1/default")
    with pytest.raises(HostUnreachable) as caught:
        session.open()
    assert caught.value.uri == session.uri == "test+tcp://joe@127.0.0.1:1/default"
    assert "s3cret" not in f"{caught.value!r} {session!r} {session._target!r}"
    assert caught.value.__context__ is None
    assert session.closed
    assert threads() == []


def test_a_hypervisor_that_is_not_known_is_refused_and_let_go(sessions: "Sessions", node_uri: str) -> None:
    session = sessions.make(node_uri)

    def nobody(connection_type: str) -> "object":
        raise UnknownHypervisor(connection_type, known=())

    object.__setattr__(session._target, "hypervisor_for", nobody)
    with pytest.raises(UnknownHypervisor):
        session.open()
    assert threads() == []
