"""What operations do about events that never came: listeners are told once, by what the operation found."""

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
