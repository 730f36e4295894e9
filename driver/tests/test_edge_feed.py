"""What the feed does about a domain that has moved away: libvirt says that it stopped, and not that it was undefined."""

from collections.abc import Iterator
from queue import SimpleQueue
from uuid import UUID

import pytest

from virtproof_driver.constants import DomainEvent, DomainEventId
from virtproof_driver.edge.feed import Feed
from virtproof_driver.events import Found, RawEvent, Reading
from virtproof_driver.values import EventKind, LifecycleEvent, PowerState

UUID_A = UUID(int=10)
PATIENCE = 20.0
MIGRATED, DESTROYED = 3, 1


class Fed:
    """A feed of a host with one running domain, and what came of it."""

    def __init__(self, *, persistent: bool = True) -> None:
        self.gone: list[UUID] = []
        self.left: list[UUID] = []
        self.heard: SimpleQueue[LifecycleEvent] = SimpleQueue()
        self.feed = Feed(self.gone.append, self.left.append)
        self.feed.dispatcher.start()
        self.feed.began(1)
        found = Found(name="a", state=PowerState.RUNNING, reason="booted", persistent=persistent, domain_id=1)
        self.feed.read(1, {UUID_A: found}, Reading(since=1.0, stamp=2.0))
        self.feed.subscriptions.add(self.heard.put, None)

    def stopped(self, detail: int) -> None:
        self.feed.arrived(
            1,
            RawEvent(
                uuid=str(UUID_A),
                name="a",
                domain_id=1,
                event_id=DomainEventId.LIFECYCLE,
                event=DomainEvent.STOPPED,
                detail=detail,
                stamp=3.0,
            ),
        )
        assert self.feed.dispatcher.flush(PATIENCE)

    def next(self) -> tuple[EventKind, str, bool]:
        event = self.heard.get(timeout=PATIENCE)
        return event.kind, event.reason, event.resynced


@pytest.fixture
def fed() -> Iterator[Fed]:
    made = Fed()
    yield made
    made.feed.subscriptions.close()
    made.feed.dispatcher.stop(PATIENCE)


def test_one_that_has_moved_away_is_to_be_looked_at_and_its_end_is_told_once(fed: Fed) -> None:
    fed.stopped(MIGRATED)
    assert fed.left == [UUID_A]
    assert fed.next() == (EventKind.STOPPED, "migrated", False)
    fed.feed.looked(UUID_A, None, Reading(since=4.0, stamp=5.0))
    fed.feed.looked(UUID_A, None, Reading(since=6.0, stamp=7.0))
    assert fed.feed.dispatcher.flush(PATIENCE)
    assert fed.next() == (EventKind.UNDEFINED, "removed", True)
    assert fed.heard.empty()


def test_one_whose_definition_stayed_is_told_of_no_more(fed: Fed) -> None:
    fed.stopped(MIGRATED)
    off = Found(name="a", state=PowerState.OFF, reason="migrated", persistent=True)
    fed.feed.looked(UUID_A, off, Reading(since=4.0, stamp=5.0))
    assert fed.feed.dispatcher.flush(PATIENCE)
    assert fed.next() == (EventKind.STOPPED, "migrated", False)
    assert fed.heard.empty()


def test_one_that_stopped_here_is_not_looked_at(fed: Fed) -> None:
    fed.stopped(DESTROYED)
    assert (fed.left, fed.gone) == ([], [])
    assert fed.next() == (EventKind.STOPPED, "destroyed", False)
