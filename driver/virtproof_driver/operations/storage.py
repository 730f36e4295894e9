"""Storage pools: defining, starting, refreshing, stopping and removing them.

What belongs here: operations on a pool by its name. What does not: the volumes in it (`volumes`).
Starting one that is active and stopping one that is not change nothing. Removing a pool leaves its files.
"""

from typing import Final
from uuid import UUID

from virtproof_driver.actions import AutostartPool, BuildPool, DefinePool, RemovePool, StartPool
from virtproof_driver.binding import StoragePool
from virtproof_driver.errors import HypervisorError, StoragePoolExists, StoragePoolNotFound
from virtproof_driver.link import Link
from virtproof_driver.operations.activity import Kind
from virtproof_driver.operations.executing import execute, perform
from virtproof_driver.operations.settling import refreshed
from virtproof_driver.plans import pool_plan
from virtproof_driver.spec import PoolSpec
from virtproof_driver.validation import validate_pool
from virtproof_driver.values import PoolInfo


def pools(link: Link) -> tuple[PoolInfo, ...]:
    """Every storage pool of the host, ordered by name."""
    return POOLS.all(link)


def pool(link: Link, name: str) -> PoolInfo:
    """One storage pool. Raises StoragePoolNotFound."""
    return POOLS.one(link, name)


def create_pool(link: Link, spec: PoolSpec, *, autostart: bool) -> PoolInfo:
    """Define a pool, make its place on the host, and start it; all of it or nothing."""
    validate_pool(spec)
    if _is_taken(link, spec):
        raise StoragePoolExists(spec.name)
    execute(link, pool_plan(spec, autostart=autostart))
    return pool(link, spec.name)


def start_pool(link: Link, name: str) -> PoolInfo:
    """Start a pool; an active one is left as it is."""
    return POOLS.start(link, name)


def stop_pool(link: Link, name: str) -> PoolInfo:
    """Stop a pool; its volumes stay. One that is not active is left as it is; a transient one goes: StoragePoolNotFound."""
    return POOLS.stop(link, name)


def refresh_pool(link: Link, name: str) -> PoolInfo:
    """Let the host look again which volumes there are, once nothing is under way in the pool.

    Raises InvalidState when it is not active, Busy when it stays in use for ten seconds.
    """
    handle = lookup_pool(link, name)
    refreshed(link, handle)
    return pool(link, name)


def delete_pool(link: Link, name: str) -> None:
    """Stop and undefine a pool; what it holds stays on the host."""
    POOLS.remove(link, name)


def lookup_pool(link: Link, name: str) -> StoragePool:
    """The pool's handle. Raises StoragePoolNotFound."""
    return link.call(link.connection().storagePoolLookupByName, name)


def _info(link: Link, handle: StoragePool) -> PoolInfo:
    name = handle.name()
    active = bool(link.call(handle.isActive))
    _, capacity, allocation, available = link.call(handle.info) if active else (0, 0, 0, 0)
    return PoolInfo(
        name=name,
        uuid=UUID(handle.UUIDString()),
        active=active,
        persistent=bool(link.call(handle.isPersistent)),
        autostart=bool(link.call(handle.autostart)),
        capacity_bytes=capacity,
        allocation_bytes=allocation,
        available_bytes=available,
    )


def _is_taken(link: Link, spec: PoolSpec) -> bool:
    """Whether name or UUID is another pool's; libvirt would silently redefine an inactive pool that has both."""
    handles = link.call(link.connection().listAllStoragePools)
    return any(handle.name() == spec.name or handle.UUIDString() == str(spec.uuid) for handle in handles)


POOLS: Final[Kind[StoragePool, PoolInfo]] = Kind(
    listed=lambda link: link.call(link.connection().listAllStoragePools),
    lookup=lookup_pool,
    info=_info,
    missing=StoragePoolNotFound,
)


@perform.register
def _define(action: DefinePool, link: Link) -> None:
    try:
        link.call(link.connection().storagePoolDefineXML, action.xml)
    except HypervisorError as refusal:
        if _is_taken(link, action.pool):
            raise StoragePoolExists(action.pool.name) from refusal
        raise


@perform.register
def _build(action: BuildPool, link: Link) -> None:
    link.call(lookup_pool(link, action.name).build)


@perform.register
def _start(action: StartPool, link: Link) -> None:
    link.call(lookup_pool(link, action.name).create)


@perform.register
def _autostart(action: AutostartPool, link: Link) -> None:
    link.call(lookup_pool(link, action.name).setAutostart, 1)


@perform.register
def _remove(action: RemovePool, link: Link) -> None:
    delete_pool(link, action.name)
