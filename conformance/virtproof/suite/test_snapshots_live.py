"""Snapshots of guests that run: their memory comes back, and what listeners hear on the way.

What belongs here: cases whose ids begin with `snapshots.live`. What does not: snapshots as such (`test_snapshots`), and those
that keep disks only (`test_snapshots_external`).
"""

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.guests.own_disk import with_own_disk
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.common import HEARD, domain_of, state_of
from virtproof.suite.counting import COUNTED, COUNTER, counted_to, next_count
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import NotSupported
from virtproof_driver.spec import DiskFormat, SnapshotSpec
from virtproof_driver.values import EventKind, Instance, PowerState

LIVE = HEARD | {Capability.SNAPSHOT_INTERNAL, Capability.STORAGE_CLONE, Capability.GUESTS}
MOVED = LIVE | {Capability.PAUSE, Capability.START, Capability.STOP}
COUNT = COUNTED | LIVE
FIRST = SnapshotSpec(name="first")
ENOUGH = 4
STATES = {"running": DomainState.RUNNING, "paused": DomainState.PAUSED, "off": DomainState.SHUTOFF}
STARTED, PAUSED, STOPPED = EventKind.STARTED, EventKind.PAUSED, EventKind.STOPPED
# What a revert is to a listener, by (the state that is left, the state of the snapshot).
REVERTS: dict[tuple[str, str], tuple[EventKind, ...]] = {
    ("running", "running"): (STOPPED, STARTED),
    ("running", "paused"): (STOPPED, STARTED, PAUSED),
    ("running", "off"): (STOPPED,),
    ("paused", "running"): (STOPPED, STARTED),
    ("paused", "paused"): (STOPPED, STARTED, PAUSED),
    ("paused", "off"): (STOPPED,),
    ("off", "running"): (STARTED,),
    ("off", "paused"): (STARTED, PAUSED),
    ("off", "off"): (),
}
# ... and where the host loads the snapshot into the run that there is (libvirt 7.0.0).
REVERTS_IN_RUN: dict[tuple[str, str], tuple[EventKind, ...]] = {
    ("running", "running"): (PAUSED, EventKind.RESUMED),
    ("running", "paused"): (PAUSED,),
    ("paused", "running"): (EventKind.RESUMED,),
    ("paused", "paused"): (),
}


@pytest.fixture
def instance(driver: ComputeDriver, small: Small) -> Instance:
    """An instance that runs, on a disk that can hold snapshots."""
    return driver.spawn(with_own_disk(small()))


def bring(driver: ComputeDriver, instance: Instance, state: str) -> None:
    """Take the instance to a state from whichever it is in."""
    if state == "off":
        driver.stop(instance.uuid, timeout=0)
        return
    if driver.instance(instance.uuid).state is PowerState.OFF:
        driver.start(instance.uuid)
    (driver.pause if state == "paused" else driver.unpause)(instance.uuid)


@case(
    "snapshots.live.memory",
    Level.MUST,
    requirement="Reverting brings the guest's memory back: it counts on from where it was at the snapshot.",
    source="virDomainRevertToSnapshot",
    since="1.0",
    needs=COUNT,
)
def test_memory_comes_back(driver: ComputeDriver, small: Small) -> None:
    instance = driver.spawn(with_own_disk(small(guest=COUNTER)))
    least = counted_to(driver, instance.uuid, ENOUGH)
    driver.create_snapshot(instance.uuid, FIRST)
    beyond = counted_to(driver, instance.uuid, least + 2 * ENOUGH)
    assert driver.revert_snapshot(instance.uuid, "first").state is PowerState.RUNNING
    assert least < next_count(driver, instance.uuid) < beyond


@case(
    "snapshots.live.memory-off",
    Level.MUST,
    requirement="An instance that was stopped comes back from a snapshot that it ran at with its memory.",
    source="virDomainRevertToSnapshot",
    since="1.0",
    needs=COUNT | {Capability.STOP},
)
def test_memory_comes_back_after_stop(driver: ComputeDriver, small: Small) -> None:
    instance = driver.spawn(with_own_disk(small(guest=COUNTER)))
    least = counted_to(driver, instance.uuid, ENOUGH)
    driver.create_snapshot(instance.uuid, FIRST)
    driver.stop(instance.uuid, timeout=0)
    assert driver.revert_snapshot(instance.uuid, "first").state is PowerState.RUNNING
    assert next_count(driver, instance.uuid) > least


@case(
    "snapshots.live.goes-on",
    Level.MUST,
    requirement="A guest that is snapshotted while it runs counts on afterwards.",
    source="virDomainSnapshotCreateXML: the domain is resumed",
    since="1.0",
    needs=COUNT,
)
def test_guest_goes_on(driver: ComputeDriver, small: Small) -> None:
    instance = driver.spawn(with_own_disk(small(guest=COUNTER)))
    least = counted_to(driver, instance.uuid, ENOUGH)
    driver.create_snapshot(instance.uuid, FIRST)
    assert next_count(driver, instance.uuid) > least


@case(
    "snapshots.live.create-events",
    Level.MUST,
    requirement="Making a snapshot is told as a pause and its end at most, of a running instance only.",
    source="VIR_DOMAIN_EVENT_SUSPENDED_PAUSED, VIR_DOMAIN_EVENT_RESUMED_UNPAUSED (libvirt 9.0.0 to 12.8)",
    since="1.0",
    needs=MOVED,
)
@pytest.mark.parametrize("state", STATES)
def test_create_events(driver: ComputeDriver, events: EventCollector, instance: Instance, world: World, state: str) -> None:
    bring(driver, instance, state)
    events.settle()
    before = len(events.of(instance.uuid))
    driver.create_snapshot(instance.uuid, FIRST)
    events.settle()
    told = events.kinds(instance.uuid)[before:]
    assert told in ({(), (PAUSED, EventKind.RESUMED)} if state == "running" else {()})
    assert state_of(world, instance) == STATES[state]


@case(
    "snapshots.live.revert-events",
    Level.MUST,
    requirement="Reverting is told as the stop and start, or the pause in one run, that it is, each once, as `from-snapshot`.",
    source="VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT, VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT; in one run: libvirt 7.0.0",
    since="1.0",
    needs=MOVED,
)
@pytest.mark.parametrize("states", REVERTS, ids=[f"{now}-to-{then}" for now, then in REVERTS])
def test_revert_events(
    driver: ComputeDriver, events: EventCollector, instance: Instance, world: World, states: tuple[str, str]
) -> None:
    now, then = states
    bring(driver, instance, then)
    driver.create_snapshot(instance.uuid, FIRST)
    bring(driver, instance, now)
    events.settle()
    before, run = len(events.of(instance.uuid)), domain_of(world, instance.uuid).ID()
    driver.revert_snapshot(instance.uuid, "first")
    events.settle()
    told = events.of(instance.uuid)[before:]
    goes_on = now != "off" and domain_of(world, instance.uuid).ID() == run
    assert tuple(event.kind for event in told) == (REVERTS_IN_RUN if goes_on else REVERTS)[now, then]
    assert {event.reason for event in told} <= {"from-snapshot"}
    assert not any(event.resynced for event in told)


@case(
    "snapshots.live.unfit-disk",
    Level.MUST,
    requirement="An instance whose disk holds no snapshots is NotSupported, which says so; it runs on, and nothing is made.",
    source="libvirt error 67 (VIR_ERR_CONFIG_UNSUPPORTED): raw images hold no snapshots",
    since="1.0",
    needs=LIVE,
)
def test_raw_disk(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    instance = driver.spawn(with_own_disk(small(), DiskFormat.RAW))
    with pytest.raises(NotSupported) as refused:
        driver.create_snapshot(instance.uuid, FIRST)
    assert refused.value.capability is Capability.SNAPSHOT_INTERNAL
    assert world.inventory().snapshots == ()
    assert state_of(world, instance) == DomainState.RUNNING
    events.settle()
    assert events.kinds(instance.uuid) == (EventKind.DEFINED, STARTED)


@case(
    "snapshots.live.another-run",
    Level.MUST,
    requirement="Snapshots outlive the run that they were made in.",
    source="internal snapshots are part of the disk's image",
    since="1.0",
    needs=MOVED | {Capability.REBOOT_HARD},
)
def test_outlives_the_run(driver: ComputeDriver, instance: Instance) -> None:
    driver.create_snapshot(instance.uuid, FIRST)
    driver.reboot(instance.uuid, hard=True)
    assert [snapshot.name for snapshot in driver.snapshots(instance.uuid)] == ["first"]
    assert driver.revert_snapshot(instance.uuid, "first").state is PowerState.RUNNING
