"""Subscriptions: from when to when a listener hears, and of which instances.

What belongs here: cases whose ids begin with `events.subscribe`. What does not: what is told (`test_events`), and listeners that
misbehave (`test_events_listener`).
"""

import threading
from collections.abc import Iterator

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.common import HEARD
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver, Subscription
from virtproof_driver.errors import InvalidSpec
from virtproof_driver.values import EventKind, Instance, LifecycleEvent

PAUSED = HEARD | {Capability.PAUSE}
D, S, P, R, X, U = (
    EventKind.DEFINED,
    EventKind.STARTED,
    EventKind.PAUSED,
    EventKind.RESUMED,
    EventKind.STOPPED,
    EventKind.UNDEFINED,
)


@pytest.fixture
def second(virtproof_case: CaseContext) -> Iterator[EventCollector]:
    """Another listener, not subscribed yet."""
    collector = EventCollector(virtproof_case.recorder)
    yield collector
    collector.detach()


@case(
    "events.subscribe.one-instance",
    Level.MUST,
    requirement="A listener that asked for one instance hears of no other, and of that one everything.",
    source="driver contract: subscribe(uuid=…)",
    since="1.0",
    needs=PAUSED,
)
@pytest.mark.parametrize("spelling", ["uuid", "text"])
def test_one_instance(driver: ComputeDriver, events: EventCollector, second: EventCollector, small: Small, spelling: str) -> None:
    mine, other = driver.spawn(small()), driver.spawn(small())
    events.settle()
    second.attach(driver, uuid=mine.uuid if spelling == "uuid" else str(mine.uuid))
    for uuid in (other.uuid, mine.uuid):
        driver.pause(uuid)
    for uuid in (other.uuid, mine.uuid):
        driver.unpause(uuid)
    second.wait(mine.uuid, R)
    events.settle()
    assert [(event.uuid, event.kind) for event in second.all()] == [(mine.uuid, P), (mine.uuid, R)]


@case(
    "events.subscribe.before-spawn",
    Level.MUST,
    requirement="A listener may ask for an instance that is not there yet, and hears its whole life.",
    source="driver contract: subscribe(uuid=…); libvirt's own filter needs a domain that exists",
    since="1.0",
    needs=HEARD,
)
def test_before_it_is_spawned(driver: ComputeDriver, second: EventCollector, small: Small) -> None:
    spec = small()
    second.attach(driver, uuid=spec.uuid)
    driver.spawn(spec)
    driver.destroy(spec.uuid)
    driver.spawn(spec, start=False)
    second.wait(spec.uuid, D, count=2)
    assert [event.kind for event in second.all()] == [D, S, X, U, D]


@case(
    "events.subscribe.history",
    Level.MUST,
    requirement="A listener hears what happens from now on, and nothing of what was told before.",
    source="driver contract: subscribe",
    since="1.0",
    needs=PAUSED,
)
def test_nothing_of_the_past(
    driver: ComputeDriver, events: EventCollector, second: EventCollector, instance: Instance, world: World
) -> None:
    events.settle()
    second.attach(driver, world)
    driver.pause(instance.uuid)
    second.settle()
    events.settle()
    assert second.kinds(instance.uuid) == (P,)
    assert events.kinds(instance.uuid) == (D, S, P)


@case(
    "events.subscribe.close",
    Level.MUST,
    requirement="After its subscription was closed a listener hears nothing more; closing again changes nothing.",
    source="driver contract: Subscription.close",
    since="1.0",
    needs=PAUSED,
)
def test_close_ends_delivery(driver: ComputeDriver, events: EventCollector, instance: Instance) -> None:
    heard: list[LifecycleEvent] = []
    subscription = driver.subscribe(heard.append, uuid=instance.uuid)
    subscription.close()
    subscription.close()
    driver.pause(instance.uuid)
    events.settle()
    assert heard == []
    assert events.kinds(instance.uuid)[-1] is P


@case(
    "events.subscribe.close-queued",
    Level.MUST,
    requirement="Closing a subscription also drops what was queued for the listener.",
    source="driver contract: closing a Subscription stops delivery, also of what is queued",
    since="1.0",
    needs=PAUSED,
)
def test_close_drops_what_is_queued(driver: ComputeDriver, events: EventCollector, instance: Instance) -> None:
    more, done = threading.Event(), threading.Event()
    heard: list[EventKind] = []
    subscriptions: list[Subscription] = []

    def listener(event: LifecycleEvent) -> None:
        heard.append(event.kind)
        more.wait(10)
        subscriptions[0].close()
        done.set()

    events.settle()
    subscriptions.append(driver.subscribe(listener, uuid=instance.uuid))
    driver.pause(instance.uuid)
    driver.unpause(instance.uuid)
    events.settle()
    more.set()
    assert done.wait(10)
    driver.pause(instance.uuid)
    events.settle()
    assert heard == [P]


def entered(subscription: Subscription) -> Subscription:
    """What the with statement gives; the subscription is closed."""
    with subscription as given:
        return given


@case(
    "events.subscribe.context-manager",
    Level.MUST,
    requirement="A subscription is a context manager that gives itself, and ends with the block, also by an exception.",
    source="driver contract: Subscription is a context manager",
    since="1.0",
    needs=PAUSED,
)
def test_context_manager(driver: ComputeDriver, events: EventCollector, instance: Instance) -> None:
    heard: list[LifecycleEvent] = []
    subscription = driver.subscribe(heard.append, uuid=instance.uuid)
    assert entered(subscription) is subscription
    with pytest.raises(ZeroDivisionError, match="the caller's own"), driver.subscribe(heard.append, uuid=instance.uuid):
        raise ZeroDivisionError("the caller's own")
    driver.pause(instance.uuid)
    events.settle()
    assert heard == []


@case(
    "events.subscribe.twice",
    Level.MUST,
    requirement="Subscriptions are independent: one listener may have two, and closing one leaves the other.",
    source="driver contract: subscribe; a second registration at libvirt must not replace the first",
    since="1.0",
    needs=PAUSED,
)
def test_one_listener_twice(driver: ComputeDriver, events: EventCollector, instance: Instance) -> None:
    events.settle()
    heard: list[EventKind] = []
    told = threading.Semaphore(0)

    def listener(event: LifecycleEvent) -> None:
        heard.append(event.kind)
        told.release()

    first, other = (driver.subscribe(listener, uuid=instance.uuid) for _ in range(2))
    driver.pause(instance.uuid)
    assert all(told.acquire(timeout=10) for _ in range(2))
    first.close()
    driver.unpause(instance.uuid)
    assert told.acquire(timeout=10)
    events.settle()
    other.close()
    assert heard == [P, P, R]


@case(
    "events.subscribe.malformed",
    Level.MUST,
    requirement="Asking for the events of what is no UUID is InvalidSpec, and the error quotes it.",
    source="driver contract: errors say whose fault it is",
    since="1.0",
    needs={Capability.EVENTS_LIFECYCLE},
)
def test_malformed_uuid(driver: ComputeDriver) -> None:
    with pytest.raises(InvalidSpec, match="'not-a-uuid'"):
        driver.subscribe(print, uuid="not-a-uuid")
