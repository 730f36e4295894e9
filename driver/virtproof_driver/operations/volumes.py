"""Storage volumes: making, cloning, listing, deleting and resizing them.

What belongs here: operations on a volume, by the names of its pool and itself. What does not: the pools (`storage`), and bytes
(`transfers`).

What libvirt does not check is checked here (11.3.0): it makes a qcow2 clone as large as its source whatever was asked for, makes
an overlay that is smaller than what backs it, and deletes a volume that others read from, or that a running guest has. The
last is not found out here either: who has a volume is known by its pool for volumes alone.
"""

from collections.abc import Iterator
from dataclasses import replace

from virtproof_driver import checks
from virtproof_driver.actions import CreateVolume, DeleteVolume, DiscardVolume
from virtproof_driver.binding import StoragePool, StorageVol
from virtproof_driver.capabilities import Capability
from virtproof_driver.errors import (
    DriverError,
    HypervisorError,
    InvalidSpec,
    NotFound,
    NotSupported,
    VolumeExists,
    VolumeInUse,
    VolumeNotFound,
)
from virtproof_driver.link import Link
from virtproof_driver.markup.storage import volume_info, volume_xml
from virtproof_driver.operations.executing import perform
from virtproof_driver.operations.storage import lookup_pool
from virtproof_driver.spec import DiskFormat, VolumeSpec
from virtproof_driver.validation import validate_volume
from virtproof_driver.values import VolumeInfo


def volumes(link: Link, pool: str) -> tuple[VolumeInfo, ...]:
    """Every volume of an active pool, ordered by name."""
    return tuple(sorted(_infos(link, lookup_pool(link, pool)), key=lambda volume: volume.name))


def volume(link: Link, pool: str, name: str) -> VolumeInfo:
    """One volume. Raises StoragePoolNotFound, VolumeNotFound."""
    return _info(link, pool, _lookup(link, lookup_pool(link, pool), name))


def create_volume(link: Link, pool: str, spec: VolumeSpec) -> VolumeInfo:
    """Make an empty volume."""
    _check(link, spec)
    return _info(link, pool, _create(link, lookup_pool(link, pool), spec))


def clone_volume(link: Link, pool: str, source: str, spec: VolumeSpec) -> VolumeInfo:
    """Make a volume from another one of the same pool; it is at least as large."""
    _check(link, spec)
    if spec.backing is not None:
        raise InvalidSpec("backing", "a clone has all of its source and is backed by nothing; leave it out")
    return _info(link, pool, _clone(link, lookup_pool(link, pool), source, spec))


def delete_volume(link: Link, pool: str, name: str) -> None:
    """Delete a volume and what it holds. Raises StoragePoolNotFound, VolumeNotFound; VolumeInUse when it backs another."""
    found = lookup_pool(link, pool)
    handle = _lookup(link, found, name)
    _check_unused(link, found, name)
    link.call(handle.delete)


def resize_volume(link: Link, pool: str, name: str, capacity_bytes: int) -> VolumeInfo:
    """Make a volume larger. Raises InvalidSpec when it would be smaller: what it holds would be cut off."""
    checks.within("capacity_bytes", capacity_bytes, 0, checks.GREATEST_SIZE)
    handle = _lookup(link, lookup_pool(link, pool), name)
    found = _info(link, pool, handle)
    if found.encrypted:
        reason = f"{name!r} is encrypted, and libvirt takes no passphrase to resize a volume (error 27, libvirt 11.3.0)"
        raise NotSupported(Capability.STORAGE_RESIZE, reason)
    if capacity_bytes < found.capacity_bytes:
        raise InvalidSpec("capacity_bytes", f"{capacity_bytes} would cut off {name!r}, which has {found.capacity_bytes}")
    link.call(handle.resize, capacity_bytes)
    return _info(link, pool, handle)


def lookup_volume(link: Link, pool: str, name: str) -> StorageVol:
    """A volume's handle. Raises StoragePoolNotFound, VolumeNotFound."""
    return _lookup(link, lookup_pool(link, pool), name)


def _check(link: Link, spec: VolumeSpec) -> None:
    validate_volume(spec)
    for capability, wanted in ((Capability.STORAGE_BACKING, spec.backing), (Capability.SECRETS, spec.secret)):
        if wanted is not None and capability in link.refusals:
            raise NotSupported(capability, link.refusals[capability])


def _lookup(link: Link, pool: StoragePool, name: str) -> StorageVol:
    return link.call(pool.storageVolLookupByName, name)


def _info(link: Link, pool: str, handle: StorageVol) -> VolumeInfo:
    return volume_info(link.call(handle.XMLDesc), pool)


def _infos(link: Link, pool: StoragePool) -> Iterator[VolumeInfo]:
    for handle in link.call(pool.listAllVolumes):
        try:
            yield _info(link, pool.name(), handle)
        except VolumeNotFound:  # it went between the list and the read, or its file did
            continue


def _check_unused(link: Link, pool: StoragePool, name: str) -> None:
    if Capability.STORAGE_BACKING in link.refusals:
        return
    users = sorted(found.name for found in _infos(link, pool) if found.backing == name and found.name != name)
    if users:
        raise VolumeInUse(name, users)


def _create(link: Link, pool: StoragePool, spec: VolumeSpec) -> StorageVol:
    backing_path = None
    if spec.backing is not None:
        backing = _info(link, pool.name(), _lookup(link, pool, spec.backing))
        spec, backing_path = _backed(spec, backing), backing.path
    try:
        return link.call(pool.createXML, volume_xml(spec, backing_path))
    except (HypervisorError, VolumeExists) as refusal:
        raise _exists_or(link, pool, spec.name, refusal) from refusal


def _backed(spec: VolumeSpec, backing: VolumeInfo) -> VolumeSpec:
    """The spec with its backing's format. An overlay that is smaller than what backs it would hide its end."""
    if spec.capacity_bytes < backing.capacity_bytes:
        problem = f"{spec.capacity_bytes} would cut off {backing.name!r}, which has {backing.capacity_bytes}"
        raise InvalidSpec("capacity_bytes", problem)
    if spec.backing_format is not None:
        return spec
    if backing.format not in set(DiskFormat):
        raise InvalidSpec("backing", f"{backing.name!r} is {backing.format}; use a volume that is raw or qcow2")
    return replace(spec, backing_format=DiskFormat(backing.format))


def _clone(link: Link, pool: StoragePool, source: str, spec: VolumeSpec) -> StorageVol:
    original = _lookup(link, pool, source)
    _, capacity, _ = link.call(original.info)
    if spec.capacity_bytes < capacity:
        raise InvalidSpec("capacity_bytes", f"{spec.capacity_bytes} would cut off {source!r}, which has {capacity}")
    try:
        clone = link.call(pool.createXMLFrom, volume_xml(spec), original)
    except (HypervisorError, VolumeExists) as refusal:
        raise _exists_or(link, pool, spec.name, refusal) from refusal
    return _grown(link, clone, spec.capacity_bytes)


def _grown(link: Link, clone: StorageVol, capacity: int) -> StorageVol:
    """The clone, at least as large as was asked for; it is deleted when it cannot be made so."""
    if link.call(clone.info)[1] < capacity:
        try:
            link.call(clone.resize, capacity)
        except DriverError as refusal:
            raise refusal.with_leftovers(discarded(link, clone)) from None
    return clone


def discarded(link: Link, volume: StorageVol) -> tuple[str, ...]:
    """Delete a volume that only a failed operation needed; says what could not be deleted."""
    try:
        link.call(volume.delete)
    except NotFound:
        return ()
    except DriverError as error:
        return (f"storage volume {volume.name()!r} remains: {error}",)
    return ()


def _exists_or(link: Link, pool: StoragePool, name: str, refusal: HypervisorError | VolumeExists) -> Exception:
    """VolumeExists when the pool has one of that name, else the refusal as it was."""
    try:
        _lookup(link, pool, name)
    except VolumeNotFound:
        return refusal
    return VolumeExists(name)


@perform.register
def _create_for_instance(action: CreateVolume, link: Link) -> None:
    new = action.volume
    spec = VolumeSpec(
        name=new.volume,
        capacity_bytes=new.capacity_bytes,
        format=action.format,
        backing=new.backing,
        secret=action.secret,
    )
    pool = lookup_pool(link, new.pool)
    if new.clone_of is None:
        _create(link, pool, spec)
    else:
        _clone(link, pool, new.clone_of, spec)


@perform.register
def _discard(action: DiscardVolume, link: Link) -> None:
    try:
        delete_volume(link, action.pool, action.volume)
    except NotFound:
        return
    except DriverError as error:
        raise error.with_leftovers([f"storage volume {action.volume!r} of pool {action.pool!r} remains"]) from None


@perform.register
def _delete(action: DeleteVolume, link: Link) -> None:
    delete_volume(link, action.pool, action.volume)
