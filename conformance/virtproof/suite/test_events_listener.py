"""Listeners: that one which raises, dawdles, calls the driver or leaves does no harm to others or to operations.

What belongs here: cases whose ids begin with `events.listener`. What does not: what is told (`test_events`), and when hearing
begins and ends (`test_events_subscribe`).
"""

import threading

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver, Subscription
from virtproof_driver.values import EventKind, Instance, LifecycleEvent, PowerState

PAUSED = frozenset({Capability.EVENTS_LIFECYCLE, Capability.INVENTORY, Capability.SPAWN, Capability.DESTROY, Capability.PAUSE})
P, R = EventKind.PAUSED, EventKind.RESUMED


class Listener:
    """A listener that counts; the base of those that misbehave."""

    def __init__(self) -> None:
        self.heard: list[EventKind] = []
        self.told = threading.Semaphore(0)

    def __call__(self, event: LifecycleEvent) -> None:
        self.heard.append(event.kind)
        self.told.release()
        self.react(event)

    def react(self, event: LifecycleEvent, /) -> None:
        """What it does about an event."""

    def wait(self, count: int) -> bool:
        """Whether so many more events came, within ten seconds each."""
        return all(self.told.acquire(timeout=10) for _ in range(count))


class Raises(Listener):
    """Fails at every event."""

    def react(self, event: LifecycleEvent, /) -> None:
        raise RuntimeError(f"the listener's own mistake at {event.kind}")


class Blocks(Listener):
    """Does not return from its first event until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def react(self, _event: LifecycleEvent, /) -> None:
        self.go.wait(30)


@case(
    "events.listener.two",
    Level.MUST,
    requirement="Two listeners both hear everything, each once and in order.",
    source="driver contract: subscribe; virConnectDomainEventRegisterAny refuses a second registration of one callback",
    since="1.0",
    needs=PAUSED,
)
def test_two_listeners(
    driver: ComputeDriver, events: EventCollector, instance: Instance, virtproof_case: CaseContext, world: World
) -> None:
    events.settle()
    second = EventCollector(virtproof_case.recorder).attach(driver, world)
    driver.pause(instance.uuid)
    driver.unpause(instance.uuid)
    events.settle()
    second.settle()
    assert events.kinds(instance.uuid)[-2:] == second.kinds(instance.uuid) == (P, R)
    second.detach()


@case(
    "events.listener.raises",
    Level.MUST,
    requirement="A listener that raises harms nobody: others hear everything, operations go on, and it stays subscribed.",
    source="driver contract: each listener is shielded from the others' exceptions",
    since="1.0",
    needs=PAUSED,
)
def test_a_listener_that_raises(driver: ComputeDriver, instance: Instance, virtproof_case: CaseContext, world: World) -> None:
    raising = Raises()
    with driver.subscribe(raising, uuid=instance.uuid):
        events = EventCollector(virtproof_case.recorder).attach(driver, world)
        assert driver.pause(instance.uuid).state is PowerState.PAUSED
        assert driver.unpause(instance.uuid).state is PowerState.RUNNING
        events.wait(instance.uuid, R)
        assert raising.wait(2)
    events.settle()
    assert events.kinds(instance.uuid)[-2:] == (P, R)
    assert raising.heard[-2:] == [P, R]
    events.detach()


@case(
    "events.listener.slow",
    Level.MUST,
    requirement="A listener that does not return holds up neither the others nor operations; what it missed waits for it.",
    source="driver contract: each listener is shielded from the others' slowness; kubevirt#1526 (a client blocked in a callback)",
    since="1.0",
    needs=PAUSED,
)
def test_a_listener_that_dawdles(driver: ComputeDriver, events: EventCollector, instance: Instance) -> None:
    events.settle()
    blocked = Blocks()
    with driver.subscribe(blocked, uuid=instance.uuid):
        try:
            driver.pause(instance.uuid)
            assert blocked.wait(1)
            assert driver.unpause(instance.uuid).state is PowerState.RUNNING
            assert driver.pause(instance.uuid).state is PowerState.PAUSED
            events.settle()
            assert events.kinds(instance.uuid)[-3:] == (P, R, P)
            assert blocked.heard == [P]
        finally:
            blocked.go.set()
        assert blocked.wait(2)
    assert blocked.heard == [P, R, P]


@case(
    "events.listener.calls-the-driver",
    Level.MUST,
    requirement="A listener may call the driver, changes included, and hears of its own changes.",
    source="driver contract: a listener is not on libvirt's thread",
    since="1.0",
    needs=PAUSED,
)
def test_a_listener_that_calls_the_driver(driver: ComputeDriver, events: EventCollector, instance: Instance) -> None:
    states: list[PowerState] = []
    failures: list[Exception] = []

    class Calls(Listener):
        def react(self, event: LifecycleEvent, /) -> None:
            if event.kind is P:
                try:
                    states.extend((driver.instance(event.uuid).state, driver.unpause(event.uuid).state))
                except Exception as error:  # noqa: BLE001 - told below, on the case's own thread
                    failures.append(error)

    events.settle()
    calling = Calls()
    with driver.subscribe(calling, uuid=instance.uuid):
        driver.pause(instance.uuid)
        assert calling.wait(2)
    assert failures == []
    assert states == [PowerState.PAUSED, PowerState.RUNNING]
    assert calling.heard == [P, R]
    assert driver.instance(instance.uuid).state is PowerState.RUNNING


@case(
    "events.listener.closes",
    Level.MUST,
    requirement="A listener may close its own subscription or another's while it hears; the rest go on hearing.",
    source="driver contract: Subscription.close, from any thread",
    since="1.0",
    needs=PAUSED,
)
@pytest.mark.parametrize("whose", ["own", "another"])
def test_a_listener_that_closes_a_subscription(
    driver: ComputeDriver, events: EventCollector, instance: Instance, whose: str
) -> None:
    subscriptions: dict[str, Subscription] = {}

    class Closes(Listener):
        def react(self, _event: LifecycleEvent, /) -> None:
            subscriptions[whose].close()

    events.settle()
    closing, other = Closes(), Listener()
    subscriptions["another"] = driver.subscribe(other, uuid=instance.uuid)
    subscriptions["own"] = driver.subscribe(closing, uuid=instance.uuid)
    driver.pause(instance.uuid)
    assert closing.wait(1)
    events.settle()
    subscriptions[whose].close()
    driver.unpause(instance.uuid)
    assert (other if whose == "own" else closing).wait(1)
    events.settle()
    left, stayed = (closing, other) if whose == "own" else (other, closing)
    assert R not in left.heard
    assert stayed.heard[-1] is R
    assert events.kinds(instance.uuid)[-2:] == (P, R)


@case(
    "events.listener.driver-closed",
    Level.MUST,
    requirement="A listener that has not returned does not keep close() from returning.",
    source="driver contract: close; libvirt frees a connection when its callbacks are gone",
    since="1.0",
    needs=PAUSED,
)
def test_close_does_not_wait_for_ever(driver: ComputeDriver, instance: Instance) -> None:
    blocked = Blocks()
    driver.subscribe(blocked, uuid=instance.uuid)
    driver.pause(instance.uuid)
    assert blocked.wait(1)
    driver.destroy(instance.uuid)
    closing = threading.Thread(target=driver.close, name="virtproof-case-close")
    closing.start()
    closing.join(10)
    ended = not closing.is_alive()
    blocked.go.set()
    closing.join(10)
    assert ended, "close() waits for a listener"
