"""Growing a disk of an instance.

What belongs here: extend, of a running instance through its hypervisor, of one that is off through the storage. What does not:
resizing volumes that nobody uses (`volumes`). Nothing is waited for: both ways are done when they return, the hypervisor tells a
running guest, and no event tells of it (measured on libvirt 11.3.0).
"""

from dataclasses import replace
from uuid import UUID

from virtproof_driver.actions import DeviceKind, DeviceName
from virtproof_driver.binding import StorageVol
from virtproof_driver.constants import Affect, BlockResizeFlag
from virtproof_driver.errors import DeviceNotFound, InvalidSpec, InvalidState, VolumeNotFound
from virtproof_driver.link import Link
from virtproof_driver.markup.attached import Attached, find_device
from virtproof_driver.operations.devices import Present, present
from virtproof_driver.operations.executing import execute
from virtproof_driver.operations.volumes import lookup_volume
from virtproof_driver.plans import note_plan
from virtproof_driver.spec import Disk, FileSource, InstanceSpec, NewVolume
from virtproof_driver.validation import validate_disk_size


def extend_volume(link: Link, uuid: UUID, target: str, size_bytes: int) -> None:
    """Grow the disk; the size that it has changes nothing, a smaller one is refused: QEMU would cut a raw image off."""
    validate_disk_size(size_bytes)
    with link.turn(uuid):
        found = present(link, uuid, DeviceKind.DISK)
        disk = _disk(found, uuid, target)
        if disk.read_only:
            raise InvalidState(f"disk {target!r} of instance {uuid} is read-only")
        if found.affect & Affect.LIVE and find_device(found.live_xml or "", _name(target)) is not None:
            _grow_running(link, uuid, target, size_bytes)
        else:
            _grow_stored(link, uuid, _stored(found.spec, target), disk, size_bytes)
        _note(link, found, target, size_bytes)


def _name(target: str) -> DeviceName:
    return DeviceName(kind=DeviceKind.DISK, key=target)


def _disk(found: Present, uuid: UUID, target: str) -> Attached:
    xmls = (xml for xml in (found.live_xml, found.kept_xml) if xml is not None)
    disks = (disk for xml in xmls if (disk := find_device(xml, _name(target))) is not None)
    disk = next(disks, None)
    if disk is None:
        raise DeviceNotFound(target, f"in instance {uuid}")
    return disk


def _stored(spec: InstanceSpec, target: str) -> Disk | None:
    return next((disk for disk in spec.disks if disk.target == target), None)


def _grow_running(link: Link, uuid: UUID, target: str, size_bytes: int) -> None:
    domain = link.domain(uuid)
    if _grows(target, link.call(domain.blockInfo, target)[0], size_bytes):
        link.call(domain.blockResize, target, size_bytes, BlockResizeFlag.BYTES)


def _grow_stored(link: Link, uuid: UUID, disk: Disk | None, attached: Attached, size_bytes: int) -> None:
    volume = _volume(link, uuid, disk, attached)
    if _grows(volume.name(), link.call(volume.info)[1], size_bytes):
        link.call(volume.resize, size_bytes)


def _volume(link: Link, uuid: UUID, disk: Disk | None, attached: Attached) -> StorageVol:
    """The volume of a disk; an image file that is in no storage pool cannot be reached while the instance is off."""
    if disk is not None and disk.source is not None and not isinstance(disk.source, FileSource):
        return lookup_volume(link, disk.source.pool, disk.source.volume)
    try:
        return link.call(link.connection().storageVolLookupByPath, attached.path or "")
    except VolumeNotFound:
        raise InvalidState(f"the image of instance {uuid} is in no storage pool; start the instance to extend it") from None


def _grows(name: str, size: int, wanted: int) -> bool:
    if wanted < size:
        raise InvalidSpec("size_bytes", f"{wanted} is less than the {size} that {name!r} has; a disk only grows")
    return wanted > size


def _note(link: Link, found: Present, target: str, size_bytes: int) -> None:
    """Keep the size of a volume that was made for the instance: its spec tells it."""
    spec = found.spec
    disks = tuple(_resized(disk, size_bytes) if disk.target == target else disk for disk in spec.disks)
    if disks != spec.disks:
        execute(link, note_plan(replace(spec, disks=disks), found.affect))


def _resized(disk: Disk, size_bytes: int) -> Disk:
    if not isinstance(disk.source, NewVolume):
        return disk
    return replace(disk, source=replace(disk.source, capacity_bytes=size_bytes))
