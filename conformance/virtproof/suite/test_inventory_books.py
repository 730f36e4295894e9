"""Books: what a driver holds of its host's instances without asking, and how right that is.

What belongs here: cases whose ids begin with `inventory.books`. What does not: listing by asking the host (`test_inventory`), and
what listeners are told of an outage (`test_connection_resync`, `test_events_host`).
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.evidence import Kind
from virtproof.fixtures import Connect, Small
from virtproof.foreign import foreign_domain
from virtproof.lanes.model import DaemonControl
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.common import HEARD, SPAWNED, await_host, domain_of
from virtproof.suite.common import LOST as UNREACHABLE
from virtproof_driver import Capability, Keepalive
from virtproof_driver.books import HostBooks, KnownInstance
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DriverClosed
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import EventKind, Instance, LifecycleEvent, PowerState

BOOKS = SPAWNED | {Capability.BOOKS}
TOLD = HEARD | BOOKS
LOST = TOLD | {Capability.CONNECTION_RECONNECT}
PATIENT = Keepalive(interval=20, count=5)
PROMPT_SECONDS = 10  # how long something may take that takes milliseconds
OFF, RUNNING, PAUSED = PowerState.OFF, PowerState.RUNNING, PowerState.PAUSED


def known(books: HostBooks, spec: InstanceSpec | Instance) -> KnownInstance | None:
    """What the books have of an instance."""
    return next((each for each in books.instances if each.uuid == spec.uuid), None)


def entry(spec: InstanceSpec | Instance, state: PowerState) -> KnownInstance:
    """What they should have of one that is defined."""
    return KnownInstance(uuid=spec.uuid, name=spec.name, state=state, persistent=True)


@case(
    "inventory.books.agree",
    Level.MUST,
    requirement="The books have each instance that the host has, in the state that it is in, by name.",
    source="driver contract: books()",
    since="1.0",
    needs=TOLD | {Capability.PAUSE},
)
def test_books_agree_with_the_host(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    off, paused, running = small(), small(), small()
    driver.spawn(off, start=False)
    driver.spawn(paused)
    driver.pause(paused.uuid)
    driver.spawn(running)
    events.settle()
    books = driver.books()
    assert books.reachable
    assert [known(books, spec) for spec in (off, paused, running)] == [
        entry(off, OFF),
        entry(paused, PAUSED),
        entry(running, RUNNING),
    ]
    assert [each.name for each in books.instances] == sorted(each.name for each in books.instances)
    assert {domain_of(world, each.uuid).name() for each in (off, paused, running)} <= {each.name for each in books.instances}


@case(
    "inventory.books.asks-nothing",
    Level.MUST,
    requirement="books() asks the host nothing.",
    source="driver contract: books() answers at once, whatever became of the host",
    since="1.0",
    needs=BOOKS,
)
def test_books_ask_nothing(driver: ComputeDriver, instance: Instance, virtproof_case: CaseContext) -> None:
    before = len(virtproof_case.recorder.records(Kind.CALL))
    assert before > 0, "no call of the driver was recorded, so that none by books() would be seen"
    found = [known(driver.books(), instance) for _ in range(3)]
    assert len(virtproof_case.recorder.records(Kind.CALL)) == before
    assert found == [entry(instance, RUNNING)] * 3


@case(
    "inventory.books.first",
    Level.MUST,
    requirement="Books begin with what the host had before the driver came.",
    source="driver contract: books()",
    since="1.0",
    needs={Capability.BOOKS},
)
def test_books_begin_with_what_was_there(inhabited: tuple[str, InstanceSpec], connect: Connect) -> None:
    uri, spec = inhabited
    assert known(connect(uri).books(), spec) == entry(spec, RUNNING)


@case(
    "inventory.books.others",
    Level.MUST,
    requirement="What another client makes, changes and removes is in the books as it is told.",
    source="driver contract: books(); VIR_DOMAIN_EVENT_ID_LIFECYCLE tells every client",
    since="1.0",
    needs=TOLD,
)
def test_books_follow_other_clients(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    spec = small()
    with foreign_domain(world, spec, start=False) as domain:
        events.settle()
        made = known(driver.books(), spec)
        domain.create()
        events.settle()
        started = known(driver.books(), spec)
        domain.suspend()
        events.settle()
        suspended = known(driver.books(), spec)
    events.settle()
    assert (made, started, suspended) == (entry(spec, OFF), entry(spec, RUNNING), entry(spec, PAUSED))
    assert known(driver.books(), spec) is None


@case(
    "inventory.books.transient",
    Level.MUST,
    requirement="An instance whose definition another client removed while it runs is in the books as not persistent.",
    source="virDomainUndefine of a running domain makes it transient",
    since="1.0",
    needs=TOLD,
)
def test_books_tell_transient_instances(driver: ComputeDriver, events: EventCollector, instance: Instance, world: World) -> None:
    domain_of(world, instance.uuid).undefineFlags(0)
    events.settle()
    found = known(driver.books(), instance)
    assert found == KnownInstance(uuid=instance.uuid, name=instance.name, state=RUNNING, persistent=False)


@case(
    "inventory.books.before-listeners",
    Level.MUST,
    requirement="A change is in the books by the time that listeners hear of it.",
    source="driver contract: a listener may ask the driver",
    since="1.0",
    needs=TOLD | {Capability.PAUSE},
)
def test_books_know_before_listeners(driver: ComputeDriver, events: EventCollector, instance: Instance) -> None:
    events.settle()
    seen: list[tuple[EventKind, PowerState | None]] = []

    def listener(event: LifecycleEvent) -> None:
        found = known(driver.books(), instance)
        seen.append((event.kind, found.state if found else None))

    with driver.subscribe(listener, uuid=instance.uuid):
        driver.pause(instance.uuid)
        events.settle()
        deadline = time.monotonic() + PROMPT_SECONDS
        while not seen and time.monotonic() < deadline:
            events.settle()
    assert seen == [(EventKind.PAUSED, PAUSED)]


@case(
    "inventory.books.unreachable",
    Level.MUST,
    requirement="While the host is unreachable its books stay as they were, and say since when nothing is known.",
    source="driver contract: books(); evacuation begins with what the lost host had",
    since="1.0",
    needs=LOST,
)
@pytest.mark.parametrize("how", ["cut", "killed"])
def test_books_of_a_lost_host(
    driver: ComputeDriver, daemon: DaemonControl, events: EventCollector, small: Small, how: str
) -> None:
    running, off = small(), small()
    driver.spawn(running)
    driver.spawn(off, start=False)
    events.settle()
    before, began = driver.books(), time.monotonic()
    (daemon.cut if how == "cut" else daemon.kill)()
    with pytest.raises(UNREACHABLE):
        driver.instances()
    books = driver.books()
    assert books.instances == before.instances
    assert [known(books, spec) for spec in (running, off)] == [entry(running, RUNNING), entry(off, OFF)]
    assert not books.reachable
    assert books.lost_since is not None
    assert began <= books.lost_since <= time.monotonic()


@case(
    "inventory.books.returned",
    Level.MUST,
    requirement="When the host is back its books say so, and are right about what changed meanwhile.",
    source="driver contract: books() after an outage",
    since="1.0",
    needs=LOST,
)
def test_books_after_an_outage(
    driver: ComputeDriver, daemon: DaemonControl, events: EventCollector, small: Small, world: World
) -> None:
    stopped, stays, gone = small(), small(), small()
    for spec in (stopped, stays):
        driver.spawn(spec)
    driver.spawn(gone, start=False)
    events.settle()
    daemon.cut()
    domain_of(world, stopped.uuid).destroy()
    domain_of(world, gone.uuid).undefineFlags(0)
    daemon.mend()
    await_host(driver)
    books = driver.books()
    assert books.reachable
    assert [known(books, spec) for spec in (stopped, stays, gone)] == [entry(stopped, OFF), entry(stays, RUNNING), None]


@case(
    "inventory.books.silent",
    Level.MUST,
    requirement="While a silent daemon keeps an operation waiting, books() answers.",
    source="driver contract: books() answers at once, whatever became of the host",
    since="1.0",
    needs=BOOKS | {Capability.CONNECTION_KEEPALIVE},
)
def test_books_of_a_silent_host(connect: Connect, daemon: DaemonControl, small: Small) -> None:
    driver = connect(keepalive=PATIENT)
    instance = driver.spawn(small())
    with ThreadPoolExecutor(2) as pool:
        daemon.freeze()
        try:
            waiting = pool.submit(driver.instances)
            books = pool.submit(driver.books).result(timeout=PROMPT_SECONDS)
            still_waits = not waiting.done()
        finally:
            daemon.thaw()
        listed = waiting.result(timeout=PROMPT_SECONDS)
    assert still_waits
    assert known(books, instance) == entry(instance, RUNNING)
    assert instance.uuid in {each.uuid for each in listed}


@case(
    "inventory.books.closed",
    Level.MUST,
    requirement="After close() books() is DriverClosed, like all else.",
    source="driver contract: close()",
    since="1.0",
    needs={Capability.BOOKS},
)
def test_books_of_a_closed_driver(driver: ComputeDriver) -> None:
    driver.close()
    with pytest.raises(DriverClosed):
        driver.books()
