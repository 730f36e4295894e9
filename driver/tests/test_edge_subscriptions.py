"""Listeners are told in order, and none can hold up or break another."""

import logging
import threading
from queue import SimpleQueue
from uuid import UUID

import pytest

from virtproof_driver.books import HostEvent, HostEventKind
from virtproof_driver.edge.subscriptions import Delivery, Subscriptions
from virtproof_driver.values import EventKind, LifecycleEvent

UUID_A, UUID_B = UUID(int=10), UUID(int=11)
PATIENCE_SECONDS = 20.0
EVENTS = [LifecycleEvent(uuid=UUID_A, name="a", kind=kind, reason="r", stamp=1.0) for kind in EventKind]


def publish(subscriptions: Subscriptions, events: list[LifecycleEvent]) -> None:
    for event in events:
        subscriptions.publish(event)


def take(queue: SimpleQueue[LifecycleEvent], count: int) -> list[LifecycleEvent]:
    return [queue.get(timeout=PATIENCE_SECONDS) for _ in range(count)]


def test_each_listener_hears_all_in_order() -> None:
    subscriptions = Subscriptions()
    queues: list[SimpleQueue[LifecycleEvent]] = [SimpleQueue(), SimpleQueue()]
    for queue in queues:
        subscriptions.add(queue.put, None)
    publish(subscriptions, EVENTS)
    assert [take(queue, len(EVENTS)) for queue in queues] == [EVENTS, EVENTS]
    subscriptions.close()


def test_a_listener_for_one_instance_hears_of_no_other() -> None:
    subscriptions = Subscriptions()
    queue: SimpleQueue[LifecycleEvent] = SimpleQueue()
    subscriptions.add(queue.put, UUID_A)
    other = LifecycleEvent(uuid=UUID_B, name="b", kind=EventKind.STARTED, reason="r", stamp=1.0)
    publish(subscriptions, [other, EVENTS[0]])
    assert take(queue, 1) == [EVENTS[0]]
    subscriptions.close()


def test_a_listener_to_the_host_hears_of_it_and_of_all_instances_and_others_do_not() -> None:
    subscriptions = Subscriptions()
    host, instance, every = (SimpleQueue[LifecycleEvent | HostEvent]() for _ in range(3))
    subscriptions.add_host(host.put)
    subscriptions.add(instance.put, UUID_A)
    subscriptions.add(every.put, None)
    lost = HostEvent(kind=HostEventKind.LOST, stamp=1.0)
    for event in (EVENTS[0], lost, EVENTS[1]):
        subscriptions.publish(event)
    assert [host.get(timeout=PATIENCE_SECONDS) for _ in range(3)] == [EVENTS[0], lost, EVENTS[1]]
    for queue in (instance, every):
        assert [queue.get(timeout=PATIENCE_SECONDS) for _ in range(2)] == EVENTS[:2]
    subscriptions.close()


def test_a_listener_that_blocks_delays_nobody_else() -> None:
    subscriptions = Subscriptions()
    release = threading.Event()
    queue: SimpleQueue[LifecycleEvent] = SimpleQueue()
    subscriptions.add(lambda _event: release.wait(PATIENCE_SECONDS), None)
    subscriptions.add(queue.put, None)
    publish(subscriptions, EVENTS)
    assert take(queue, len(EVENTS)) == EVENTS
    release.set()
    subscriptions.close()


def test_a_listener_that_raises_hears_the_rest_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    subscriptions = Subscriptions()
    queue: SimpleQueue[LifecycleEvent] = SimpleQueue()

    def listener(event: LifecycleEvent) -> None:
        queue.put(event)
        raise ValueError(event.kind)

    delivery = subscriptions.add(listener, None)
    with caplog.at_level(logging.ERROR):
        publish(subscriptions, EVENTS)
        assert take(queue, len(EVENTS)) == EVENTS
        delivery.close()
    assert delivery.failures == len(EVENTS)
    assert "ValueError" in caplog.text


def test_closing_stops_delivery_also_of_what_is_queued() -> None:
    subscriptions = Subscriptions()
    entered, release = threading.Event(), threading.Event()
    heard: list[LifecycleEvent] = []

    def listener(event: LifecycleEvent) -> None:
        heard.append(event)
        entered.set()
        release.wait(PATIENCE_SECONDS)

    delivery = subscriptions.add(listener, None)
    publish(subscriptions, EVENTS)
    assert entered.wait(PATIENCE_SECONDS)
    delivery.end()
    release.set()
    delivery.close()
    publish(subscriptions, EVENTS)
    assert heard == EVENTS[:1]
    assert not delivery._thread.is_alive()


def test_a_listener_may_close_its_own_subscription() -> None:
    subscriptions = Subscriptions()
    made: SimpleQueue[Delivery] = SimpleQueue()
    closed = threading.Event()
    heard: list[LifecycleEvent] = []

    def listener(event: LifecycleEvent) -> None:
        heard.append(event)
        made.get(timeout=PATIENCE_SECONDS).close()
        closed.set()

    delivery = subscriptions.add(listener, None)
    made.put(delivery)
    publish(subscriptions, EVENTS)
    assert closed.wait(PATIENCE_SECONDS)
    delivery.close()
    assert heard == EVENTS[:1]


def test_a_subscription_is_a_context_manager_and_leaves_nothing() -> None:
    subscriptions = Subscriptions()
    with subscriptions.add(lambda _event: None, None) as delivery:
        assert list(subscriptions._deliveries) == [delivery]
    delivery.close()
    assert list(subscriptions._deliveries) == []
    assert not delivery._thread.is_alive()
