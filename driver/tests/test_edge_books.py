"""What is held of a host without asking it, and how listeners hear of its loss and return."""

import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from virtproof_driver.binding import Connection
from virtproof_driver.books import HostEvent, HostEventKind, KnownInstance
from virtproof_driver.edge import Session
from virtproof_driver.errors import ConnectionLost, DriverClosed
from virtproof_driver.keepalive import Keepalive
from virtproof_driver.link import Awaited
from virtproof_driver.values import EventKind, LifecycleEvent, PowerState

if TYPE_CHECKING:
    from tests.conftest import Cable, Domains, Sessions

PATIENCE_SECONDS = 20.0
NEVER = Awaited(kinds=frozenset({EventKind.CRASHED}), what="crashed event")
LOST, RETURNED = HostEventKind.LOST, HostEventKind.RETURNED


class Told:
    """A listener to a host."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[LifecycleEvent | HostEvent] = SimpleQueue()

    def __call__(self, event: LifecycleEvent | HostEvent) -> None:
        self._queue.put(event)

    def until(self, kind: EventKind | HostEventKind) -> list[EventKind | HostEventKind]:
        """The kinds of what was heard since the last time, up to one of this kind; waits until it came."""
        kinds: list[EventKind | HostEventKind] = []
        while not kinds or kinds[-1] is not kind:
            kinds.append(self._queue.get(timeout=PATIENCE_SECONDS).kind)
        return kinds


def lose(session: Session, domains: "Domains", cable: "Cable") -> None:
    """Cut the session's connection, and return when it has noticed."""
    with session.expect(domains.uuid("nobody"), NEVER) as wait:
        cable.cut()
        with pytest.raises(ConnectionLost):
            wait.until(PATIENCE_SECONDS)


@pytest.fixture
def session(sessions: "Sessions", anchor: Connection, cable: "Cable") -> Session:
    """A session over the cable; the anchor is another client of the same host."""
    return sessions.open(cable.uri, keepalive=Keepalive(interval=1, count=2))


def test_books_have_each_domain_as_it_was_told(session: Session, anchor: Connection, domains: "Domains") -> None:
    told = Told()
    session.subscribe_host(told)
    for name in ("b", "a"):
        anchor.defineXML(domains.xml(name)).create()
    assert told.until(EventKind.STARTED) + told.until(EventKind.STARTED) == [EventKind.DEFINED, EventKind.STARTED] * 2
    books = session.books()
    assert books.reachable
    own = [each for each in books.instances if each.name in {"a", "b"}]
    assert own == [
        KnownInstance(uuid=domains.uuid(name), name=name, state=PowerState.RUNNING, persistent=True) for name in ("a", "b")
    ]


def test_what_was_missed_comes_between_loss_and_return(
    session: Session, anchor: Connection, cable: "Cable", domains: "Domains"
) -> None:
    told = Told()
    session.subscribe_host(told)
    domain = anchor.defineXML(domains.xml("a"))
    domain.create()
    told.until(EventKind.STARTED)
    lose(session, domains, cable)
    domain.destroy()
    cable.mend()
    assert told.until(RETURNED) == [LOST, EventKind.STOPPED, RETURNED]


def test_a_loss_is_in_the_books_since_it_was_noticed_and_the_instances_stay(
    session: Session, anchor: Connection, cable: "Cable", domains: "Domains"
) -> None:
    told = Told()
    session.subscribe_host(told)
    anchor.defineXML(domains.xml("a")).create()
    told.until(EventKind.STARTED)
    before = time.monotonic()
    there = session.books()
    lose(session, domains, cable)
    lost = session.books()
    assert lost.lost_since is not None
    assert before <= lost.lost_since <= time.monotonic()
    assert (lost.reachable, lost.instances) == (False, there.instances)
    cable.mend()
    told.until(RETURNED)
    assert session.books() == there


def test_books_of_a_closed_session_are_not_read(session: Session) -> None:
    told = Told()
    session.close()
    with pytest.raises(DriverClosed):
        session.books()
    with pytest.raises(DriverClosed):
        session.subscribe_host(told)
