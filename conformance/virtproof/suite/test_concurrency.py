"""Concurrency: one driver in many threads, two drivers on one host, and closing while operations are under way.

What belongs here: cases whose ids begin with `concurrency`. What does not: listeners' threads (`test_events`), and hosts that
break (`test_connection`). Threads begin together behind a barrier; which of them is first is chance, so that what is asserted
holds whichever was.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Final

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Connect, Small
from virtproof.recording.collector import EventCollector
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of, state_of
from virtproof.suite.together import together
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DriverError, InstanceExists, InstanceNotFound
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import EventKind, Instance, PowerState, StopOutcome

PAUSED = SPAWNED | {Capability.PAUSE}
GRACEFUL = SPAWNED | {Capability.STOP, Capability.STOP_GRACEFUL}
# A connection that can break leads to a host that is there without it, so that two drivers can meet there.
MEETING = SPAWNED | {Capability.CONNECTION_RECONNECT}
SECONDS: Final = 30.0
ROUNDS: Final = 10
STARTED_EACH: Final = 5  # of instances that come and go, since what comes and goes in a list is the definition


@case(
    "concurrency.spawn.distinct",
    Level.MUST,
    requirement="Instances that are spawned at once by several threads of one driver all run.",
    source="driver contract: all methods may be called from any thread",
    since="1.0",
    needs=SPAWNED,
)
def test_spawn_at_once(driver: ComputeDriver, small: Small, world: World) -> None:
    specs = [small() for _ in range(8)]
    spawned = together([partial(driver.spawn, spec) for spec in specs])
    assert [one.uuid for one in spawned if isinstance(one, Instance)] == [spec.uuid for spec in specs]
    assert [state_of(world, one) for one in spawned if isinstance(one, Instance)] == [DomainState.RUNNING] * len(specs)
    assert world.inventory().domains == tuple(sorted(spec.name for spec in specs))


@case(
    "concurrency.spawn.same",
    Level.MUST,
    requirement="Of threads that spawn one UUID or one name at once exactly one succeeds; to the others it is InstanceExists.",
    source="virDomainDefineXML redefines in silence, so that two spawns of one UUID could both seem to succeed (libvirt 9.0.0)",
    since="1.0",
    needs=SPAWNED,
)
@pytest.mark.parametrize("taken", ["uuid", "name"])
def test_one_spawn_wins(driver: ComputeDriver, small: Small, world: World, taken: str) -> None:
    spec = small()
    specs = [spec if taken == "uuid" else replace(small(), name=spec.name) for _ in range(4)]
    results = together([partial(driver.spawn, spec) for spec in specs])
    winners = [one for one in results if isinstance(one, Instance)]
    assert len(winners) == 1, results
    assert {type(one) for one in results if not isinstance(one, Instance)} == {InstanceExists}
    assert state_of(world, winners[0]) == DomainState.RUNNING
    assert world.inventory().domains == (spec.name,)


@case(
    "concurrency.destroy.same",
    Level.MUST,
    requirement="Threads that destroy one instance at once all succeed, and it is gone.",
    source="driver contract: destroy is idempotent",
    since="1.0",
    needs=SPAWNED,
)
def test_destroy_at_once(driver: ComputeDriver, instance: Instance, world: World) -> None:
    results = together([partial(driver.destroy, instance.uuid)] * 4)
    assert results == [None] * 4
    assert world.domain(instance.uuid) is None


@case(
    "concurrency.pause.opposed",
    Level.MUST,
    requirement="Threads that pause and unpause one instance against each other end in a legal state, and its events alternate.",
    source="libvirt takes a job on a domain for each change; a refusal that another thread caused may be told, but only as typed",
    since="1.0",
    needs=PAUSED | {Capability.EVENTS_LIFECYCLE},
)
def test_pause_and_unpause_at_once(driver: ComputeDriver, instance: Instance, world: World, events: EventCollector) -> None:
    def hammer(act: Callable[[], Instance]) -> None:
        for _ in range(ROUNDS):
            try:
                act()
            except DriverError:  # the state that it found was another thread's doing
                continue

    acts = [partial(driver.pause, instance.uuid), partial(driver.unpause, instance.uuid)]
    assert together([partial(hammer, act) for act in acts * 2]) == [None] * 4
    assert driver.unpause(instance.uuid).state is PowerState.RUNNING
    assert state_of(world, instance) == DomainState.RUNNING
    events.settle()
    kinds = [kind for kind in events.kinds(instance.uuid) if kind in (EventKind.PAUSED, EventKind.RESUMED)]
    assert kinds == [EventKind.PAUSED, EventKind.RESUMED] * (len(kinds) // 2)


@case(
    "concurrency.inventory",
    Level.MUST,
    requirement="Listing and reading go on without an error while other threads spawn and destroy.",
    source="nova commit 32c10850ae: a domain that goes between the list and the read (42) must not fail the list",
    since="1.0",
    needs=SPAWNED,
)
def test_listing_while_instances_come_and_go(driver: ComputeDriver, instance: Instance, small: Small) -> None:
    def churn(specs: Sequence[InstanceSpec]) -> None:
        for number, spec in enumerate(specs):
            driver.spawn(spec, start=number % STARTED_EACH == 0)
            driver.destroy(spec.uuid)

    def read() -> None:
        for _ in range(4 * ROUNDS):
            assert instance in driver.instances()
            assert driver.instance(instance.uuid) == instance

    first, second = ([small() for _ in range(ROUNDS)] for _ in range(2))
    acts: list[Callable[[], None]] = [partial(churn, first), partial(churn, second), read, read]
    assert together(acts) == [None] * len(acts)


@case(
    "concurrency.operations.independent",
    Level.MUST,
    requirement="An operation that waits for one instance's guest holds up no operation on another instance.",
    source="driver contract: all methods may be called from any thread; a lock around the driver is the usual mistake",
    since="1.0",
    needs=GRACEFUL | PAUSED,
)
def test_a_wait_holds_up_nobody(driver: ComputeDriver, small: Small, world: World, faults: Faults) -> None:
    deaf, other = driver.spawn(small()), driver.spawn(small())
    asked = threading.Event()
    faults.after("Domain.shutdown", asked.set)
    faults.swallow("Domain.shutdown")
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(driver.stop, deaf.uuid, timeout=SECONDS)
        assert asked.wait(SECONDS)
        assert driver.pause(other.uuid).state is PowerState.PAUSED
        driver.destroy(other.uuid)
        assert not stopping.done()
        domain_of(world, deaf.uuid).destroy()
        assert stopping.result(SECONDS) in (StopOutcome.GRACEFUL, StopOutcome.FORCED, StopOutcome.ALREADY_OFF)
    assert state_of(world, deaf) == DomainState.SHUTOFF


@case(
    "concurrency.close.under-way",
    Level.MUST,
    requirement="close() while an operation waits returns, and the operation ends with a DriverError instead of waiting on.",
    source="driver contract: close",
    since="1.0",
    needs=GRACEFUL,
)
def test_close_ends_waits(driver: ComputeDriver, instance: Instance, faults: Faults) -> None:
    asked = threading.Event()
    faults.after("Domain.shutdown", asked.set)
    faults.swallow("Domain.shutdown")
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(driver.stop, instance.uuid, timeout=10 * SECONDS)
        assert asked.wait(SECONDS)
        driver.close()
        assert isinstance(stopping.exception(SECONDS), DriverError)


@case(
    "concurrency.close.twice",
    Level.MUST,
    requirement="close() from several threads at once closes once and raises nothing, whatever else is called meanwhile.",
    source="driver contract: close; all methods may be called from any thread",
    since="1.0",
    needs=SPAWNED,
)
def test_close_at_once(driver: ComputeDriver, instance: Instance) -> None:
    def read() -> None:
        for _ in range(100 * ROUNDS):
            assert driver.instance(instance.uuid) == instance

    results = together([driver.close, driver.close, read, read])
    assert results[:2] == [None, None]
    with pytest.raises(DriverError):
        driver.instances()


@case(
    "concurrency.drivers.meet",
    Level.MUST,
    requirement="What one driver makes another one on the same host sees, and what that one destroys is gone for the first.",
    source="driver contract: instances() lists every domain of the host",
    since="1.0",
    needs=MEETING,
)
def test_two_drivers_see_each_others_instances(connect: Connect, small: Small) -> None:
    here, there = connect(), connect()
    instance = here.spawn(small())
    assert there.instance(instance.uuid) == instance
    assert instance in there.instances()
    there.destroy(instance.uuid)
    with pytest.raises(InstanceNotFound):
        here.instance(instance.uuid)
    here.destroy(instance.uuid)


@case(
    "concurrency.drivers.race",
    Level.MUST,
    requirement="Of two drivers that spawn one name at once exactly one succeeds, and both can destroy the winner at once.",
    source="virDomainDefineXML answers 9 for a name that is taken (libvirt 9.0.0)",
    since="1.0",
    needs=MEETING,
)
def test_two_drivers_race(connect: Connect, small: Small, world: World) -> None:
    here, there = connect(), connect()
    first = small()
    second = replace(small(), name=first.name)
    results = together([partial(here.spawn, first), partial(there.spawn, second)])
    winners = [one for one in results if isinstance(one, Instance)]
    assert len(winners) == 1, results
    assert {type(one) for one in results if not isinstance(one, Instance)} == {InstanceExists}
    uuid = winners[0].uuid
    assert together([partial(here.destroy, uuid), partial(there.destroy, uuid)]) == [None, None]
    assert world.domain(uuid) is None
