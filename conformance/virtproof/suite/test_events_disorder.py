"""Disorder: events that libvirt sends twice, late, in the wrong order or not at all, and what is told all the same.

What belongs here: cases whose ids begin with `events.disorder`. What does not: what is told when all is well (`test_events`), and
changes that an outage hid (`test_connection_resync`).
"""

from collections.abc import Sequence

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.evidence import Kind, Record
from virtproof.fixtures import Small
from virtproof.recording.collector import EventCollector
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import HEARD, domain_of, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainEvent, DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.values import EventKind, Instance, PowerState, StopOutcome

D, U, S, P, R, X = (
    EventKind.DEFINED,
    EventKind.UNDEFINED,
    EventKind.STARTED,
    EventKind.PAUSED,
    EventKind.RESUMED,
    EventKind.STOPPED,
)


@case(
    "events.disorder.duplicate",
    Level.MUST,
    requirement="An event that libvirt sends twice is told once.",
    source="QEMU sends REBOOT two or three times and may repeat STOPPED; qubes-issues#3164",
    since="1.0",
    needs=HEARD | {Capability.PAUSE},
)
@pytest.mark.parametrize(
    "event", [each for each in DomainEvent if each <= DomainEvent.STOPPED], ids=lambda event: event.name.lower()
)
def test_a_duplicate_is_folded(
    driver: ComputeDriver, events: EventCollector, faults: Faults, small: Small, event: DomainEvent
) -> None:
    faults.duplicate_event(event)
    spec = small()
    driver.spawn(spec)
    driver.pause(spec.uuid)
    driver.unpause(spec.uuid)
    driver.destroy(spec.uuid)
    events.settle()
    assert events.kinds(spec.uuid) == (D, S, P, R, X, U)


@case(
    "events.disorder.lost",
    Level.MUST,
    requirement="When its event is lost, an operation ends at its deadline by the true state, and the change is told once.",
    source="driver contract: every wait has a deadline and is confirmed by reading the state",
    since="1.0",
    needs=HEARD | {Capability.STOP, Capability.STOP_GRACEFUL, Capability.START},
)
def test_a_lost_event(driver: ComputeDriver, events: EventCollector, faults: Faults, up_instance: Instance, world: World) -> None:
    faults.drop_event(DomainEvent.STOPPED)
    faults.after("Domain.shutdown", lambda: world.wait_state(up_instance.uuid, DomainState.SHUTOFF))
    assert driver.stop(up_instance.uuid, timeout=0.5) is StopOutcome.GRACEFUL
    assert world.state(up_instance.uuid) is not None
    assert events.wait(up_instance.uuid, X).name == up_instance.name
    assert driver.start(up_instance.uuid).state is PowerState.RUNNING
    events.settle()
    assert events.kinds(up_instance.uuid) == (D, S, X, S)


@case(
    "events.disorder.late",
    Level.MUST,
    requirement="An event that comes after its operation gave up waiting and read the state is not told a second time.",
    source="driver contract: each change is delivered once",
    since="1.0",
    needs=HEARD | {Capability.STOP, Capability.STOP_GRACEFUL},
)
def test_a_late_event(
    driver: ComputeDriver, events: EventCollector, faults: Faults, up_instance: Instance, virtproof_case: CaseContext
) -> None:
    world = virtproof_case.world
    faults.after("Domain.shutdown", lambda: world.wait_state(up_instance.uuid, DomainState.SHUTOFF))
    faults.delay_event(DomainEvent.STOPPED, 0.6)
    assert driver.stop(up_instance.uuid, timeout=0.3) is StopOutcome.GRACEFUL

    def came(notes: Sequence[Record]) -> bool:
        return any("delayed event" in str(note.data["text"]) for note in notes)

    assert virtproof_case.recorder.wait_for(came, (Kind.NOTE,), 10)
    events.settle()
    assert events.kinds(up_instance.uuid) == (D, S, X)


@case(
    "events.disorder.swapped",
    Level.MUST,
    requirement="After events came in the wrong order, operations still go by the host's state.",
    source="QEMU resumes before it has started, and events of one domain were seen out of order; qubes-issues#3164",
    since="1.0",
    needs=HEARD | {Capability.PAUSE},
)
def test_swapped_events(driver: ComputeDriver, events: EventCollector, faults: Faults, small: Small, world: World) -> None:
    spec = small()
    driver.spawn(spec)
    domain = domain_of(world, spec.uuid)
    faults.swap_events(DomainEvent.SUSPENDED, DomainEvent.RESUMED)
    domain.suspend()
    domain.resume()
    events.settle()
    assert driver.instance(spec.uuid).state is PowerState.RUNNING
    paused = driver.pause(spec.uuid)
    assert paused.state is PowerState.PAUSED
    assert state_of(world, paused) == DomainState.PAUSED
