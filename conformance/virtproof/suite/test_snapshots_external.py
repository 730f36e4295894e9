"""External snapshots: disks go on in overlay volumes, which are merged again, reverted to, and removed with their instance.

What belongs here: cases whose ids begin with `snapshots.external`. What does not: snapshots that lie inside the domain
(`test_snapshots`, `test_snapshots_live`), and merges that meet trouble (`test_snapshots_merge`).
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.probes.bench import past
from virtproof.recording.collector import EventCollector
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
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import AgentNotConfigured, AgentUnresponsive, Busy, InvalidState, SnapshotExists
from virtproof_driver.spec import InstanceSpec, SnapshotSpec
from virtproof_driver.values import EventKind, Instance, PoolInfo, PowerState

TRANSIENT_JOB = 4  # VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB


@pytest.fixture
def spec(small: Small, pool: PoolInfo) -> InstanceSpec:
    """An instance with a disk of its own."""
    return with_disk_in(pool, small())


@pytest.fixture
def instance(driver: ComputeDriver, spec: InstanceSpec) -> Instance:
    """It runs."""
    return driver.spawn(spec)


@contextmanager
def copied(world: World, instance: Instance) -> Generator[None]:
    """Another client's copy of the first disk is under way, slowly."""
    domain = domain_of(world, instance.uuid)
    path = f"{source_of(world, instance)}.copy"
    disk = f"<disk type='file'><source file='{path}'/><driver type='qcow2'/></disk>"
    past(domain, "blockCopy", "vda", disk, {"bandwidth": 1}, TRANSIENT_JOB)
    try:
        yield
    finally:
        past(domain, "blockJobAbort", "vda")
        world.connection.storagePoolLookupByName(pool_of(world, instance)).refresh()
        world.connection.storageVolLookupByPath(path).delete()


@case(
    "snapshots.external.create",
    Level.MUST,
    requirement="An external snapshot leaves the instance as it is, tells nobody; its disk goes on in a new volume.",
    source="virDomainSnapshotCreateXML with VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY",
    since="1.0",
    needs=MOVED,
)
@pytest.mark.parametrize("state", NUMBERS)
def test_create(driver: ComputeDriver, events: EventCollector, instance: Instance, world: World, state: str) -> None:
    bring(driver, instance, state)
    events.settle()
    before, volumes, path = events.kinds(instance.uuid), world.inventory().volumes, source_of(world, instance)
    made = driver.create_snapshot(instance.uuid, SnapshotSpec(name="first", description="disks only", external=True))
    assert (made.name, made.description, made.external, made.current, made.parent) == ("first", "disks only", True, True, None)
    assert list(driver.snapshots(instance.uuid)) == [made]
    assert state_of(world, instance) == NUMBERS[state]
    assert source_of(world, instance) != path
    assert backing_of(world, source_of(world, instance)) == path
    assert len(world.inventory().volumes) == len(volumes) + 1
    events.settle()
    assert events.kinds(instance.uuid) == before


@case(
    "snapshots.external.boots",
    Level.MUST,
    requirement="An instance with external snapshots stops and starts, and its disk is the newest overlay still.",
    source="https://libvirt.org/formatsnapshot.html: the definition names the overlay",
    since="1.0",
    needs=MOVED,
)
def test_power_cycle(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.create_snapshot(instance.uuid, A)
    overlay = source_of(world, instance)
    driver.stop(instance.uuid, timeout=0)
    assert driver.start(instance.uuid).state is PowerState.RUNNING
    assert source_of(world, instance) == overlay


@case(
    "snapshots.external.tree",
    Level.MUST,
    requirement="A second external snapshot's parent is the first, and its disk goes on over the first's overlay.",
    source="https://libvirt.org/formatsnapshot.html: parent",
    since="1.0",
    needs=MADE,
)
def test_tree(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.create_snapshot(instance.uuid, A)
    overlay = source_of(world, instance)
    driver.create_snapshot(instance.uuid, B)
    assert tree(driver, instance) == [("first", None, False), ("second", "first", True)]
    assert backing_of(world, source_of(world, instance)) == overlay


@case(
    "snapshots.external.duplicate",
    Level.MUST,
    requirement="A name that the instance's external snapshots have already is SnapshotExists, and nothing is made.",
    source="libvirt error 9",
    since="1.0",
    needs=MADE,
)
def test_duplicate(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.create_snapshot(instance.uuid, A)
    before = (world.inventory(), source_of(world, instance))
    with pytest.raises(SnapshotExists) as refused:
        driver.create_snapshot(instance.uuid, A)
    assert refused.value.key == "first"
    world.connection.storagePoolLookupByName(pool_of(world, instance)).refresh()
    assert (world.inventory(), source_of(world, instance)) == before
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "snapshots.external.nothing-written",
    Level.MUST,
    requirement="An instance without a disk that its guest may write has nothing to snapshot: InvalidState, and nothing changes.",
    source="https://libvirt.org/formatsnapshot.html: read-only disks take no part",
    since="1.0",
    needs=MADE,
)
def test_read_only_disk(driver: ComputeDriver, small: Small, world: World) -> None:
    instance = driver.spawn(small())
    before = (world.inventory(), world.xml(instance.uuid))
    with pytest.raises(InvalidState):
        driver.create_snapshot(instance.uuid, A)
    assert (world.inventory(), world.xml(instance.uuid)) == before


@case(
    "snapshots.external.delete",
    Level.MUST,
    requirement="Deleting external snapshots, in either order, merges their overlays, which go; the instance is as it was.",
    source="virDomainSnapshotDelete: block commit",
    since="1.0",
    needs=MOVED,
)
@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")], ids=["oldest-first", "newest-first"])
@pytest.mark.parametrize("state", NUMBERS)
def test_delete(driver: ComputeDriver, instance: Instance, world: World, state: str, order: tuple[str, str]) -> None:
    volumes, path = world.inventory().volumes, source_of(world, instance)
    for snapshot in (A, B):
        driver.create_snapshot(instance.uuid, snapshot)
    bring(driver, instance, state)
    driver.delete_snapshot(instance.uuid, order[0])
    assert tree(driver, instance) == [(order[1], None, True)]
    assert len(world.inventory().volumes) == len(volumes) + 1
    driver.delete_snapshot(instance.uuid, order[1])
    assert list(driver.snapshots(instance.uuid)) == []
    assert world.inventory().volumes == volumes
    assert source_of(world, instance) == path
    assert state_of(world, instance) == NUMBERS[state]


@case(
    "snapshots.external.delete-events",
    Level.MUST,
    requirement="Merging the overlay of an instance is not told to listeners, also where the host runs a process for it.",
    source="libvirt starts QEMU to merge for a domain that is off, and tells SHUTDOWN of that (11.3.0)",
    since="1.0",
    needs=MOVED,
)
@pytest.mark.parametrize("state", NUMBERS)
def test_delete_tells_nobody(driver: ComputeDriver, events: EventCollector, instance: Instance, state: str) -> None:
    driver.create_snapshot(instance.uuid, A)
    bring(driver, instance, state)
    events.settle()
    before = events.kinds(instance.uuid)
    driver.delete_snapshot(instance.uuid, "first")
    events.settle()
    assert events.kinds(instance.uuid) == before


@case(
    "snapshots.external.busy",
    Level.MUST,
    requirement="While another job holds the disk, making and deleting are Busy and change nothing; afterwards they work.",
    source="libvirt errors 83 (VIR_ERR_BLOCK_COPY_ACTIVE) and 84",
    since="1.0",
    needs=MADE,
)
@pytest.mark.parametrize("operation", ["create", "delete"])
def test_busy(driver: ComputeDriver, instance: Instance, world: World, operation: str) -> None:
    acts: dict[str, Callable[[], object]] = {
        "create": lambda: driver.create_snapshot(instance.uuid, B),
        "delete": lambda: driver.delete_snapshot(instance.uuid, "first"),
    }
    driver.create_snapshot(instance.uuid, A)
    before = (tree(driver, instance), source_of(world, instance))
    with copied(world, instance):
        with pytest.raises(Busy):
            acts[operation]()
        assert (tree(driver, instance), source_of(world, instance)) == before
        assert state_of(world, instance) == DomainState.RUNNING
    acts[operation]()
    assert tree(driver, instance) != before[0]


@case(
    "snapshots.external.no-agent",
    Level.MUST,
    requirement="Quiescing without a channel for an agent is AgentNotConfigured; the guest runs on, and nothing is made.",
    source="libvirt error 74 (VIR_ERR_ARGUMENT_UNSUPPORTED)",
    since="1.0",
    needs=MADE,
)
def test_quiesce_without_agent(driver: ComputeDriver, instance: Instance, world: World) -> None:
    before = (world.inventory(), world.xml(instance.uuid))
    with pytest.raises(AgentNotConfigured) as refused:
        driver.create_snapshot(instance.uuid, SnapshotSpec(name="first", external=True, quiesce=True))
    assert str(instance.uuid) in str(refused.value)
    assert (world.inventory(), world.xml(instance.uuid)) == before
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "snapshots.external.silent-agent",
    Level.MUST,
    requirement="Quiescing by an agent that does not answer is AgentUnresponsive; the guest runs on, and nothing is made.",
    source="libvirt error 86 (VIR_ERR_AGENT_UNRESPONSIVE)",
    since="1.0",
    needs=MADE,
)
def test_quiesce_with_silent_agent(
    driver: ComputeDriver, events: EventCollector, small: Small, pool: PoolInfo, world: World
) -> None:
    instance = driver.spawn(with_disk_in(pool, small(agent=True)))
    before = (world.inventory(), world.xml(instance.uuid))
    with pytest.raises(AgentUnresponsive):
        driver.create_snapshot(instance.uuid, SnapshotSpec(name="first", external=True, quiesce=True))
    assert (world.inventory(), world.xml(instance.uuid)) == before
    assert state_of(world, instance) == DomainState.RUNNING
    events.settle()
    assert events.kinds(instance.uuid) == (EventKind.DEFINED, EventKind.STARTED)


@case(
    "snapshots.external.revert",
    Level.MUST,
    requirement="Reverting takes the disk back, in a new overlay over what it was, and leaves the instance off: one `stopped`.",
    source="virDomainRevertToSnapshot: a disk-only snapshot holds no memory",
    since="1.0",
    needs=REVERTED,
)
@pytest.mark.parametrize("state", NUMBERS)
def test_revert(driver: ComputeDriver, events: EventCollector, instance: Instance, world: World, state: str) -> None:
    own = source_of(world, instance)
    driver.create_snapshot(instance.uuid, A)
    left = source_of(world, instance)
    bring(driver, instance, state)
    events.settle()
    before = events.kinds(instance.uuid)
    reverted = driver.revert_snapshot(instance.uuid, "first")
    assert (reverted.uuid, reverted.state) == (instance.uuid, PowerState.OFF)
    assert state_of(world, instance) == DomainState.SHUTOFF
    assert source_of(world, instance) != left
    assert backing_of(world, source_of(world, instance)) == own
    assert tree(driver, instance) == [("first", None, True)]
    events.settle()
    assert events.kinds(instance.uuid)[len(before) :] == (() if state == "off" else (EventKind.STOPPED,))


@case(
    "snapshots.external.revert-start",
    Level.MUST,
    requirement="An instance that was reverted starts, takes a further snapshot, and both can be merged.",
    source="virDomainRevertToSnapshot, virDomainSnapshotDelete",
    since="1.0",
    needs=REVERTED,
)
def test_goes_on_after_revert(driver: ComputeDriver, instance: Instance, world: World) -> None:
    volumes, own = world.inventory().volumes, source_of(world, instance)
    driver.create_snapshot(instance.uuid, A)
    driver.revert_snapshot(instance.uuid, "first")
    assert driver.start(instance.uuid).state is PowerState.RUNNING
    driver.create_snapshot(instance.uuid, B)
    assert tree(driver, instance) == [("first", None, False), ("second", "first", True)]
    for name in ("second", "first"):
        driver.delete_snapshot(instance.uuid, name)
    assert world.inventory().volumes == volumes
    assert source_of(world, instance) == own
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "snapshots.external.destroy",
    Level.MUST,
    requirement="destroy() of an instance with external snapshots removes them, their overlays, and the disk that spawn made.",
    source="driver contract: destroy() removes all that was made for the instance",
    since="1.0",
    needs=MOVED,
)
@pytest.mark.parametrize("state", NUMBERS)
def test_destroy(driver: ComputeDriver, spec: InstanceSpec, world: World, state: str) -> None:
    before = world.inventory()
    instance = driver.spawn(spec)
    pool = pool_of(world, instance)
    for snapshot in (A, B):
        driver.create_snapshot(instance.uuid, snapshot)
    bring(driver, instance, state)
    driver.destroy(instance.uuid)
    world.connection.storagePoolLookupByName(pool).refresh()
    assert world.inventory() == before


@case(
    "snapshots.external.destroy-reverted",
    Level.MUST,
    requirement="destroy() of an instance that was reverted removes the overlays that the revert made, and those before.",
    source="libvirt names the overlay of a revert by itself",
    since="1.0",
    needs=REVERTED,
)
def test_destroy_after_revert(driver: ComputeDriver, spec: InstanceSpec, world: World) -> None:
    before = world.inventory()
    instance = driver.spawn(spec)
    pool = pool_of(world, instance)
    driver.create_snapshot(instance.uuid, A)
    driver.revert_snapshot(instance.uuid, "first")
    driver.create_snapshot(instance.uuid, B)
    driver.destroy(instance.uuid)
    world.connection.storagePoolLookupByName(pool).refresh()
    assert world.inventory() == before
