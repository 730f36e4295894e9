"""What operations do about events that never came: listeners are told once, by what the operation found."""

from collections.abc import Callable
from queue import SimpleQueue

import pytest

from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.edge.feed import Feed
from virtproof_driver.events import RawEvent
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import EventKind, PowerState


def test_a_refusal_that_finds_the_target_tells_listeners_what_they_missed(
    driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.spawn(small)
    driver.pause(small.uuid)
    heard: SimpleQueue[EventKind] = SimpleQueue()
    swallowed: SimpleQueue[RawEvent] = SimpleQueue()

    def swallow(_feed: Feed, _epoch: int, raw: RawEvent) -> None:
        swallowed.put(raw)

    with driver.subscribe(lambda event: heard.put(event.kind)):
        with monkeypatch.context() as patch:
            patch.setattr(Feed, "arrived", swallow)
            driver.link.domain(small.uuid).resume()
            swallowed.get(timeout=20)
        assert driver.unpause(small.uuid).state is PowerState.RUNNING
        driver.pause(small.uuid)
        assert [heard.get(timeout=20) for _ in range(2)] == [EventKind.RESUMED, EventKind.PAUSED]


def test_a_refusal_leaves_the_telling_to_an_event_that_is_on_its_way(
    driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.spawn(small)
    heard: SimpleQueue[tuple[EventKind, bool]] = SimpleQueue()
    held: SimpleQueue[tuple[Feed, int, RawEvent]] = SimpleQueue()
    call: Callable[..., object] = driver.link.call

    def hold(feed: Feed, epoch: int, raw: RawEvent) -> None:
        held.put((feed, epoch, raw))

    def deliver_after_the_read(function: Callable[..., object], *args: object) -> object:
        result = call(function, *args)
        if "state" in repr(function) and not held.empty():
            arrived(*held.get())
        return result

    with driver.subscribe(lambda event: heard.put((event.kind, event.resynced))):
        with monkeypatch.context() as patch:
            patch.setattr(Feed, "arrived", hold)
            driver.link.domain(small.uuid).suspend()
            arrived_late = held.get(timeout=20)
        arrived = Feed.arrived
        held.put(arrived_late)
        monkeypatch.setattr(driver.link, "call", deliver_after_the_read)
        assert driver.pause(small.uuid).state is PowerState.PAUSED
        driver.unpause(small.uuid)
        assert [heard.get(timeout=20) for _ in range(2)] == [(EventKind.PAUSED, False), (EventKind.RESUMED, False)]
