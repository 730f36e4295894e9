"""Cases of the area migration: what is told of one, while it is under way and when it has ended.

What belongs here: cases whose ids begin with `migration.progress`, and events on both hosts. What does not: the end itself.
"""

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.destination import DestinationHost
from virtproof.evidence import Kind
from virtproof.fixtures import Connect
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.moves import BOTH_WAYS, GUESTED, HERE, MOVED, SECONDS, THERE, hurry, move, under_way, way, whereabouts
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InvalidState, MigrationAborted, OperationTimeout
from virtproof_driver.migration import MigrationPhase
from virtproof_driver.values import EventKind, Instance

MIB = 1 << 20
HEARD = MOVED | {Capability.EVENTS_LIFECYCLE}
HEARD_GUEST = GUESTED | {Capability.EVENTS_LIFECYCLE}


@case(
    "migration.progress.counts",
    Level.MUST,
    requirement="While memory is copied the progress tells how much there is, how much was sent, and how much remains.",
    source="virDomainGetJobStats",
    since="1.0",
    needs=GUESTED,
)
def test_counts(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    migration = under_way(driver, sweeper, destination.managed, world)
    progress = migration.progress
    assert progress.phase is MigrationPhase.COPYING
    assert progress.iteration >= 1
    assert 12 * MIB < progress.memory_total_bytes < 64 * MIB
    assert 0 < progress.memory_remaining_bytes <= progress.memory_total_bytes
    hurry(migration)
    assert migration.progress.elapsed_ms >= progress.elapsed_ms


@case(
    "migration.progress.ended",
    Level.SHOULD,
    requirement="The progress of a migration that has ended says so, and the host is not asked for it.",
    source="virtproof design: a look costs one question, and none when nothing can change any more",
    since="1.0",
    needs=MOVED,
)
def test_ended(driver: ComputeDriver, instance: Instance, destination: DestinationHost, virtproof_case: CaseContext) -> None:
    migration = driver.migrate(instance.uuid, destination.managed, timeout=SECONDS)
    migration.wait(SECONDS)
    asked = len(virtproof_case.recorder.records(Kind.CALL))
    assert migration.progress.phase is MigrationPhase.COMPLETED
    assert len(virtproof_case.recorder.records(Kind.CALL)) == asked


@case(
    "migration.progress.result",
    Level.MUST,
    requirement="A migration that ended tells what it took: its time, the guest's standstill, the memory that was sent.",
    source="the JOB_COMPLETED event, virDomainGetJobStats with VIR_DOMAIN_JOB_STATS_COMPLETED",
    since="1.0",
    needs=GUESTED | {Capability.MIGRATION_PEER_TO_PEER},
)
@BOTH_WAYS
def test_result(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, name: str) -> None:
    result = move(driver, sweeper, way(destination, name))
    assert 0 < result.downtime_ms <= result.total_ms < SECONDS * 1000
    assert result.memory_transferred_bytes > 12 * MIB
    assert result.iterations >= 1


@case(
    "migration.progress.wait",
    Level.MUST,
    requirement="A wait that is over before the migration is an OperationTimeout, and the migration goes on.",
    source="virtproof design: whose deadline passed is told apart from the migration's own",
    since="1.0",
    needs=GUESTED,
)
def test_wait(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    migration = under_way(driver, sweeper, destination.managed, world)
    with pytest.raises(OperationTimeout):
        migration.wait(0.2)
    assert migration.progress.phase is MigrationPhase.COPYING
    hurry(migration)
    assert whereabouts(destination, sweeper.uuid) == THERE


@case(
    "migration.progress.again",
    Level.SHOULD,
    requirement="Waiting again for a migration that has ended gives the same result at once.",
    source="virtproof design: a result is a value",
    since="1.0",
    needs=MOVED,
)
def test_again(driver: ComputeDriver, instance: Instance, destination: DestinationHost) -> None:
    migration = driver.migrate(instance.uuid, destination.managed, timeout=SECONDS)
    assert migration.wait(SECONDS) == migration.wait(0)


@case(
    "migration.progress.late-settings",
    Level.SHOULD,
    requirement="Changing the limits of a migration that has ended is InvalidState.",
    source="virDomainMigrateSetMaxSpeed and virDomainMigrateSetMaxDowntime are about a job that is under way",
    since="1.0",
    needs=MOVED,
)
def test_late_settings(driver: ComputeDriver, instance: Instance, destination: DestinationHost) -> None:
    migration = driver.migrate(instance.uuid, destination.managed, timeout=SECONDS)
    migration.wait(SECONDS)
    with pytest.raises(InvalidState):
        migration.set_bandwidth(10)
    with pytest.raises(InvalidState):
        migration.set_max_downtime(10)


@case(
    "migration.progress.events",
    Level.MUST,
    requirement="A listener on the source hears that the instance stopped there, one on the destination that it started.",
    source="libvirt tells STOPPED_MIGRATED on the source, STARTED_MIGRATED and RESUMED_MIGRATED on the destination",
    since="1.0",
    needs=HEARD,
)
def test_events(
    driver: ComputeDriver,
    connect: Connect,
    events: EventCollector,
    instance: Instance,
    destination: DestinationHost,
) -> None:
    there = EventCollector(destination.recorder).attach(connect(destination.uri), destination.world)
    move(driver, instance, destination.managed)
    assert events.wait(instance.uuid, EventKind.STOPPED).reason == "migrated"
    assert there.wait(instance.uuid, EventKind.STARTED).reason == "migrated"
    there.settle()
    assert EventKind.STOPPED not in there.kinds(instance.uuid)
    there.detach()


@case(
    "migration.progress.told-apart",
    Level.MUST,
    requirement="A migration that failed and one that was completed are told apart, though the source tells one event of both.",
    source="nova bug 1788014; measured on libvirt 9.0.0",
    since="1.0",
    needs=HEARD_GUEST,
)
def test_told_apart(
    driver: ComputeDriver, events: EventCollector, sweeper: Instance, destination: DestinationHost, world: World
) -> None:
    failed = under_way(driver, sweeper, destination.managed, world)
    failed.abort()
    with pytest.raises(MigrationAborted):
        failed.wait(SECONDS)
    events.settle()
    assert EventKind.STOPPED not in events.kinds(sweeper.uuid)
    assert (failed.progress.phase, whereabouts(destination, sweeper.uuid)) == (MigrationPhase.FAILED, HERE)
    completed = driver.migrate(sweeper.uuid, destination.managed, timeout=SECONDS)
    completed.wait(SECONDS)
    assert events.wait(sweeper.uuid, EventKind.STOPPED).reason == "migrated"
    assert (completed.progress.phase, whereabouts(destination, sweeper.uuid)) == (MigrationPhase.COMPLETED, THERE)
