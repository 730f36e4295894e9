"""Cases of the area migration: the ways of moving an instance beside the live one.

What belongs here: paused and offline moves, and what makes a guest converge that writes too fast. What does not: what all moves
have in common (`test_migration_live`), and what becomes of them when something fails (`test_migration_failure`).
"""

import pytest

from virtproof.cases import Level, case
from virtproof.destination import DestinationHost
from virtproof.fixtures import Connect
from virtproof.recording.world import World
from virtproof.suite.moves import (
    BOTH_WAYS,
    GUESTED,
    HERE,
    MOVED,
    OFF_THERE,
    SECONDS,
    THERE,
    assert_intact,
    hurry,
    move,
    swept,
    under_way,
    way,
    whereabouts,
)
from virtproof_driver import Capability
from virtproof_driver.constants import DomainEventId, DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InvalidState
from virtproof_driver.migration import MigrationMode, MigrationOptions, MigrationPhase
from virtproof_driver.values import Instance, PowerState

PAUSED = GUESTED | {Capability.MIGRATION_PAUSED}
OFFLINE = MOVED | {Capability.MIGRATION_OFFLINE}
POST_COPY = GUESTED | {Capability.MIGRATION_POST_COPY}
SLOWED = GUESTED | {Capability.MIGRATION_AUTO_CONVERGE}


@case(
    "migration.paused.still",
    Level.MUST,
    requirement="In a paused migration the guest stands still while memory is copied, and runs afterwards, on the destination.",
    source="virDomainMigrate3 without VIR_MIGRATE_LIVE",
    since="1.0",
    needs=PAUSED,
)
def test_paused_still(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    options = MigrationOptions(bandwidth_mib_s=4)
    migration = driver.migrate(sweeper.uuid, destination.managed, mode=MigrationMode.PAUSED, options=options, timeout=60)
    world.wait_event(sweeper.uuid, 3)
    before = swept(world, sweeper.uuid)
    assert world.state(sweeper.uuid) == (DomainState.PAUSED, 2)
    assert swept(world, sweeper.uuid) == before
    migration.wait(60)
    assert whereabouts(destination, sweeper.uuid) == THERE
    assert_intact(destination.world, sweeper.uuid, before)


@case(
    "migration.offline.moves",
    Level.MUST,
    requirement="An offline migration moves the definition of an instance that is off, and it can be started on the destination.",
    source="VIR_MIGRATE_OFFLINE",
    since="1.0",
    needs=OFFLINE | {Capability.START, Capability.MIGRATION_PEER_TO_PEER},
)
@BOTH_WAYS
def test_offline(
    driver: ComputeDriver, connect: Connect, off_instance: Instance, destination: DestinationHost, name: str
) -> None:
    result = move(driver, off_instance, way(destination, name), mode=MigrationMode.OFFLINE)
    assert result.instance.state is PowerState.OFF
    assert whereabouts(destination, off_instance.uuid) == OFF_THERE
    assert connect(destination.uri).start(off_instance.uuid).state is PowerState.RUNNING


@case(
    "migration.offline.running",
    Level.MUST,
    requirement="An offline migration of an instance that runs is InvalidState, and it runs on where it is.",
    source="VIR_MIGRATE_OFFLINE is about inactive domains",
    since="1.0",
    needs=OFFLINE,
)
def test_offline_running(driver: ComputeDriver, instance: Instance, destination: DestinationHost) -> None:
    with pytest.raises(InvalidState):
        driver.migrate(instance.uuid, destination.managed, mode=MigrationMode.OFFLINE, timeout=SECONDS)
    assert whereabouts(destination, instance.uuid) == HERE


@case(
    "migration.post-copy.moves",
    Level.MUST,
    requirement="A guest that never converges runs on the destination once post-copy is started, and its memory follows whole.",
    source="virDomainMigrateStartPostCopy",
    since="1.0",
    needs=POST_COPY,
)
def test_post_copy(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    before = swept(world, sweeper.uuid)
    options = MigrationOptions(bandwidth_mib_s=1, post_copy=True)
    migration = under_way(driver, sweeper, destination.managed, world, options)
    migration.start_post_copy()
    assert migration.wait(SECONDS).instance.state is PowerState.RUNNING
    assert whereabouts(destination, sweeper.uuid) == THERE
    assert_intact(destination.world, sweeper.uuid, before)


@case(
    "migration.post-copy.unasked",
    Level.SHOULD,
    requirement="Starting post-copy in a migration that was not begun with it is InvalidState, and the migration goes on.",
    source="VIR_MIGRATE_POSTCOPY has to be given from the beginning",
    since="1.0",
    needs=POST_COPY,
)
def test_post_copy_unasked(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    migration = under_way(driver, sweeper, destination.managed, world)
    with pytest.raises(InvalidState):
        migration.start_post_copy()
    assert migration.progress.phase is MigrationPhase.COPYING
    hurry(migration)
    assert whereabouts(destination, sweeper.uuid) == THERE


@case(
    "migration.auto-converge.slows",
    Level.SHOULD,
    requirement="Auto-converge slows a guest that writes faster than its memory is sent, and the progress says by how much.",
    source="VIR_MIGRATE_AUTO_CONVERGE",
    since="1.0",
    needs=SLOWED,
)
def test_auto_converge(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    options = MigrationOptions(bandwidth_mib_s=16, max_downtime_ms=1, auto_converge=True)
    migration = driver.migrate(sweeper.uuid, destination.managed, options=options, timeout=SECONDS)
    world.wait_notice(sweeper.uuid, DomainEventId.MIGRATION_ITERATION, timeout=30, count=6)
    assert 0 < migration.progress.throttle_percent < 100
    hurry(migration)
    assert whereabouts(destination, sweeper.uuid) == THERE
