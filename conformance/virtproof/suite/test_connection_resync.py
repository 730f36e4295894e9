"""Resync: what happened during an outage is told afterwards, exactly once, and what did not happen is not.

What belongs here: cases whose ids begin with `connection.resync`. What does not: errors during an outage (`test_connection`).
The connection is cut between driver and daemon, and another client changes things meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.foreign import foreign_domain
from virtproof.lanes.model import DaemonControl
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.common import await_host, domain_of
from virtproof_driver import Capability
from virtproof_driver.binding import Domain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.values import EventKind, Instance, PowerState

HEARD = frozenset(
    {
        Capability.CONNECTION_RECONNECT,
        Capability.EVENTS_LIFECYCLE,
        Capability.INVENTORY,
        Capability.SPAWN,
        Capability.DESTROY,
        Capability.PAUSE,
    }
)
D, U, S, P, R, X = (
    EventKind.DEFINED,
    EventKind.UNDEFINED,
    EventKind.STARTED,
    EventKind.PAUSED,
    EventKind.RESUMED,
    EventKind.STOPPED,
)
SOON = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """What another client does during an outage to a domain that is `before`, and what is to be told of it."""

    before: PowerState
    act: Callable[[Domain], object]
    kinds: tuple[EventKind, ...]


MISSED = {
    "started": Missed(before=PowerState.OFF, act=lambda domain: domain.create(), kinds=(S,)),
    "stopped": Missed(before=PowerState.RUNNING, act=lambda domain: domain.destroy(), kinds=(X,)),
    "paused": Missed(before=PowerState.RUNNING, act=lambda domain: domain.suspend(), kinds=(P,)),
    "resumed": Missed(before=PowerState.PAUSED, act=lambda domain: domain.resume(), kinds=(R,)),
    "undefined": Missed(before=PowerState.OFF, act=lambda domain: domain.undefineFlags(0), kinds=(U,)),
    "removed": Missed(before=PowerState.RUNNING, act=lambda domain: (domain.destroy(), domain.undefineFlags(0)), kinds=(X, U)),
    "started-paused": Missed(before=PowerState.OFF, act=lambda domain: (domain.create(), domain.suspend()), kinds=(S, P)),
}


class Outage(NamedTuple):
    """A driver, its host, and what lies between them. A context manager: while it lasts the driver is cut off."""

    driver: ComputeDriver
    daemon: DaemonControl
    world: World

    def __enter__(self) -> None:
        self.daemon.cut()

    def __exit__(self, *_error: object) -> None:
        self.daemon.mend()

    def domain(self, instance: Instance) -> Domain:
        """The domain, past the driver."""
        return domain_of(self.world, instance.uuid)


@pytest.fixture
def outage(driver: ComputeDriver, daemon: DaemonControl, world: World) -> Outage:
    """An outage that is to come."""
    return Outage(driver, daemon, world)


def brought(domain: Domain, events: EventCollector, state: PowerState) -> None:
    """Bring a domain that is off to the state, and let that be told."""
    if state is not PowerState.OFF:
        domain.create()
    if state is PowerState.PAUSED:
        domain.suspend()
    events.settle()


@case(
    "connection.resync.exactly-once",
    Level.MUST,
    requirement="What happened to an instance during an outage is told afterwards: each change once, and marked as resynced.",
    source="driver contract: changes missed are delivered exactly once; libvirt replays nothing",
    since="1.0",
    needs=HEARD,
)
@pytest.mark.parametrize("what", MISSED)
def test_what_was_missed(outage: Outage, events: EventCollector, small: Small, what: str) -> None:
    spec, missed = small(), MISSED[what]
    with foreign_domain(outage.world, spec, start=False) as domain:
        brought(domain, events, missed.before)
        before = len(events.of(spec.uuid))
        with outage:
            missed.act(domain)
        events.wait(spec.uuid, missed.kinds[-1], SOON)
        await_host(outage.driver)
        events.settle()
        told = events.of(spec.uuid)[before:]
    assert [(event.kind, event.resynced) for event in told] == [(kind, True) for kind in missed.kinds]
    assert {event.name for event in told} == {spec.name}


@case(
    "connection.resync.defined",
    Level.MUST,
    requirement="A domain that was made during an outage is told as defined and, when it runs, as started; each once.",
    source="driver contract: changes missed are delivered exactly once",
    since="1.0",
    needs=HEARD,
)
@pytest.mark.parametrize("what", ["running", "off"])
def test_what_was_made(outage: Outage, events: EventCollector, small: Small, what: str) -> None:
    spec = small()
    outage.daemon.cut()
    with foreign_domain(outage.world, spec, start=what == "running"):
        outage.daemon.mend()
        events.wait(spec.uuid, D, SOON)
        await_host(outage.driver)
        events.settle()
        told = events.kinds(spec.uuid)
    assert told == ((D, S) if what == "running" else (D,))


@case(
    "connection.resync.restarted",
    Level.MUST,
    requirement="An instance that was stopped and started during an outage is told as stopped and started: it is another run.",
    source="virDomainGetID: another number each start",
    since="1.0",
    needs=HEARD,
)
def test_another_run(outage: Outage, events: EventCollector, instance: Instance) -> None:
    events.settle()
    with outage:
        outage.domain(instance).destroy()
        outage.domain(instance).create()
    events.wait(instance.uuid, S, SOON, count=2)
    await_host(outage.driver)
    events.settle()
    assert events.kinds(instance.uuid) == (D, S, X, S)


@case(
    "connection.resync.nothing",
    Level.MUST,
    requirement="Of an instance that did not change during an outage nothing is told after it.",
    source="driver contract: events are changes",
    since="1.0",
    needs=HEARD,
)
def test_nothing_was_missed(outage: Outage, events: EventCollector, instance: Instance) -> None:
    events.settle()
    with outage:
        assert outage.domain(instance).isActive()
    await_host(outage.driver)
    events.settle()
    assert events.kinds(instance.uuid) == (D, S)


@case(
    "connection.resync.several",
    Level.MUST,
    requirement="Changes of several instances during one outage are all told, to each listener once.",
    source="driver contract: changes missed are delivered exactly once",
    since="1.0",
    needs=HEARD,
)
def test_several_instances(outage: Outage, events: EventCollector, small: Small, virtproof_case: CaseContext) -> None:
    running, paused, off = (outage.driver.spawn(small(), start=start) for start in (True, True, False))
    outage.driver.pause(paused.uuid)
    events.settle()
    second = EventCollector(virtproof_case.recorder).attach(outage.driver, outage.world)
    with outage:
        outage.domain(running).destroy()
        outage.domain(paused).resume()
        outage.domain(off).create()
    events.wait(running.uuid, X, SOON)
    await_host(outage.driver)
    events.settle()
    second.settle()
    expected = {running.uuid: (X,), paused.uuid: (R,), off.uuid: (S,)}
    assert {uuid: second.kinds(uuid) for uuid in expected} == expected
    assert [events.kinds(each.uuid) for each in (running, paused, off)] == [(D, S, X), (D, S, P, R), (D, S)]
    second.detach()


@case(
    "connection.resync.then",
    Level.MUST,
    requirement="What happens after an outage is told as it happens, and is not marked as resynced.",
    source="driver contract: resynced says that a change was found by comparing states",
    since="1.0",
    needs=HEARD,
)
def test_after_it(outage: Outage, events: EventCollector, instance: Instance) -> None:
    events.settle()
    with outage:
        outage.domain(instance).suspend()
    events.wait(instance.uuid, P, SOON)
    await_host(outage.driver)
    outage.driver.unpause(instance.uuid)
    outage.driver.destroy(instance.uuid)
    events.settle()
    told = [(event.kind, event.resynced) for event in events.of(instance.uuid)]
    assert told == [(D, False), (S, False), (P, True), (R, False), (X, False), (U, False)]
