"""The host's own events: that it was lost, and that it is back, among what is told of its instances.

What belongs here: cases whose ids begin with `events.host`. What does not: which changes are told after an outage
(`test_connection_resync`). Each of these cases has a daemon for itself.
"""

from collections.abc import Iterator

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.fixtures import Connect, Small
from virtproof.lanes.model import DaemonControl
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.common import HEARD, await_host, domain_of
from virtproof_driver import Capability, Keepalive
from virtproof_driver.books import HostBooks, HostEvent, HostEventKind
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.values import EventKind, Instance, LifecycleEvent

WATCHED = HEARD | {Capability.EVENTS_HOST, Capability.CONNECTION_RECONNECT}
CYCLES = 5
SOON = 5.0
LOST, RETURNED = HostEventKind.LOST, HostEventKind.RETURNED
D, S, X = EventKind.DEFINED, EventKind.STARTED, EventKind.STOPPED


@pytest.fixture
def watch(virtproof_case: CaseContext, driver: ComputeDriver, world: World) -> Iterator[EventCollector]:
    """A listener to the host and all of its instances."""
    collector = EventCollector(virtproof_case.recorder).attach_host(driver, world)
    yield collector
    collector.detach()


@case(
    "events.host.order",
    Level.MUST,
    requirement="A lost host is told at once; what was missed comes before its return, so that a listener is then up to date.",
    source="driver contract: subscribe_host()",
    since="1.0",
    needs=WATCHED,
)
def test_loss_and_return_in_order(
    driver: ComputeDriver, watch: EventCollector, daemon: DaemonControl, instance: Instance, world: World
) -> None:
    watch.settle()
    daemon.cut()
    watch.wait_host(LOST, SOON)
    domain_of(world, instance.uuid).destroy()
    daemon.mend()
    watch.wait_host(RETURNED)
    await_host(driver)
    assert watch.told(instance.uuid) == (D, S, LOST, X, RETURNED)


@case(
    "events.host.daemon",
    Level.MUST,
    requirement="A daemon that ends, in whatever way, is told as a loss of the host, and its successor as the return.",
    source="driver contract: subscribe_host()",
    since="1.0",
    needs=WATCHED,
)
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_daemon_that_ends(driver: ComputeDriver, watch: EventCollector, daemon: DaemonControl, how: str) -> None:
    (daemon.kill if how == "killed" else daemon.stop)()
    watch.wait_host(LOST, SOON)
    daemon.start()
    watch.wait_host(RETURNED)
    await_host(driver)
    watch.settle()
    assert [event.kind for event in watch.of_host()] == [LOST, RETURNED]


@case(
    "events.host.each-once",
    Level.MUST,
    requirement="Each of many outages is told as one loss and one return, in turn.",
    source="driver contract: subscribe_host()",
    since="1.0",
    needs=WATCHED,
)
def test_each_outage_is_told_once(
    driver: ComputeDriver, watch: EventCollector, daemon: DaemonControl, instance: Instance
) -> None:
    for number in range(CYCLES):
        daemon.cut()
        watch.wait_host(LOST, SOON, count=number + 1)
        daemon.mend()
        watch.wait_host(RETURNED, count=number + 1)
    await_host(driver)
    watch.settle()
    assert watch.told(instance.uuid) == (D, S, *(LOST, RETURNED) * CYCLES)


@case(
    "events.host.while-lost",
    Level.MUST,
    requirement="Operations that fail while the host is lost do not tell its loss again.",
    source="driver contract: subscribe_host()",
    since="1.0",
    needs=WATCHED,
)
def test_failing_operations_tell_no_further_loss(
    driver: ComputeDriver, watch: EventCollector, daemon: DaemonControl, instance: Instance
) -> None:
    daemon.cut()
    watch.wait_host(LOST, SOON)
    failures = 0
    for _ in range(3):
        try:
            driver.instances()
        except Exception:  # noqa: BLE001 - which error is another case's question
            failures += 1
    daemon.mend()
    watch.wait_host(RETURNED)
    await_host(driver)
    assert failures == 3
    assert watch.told(instance.uuid) == (D, S, LOST, RETURNED)


@case(
    "events.host.instances",
    Level.MUST,
    requirement="A listener to the host hears of instances what a listener to instances hears, in the same order.",
    source="driver contract: subscribe_host()",
    since="1.0",
    needs=WATCHED | {Capability.PAUSE},
)
def test_both_listeners_hear_the_same(
    driver: ComputeDriver, watch: EventCollector, events: EventCollector, daemon: DaemonControl, small: Small
) -> None:
    first, second = small(), small()
    for spec in (first, second):
        driver.spawn(spec)
        driver.pause(spec.uuid)
    daemon.cut()
    watch.wait_host(LOST, SOON)
    daemon.mend()
    watch.wait_host(RETURNED)
    driver.destroy(first.uuid)
    watch.settle()
    events.settle()
    for spec in (first, second):
        assert watch.of(spec.uuid) == events.of(spec.uuid)
    assert len(watch.of(first.uuid)) == 5


@case(
    "events.host.books",
    Level.MUST,
    requirement="When a listener hears of a loss the books say that the host is lost; at its return they say that it is there.",
    source="driver contract: a listener may ask the driver",
    since="1.0",
    needs=WATCHED | {Capability.BOOKS},
)
def test_books_agree_with_what_is_told(driver: ComputeDriver, watch: EventCollector, daemon: DaemonControl) -> None:
    seen: list[tuple[HostEventKind, HostBooks]] = []

    def listener(event: LifecycleEvent | HostEvent) -> None:
        if isinstance(event, HostEvent):
            seen.append((event.kind, driver.books()))

    with driver.subscribe_host(listener):
        daemon.cut()
        lost = watch.wait_host(LOST, SOON)
        books = driver.books()
        daemon.mend()
        watch.wait_host(RETURNED)
        await_host(driver)
        watch.settle()
    assert books.lost_since == lost.stamp
    assert [(kind, each.reachable) for kind, each in seen] == [(LOST, False), (RETURNED, True)]


@case(
    "events.host.silent",
    Level.MUST,
    requirement="A daemon that stops answering is told as lost within the keepalive time, and as back once it answers.",
    source="virConnectSetKeepAlive; VIR_CONNECT_CLOSE_REASON_KEEPALIVE",
    since="1.0",
    needs=WATCHED | {Capability.CONNECTION_KEEPALIVE},
)
def test_a_silent_daemon(connect: Connect, daemon: DaemonControl, world: World, virtproof_case: CaseContext) -> None:
    driver = connect(keepalive=Keepalive(interval=1, count=1))
    watch = EventCollector(virtproof_case.recorder).attach_host(driver, world)
    daemon.freeze()
    watch.wait_host(LOST, 10)
    daemon.thaw()
    watch.wait_host(RETURNED, 20)
    await_host(driver)
    watch.settle()
    assert [event.kind for event in watch.of_host()] == [LOST, RETURNED]
    watch.detach()


@case(
    "events.host.closed",
    Level.MUST,
    requirement="Closing the driver is no loss: a listener hears nothing of it.",
    source="driver contract: close() ends delivery",
    since="1.0",
    needs=WATCHED,
)
def test_closing_is_no_loss(connect: Connect, world: World, small: Small, virtproof_case: CaseContext) -> None:
    driver = connect()
    watch = EventCollector(virtproof_case.recorder).attach_host(driver, world)
    spec = small()
    driver.spawn(spec)
    driver.destroy(spec.uuid)
    watch.settle()
    driver.close()
    assert watch.of_host() == ()
    assert len(watch.of(spec.uuid)) == 4
    watch.detach()
