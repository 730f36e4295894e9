"""External snapshots, merged: what deleting one leaves to snapshots, disk and definition, and what trouble it survives.

What belongs here: cases whose ids begin with `snapshots.merge`. What does not: the plain deletion (`test_snapshots_external`).
Drivers merge by virDomainBlockCommit or by virDomainSnapshotDelete; a fault meets whichever is used.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.probes.bench import past
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import domain_of, state_of
from virtproof.suite.overlays import (
    MADE,
    MOVED,
    NUMBERS,
    REVERTED,
    A,
    B,
    backing_of,
    bring,
    pool_of,
    source_of,
    tree,
    with_disk_in,
)
from virtproof_driver.binding import Domain
from virtproof_driver.constants import DomainState, ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DriverError, HypervisorError
from virtproof_driver.spec import Disk, DiskFormat, InstanceSpec, NewVolume
from virtproof_driver.values import Instance, PoolInfo, PowerState

MERGES = "Domain.blockCommit|DomainSnapshot.delete"
ENDS = "Domain.blockJobAbort|DomainSnapshot.delete"
"""The last call of a merge: the pivot, or libvirt's own delete."""

BROKEN = (ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU, "no space left")
in_every_state = pytest.mark.parametrize("state", NUMBERS)


@pytest.fixture
def spec(small: Small, pool: PoolInfo) -> InstanceSpec:
    """An instance with a disk of its own."""
    return with_disk_in(pool, small())


@pytest.fixture
def instance(driver: ComputeDriver, spec: InstanceSpec) -> Instance:
    """It runs."""
    return driver.spawn(spec)


@case(
    "snapshots.merge.backing",
    Level.MUST,
    requirement="After the older of two is deleted, the disk's newest overlay reads from what the older one was made of.",
    source="virDomainBlockCommit: the overlay above is made to read from the base",
    since="1.0",
    needs=MOVED,
)
@in_every_state
def test_backing(driver: ComputeDriver, instance: Instance, world: World, state: str) -> None:
    own = source_of(world, instance)
    for snapshot in (A, B):
        driver.create_snapshot(instance.uuid, snapshot)
    top = source_of(world, instance)
    bring(driver, instance, state)
    driver.delete_snapshot(instance.uuid, "first")
    assert source_of(world, instance) == top
    world.connection.storagePoolLookupByName(pool_of(world, instance)).refresh()
    assert backing_of(world, top) == own


@case(
    "snapshots.merge.power-cycle",
    Level.MUST,
    requirement="An instance whose overlays were merged while it ran stops and starts on the disk that it had before them.",
    source="the definition names the file that the overlay went into",
    since="1.0",
    needs=MOVED,
)
@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")], ids=["oldest-first", "newest-first"])
def test_power_cycle(driver: ComputeDriver, instance: Instance, world: World, order: tuple[str, str]) -> None:
    own = source_of(world, instance)
    for snapshot in (A, B):
        driver.create_snapshot(instance.uuid, snapshot)
    for name in order:
        driver.delete_snapshot(instance.uuid, name)
        driver.stop(instance.uuid, timeout=0)
        assert driver.start(instance.uuid).state is PowerState.RUNNING
    assert source_of(world, instance) == own


@case(
    "snapshots.merge.later",
    Level.MUST,
    requirement="A snapshot that outlives an older one can still be reverted to, and the instance starts from there.",
    source="virDomainRevertToSnapshot needs the snapshot to name the file that is there",
    since="1.0",
    needs=REVERTED,
)
@in_every_state
def test_later_snapshot(driver: ComputeDriver, instance: Instance, world: World, state: str) -> None:
    volumes, own = world.inventory().volumes, source_of(world, instance)
    for snapshot in (A, B):
        driver.create_snapshot(instance.uuid, snapshot)
    bring(driver, instance, state)
    driver.delete_snapshot(instance.uuid, "first")
    assert driver.revert_snapshot(instance.uuid, "second").state is PowerState.OFF
    assert backing_of(world, source_of(world, instance)) == own
    assert driver.start(instance.uuid).state is PowerState.RUNNING
    driver.delete_snapshot(instance.uuid, "second")
    assert world.inventory().volumes == volumes
    assert source_of(world, instance) == own


@case(
    "snapshots.merge.two-disks",
    Level.MUST,
    requirement="The overlays of all disks are merged and go, and the snapshot with them.",
    source="virDomainBlockCommit: one job a disk",
    since="1.0",
    needs=MOVED,
)
@in_every_state
def test_two_disks(driver: ComputeDriver, spec: InstanceSpec, world: World, state: str) -> None:
    pool, name = owned(spec)
    second = NewVolume(pool=pool, volume=f"{name}.2", capacity_bytes=1 << 20)
    more = Disk(target="vdb", source=second, format=DiskFormat.QCOW2)
    instance = driver.spawn(replace(spec, disks=(*spec.disks, more)))
    before, xml = world.inventory(), disks_of(world, instance)
    driver.create_snapshot(instance.uuid, A)
    assert len(world.inventory().volumes) == len(before.volumes) + 2
    bring(driver, instance, state)
    driver.delete_snapshot(instance.uuid, "first")
    assert (world.inventory(), disks_of(world, instance)) == (before, xml)


@case(
    "snapshots.merge.refused",
    Level.MUST,
    requirement="A merge that the host refuses is its error and changes nothing; deleting again works.",
    source="driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=MOVED,
)
@in_every_state
def test_refused(driver: ComputeDriver, instance: Instance, world: World, faults: Faults, state: str) -> None:
    volumes = world.inventory().volumes
    driver.create_snapshot(instance.uuid, A)
    bring(driver, instance, state)
    before = (world.inventory(), tree(driver, instance), source_of(world, instance))
    faults.raise_on(MERGES, *BROKEN)
    with pytest.raises(HypervisorError) as failed:
        driver.delete_snapshot(instance.uuid, "first")
    assert (failed.value.code, failed.value.undone_failures) == (ErrorCode.SYSTEM_ERROR, ())
    assert (world.inventory(), tree(driver, instance), source_of(world, instance)) == before
    assert state_of(world, instance) == NUMBERS[state]
    driver.delete_snapshot(instance.uuid, "first")
    assert world.inventory().volumes == volumes


@case(
    "snapshots.merge.again",
    Level.MUST,
    requirement="When the snapshot itself cannot be removed the error says so, and deleting again ends what was begun.",
    source="driver contract: an operation that fails leaves nothing behind, or says what",
    since="1.0",
    needs=MOVED,
)
@pytest.mark.parametrize("name", ["first", "second"], ids=["oldest", "newest"])
@pytest.mark.parametrize("then", NUMBERS)
def test_again(  # noqa: PLR0913, PLR0917 - fixtures, and the two things that differ
    driver: ComputeDriver, instance: Instance, world: World, faults: Faults, name: str, then: str
) -> None:
    for snapshot in (A, B):
        driver.create_snapshot(instance.uuid, snapshot)
    volumes = world.inventory().volumes
    faults.raise_on("DomainSnapshot.delete", *BROKEN)
    with pytest.raises(HypervisorError):
        driver.delete_snapshot(instance.uuid, name)
    assert {found for found, _, _ in tree(driver, instance)} == {"first", "second"}
    bring(driver, instance, then)
    driver.delete_snapshot(instance.uuid, name)
    assert [found for found, _, _ in tree(driver, instance)] == ["second" if name == "first" else "first"]
    assert len(world.inventory().volumes) == len(volumes) - 1
    assert state_of(world, instance) == NUMBERS[then]


def stop(domain: Domain) -> None:
    """Another client ends the instance."""
    domain.destroy()


def call_off(domain: Domain) -> None:
    """Another client ends the job, where there is one."""
    with suppress(Exception):  # libvirt's own delete has not begun one yet
        past(domain, "blockJobAbort", "vda")


@case(
    "snapshots.merge.disturbed",
    Level.MUST,
    requirement="When others stop the instance or call the job off, the merge is done or a typed error; deleting again ends it.",
    source="QEMU tells nothing of a job that ends with it; virDomainBlockJobAbort of another client",
    since="1.0",
    needs=MADE,
)
@pytest.mark.parametrize("meanwhile", [stop, call_off], ids=["stopped", "called-off"])
def test_disturbed(
    driver: ComputeDriver, instance: Instance, world: World, faults: Faults, meanwhile: Callable[[Domain], None]
) -> None:
    volumes, own = world.inventory().volumes, source_of(world, instance)
    driver.create_snapshot(instance.uuid, A)
    overlay = source_of(world, instance)
    faults.before(ENDS, lambda: meanwhile(domain_of(world, instance.uuid)))
    try:
        driver.delete_snapshot(instance.uuid, "first")
    except DriverError:
        assert tree(driver, instance) == [("first", None, True)]
        assert source_of(world, instance) == overlay
        driver.delete_snapshot(instance.uuid, "first")
    assert list(driver.snapshots(instance.uuid)) == []
    assert source_of(world, instance) == own
    assert world.inventory().volumes == volumes
    assert state_of(world, instance) == (DomainState.SHUTOFF if meanwhile is stop else DomainState.RUNNING)


def owned(spec: InstanceSpec) -> tuple[str, str]:
    """The pool and the name of the volume that is made for the first disk."""
    source = spec.disks[0].source
    assert isinstance(source, NewVolume)
    return source.pool, source.volume


def disks_of(world: World, instance: Instance) -> list[str]:
    """The files of all disks as the host would start them."""
    return [source_of(world, instance, target) for target in ("vda", "vdb")]
