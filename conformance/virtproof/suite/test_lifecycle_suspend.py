"""Managed save with real memory: what a guest had counted it goes on from, and what happens when the saved memory is lost.

What belongs here: cases whose ids begin with `lifecycle.suspend` and need a guest. What does not: states and refusals alone
(`test_lifecycle`).
"""

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.lanes.model import GuestControl
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.common import HEARD, domain_of, state_of
from virtproof.suite.counting import COUNTED, COUNTER, counted_to, next_count
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InvalidState
from virtproof_driver.values import EventKind, Instance, PowerState

SAVED = HEARD | {Capability.GUESTS, Capability.SUSPEND}
AGAIN = SAVED | {Capability.START}
ENOUGH = 4
"""How far a guest counts before it is saved: one that was booted anew is below it for more than a second."""


def has_saved(world: World, instance: Instance) -> bool:
    """Whether the host keeps a managed save."""
    return bool(domain_of(world, instance.uuid).hasManagedSaveImage())


def image_of(instance: Instance) -> str:
    """Where libvirt's QEMU driver keeps a managed save (a system daemon's, https://libvirt.org/drvqemu.html)."""
    return f"/var/lib/libvirt/qemu/save/{instance.name}.save"


@case(
    "lifecycle.suspend.memory",
    Level.MUST,
    requirement="A suspended instance goes on where it was: its guest's memory is kept, by resume() as by start().",
    source="virDomainManagedSave",
    since="1.0",
    needs=COUNTED | AGAIN,
)
@pytest.mark.parametrize("method", ["resume", "start"])
def test_memory_is_kept(driver: ComputeDriver, small: Small, world: World, method: str) -> None:
    instance = driver.spawn(small(guest=COUNTER))
    before = counted_to(driver, instance.uuid, ENOUGH)
    driver.suspend(instance.uuid)
    assert state_of(world, instance) == DomainState.SHUTOFF
    assert getattr(driver, method)(instance.uuid).state is PowerState.RUNNING
    assert next_count(driver, instance.uuid) > before
    assert not has_saved(world, instance)


@case(
    "lifecycle.suspend.events",
    Level.MUST,
    requirement="suspend() is told as `stopped`, reason `saved`, after a pause at most; its end as `started`, reason `restored`.",
    source="VIR_DOMAIN_EVENT_STOPPED_SAVED, VIR_DOMAIN_EVENT_STARTED_RESTORED",
    since="1.0",
    needs=SAVED,
)
def test_events(driver: ComputeDriver, events: EventCollector, small: Small) -> None:
    instance = driver.spawn(small())
    driver.suspend(instance.uuid)
    driver.resume(instance.uuid)
    events.settle()
    told = [(event.kind, event.reason) for event in events.of(instance.uuid)[2:] if event.kind is not EventKind.PAUSED]
    assert told == [(EventKind.STOPPED, "saved"), (EventKind.STARTED, "restored")]
    assert driver.instance(instance.uuid).reason == "restored"


@case(
    "lifecycle.suspend.paused",
    Level.MUST,
    requirement="An instance that was paused when it was suspended is paused when it is back, and unpauses with its memory.",
    source="https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainManagedSave: it is restored as it was",
    since="1.0",
    needs=COUNTED | SAVED | {Capability.PAUSE},
)
def test_paused(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    instance = driver.spawn(small(guest=COUNTER))
    before = counted_to(driver, instance.uuid, ENOUGH)
    driver.pause(instance.uuid)
    driver.suspend(instance.uuid)
    assert driver.resume(instance.uuid).state is PowerState.PAUSED
    assert state_of(world, instance) == DomainState.PAUSED
    events.settle()
    assert events.kinds(instance.uuid)[-2:] == (EventKind.STARTED, EventKind.PAUSED)
    driver.unpause(instance.uuid)
    assert next_count(driver, instance.uuid) > before


@case(
    "lifecycle.suspend.twice",
    Level.MUST,
    requirement="Suspending and resuming again and again keeps the memory each time.",
    source="virDomainManagedSave",
    since="1.0",
    needs=COUNTED | SAVED,
)
def test_again_and_again(driver: ComputeDriver, small: Small) -> None:
    instance = driver.spawn(small(guest=COUNTER))
    counts = [counted_to(driver, instance.uuid, ENOUGH)]
    for _ in range(3):
        driver.suspend(instance.uuid)
        driver.resume(instance.uuid)
        counts.append(next_count(driver, instance.uuid))
    assert counts == sorted(set(counts))


@case(
    "lifecycle.suspend.corrupt",
    Level.MUST,
    requirement="Where the saved memory cannot be read resume() says by its reason that the instance was booted, not restored.",
    source="libvirt deletes a corrupt managed save and boots (11.3 to 12.8)",
    since="1.0",
    needs=SAVED,
)
def test_corrupt_image(driver: ComputeDriver, events: EventCollector, small: Small, world: World, guests: GuestControl) -> None:
    instance = driver.spawn(small())
    driver.suspend(instance.uuid)
    guests.write(image_of(instance), b"junk" * 64)
    found = driver.resume(instance.uuid)
    assert (found.state, found.reason) == (PowerState.RUNNING, "booted")
    assert not has_saved(world, instance)
    events.settle()
    assert [event.reason for event in events.of(instance.uuid) if event.kind is EventKind.STARTED] == ["booted", "booted"]


@case(
    "lifecycle.suspend.removed",
    Level.MUST,
    requirement="Once another client removed the managed save resume() is InvalidState, nothing starts, and start() boots.",
    source="virDomainManagedSaveRemove",
    since="1.0",
    needs=AGAIN,
)
def test_removed_by_another(driver: ComputeDriver, small: Small, world: World) -> None:
    instance = driver.spawn(small())
    driver.suspend(instance.uuid)
    domain_of(world, instance.uuid).managedSaveRemove()
    with pytest.raises(InvalidState) as refused:
        driver.resume(instance.uuid)
    assert str(instance.uuid) in str(refused.value)
    assert state_of(world, instance) == DomainState.SHUTOFF
    assert driver.start(instance.uuid).reason == "booted"


@case(
    "lifecycle.suspend.fresh",
    Level.MUST,
    requirement="destroy() removes the saved memory: an instance made anew under the same UUID and name boots.",
    source="VIR_DOMAIN_UNDEFINE_MANAGED_SAVE",
    since="1.0",
    needs=SAVED,
)
def test_nothing_of_the_old_one(driver: ComputeDriver, small: Small, world: World, guests: GuestControl) -> None:
    spec = small()
    instance = driver.spawn(spec)
    driver.suspend(instance.uuid)
    assert guests.exists(image_of(instance))
    driver.destroy(instance.uuid)
    assert not guests.exists(image_of(instance))
    assert driver.spawn(spec).reason == "booted"
    assert not has_saved(world, instance)


@case(
    "lifecycle.suspend.untouched",
    Level.MUST,
    requirement="A transient instance is not suspended: InvalidState, its guest counts on, and listeners hear nothing.",
    source="virDomainManagedSave: 55 for a transient domain",
    since="1.0",
    needs=COUNTED | SAVED,
)
def test_transient_runs_on(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    instance = driver.spawn(small(guest=COUNTER))
    domain_of(world, instance.uuid).undefineFlags(0)
    before = counted_to(driver, instance.uuid, ENOUGH)
    events.settle()
    told = events.kinds(instance.uuid)
    with pytest.raises(InvalidState):
        driver.suspend(instance.uuid)
    assert state_of(world, instance) == DomainState.RUNNING
    assert next_count(driver, instance.uuid) > before
    events.settle()
    assert events.kinds(instance.uuid) == told
