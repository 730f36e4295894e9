"""Storage pools: defining, starting, refreshing, stopping and removing them.

What belongs here: cases whose ids begin with `storage.pool`. What does not: what is in a pool (`test_storage_volume`).
"""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from virtproof.cases import Level, case
from virtproof.contents import beside
from virtproof.fixtures import PoolSpecs, Small
from virtproof.foreign import foreign_pool, foreign_volume
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH_NAME, SPAWNED
from virtproof_driver import Capability
from virtproof_driver.constants import ErrorCode
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    HypervisorError,
    InvalidSpec,
    InvalidState,
    StoragePoolExists,
    StoragePoolNotFound,
    VolumeNotFound,
)
from virtproof_driver.markup.storage import volume_xml
from virtproof_driver.spec import DiskFormat, PoolSpec, VolumeSpec
from virtproof_driver.values import PoolInfo

POOLS = frozenset({Capability.STORAGE_POOLS})
VOLUMES = POOLS | {Capability.STORAGE_VOLUMES}
CLONES = VOLUMES | {Capability.STORAGE_CLONE}
DISKS = VOLUMES | SPAWNED | {Capability.DISKS}
MIB = 1 << 20
ONE = VolumeSpec(name="one", capacity_bytes=MIB)
TWO = VolumeSpec(name="two", capacity_bytes=2 * MIB)


Act = Callable[[ComputeDriver, str], object]

ON_ACTIVE: dict[str, Act] = {
    "refresh": lambda driver, pool: driver.refresh_pool(pool),
    "volumes": lambda driver, pool: driver.volumes(pool),
    "volume": lambda driver, pool: driver.volume(pool, "one"),
    "create": lambda driver, pool: driver.create_volume(pool, TWO),
    "remove": lambda driver, pool: driver.delete_volume(pool, "one"),
}
ON_ANY: dict[str, Act] = {
    "read": lambda driver, pool: driver.pool(pool),
    "start": lambda driver, pool: driver.start_pool(pool),
    "stop": lambda driver, pool: driver.stop_pool(pool),
    "delete": lambda driver, pool: driver.delete_pool(pool),
}


IMPOSSIBLE: dict[str, tuple[str, Callable[[PoolSpec], PoolSpec]]] = {
    "no-name": ("name", lambda spec: replace(spec, name="")),
    "slash": ("name", lambda spec: replace(spec, name="a/b")),
    "relative": ("target", lambda spec: replace(spec, target="var/tmp")),
    "kind": ("kind", lambda spec: replace(spec, kind="no-such-kind")),
}


def facts(pool: PoolInfo) -> tuple[UUID, bool, bool, bool]:
    """What tells pools apart, whatever is allocated in them."""
    return pool.uuid, pool.active, pool.persistent, pool.autostart


@case(
    "storage.pool.create",
    Level.MUST,
    requirement="create_pool() gives a pool that is active, persistent, listed, and started at boot only if that was asked for.",
    source="virStoragePoolDefineXML, virStoragePoolCreate, virStoragePoolSetAutostart",
    since="1.0",
    needs=POOLS,
)
@pytest.mark.parametrize("autostart", ["autostart", "by-hand"])
def test_create_pool(driver: ComputeDriver, pool_spec: PoolSpecs, world: World, autostart: str) -> None:
    spec = pool_spec()
    made = driver.create_pool(spec, autostart=autostart == "autostart")
    assert (made.name, made.active, made.persistent, made.autostart) == (spec.name, True, True, autostart == "autostart")
    assert made.capacity_bytes > 0
    assert made.capacity_bytes >= made.available_bytes
    assert driver.pool(spec.name) == made
    assert made in driver.pools()
    assert world.inventory().pools == (spec.name,)


@case(
    "storage.pool.uuid",
    Level.MUST,
    requirement="A pool gets the UUID that its spec has.",
    source="https://libvirt.org/formatstorage.html: uuid",
    since="1.0",
    needs=POOLS,
)
def test_pool_uuid(driver: ComputeDriver, pool_spec: PoolSpecs, small: Small) -> None:
    uuid = small().uuid
    assert driver.create_pool(replace(pool_spec(), uuid=uuid)).uuid == uuid


@case(
    "storage.pool.restart",
    Level.MUST,
    requirement="A stopped pool stays defined, with sizes of 0; started again it is the pool that it was, with its volumes.",
    source="virStoragePoolDestroy: deactivates a pool; what it holds is not affected",
    since="1.0",
    needs=VOLUMES,
)
def test_restart_pool(driver: ComputeDriver, pool: PoolInfo) -> None:
    volume = driver.create_volume(pool.name, ONE)
    stopped = driver.stop_pool(pool.name)
    assert facts(stopped) == (pool.uuid, False, True, False)
    assert (stopped.capacity_bytes, stopped.allocation_bytes, stopped.available_bytes) == (0, 0, 0)
    assert driver.pool(pool.name) == stopped
    assert facts(driver.start_pool(pool.name)) == facts(pool)
    assert list(driver.volumes(pool.name)) == [volume]


@case(
    "storage.pool.idempotent",
    Level.MUST,
    requirement="Starting a pool that is active and stopping one that is not change nothing.",
    source="virStoragePoolCreate and virStoragePoolDestroy answer 55 then (libvirt 9.0.0)",
    since="1.0",
    needs=POOLS,
)
def test_start_and_stop_pool_twice(driver: ComputeDriver, pool: PoolInfo) -> None:
    assert facts(driver.start_pool(pool.name)) == facts(pool)
    stopped = driver.stop_pool(pool.name)
    assert driver.stop_pool(pool.name) == stopped == driver.pool(pool.name)


@case(
    "storage.pool.delete",
    Level.MUST,
    requirement="delete_pool() stops and removes a pool, whether it is active or not; the others stay.",
    source="virStoragePoolUndefine: undefines an inactive pool",
    since="1.0",
    needs=POOLS,
)
@pytest.mark.parametrize("state", ["active", "stopped"])
def test_delete_pool(driver: ComputeDriver, pool_spec: PoolSpecs, world: World, pool: PoolInfo, state: str) -> None:
    doomed = driver.create_pool(pool_spec())
    if state == "stopped":
        driver.stop_pool(doomed.name)
    driver.delete_pool(doomed.name)
    assert world.inventory().pools == (pool.name,)
    assert driver.pool(pool.name) == pool
    with pytest.raises(StoragePoolNotFound):
        driver.pool(doomed.name)


@case(
    "storage.pool.duplicate",
    Level.MUST,
    requirement="A name or UUID that a pool has is StoragePoolExists, and that pool stays as it was.",
    source="virStoragePoolDefineXML: an inactive pool of both the same name and UUID is redefined silently (libvirt 9.0.0)",
    since="1.0",
    needs=POOLS,
)
@pytest.mark.parametrize("same", ["name", "uuid", "both", "both-stopped"])
def test_duplicate_pool(driver: ComputeDriver, pool_spec: PoolSpecs, world: World, pool: PoolInfo, same: str) -> None:
    original = driver.stop_pool(pool.name) if same == "both-stopped" else pool
    other = pool_spec()
    taken = replace(other, name=other.name if same == "uuid" else pool.name, uuid=None if same == "name" else pool.uuid)
    with pytest.raises(StoragePoolExists) as refused:
        driver.create_pool(taken)
    assert refused.value.key in (pool.name, str(pool.uuid), taken.name)
    assert driver.pool(pool.name) == original
    assert world.inventory().pools == (pool.name,)


@case(
    "storage.pool.list",
    Level.MUST,
    requirement="pools() lists every pool of the host, also one that another client made, each as pool() gives it.",
    source="virConnectListAllStoragePools",
    since="1.0",
    needs=POOLS,
)
def test_list_pools(driver: ComputeDriver, pool_spec: PoolSpecs, world: World, pool: PoolInfo) -> None:
    foreign = pool_spec()
    with foreign_pool(world, foreign):
        listed = {one.name: one for one in driver.pools()}
        own = {name for name in listed if name.startswith(world.prefix)}  # others' come and go on a shared host
        assert own == set(world.inventory().pools)
        assert (listed[pool.name], listed[foreign.name]) == (pool, driver.pool(foreign.name))
    assert foreign.name not in {one.name for one in driver.pools()}


@case(
    "storage.pool.refresh",
    Level.MUST,
    requirement="After refresh_pool() a volume that another client made is listed.",
    source="virStoragePoolRefresh: refreshes the list of volumes in the pool",
    since="1.0",
    needs=VOLUMES,
)
def test_refresh_pool(driver: ComputeDriver, world: World, pool: PoolInfo) -> None:
    assert list(driver.volumes(pool.name)) == []
    with foreign_volume(world, pool.name, ONE):
        assert facts(driver.refresh_pool(pool.name)) == facts(pool)
        assert [volume.name for volume in driver.volumes(pool.name)] == ["one"]


@case(
    "storage.pool.inactive",
    Level.MUST,
    requirement="What needs an active pool is InvalidState while the pool is stopped, and changes nothing.",
    source="libvirt answers 55 for volumes of a pool that is not active (libvirt 9.0.0)",
    since="1.0",
    needs=VOLUMES,
)
@pytest.mark.parametrize("operation", ON_ACTIVE)
def test_inactive_pool(driver: ComputeDriver, pool: PoolInfo, operation: str) -> None:
    volume = driver.create_volume(pool.name, ONE)
    stopped = driver.stop_pool(pool.name)
    with pytest.raises(InvalidState):
        ON_ACTIVE[operation](driver, pool.name)
    assert driver.pool(pool.name) == stopped
    driver.start_pool(pool.name)
    assert list(driver.volumes(pool.name)) == [volume]


@case(
    "storage.pool.unknown",
    Level.MUST,
    requirement="A pool that the host has not is StoragePoolNotFound, which names it.",
    source="libvirt error 49 (VIR_ERR_NO_STORAGE_POOL)",
    since="1.0",
    needs=VOLUMES,
)
@pytest.mark.parametrize("operation", [*ON_ANY, *ON_ACTIVE])
def test_unknown_pool(driver: ComputeDriver, operation: str) -> None:
    with pytest.raises(StoragePoolNotFound) as refused:
        (ON_ANY | ON_ACTIVE)[operation](driver, NO_SUCH_NAME)
    assert refused.value.key == NO_SUCH_NAME


@case(
    "storage.pool.invalid",
    Level.MUST,
    requirement="A pool that cannot be is InvalidSpec, which names the field, before anything is made.",
    source="driver contract: InvalidSpec is the caller's fault; libvirt takes some of these and fails later",
    since="1.0",
    needs=POOLS,
)
@pytest.mark.parametrize("spoilt", IMPOSSIBLE)
def test_invalid_pool(driver: ComputeDriver, pool_spec: PoolSpecs, world: World, spoilt: str) -> None:
    field, spoil = IMPOSSIBLE[spoilt]
    invalid = spoil(pool_spec())
    with pytest.raises(InvalidSpec) as refused:
        driver.create_pool(invalid)
    assert refused.value.field == field
    assert world.inventory().pools == ()


@case(
    "storage.pool.undone",
    Level.MUST,
    requirement="A pool that cannot be started is not left defined, and the error is the host's.",
    source="virStoragePoolCreate fails where the target cannot be used: 38 (VIR_ERR_SYSTEM_ERROR)",
    since="1.0",
    needs=POOLS,
)
def test_failed_start_leaves_no_pool(driver: ComputeDriver, pool_spec: PoolSpecs, world: World, faults: Faults) -> None:
    faults.raise_on("StoragePool.create", ErrorCode.SYSTEM_ERROR, message="cannot open the target")
    with pytest.raises(HypervisorError) as failed:
        driver.create_pool(pool_spec())
    assert failed.value.code == ErrorCode.SYSTEM_ERROR
    assert failed.value.undone_failures == ()
    assert world.inventory().pools == ()


@case(
    "storage.pool.outside",
    Level.MUST,
    requirement="Files that come to and go from a pool's folder behind its back are seen from its next refresh on.",
    source="virStoragePoolRefresh; a file that is made or removed by itself is not noticed before (libvirt 11.3.0)",
    since="1.0",
    needs=VOLUMES | {Capability.STORAGE_DOWNLOAD},
)
def test_outside_changes(driver: ComputeDriver, pool_spec: PoolSpecs, world: World) -> None:
    spec = pool_spec()
    pool = driver.create_pool(spec)
    driver.create_volume(pool.name, ONE)
    with beside(world, spec) as other:
        other.createXML(volume_xml(replace(TWO, format=DiskFormat.QCOW2)))
        other.storageVolLookupByName("one").delete(0)
        assert list(driver.volumes(pool.name)) == [], "one is gone, and two not seen yet"
        driver.refresh_pool(pool.name)
        found = driver.volume(pool.name, "two")
        assert (found.capacity_bytes, found.format) == (2 * MIB, "qcow2")
        assert list(driver.volumes(pool.name)) == [found]
    with pytest.raises(VolumeNotFound):
        driver.volume(pool.name, "one")
    driver.delete_volume(pool.name, "two")
