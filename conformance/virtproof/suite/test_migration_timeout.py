"""Cases of the area migration: one that takes longer than it may.

What belongs here: cases whose ids begin with `migration.timeout`, one a policy. What does not: a wait that is over earlier
(`test_migration_progress`).
"""

import time

import pytest

from virtproof.cases import Level, case
from virtproof.destination import DestinationHost
from virtproof.recording.world import World
from virtproof.suite.moves import (
    BOTH_WAYS,
    GUESTED,
    GUESTED_BY_PEERS,
    HERE,
    SECONDS,
    THERE,
    assert_intact,
    move,
    swept,
    way,
    whereabouts,
)
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import MigrationTimedOut, OperationTimeout
from virtproof_driver.migration import InstanceLocation, MigrationOptions, OnTimeout
from virtproof_driver.values import Instance, PowerState

LATE = 2.0


@case(
    "migration.timeout.abort",
    Level.MUST,
    requirement="A migration that takes too long is called off: the guest runs on where it was, and the error says so.",
    source="virDomainAbortJob; measured on libvirt 9.0.0: it takes less than 0.1 s",
    since="1.0",
    needs=GUESTED_BY_PEERS,
)
@BOTH_WAYS
def test_abort(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World, name: str) -> None:
    before, begun = swept(world, sweeper.uuid), time.monotonic()
    migration = driver.migrate(sweeper.uuid, way(destination, name), options=MigrationOptions(bandwidth_mib_s=1), timeout=LATE)
    with pytest.raises(OperationTimeout) as raised:
        migration.wait(SECONDS)
    assert LATE <= time.monotonic() - begun < LATE + 15
    assert isinstance(raised.value, MigrationTimedOut)
    assert raised.value.location is InstanceLocation.SOURCE
    assert whereabouts(destination, sweeper.uuid) == HERE
    assert_intact(world, sweeper.uuid, before)


@case(
    "migration.timeout.pause",
    Level.MUST,
    requirement="Where the policy is to pause, a migration that takes too long has the guest stand still, and ends well.",
    source="virDomainSuspend on the source of a migration; libvirt starts the guest on the destination",
    since="1.0",
    needs=GUESTED,
)
def test_pause(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    before = swept(world, sweeper.uuid)
    options = MigrationOptions(bandwidth_mib_s=8, max_downtime_ms=10, on_timeout=OnTimeout.PAUSE)
    result = driver.migrate(sweeper.uuid, destination.managed, options=options, timeout=LATE).wait(SECONDS)
    assert result.instance.state is PowerState.RUNNING
    assert whereabouts(destination, sweeper.uuid) == THERE
    assert_intact(destination.world, sweeper.uuid, before)


@case(
    "migration.timeout.post-copy",
    Level.MUST,
    requirement="Where the policy is post-copy, a migration that takes too long goes on with the guest on the destination.",
    source="virDomainMigrateStartPostCopy",
    since="1.0",
    needs=GUESTED | {Capability.MIGRATION_POST_COPY},
)
def test_post_copy(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    before = swept(world, sweeper.uuid)
    options = MigrationOptions(bandwidth_mib_s=1, on_timeout=OnTimeout.POST_COPY)
    driver.migrate(sweeper.uuid, destination.managed, options=options, timeout=LATE).wait(SECONDS)
    assert whereabouts(destination, sweeper.uuid) == THERE
    assert_intact(destination.world, sweeper.uuid, before)


@case(
    "migration.timeout.in-time",
    Level.SHOULD,
    requirement="A migration that ends before its deadline is not touched by it.",
    source="virtproof design: a deadline is not a delay",
    since="1.0",
    needs=GUESTED,
)
def test_in_time(driver: ComputeDriver, instance: Instance, destination: DestinationHost) -> None:
    move(driver, instance, destination.managed, MigrationOptions(on_timeout=OnTimeout.PAUSE))
    assert whereabouts(destination, instance.uuid) == THERE
