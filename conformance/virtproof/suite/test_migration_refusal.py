"""Cases of the area migration: moves that cannot begin.

What belongs here: cases whose ids begin with `migration.refusal`. What does not: options that cannot be
(`test_migration_limits`), and moves that fail on the way (`test_migration_failure`). After each the instance runs where it was,
and the destination is as before.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from virtproof.cases import Level, case
from virtproof.destination import DestinationHost
from virtproof.fixtures import Small
from virtproof.foreign import foreign_domain, foreign_volume
from virtproof.suite.common import NO_SUCH
from virtproof.suite.moves import BOTH_WAYS, BY_PEERS, HERE, MOVED, SECONDS, way, whereabouts
from virtproof.suite.places import STORED
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    DriverError,
    HostUnreachable,
    InstanceExists,
    InstanceNotFound,
    InvalidSpec,
    InvalidState,
    MigrationUnsafe,
)
from virtproof_driver.migration import Destination, MigrationOptions
from virtproof_driver.spec import Disk, DiskFormat, NewVolume, SnapshotSpec, VolumeSpec
from virtproof_driver.values import Instance, PoolInfo

NOWHERE = "qemu+tcp://127.0.0.1:1/system"


@case(
    "migration.refusal.name-taken",
    Level.MUST,
    requirement="Where the destination has another instance of the name, the move is InstanceExists and neither is touched.",
    source="measured on libvirt 9.0.0: error 9",
    since="1.0",
    needs=BY_PEERS,
)
@BOTH_WAYS
def test_name_taken(driver: ComputeDriver, instance: Instance, small: Small, destination: DestinationHost, name: str) -> None:
    with foreign_domain(destination.world, small(instance.name)) as other:
        with pytest.raises(InstanceExists):
            driver.migrate(instance.uuid, way(destination, name), timeout=SECONDS).wait(SECONDS)
        assert other.isActive()
        assert whereabouts(destination, instance.uuid) == HERE


@case(
    "migration.refusal.uuid-taken",
    Level.MUST,
    requirement="Where the destination has an instance of the same UUID, the move is InstanceExists and neither is touched.",
    source="a UUID is an instance's identity on every host",
    since="1.0",
    needs=MOVED,
)
def test_uuid_taken(driver: ComputeDriver, small: Small, names: Callable[..., str], destination: DestinationHost) -> None:
    spec = small()
    driver.spawn(spec)
    with foreign_domain(destination.world, replace(spec, name=names()), start=False) as other:
        with pytest.raises(InstanceExists):
            driver.migrate(spec.uuid, destination.managed, timeout=SECONDS).wait(SECONDS)
        assert (whereabouts(destination, spec.uuid)[0], other.isActive()) == (HERE[0], 0)


@case(
    "migration.refusal.new-name-taken",
    Level.SHOULD,
    requirement="A new name that the destination has already is InstanceExists.",
    source="virDomainMigrate3, VIR_MIGRATE_PARAM_DEST_NAME",
    since="1.0",
    needs=MOVED,
)
def test_new_name_taken(driver: ComputeDriver, instance: Instance, small: Small, destination: DestinationHost) -> None:
    spec = small()
    with foreign_domain(destination.world, spec, start=False):
        options = MigrationOptions(name=spec.name)
        with pytest.raises(InstanceExists):
            driver.migrate(instance.uuid, destination.managed, options=options, timeout=SECONDS).wait(SECONDS)
        assert whereabouts(destination, instance.uuid) == HERE


@case(
    "migration.refusal.unknown-host",
    Level.MUST,
    requirement="A destination that this client cannot reach is HostUnreachable, and the instance runs on.",
    source="measured on libvirt 9.0.0: error 38",
    since="1.0",
    needs=MOVED,
)
def test_unknown_host(driver: ComputeDriver, instance: Instance, destination: DestinationHost) -> None:
    with pytest.raises(HostUnreachable):
        driver.migrate(instance.uuid, Destination(uri=NOWHERE), timeout=SECONDS)
    assert whereabouts(destination, instance.uuid) == HERE


@case(
    "migration.refusal.unknown-peer",
    Level.MUST,
    requirement="A destination that the source's daemon cannot reach is HostUnreachable, and the instance runs on.",
    source="measured on libvirt 9.0.0: error 38",
    since="1.0",
    needs=BY_PEERS,
)
def test_unknown_peer(driver: ComputeDriver, instance: Instance, destination: DestinationHost) -> None:
    to = Destination(uri=destination.uri, peer_uri="qemu+tcp://destination:1/system", address=destination.host.address)
    with pytest.raises(HostUnreachable):
        driver.migrate(instance.uuid, to, timeout=SECONDS).wait(SECONDS)
    assert whereabouts(destination, instance.uuid) == HERE


@case(
    "migration.refusal.unknown-address",
    Level.MUST,
    requirement="An address that the source cannot resolve fails the move, and leaves nothing on the destination.",
    source="measured on libvirt 9.0.0: the destination tells STARTED and STOPPED_FAILED",
    since="1.0",
    needs=MOVED,
)
def test_unknown_address(driver: ComputeDriver, instance: Instance, destination: DestinationHost) -> None:
    to = Destination(uri=destination.uri, address="no-such-host.invalid")
    with pytest.raises(DriverError):
        driver.migrate(instance.uuid, to, timeout=SECONDS).wait(SECONDS)
    assert whereabouts(destination, instance.uuid) == HERE


@case(
    "migration.refusal.same-host",
    Level.MUST,
    requirement="A move to the host on which the instance is is refused, and it runs on.",
    source="measured on libvirt 9.0.0: error 1, attempt to migrate guest to the same host",
    since="1.0",
    needs=MOVED,
)
def test_same_host(driver: ComputeDriver, instance: Instance, destination: DestinationHost, uri: str) -> None:
    with pytest.raises((InvalidSpec, InvalidState, InstanceExists)):
        driver.migrate(instance.uuid, Destination(uri=uri), timeout=SECONDS).wait(SECONDS)
    assert whereabouts(destination, instance.uuid) == HERE


@case(
    "migration.refusal.unknown-instance",
    Level.MUST,
    requirement="A move of an instance that the host does not have is InstanceNotFound.",
    source="measured on libvirt 9.0.0: error 42",
    since="1.0",
    needs=MOVED,
)
def test_unknown_instance(driver: ComputeDriver, destination: DestinationHost) -> None:
    with pytest.raises(InstanceNotFound):
        driver.migrate(NO_SUCH, destination.managed, timeout=SECONDS)


@case(
    "migration.refusal.unsafe",
    Level.MUST,
    requirement="A writable disk that is not on shared storage makes the move MigrationUnsafe, and nothing is changed.",
    source="VIR_ERR_MIGRATE_UNSAFE (81), measured on libvirt 9.0.0 and 11.3.0",
    since="1.0",
    needs=MOVED | STORED,
)
def test_unsafe(driver: ComputeDriver, small: Small, pool_on_both: str, destination: DestinationHost) -> None:
    spec = small()
    own = Disk(target="vdb", source=NewVolume(pool=pool_on_both, volume="own", capacity_bytes=1 << 20))
    instance = driver.spawn(replace(spec, disks=(*spec.disks, own)))
    there = foreign_volume(destination.world, pool_on_both, VolumeSpec(name="own", capacity_bytes=1 << 20))
    with there, pytest.raises(MigrationUnsafe):
        driver.migrate(instance.uuid, destination.managed, timeout=SECONDS).wait(SECONDS)
    assert whereabouts(destination, instance.uuid) == HERE


@case(
    "migration.refusal.disk-missing",
    Level.MUST,
    requirement="A disk that the destination does not have fails the move, and leaves nothing there.",
    source="measured on libvirt 9.0.0: error 38, and no event",
    since="1.0",
    needs=MOVED | STORED,
)
def test_disk_missing(driver: ComputeDriver, small: Small, pool: PoolInfo, destination: DestinationHost) -> None:
    spec = small()
    own = Disk(target="vdb", source=NewVolume(pool=pool.name, volume="own", capacity_bytes=1 << 20))
    instance = driver.spawn(replace(spec, disks=(*spec.disks, own)))
    with pytest.raises(DriverError):
        driver.migrate(instance.uuid, destination.managed, options=MigrationOptions(unsafe=True), timeout=SECONDS).wait(SECONDS)
    assert whereabouts(destination, instance.uuid) == HERE
    assert destination.world.inventory().volumes == ()


@case(
    "migration.refusal.snapshots",
    Level.MUST,
    requirement="An instance with snapshots inside is not moved without them: it is InvalidState, and they are there still.",
    source="libvirt's QEMU driver migrates no domain that has snapshots (error 55)",
    since="1.0",
    needs=MOVED | STORED | {Capability.SNAPSHOT_INTERNAL},
)
def test_snapshots(driver: ComputeDriver, small: Small, names: Callable[..., str], destination: DestinationHost) -> None:
    own = NewVolume(pool=destination.pool, volume=names("volume"), capacity_bytes=1 << 20)
    snapped = driver.spawn(small(disks=(Disk(target="vda", source=own, format=DiskFormat.QCOW2),)))
    driver.create_snapshot(snapped.uuid, SnapshotSpec(name="one"))
    with pytest.raises(InvalidState):
        driver.migrate(snapped.uuid, destination.managed, timeout=SECONDS).wait(SECONDS)
    assert whereabouts(destination, snapped.uuid) == HERE
    assert [each.name for each in driver.snapshots(snapped.uuid)] == ["one"]
