"""Storage volumes: making, cloning, listing, deleting and resizing them.

What belongs here: operations on a volume, by the names of its pool and itself. What does not: the pools (`storage`).
"""

from virtproof_driver.actions import CreateVolume, DeleteVolume, DiscardVolume
from virtproof_driver.binding import StoragePool, StorageVol
from virtproof_driver.errors import DriverError, HypervisorError, InvalidSpec, NotFound, VolumeExists, VolumeNotFound
from virtproof_driver.link import Link
from virtproof_driver.markup.storage import volume_xml
from virtproof_driver.operations.executing import perform
from virtproof_driver.operations.storage import lookup_pool
from virtproof_driver.spec import VolumeSpec
from virtproof_driver.validation import validate_volume
from virtproof_driver.values import VolumeInfo


def volumes(link: Link, pool: str) -> tuple[VolumeInfo, ...]:
    """Every volume of an active pool, ordered by name."""
    found = [_info(link, pool, handle) for handle in link.call(lookup_pool(link, pool).listAllVolumes)]
    return tuple(sorted(found, key=lambda volume: volume.name))


def volume(link: Link, pool: str, name: str) -> VolumeInfo:
    """One volume. Raises StoragePoolNotFound, VolumeNotFound."""
    return _info(link, pool, _lookup(link, lookup_pool(link, pool), name))


def create_volume(link: Link, pool: str, spec: VolumeSpec) -> VolumeInfo:
    """Make an empty volume."""
    validate_volume(spec)
    return _info(link, pool, _create(link, lookup_pool(link, pool), spec))


def clone_volume(link: Link, pool: str, source: str, spec: VolumeSpec) -> VolumeInfo:
    """Make a volume from another one of the same pool; it is at least as large."""
    validate_volume(spec)
    return _info(link, pool, _clone(link, lookup_pool(link, pool), source, spec))


def delete_volume(link: Link, pool: str, name: str) -> None:
    """Delete a volume and what it holds. Raises StoragePoolNotFound, VolumeNotFound."""
    handle = _lookup(link, lookup_pool(link, pool), name)
    link.call(handle.delete)


def resize_volume(link: Link, pool: str, name: str, capacity_bytes: int) -> VolumeInfo:
    """Change a volume's capacity."""
    handle = _lookup(link, lookup_pool(link, pool), name)
    link.call(handle.resize, capacity_bytes)
    return _info(link, pool, handle)


def lookup_volume(link: Link, pool: str, name: str) -> StorageVol:
    """A volume's handle. Raises StoragePoolNotFound, VolumeNotFound."""
    return _lookup(link, lookup_pool(link, pool), name)


def _lookup(link: Link, pool: StoragePool, name: str) -> StorageVol:
    return link.call(pool.storageVolLookupByName, name)


def _info(link: Link, pool: str, handle: StorageVol) -> VolumeInfo:
    name = handle.name()
    _, capacity, allocation = link.call(handle.info)
    path = link.call(handle.path)
    return VolumeInfo(pool=pool, name=name, path=path, capacity_bytes=capacity, allocation_bytes=allocation)


def _create(link: Link, pool: StoragePool, spec: VolumeSpec) -> StorageVol:
    try:
        return link.call(pool.createXML, volume_xml(spec))
    except (HypervisorError, VolumeExists) as refusal:
        raise _exists_or(link, pool, spec.name, refusal) from refusal


def _clone(link: Link, pool: StoragePool, source: str, spec: VolumeSpec) -> StorageVol:
    original = _lookup(link, pool, source)
    _, capacity, _ = link.call(original.info)
    if spec.capacity_bytes < capacity:
        raise InvalidSpec("capacity_bytes", f"{spec.capacity_bytes} would cut off {source!r}, which has {capacity}")
    try:
        return link.call(pool.createXMLFrom, volume_xml(spec), original)
    except (HypervisorError, VolumeExists) as refusal:
        raise _exists_or(link, pool, spec.name, refusal) from refusal


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
    spec = VolumeSpec(name=new.volume, capacity_bytes=new.capacity_bytes, format=action.format)
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
