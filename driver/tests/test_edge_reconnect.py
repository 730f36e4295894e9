"""Losing a real daemon and getting it back: what is noticed, what was missed, and that each change is told exactly once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from virtproof_driver.binding import Connection
from virtproof_driver.capabilities import Capability
from virtproof_driver.edge import Session
from virtproof_driver.errors import ConnectionLost, HostUnreachable
from virtproof_driver.keepalive import Keepalive
from virtproof_driver.link import Awaited
from virtproof_driver.values import EventKind, PowerState

if TYPE_CHECKING:
    from tests.conftest import Cable, Daemon, Domains, Heard, Sessions

PATIENCE_SECONDS = 20.0
QUICK = Keepalive(interval=1, count=2)
NEVER = Awaited(kinds=frozenset({EventKind.CRASHED}), what="crashed event")
D, U, S, P, R, X = (
    EventKind.DEFINED,
    EventKind.UNDEFINED,
    EventKind.STARTED,
    EventKind.PAUSED,
    EventKind.RESUMED,
    EventKind.STOPPED,
)


def lose(session: Session, domains: "Domains", cable: "Cable") -> None:
    """Cut the session's connection, and return when it has noticed."""
    with session.expect(domains.uuid("nobody"), NEVER) as wait:
        cable.cut()
        with pytest.raises(ConnectionLost):
            wait.until(PATIENCE_SECONDS)


@pytest.fixture
def session(sessions: "Sessions", anchor: Connection, cable: "Cable", heard: "Heard") -> Session:
    """A session over the cable, with a listener; the anchor is another client of the same host."""
    session = sessions.open(cable.uri, keepalive=QUICK)
    session.subscribe(heard)
    return session


def test_each_missed_change_is_told_once_and_marked(
    session: Session, anchor: Connection, cable: "Cable", domains: "Domains", heard: "Heard"
) -> None:
    handles = {name: anchor.defineXML(domains.xml(name)) for name in ("runs", "rests", "goes", "again", "stays")}
    for name in ("runs", "again", "stays"):
        handles[name].create()
    heard.until("stays", S)

    lose(session, domains, cable)
    handles["runs"].destroy()
    handles["rests"].create()
    handles["rests"].suspend()
    handles["goes"].undefineFlags(0)
    handles["again"].destroy()
    handles["again"].create()
    anchor.defineXML(domains.xml("new"))
    cable.mend()

    assert sorted(heard.until("new", D)) == sorted(
        [
            ("runs", X, "destroyed", True),
            ("rests", S, "unknown", True),
            ("rests", P, "paused", True),
            ("goes", U, "removed", True),
            ("again", X, "unknown", True),
            ("again", S, "booted", True),
            ("new", D, "added", True),
        ]
    )
    off, on = PowerState.OFF, PowerState.RUNNING
    known = {name: session.known_state(domains.uuid(name)) for name in (*handles, "new")}
    assert known == {"runs": off, "rests": PowerState.PAUSED, "goes": None, "again": on, "stays": on, "new": off}

    handles["rests"].resume()
    handles["stays"].destroy()
    assert heard.until("stays", X) == [("rests", R, "unpaused", False), ("stays", X, "destroyed", False)]


def test_any_number_of_outages_each_told_once(
    session: Session, anchor: Connection, cable: "Cable", domains: "Domains", heard: "Heard"
) -> None:
    domain = anchor.defineXML(domains.xml("a"))
    heard.until("a", D)
    for _ in range(5):
        lose(session, domains, cable)
        domain.create()
        cable.mend()
        assert heard.until("a", S) == [("a", S, "booted", True)]
        domain.destroy()
        assert heard.until("a", X) == [("a", X, "destroyed", False)]


def test_changes_while_it_reconnects_are_told_once_whichever_way(
    session: Session, anchor: Connection, cable: "Cable", domains: "Domains", heard: "Heard"
) -> None:
    handles = [anchor.defineXML(domains.xml(f"d{number}")) for number in range(50)]
    heard.until("d49", D)
    lose(session, domains, cable)
    cable.mend()
    for handle in handles:  # the supervisor reconnects meanwhile
        handle.create()
    session.connection()
    anchor.defineXML(domains.xml("last"))
    told = heard.until("last", D)
    assert [event[:2] for event in sorted(told, key=lambda event: int(event[0][1:]) if event[0] != "last" else 50)] == [
        *((f"d{number}", S) for number in range(50)),
        ("last", D),
    ]


def test_while_the_host_is_down_it_is_said_and_afterwards_all_works(
    session: Session, anchor: Connection, cable: "Cable", domains: "Domains"
) -> None:
    anchor.defineXML(domains.xml("a"))
    stale = session.domain(domains.uuid("a"))
    lose(session, domains, cable)
    with pytest.raises(ConnectionLost):
        session.call(stale.state)
    with pytest.raises(HostUnreachable):
        session.connection()
    cable.mend()
    live = session.connection()
    with pytest.raises(ConnectionLost):
        session.call(stale.state)
    assert session.connection() is live
    assert list(session.call(session.domain(domains.uuid("a")).state)) == [5, 0]


def test_a_read_is_repeated_on_the_next_connection(
    session: Session, anchor: Connection, cable: "Cable", domains: "Domains"
) -> None:
    anchor.defineXML(domains.xml("a"))
    tries: list[Connection] = []

    def read() -> list[int]:
        tries.append(session.connection())
        handle = session.domain(domains.uuid("a"))
        if len(tries) == 1:
            lose(session, domains, cable)
            cable.mend()
        return list(session.call(handle.state))

    assert session.read(read) == [5, 0]
    assert len(tries) == 2
    assert tries[0] is not tries[1]


def test_many_callers_share_the_next_connection(session: Session, cable: "Cable", domains: "Domains") -> None:
    lose(session, domains, cable)
    cable.mend()
    with ThreadPoolExecutor(8) as pool:
        connections = [future.result() for future in [pool.submit(session.connection) for _ in range(8)]]
    assert all(connection is connections[0] for connection in connections)


def test_a_daemon_that_does_not_answer_is_lost_by_keepalive_and_comes_back(
    session: Session, daemon: "Daemon", domains: "Domains"
) -> None:
    daemon.freeze()
    with session.expect(domains.uuid("a"), NEVER) as wait:
        with pytest.raises(ConnectionLost):
            session.call(session.connection().getHostname)
        with pytest.raises(ConnectionLost):
            wait.until(PATIENCE_SECONDS)
    with pytest.raises(HostUnreachable, match="no answer within"):
        session.connection()
    daemon.thaw()
    assert session.call(session.connection().getHostname)


def test_a_daemon_that_was_killed_is_lost_and_a_new_one_found(
    sessions: "Sessions", daemon: "Daemon", domains: "Domains", heard: "Heard"
) -> None:
    session = sessions.open(daemon.tcp_uri, keepalive=QUICK)
    session.subscribe(heard)
    session.call(session.call(session.connection().defineXML, domains.xml("a")).create)
    heard.until("a", S)
    with session.expect(domains.uuid("a"), NEVER) as wait:
        daemon.kill()
        with pytest.raises(ConnectionLost):
            wait.until(PATIENCE_SECONDS)
    with pytest.raises(HostUnreachable):
        session.connection()
    daemon.start()
    session.connection()
    assert heard.until("a", U) == [("a", X, "unknown", True), ("a", U, "removed", True)]


def test_a_host_that_was_never_there_is_not_tried_again(sessions: "Sessions", daemon: "Daemon") -> None:
    daemon.stop()
    session = sessions.make(daemon.unix_uri)
    with pytest.raises(HostUnreachable):
        session.open()
    assert session.closed


def test_a_daemon_frozen_from_the_start_is_unreachable_after_the_patience(sessions: "Sessions", daemon: "Daemon") -> None:
    daemon.freeze()
    with pytest.raises(HostUnreachable, match="no answer within 3 s"):
        sessions.open(daemon.unix_uri, keepalive=QUICK)


def test_closing_while_the_host_is_down_ends_all_threads(session: Session, cable: "Cable", domains: "Domains") -> None:
    lose(session, domains, cable)
    session.close()
    names = {thread.name for thread in threading.enumerate()}
    assert names.isdisjoint({"virtproof-dispatcher", "virtproof-listener", "virtproof-supervisor"})


def test_over_rpc_nothing_that_needs_a_daemon_is_refused(session: Session) -> None:
    assert session.refusals.keys().isdisjoint({Capability.CONNECTION_KEEPALIVE, Capability.CONNECTION_RECONNECT})
