"""Cases of the area migration: how much it may send, how long the guest may stand still, how long it may take.

What belongs here: cases whose ids begin with `migration.limits`, of limits in numbers. What does not: timeouts and aborts
(`test_migration_timeout`, `test_migration_abort`).
"""

import pytest

from virtproof.cases import Level, case
from virtproof.destination import DestinationHost
from virtproof.recording.world import World
from virtproof.suite.moves import CRAWL, GUESTED, HERE, MOVED, SECONDS, THERE, under_way, whereabouts
from virtproof_driver.constants import DomainEventId
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InvalidSpec
from virtproof_driver.migration import MigrationOptions
from virtproof_driver.values import Instance

MIB = 1 << 20
TWICE = 4.0  # MiB/s; QEMU 10.0 sends up to a quarter more than it is told, and 100 where it is told nothing
BAD = {
    "no-bandwidth": MigrationOptions(bandwidth_mib_s=0),
    "less-than-none": MigrationOptions(bandwidth_mib_s=-1),
    "too-much": MigrationOptions(bandwidth_mib_s=1 << 63),
    "no-downtime": MigrationOptions(max_downtime_ms=0),
    "back-in-time": MigrationOptions(max_downtime_ms=-5),
    "too-long": MigrationOptions(max_downtime_ms=2_000_001),
    "no-name": MigrationOptions(name=""),
    "two-names": MigrationOptions(name="a/b"),
}


@case(
    "migration.limits.bandwidth",
    Level.MUST,
    requirement="A migration sends no more than its bandwidth, and more once that is raised while it is under way.",
    source="VIR_MIGRATE_PARAM_BANDWIDTH, virDomainMigrateSetMaxSpeed",
    since="1.0",
    needs=GUESTED,
)
def test_bandwidth(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    migration = under_way(driver, sweeper, destination.managed, world, MigrationOptions(bandwidth_mib_s=2))
    world.wait_notice(sweeper.uuid, DomainEventId.MIGRATION_ITERATION, timeout=SECONDS, count=2)
    progress = migration.progress
    rate = progress.memory_processed_bytes / MIB / (progress.elapsed_ms / 1000)
    assert 0 < rate < TWICE, f"it was to send 2 MiB/s, and sent {rate:.1f}"
    migration.set_max_downtime(10_000)
    migration.set_bandwidth(1000)
    migration.wait(SECONDS)
    assert whereabouts(destination, sweeper.uuid) == THERE


@case(
    "migration.limits.downtime",
    Level.MUST,
    requirement="A guest that writes too fast for a short standstill is moved once a longer one is allowed.",
    source="virDomainMigrateSetMaxDowntime",
    since="1.0",
    needs=GUESTED,
)
def test_downtime(driver: ComputeDriver, sweeper: Instance, destination: DestinationHost, world: World) -> None:
    options = MigrationOptions(bandwidth_mib_s=8, max_downtime_ms=10)
    migration = under_way(driver, sweeper, destination.managed, world, options)
    world.wait_notice(sweeper.uuid, DomainEventId.MIGRATION_ITERATION, timeout=SECONDS, count=3)
    assert whereabouts(destination, sweeper.uuid)[0] == HERE[0]
    migration.set_max_downtime(20_000)
    assert migration.wait(SECONDS).downtime_ms > 10
    assert whereabouts(destination, sweeper.uuid) == THERE


@case(
    "migration.limits.refused",
    Level.MUST,
    requirement="Options that cannot be are InvalidSpec before anything is begun.",
    source="virtproof design: bad input gets an error that names the field",
    since="1.0",
    needs=MOVED,
)
@pytest.mark.parametrize("options", BAD.values(), ids=BAD)
def test_refused(driver: ComputeDriver, instance: Instance, destination: DestinationHost, options: MigrationOptions) -> None:
    with pytest.raises(InvalidSpec):
        driver.migrate(instance.uuid, destination.managed, options=options, timeout=SECONDS)
    assert whereabouts(destination, instance.uuid) == HERE


@case(
    "migration.limits.deadline",
    Level.SHOULD,
    requirement="A timeout that is none is InvalidSpec before anything is begun.",
    source="virtproof design: times are seconds, and more than nothing",
    since="1.0",
    needs=MOVED,
)
@pytest.mark.parametrize("timeout", [-1.0, float("nan")], ids=["negative", "no-number"])
def test_deadline(driver: ComputeDriver, instance: Instance, destination: DestinationHost, timeout: float) -> None:
    with pytest.raises(InvalidSpec):
        driver.migrate(instance.uuid, destination.managed, options=CRAWL, timeout=timeout)
    assert whereabouts(destination, instance.uuid) == HERE
