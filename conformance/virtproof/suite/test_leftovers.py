"""Leftovers: what must be gone when something ended or failed, and what must be untouched all along.

What belongs here: cases whose ids begin with `leftovers`. What does not: that the thing itself is gone (in its area). The suite
looks for leftovers after every case; these bring about what leaves some.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Connect, Small
from virtproof.foreign import foreign_domain
from virtproof.guests.own_disk import with_own_disk
from virtproof.recording.collector import EventCollector
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState, ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DriverError, HypervisorError
from virtproof_driver.spec import Disk, DiskSource, InstanceSpec, NewVolume, PoolSpec, SnapshotSpec, VolumeSource, VolumeSpec
from virtproof_driver.values import EventKind, PoolInfo

VOLUMES = SPAWNED | {Capability.DISKS, Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES}
MIB = 1 << 20
BROKEN = (ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU)
# Where a spawn with two new volumes fails: the call, and which of its kind.
FAILING = {
    "second-volume": ("StoragePool.createXML", 2),
    "definition": ("Connection.defineXML", 1),
    "start": ("Domain.create", 1),
}


@pytest.fixture
def pool(driver: ComputeDriver, names: Callable[..., str]) -> PoolInfo:
    """A pool that is active and holds one volume, `kept`."""
    name = names("pool")
    made = driver.create_pool(PoolSpec(name=name, target=f"/var/tmp/{name}"))  # noqa: S108 - on the host, under a name of our own
    driver.create_volume(name, VolumeSpec(name="kept", capacity_bytes=MIB))
    return made


def with_volumes(spec: InstanceSpec, pool: PoolInfo, *new: str) -> InstanceSpec:
    """The spec with a disk on `kept`, and one on each volume that spawn is to make."""
    made = [NewVolume(pool=pool.name, volume=name, capacity_bytes=MIB) for name in new]
    sources: list[DiskSource] = [VolumeSource(pool=pool.name, volume="kept"), *made]
    return replace(spec, disks=tuple(Disk(target=f"vd{'abcd'[index]}", source=source) for index, source in enumerate(sources)))


# --- what ended -------------------------------------------------------------------------------------------------------


@case(
    "leftovers.lifecycle",
    Level.MUST,
    requirement="After a whole life, from spawn over pause, stop and start to destroy, the host holds what it held before.",
    source="driver contract: destroy removes all that spawn made",
    since="1.0",
    needs=SPAWNED | {Capability.PAUSE, Capability.STOP, Capability.START},
)
def test_a_life_leaves_nothing(driver: ComputeDriver, small: Small, world: World) -> None:
    before = world.inventory()
    instance = driver.spawn(small(wired=True))
    assert world.inventory() != before
    driver.pause(instance.uuid)
    driver.unpause(instance.uuid)
    driver.stop(instance.uuid, timeout=5)
    driver.start(instance.uuid)
    driver.destroy(instance.uuid)
    assert world.inventory() == before


@case(
    "leftovers.destroy.volumes",
    Level.MUST,
    requirement="destroy() deletes the volumes that spawn made, and no volume that was there before.",
    source="driver contract: NewVolume is a volume that spawn makes and destroy removes",
    since="1.0",
    needs=VOLUMES,
)
def test_destroy_deletes_what_spawn_made(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo) -> None:
    before = world.inventory()
    spec = with_volumes(small(), pool, "root", "data")
    driver.spawn(spec)
    assert world.inventory().volumes == tuple(f"{pool.name}/{name}" for name in ("data", "kept", "root"))
    driver.destroy(spec.uuid)
    assert world.inventory() == before


@case(
    "leftovers.destroy.volumes-in-use",
    Level.MUST,
    requirement="While the host cannot end an instance its volumes stay, since it may write to them still.",
    source="nova commits d925044e09 and 3907867601: resources were released though the domain had not been ended",
    since="1.0",
    needs=VOLUMES,
)
def test_volumes_in_use_are_kept(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, faults: Faults) -> None:
    spec = with_volumes(small(), pool, "root")
    driver.spawn(spec)
    before = world.inventory()
    faults.raise_on("Domain.destroy", *BROKEN, "Failed to terminate process: Device or resource busy")
    with pytest.raises(HypervisorError):
        driver.destroy(spec.uuid)
    assert world.inventory() == before
    driver.destroy(spec.uuid)
    assert world.inventory().volumes == (f"{pool.name}/kept",)


@case(
    "leftovers.destroy.snapshots",
    Level.MUST,
    requirement="An instance that is spawned again after its destruction has none of the old one's snapshots.",
    source="VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA",
    since="1.0",
    needs=SPAWNED | {Capability.SNAPSHOT_INTERNAL, Capability.STORAGE_CLONE},
)
def test_snapshots_go_with_the_instance(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = with_own_disk(small())
    driver.spawn(spec)
    driver.create_snapshot(spec.uuid, SnapshotSpec(name="first"))
    assert world.inventory().snapshots == (f"{spec.name}/first",)
    driver.destroy(spec.uuid)
    driver.spawn(spec, start=False)
    assert world.inventory().snapshots == ()


@case(
    "leftovers.destroy.managed-save",
    Level.MUST,
    requirement="An instance that is spawned again after its destruction has none of the old one's memory.",
    source="VIR_DOMAIN_UNDEFINE_MANAGED_SAVE; a start would restore what is left",
    since="1.0",
    needs=SPAWNED | {Capability.SUSPEND},
)
def test_a_managed_save_goes_with_the_instance(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = small()
    driver.spawn(spec)
    driver.suspend(spec.uuid)
    driver.destroy(spec.uuid)
    driver.spawn(spec, start=False)
    assert domain_of(world, spec.uuid).hasManagedSaveImage() == 0


# --- what failed ------------------------------------------------------------------------------------------------------


@case(
    "leftovers.spawn.failed-start",
    Level.MUST,
    requirement="A spawn whose start fails leaves no domain, and says that nothing was left.",
    source="driver contract: an operation that fails leaves nothing behind; nova commit eb18e1d62e",
    since="1.0",
    needs=SPAWNED,
)
def test_a_failed_start_leaves_nothing(driver: ComputeDriver, small: Small, world: World, faults: Faults) -> None:
    spec, before = small(), world.inventory()
    faults.raise_on("Domain.create", *BROKEN)
    with pytest.raises(HypervisorError) as failed:
        driver.spawn(spec)
    assert failed.value.undone_failures == ()
    assert world.domain(spec.uuid) is None
    assert world.inventory() == before


@case(
    "leftovers.spawn.failed-volumes",
    Level.MUST,
    requirement="A spawn that fails at a volume, the definition or the start deletes the volumes that it made, and no other.",
    source="driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=VOLUMES,
)
@pytest.mark.parametrize("step", FAILING)
def test_a_failed_spawn_deletes_its_volumes(  # noqa: PLR0913, PLR0917 - five fixtures and a parameter
    driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, faults: Faults, step: str
) -> None:
    before = world.inventory()
    method, nth = FAILING[step]
    faults.raise_on(method, *BROKEN, nth=nth)
    with pytest.raises(HypervisorError) as failed:
        driver.spawn(with_volumes(small(), pool, "root", "data"))
    assert failed.value.undone_failures == ()
    assert world.inventory() == before


@case(
    "leftovers.spawn.undo-fails",
    Level.MUST,
    requirement="When a failed spawn cannot be undone the first error is raised, and says what was left for destroy() to remove.",
    source="driver contract: an operation says what it could not undo",
    since="1.0",
    needs=SPAWNED,
)
def test_what_cannot_be_undone_is_told(driver: ComputeDriver, small: Small, world: World, faults: Faults) -> None:
    spec, before = small(), world.inventory()
    faults.raise_on("Domain.create", *BROKEN, "the start failed")
    faults.raise_on("Domain.undefine", *BROKEN, "the undo failed")
    with pytest.raises(HypervisorError, match="the start failed") as failed:
        driver.spawn(spec)
    left = "\n".join(failed.value.undone_failures)
    assert str(spec.uuid) in left or spec.name in left
    assert world.domain(spec.uuid) is not None
    driver.destroy(spec.uuid)
    assert world.inventory() == before


# --- what is not the driver's -----------------------------------------------------------------------------------------


@case(
    "leftovers.foreign-untouched",
    Level.MUST,
    requirement="Another client's domain keeps its definition, its state and its run while the driver works and after it closed.",
    source="driver contract: destroy removes what spawn made",
    since="1.0",
    needs=SPAWNED | {Capability.PAUSE, Capability.STOP},
)
def test_other_clients_domains_are_left_alone(driver: ComputeDriver, small: Small, world: World) -> None:
    with foreign_domain(world, small()) as domain:
        before = (domain.XMLDesc(), domain.state()[0], domain.ID())
        instance = driver.spawn(small(wired=True))
        driver.pause(instance.uuid)
        driver.stop(instance.uuid, timeout=1)
        driver.destroy(instance.uuid)
        assert before[1] == DomainState.RUNNING
        assert (domain.XMLDesc(), domain.state()[0], domain.ID()) == before


# --- what close leaves ------------------------------------------------------------------------------------------------


@case(
    "leftovers.close.callbacks",
    Level.MUST,
    requirement="close() deregisters every callback at the host, also of subscriptions that were not closed.",
    source="virConnectDomainEventRegisterAny: a callback holds a reference to the connection, which then does not close",
    since="1.0",
    needs=SPAWNED | {Capability.EVENTS_LIFECYCLE},
)
def test_close_deregisters_callbacks(driver: ComputeDriver, small: Small, world: World, events: EventCollector) -> None:
    driver.subscribe(lambda _: None)
    spec = small()
    driver.spawn(spec)
    driver.destroy(spec.uuid)
    events.wait(spec.uuid, EventKind.UNDEFINED)
    assert world.domain(spec.uuid) is None
    driver.close()
    with pytest.raises(DriverError):
        driver.subscribe(lambda _: None)


@case(
    "leftovers.close.connections",
    Level.MUST,
    requirement="close() closes every connection that the driver opened, each time one is made.",
    source="virConnectClose; libvirtd refuses clients beyond max_clients",
    since="1.0",
    needs={Capability.HOST_INFO},
)
def test_close_closes_connections(connect: Connect) -> None:
    for _ in range(5):
        driver = connect()
        assert driver.host().hostname
        driver.close()
        with pytest.raises(DriverError):
            driver.host()


@case(
    "leftovers.close.threads",
    Level.MUST,
    requirement="Two seconds after close() no thread of the driver is alive, but for the process's one event loop.",
    source="driver contract: close; virEventRunDefaultImpl needs one thread a process, which cannot be ended",
    since="1.0",
    needs={Capability.HOST_INFO, Capability.EVENTS_LIFECYCLE},
)
def test_close_ends_threads(connect: Connect) -> None:
    driver = connect()
    driver.subscribe(lambda _: None)
    driver.subscribe(lambda _: None)
    assert driver.host().cpus > 0
    driver.close()
    with pytest.raises(DriverError):
        driver.host()
