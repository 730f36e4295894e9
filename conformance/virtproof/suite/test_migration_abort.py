"""Cases of the area migration: one that is called off.

What belongs here: cases whose ids begin with `migration.abort`. What does not: what calls itself off (`test_migration_timeout`).
"""

import pytest

from virtproof.cases import Level, case
from virtproof.destination import DestinationHost
from virtproof.probes.bench import past
from virtproof.recording.world import World
from virtproof.suite.common import domain_of
from virtproof.suite.moves import (
    BOTH_WAYS,
    GUESTED,
    GUESTED_BY_PEERS,
    HERE,
    MOVED,
    SECONDS,
    THERE,
    assert_intact,
    move,
    swept,
    under_way,
    way,
    whereabouts,
)
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import MigrationAborted, MigrationFailed
from virtproof_driver.migration import InstanceLocation
from virtproof_driver.values import Instance, PowerState


@case(
    "migration.abort.under-way",
    Level.MUST,
    requirement="A migration that is aborted leaves the guest running where it was and nothing on the destination, and says so.",
    source="virDomainAbortJob",
    since="1.0",
    needs=GUESTED_BY_PEERS,
)
@BOTH_WAYS
def test_under_way(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World, name: str) -> None:
    before = swept(world, sweeper.uuid)
    migration = under_way(driver, sweeper, way(destination, name), world)
    migration.abort()
    with pytest.raises(MigrationAborted) as raised:
        migration.wait(SECONDS)
    assert raised.value.location is InstanceLocation.SOURCE
    assert raised.value.instance is not None
    assert raised.value.instance.state is PowerState.RUNNING
    assert whereabouts(destination, sweeper.uuid) == HERE
    assert_intact(world, sweeper.uuid, before)


@case(
    "migration.abort.twice",
    Level.SHOULD,
    requirement="Aborting a migration a second time changes nothing.",
    source="virtproof design: abort() brings about a state",
    since="1.0",
    needs=GUESTED,
)
def test_twice(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    migration = under_way(driver, sweeper, destination.managed, world)
    migration.abort()
    migration.abort()
    with pytest.raises(MigrationAborted):
        migration.wait(SECONDS)
    migration.abort()
    with pytest.raises(MigrationAborted):
        migration.wait(SECONDS)
    assert whereabouts(destination, sweeper.uuid) == HERE


@case(
    "migration.abort.too-late",
    Level.MUST,
    requirement="Aborting a migration that was completed changes nothing: its result stands, and the guest runs where it is.",
    source="virDomainAbortJob of a domain without a job is error 55, or 42 where it is gone",
    since="1.0",
    needs=MOVED,
)
def test_too_late(driver: ComputeDriver, instance: Instance, destination: DestinationHost) -> None:
    migration = driver.migrate(instance.uuid, destination.managed, timeout=SECONDS)
    result = migration.wait(SECONDS)
    migration.abort()
    assert migration.wait(SECONDS) == result
    assert whereabouts(destination, instance.uuid) == THERE


@case(
    "migration.abort.again",
    Level.MUST,
    requirement="An instance whose migration was aborted can be moved by another one.",
    source="nothing of the first may be in the way of the second",
    since="1.0",
    needs=GUESTED,
)
def test_again(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    before = swept(world, sweeper.uuid)
    migration = under_way(driver, sweeper, destination.managed, world)
    migration.abort()
    with pytest.raises(MigrationAborted):
        migration.wait(SECONDS)
    move(driver, sweeper, destination.managed)
    assert whereabouts(destination, sweeper.uuid) == THERE
    assert_intact(destination.world, sweeper.uuid, before)


@case(
    "migration.abort.by-another",
    Level.SHOULD,
    requirement="A migration that another client aborts has failed, and the error says that the guest runs where it was.",
    source="virDomainAbortJob works from any connection; whether the error tells of it is decided by which QEMU ends first: "
    "where the destination's does, virDomainMigrate3 gives that one's error in place of the source's (11.3.0)",
    since="1.0",
    needs=GUESTED,
)
def test_by_another(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    migration = under_way(driver, sweeper, destination.managed, world)
    past(domain_of(world, sweeper.uuid), "abortJob")
    with pytest.raises(MigrationFailed) as raised:
        migration.wait(SECONDS)
    assert raised.value.location is InstanceLocation.SOURCE
    assert whereabouts(destination, sweeper.uuid) == HERE
