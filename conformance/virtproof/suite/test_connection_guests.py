"""Guests that end while nobody is there to tell it: after the outage the driver tells each end, once, and goes on.

What belongs here: cases whose ids begin with `connection.guests`. What does not: what other clients did during an outage
(`test_connection_resync`). The daemon is dead while the guests' processes end, so that no event is ever emitted.
"""

import signal
from typing import NamedTuple

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.lanes.model import DaemonControl, GuestControl
from virtproof.reachable import spawn_up
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.common import HEARD, await_host, domain_of, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.values import EventKind, Instance, PowerState

ENDS = HEARD | {Capability.CONNECTION_RECONNECT, Capability.GUESTS}
D, U, S, X = EventKind.DEFINED, EventKind.UNDEFINED, EventKind.STARTED, EventKind.STOPPED
MOST = 3


class Dead(NamedTuple):
    """A driver, its host, and power over both; `ends` is an outage in which guests end."""

    driver: ComputeDriver
    daemon: DaemonControl
    guests: GuestControl
    world: World

    def ends(self, *instances: Instance, by: signal.Signals = signal.SIGKILL) -> None:
        """The daemon dies, then these guests' processes; it is started again, and the driver is back."""
        self.daemon.kill()
        for instance in instances:
            self.guests.end(instance.name, by)
        self.daemon.start()
        await_host(self.driver)
        assert self.world.connection.isAlive() == 1  # from here on the suite hears what the host tells


@pytest.fixture
def dead(driver: ComputeDriver, daemon: DaemonControl, guests: GuestControl, world: World) -> Dead:
    """An outage that is to come."""
    return Dead(driver, daemon, guests, world)


def told(events: EventCollector, instance: Instance) -> list[tuple[EventKind, bool]]:
    """What the listener heard of an instance, and what of it was found out afterwards."""
    events.settle()
    return [(event.kind, event.resynced) for event in events.of(instance.uuid)]


@case(
    "connection.guests.ended",
    Level.MUST,
    requirement="A guest that ended while its daemon was dead is told afterwards: one `stopped`, marked as resynced.",
    source="libvirt tells no event for a guest that it finds gone when it starts (measured, libvirt 9.0.0 and 11.3.0)",
    since="1.0",
    needs=ENDS,
)
@pytest.mark.parametrize("by", ["killed", "terminated"])
def test_an_end_without_an_event(dead: Dead, events: EventCollector, up_instance: Instance, world: World, by: str) -> None:
    dead.ends(up_instance, by=signal.SIGKILL if by == "killed" else signal.SIGTERM)
    stopped = events.wait(up_instance.uuid, X)
    assert told(events, up_instance) == [(D, False), (S, False), (X, True)]
    assert stopped.name == up_instance.name
    assert state_of(world, up_instance) == DomainState.SHUTOFF
    assert dead.driver.instance(up_instance.uuid).state is PowerState.OFF


@case(
    "connection.guests.lives",
    Level.MUST,
    requirement="Of a guest that outlived its daemon nothing is told, and it is the same run.",
    source="guests are processes of their own; libvirtd finds them again by its state files",
    since="1.0",
    needs=ENDS,
)
def test_a_guest_that_lives(dead: Dead, events: EventCollector, up_instance: Instance, small: Small, world: World) -> None:
    other = spawn_up(dead.driver, small, world)
    run = domain_of(world, up_instance.uuid).ID()
    dead.ends(other)
    events.wait(other.uuid, X)
    assert told(events, up_instance) == [(D, False), (S, False)]
    assert domain_of(world, up_instance.uuid).ID() == run
    assert dead.driver.instance(up_instance.uuid).state is PowerState.RUNNING


@case(
    "connection.guests.paused",
    Level.MUST,
    requirement="An instance that was paused when its daemon died is paused afterwards, and can be continued.",
    source="virDomainGetState after the daemon's restart",
    since="1.0",
    needs=ENDS | {Capability.PAUSE},
)
def test_a_paused_guest_stays_paused(dead: Dead, events: EventCollector, up_instance: Instance) -> None:
    dead.driver.pause(up_instance.uuid)
    dead.ends()
    assert dead.driver.instance(up_instance.uuid).state is PowerState.PAUSED
    assert dead.driver.unpause(up_instance.uuid).state is PowerState.RUNNING
    assert told(events, up_instance) == [(D, False), (S, False), (EventKind.PAUSED, False), (EventKind.RESUMED, False)]


@case(
    "connection.guests.several",
    Level.MUST,
    requirement="Of several guests that ended during one outage each is told, once.",
    source="driver contract: changes missed are delivered exactly once",
    since="1.0",
    needs=ENDS,
)
def test_several_ends(dead: Dead, events: EventCollector, small: Small, world: World) -> None:
    instances = [spawn_up(dead.driver, small, world) for _ in range(MOST)]
    dead.ends(*instances)
    for instance in instances:
        events.wait(instance.uuid, X)
    assert [told(events, instance) for instance in instances] == [[(D, False), (S, False), (X, True)]] * MOST


@case(
    "connection.guests.start",
    Level.MUST,
    requirement="An instance whose guest ended while its daemon was dead starts again, and its next end is told as it happens.",
    source="driver contract: after an outage operations work on instances that the driver knew before it",
    since="1.0",
    needs=ENDS | {Capability.START, Capability.STOP},
)
def test_it_starts_again(dead: Dead, events: EventCollector, up_instance: Instance) -> None:
    dead.ends(up_instance)
    assert dead.driver.start(up_instance.uuid).state is PowerState.RUNNING
    dead.driver.stop(up_instance.uuid, timeout=0)
    assert told(events, up_instance) == [(D, False), (S, False), (X, True), (S, False), (X, False)]


@case(
    "connection.guests.destroy",
    Level.MUST,
    requirement="An instance whose guest ended while its daemon was dead is destroyed like any other, and leaves nothing.",
    source="driver contract: destroy() is idempotent and removes all that spawn made",
    since="1.0",
    needs=ENDS,
)
def test_it_is_destroyed(dead: Dead, events: EventCollector, up_instance: Instance, world: World) -> None:
    dead.ends(up_instance)
    dead.driver.destroy(up_instance.uuid)
    assert told(events, up_instance) == [(D, False), (S, False), (X, True), (U, False)]
    assert world.state(up_instance.uuid) is None


@case(
    "connection.guests.transient",
    Level.MUST,
    requirement="A transient instance whose guest ended while its daemon was dead is told as stopped, and is gone.",
    source="libvirt forgets a transient domain that it finds ended (measured, libvirt 9.0.0)",
    since="1.0",
    needs=ENDS,
)
def test_a_transient_one(dead: Dead, events: EventCollector, up_instance: Instance, world: World) -> None:
    domain_of(world, up_instance.uuid).undefineFlags(0)
    events.wait(up_instance.uuid, U)
    dead.ends(up_instance)
    events.wait(up_instance.uuid, X)
    assert told(events, up_instance) == [(D, False), (S, False), (U, False), (X, True)]
    assert world.state(up_instance.uuid) is None
    assert up_instance.uuid not in {each.uuid for each in dead.driver.instances()}


@case(
    "connection.guests.evacuated",
    Level.MUST,
    requirement="Books of a lost host name its instances with their states; after its return they have what ended meanwhile.",
    source="driver contract: books()",
    since="1.0",
    needs=ENDS | {Capability.BOOKS},
)
def test_books_through_the_outage(dead: Dead, events: EventCollector, up_instance: Instance) -> None:
    events.settle()
    before = dead.driver.books()
    dead.daemon.kill()
    dead.guests.end(up_instance.name, signal.SIGKILL)
    lost = dead.driver.books()
    dead.daemon.start()
    await_host(dead.driver)
    after = dead.driver.books()
    states = [{each.uuid: each.state for each in books.instances}[up_instance.uuid] for books in (before, lost, after)]
    assert states == [PowerState.RUNNING, PowerState.RUNNING, PowerState.OFF]
    assert (before.reachable, after.reachable) == (True, True)
