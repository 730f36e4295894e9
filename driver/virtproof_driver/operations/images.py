"""Images of instances: one disk, whole and at rest, streamed to the caller.

What belongs here: which disk, how it is brought to rest, and what is cleared away. What does not: streams and volumes by
themselves (`streams`, `transfers`, `volumes`).

Theory of operation. An image stands for itself: a disk that reads from others is flattened, and keeps its format. The disk of an
instance that is off, and one that the guest may only read, is streamed as it lies, or from a flat copy. A disk that a
running guest writes to is first copied by QEMU, as it was at one moment, into a volume beside it (virDomainBackupBegin); the end
of that job is an event. Whether a disk is flat is asked of its format in the definition: libvirt would look into a raw
volume, where a guest could have written what looks like another format. Temporary volumes are gone at the end, however it ends.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from hashlib import sha256
from uuid import UUID, uuid4

from virtproof_driver.binding import Domain, StorageVol
from virtproof_driver.capabilities import Capability
from virtproof_driver.checks import LONGEST_FILE
from virtproof_driver.constants import BackupFlag
from virtproof_driver.contract import Sink
from virtproof_driver.errors import (
    DeviceNotFound,
    DriverError,
    HypervisorError,
    InvalidState,
    NotSupported,
    OperationTimeout,
    VolumeNotFound,
)
from virtproof_driver.link import Awaited, AwaitedBlockJob, AwaitedEither, Expectation, Link, Wait
from virtproof_driver.markup.backup import backup_xml
from virtproof_driver.markup.domain import parse_domain
from virtproof_driver.markup.storage import volume_info, volume_xml
from virtproof_driver.operations import deadlines
from virtproof_driver.operations.inventory import instance
from virtproof_driver.operations.transfers import download
from virtproof_driver.operations.volumes import discarded, lookup_volume
from virtproof_driver.spec import Disk, DiskDevice, DiskFormat, FileSource, VolumeSpec
from virtproof_driver.values import BlockJob, BlockJobEvent, BlockJobStatus, EventKind, ImageInfo, LifecycleEvent, VolumeInfo

_ENDS = frozenset({BlockJobStatus.COMPLETED, BlockJobStatus.FAILED, BlockJobStatus.CANCELED})


def capture_image(link: Link, uuid: UUID, sink: Sink, *, target: str | None) -> ImageInfo:
    """Give the sink an image of a disk, the first one that is no CD-ROM unless `target` names another."""
    started = Awaited(kinds=frozenset({EventKind.STARTED}), what=f"started event of instance {uuid}")
    with link.expect(uuid, started) as start:
        active = instance(link, uuid).state.active
        disk = _disk(link, uuid, target)
        volume = _volume(link, uuid, disk)
        if active and not disk.read_only:
            return _captured_running(link, uuid, disk, volume, sink)
        info = _captured_at_rest(link, disk, volume, sink)
        if not active and not disk.read_only:
            with suppress(OperationTimeout):  # that none came is what was hoped for
                start.until(0)
                raise InvalidState(f"instance {uuid} was started while its disk was read; capture it again")
    return info


def _disk(link: Link, uuid: UUID, target: str | None) -> Disk:
    disks = parse_domain(link.call(link.domain(uuid).XMLDesc)).disks
    for disk in disks:
        if disk.device is DiskDevice.DISK and target in (None, disk.target):
            return disk
    raise DeviceNotFound(target or "disk", f"instance {uuid} has {', '.join(disk.target for disk in disks) or 'no disk'}")


def _volume(link: Link, uuid: UUID, disk: Disk) -> StorageVol:
    if disk.source is not None and not isinstance(disk.source, FileSource):
        return lookup_volume(link, disk.source.pool, disk.source.volume)
    path = disk.source.path if disk.source is not None else ""
    try:
        return link.call(link.connection().storageVolLookupByPath, path)
    except VolumeNotFound:
        problem = f"disk {disk.target!r} of instance {uuid} is {path}, which no active storage pool of the host holds"
        raise NotSupported(Capability.IMAGE_CAPTURE, problem) from None


def _captured_at_rest(link: Link, disk: Disk, volume: StorageVol, sink: Sink) -> ImageInfo:
    found = volume_info(link.call(volume.XMLDesc), "")
    if disk.format is DiskFormat.RAW or found.backing is None:
        return _streamed(link, disk, volume, sink)
    _check_plain(disk, found, "reads from another volume")
    pool = link.call(volume.storagePoolLookupByVolume)
    flat = VolumeSpec(name=_temporary_name(found.name), capacity_bytes=found.capacity_bytes, format=disk.format)
    with _temporary(link, link.call(pool.createXMLFrom, volume_xml(flat), volume)) as copy:
        return _streamed(link, disk, copy, sink)


def _captured_running(link: Link, uuid: UUID, disk: Disk, volume: StorageVol, sink: Sink) -> ImageInfo:
    _check_plain(disk, volume_info(link.call(volume.XMLDesc), ""), "is written to")
    capacity = link.call(link.domain(uuid).blockInfo, disk.target)[0]
    pool = link.call(volume.storagePoolLookupByVolume)
    spec = VolumeSpec(name=_temporary_name(volume.name()), capacity_bytes=capacity, format=disk.format)
    with _temporary(link, link.call(pool.createXML, volume_xml(spec))) as copy:
        _back_up(link, uuid, disk, copy)
        return _streamed(link, disk, copy, sink)


def _check_plain(disk: Disk, found: VolumeInfo, why: str) -> None:
    """A copy that the host makes of an encrypted disk would lie there in plain text."""
    if disk.secret is not None or found.encrypted:
        raise InvalidState(f"disk {disk.target!r} is encrypted and {why}; stop the instance, or give the disk all of its data")


def _streamed(link: Link, disk: Disk, volume: StorageVol, sink: Sink) -> ImageInfo:
    digest = sha256()

    def seen(piece: bytes) -> None:
        digest.update(piece)
        sink(piece)

    size = download(link, volume, seen)
    capacity = link.call(volume.info)[1]
    return ImageInfo(format=disk.format.value, size_bytes=size, capacity_bytes=capacity, sha256=digest.hexdigest())


# --- a running guest's disk ------------------------------------------------------------------------------------------


def _back_up(link: Link, uuid: UUID, disk: Disk, copy: StorageVol) -> None:
    """Let the hypervisor copy the disk as it is now; returns when the copy is whole."""
    domain = link.domain(uuid)
    with link.expect(uuid, _copied(uuid, disk)) as wait:
        xml = backup_xml(disk.target, link.call(copy.path), disk.format)
        link.call(domain.backupBegin, xml, None, BackupFlag.REUSE_EXTERNAL)
        told = _end(link, domain, wait)
    if isinstance(told, LifecycleEvent):
        raise InvalidState(f"instance {uuid} stopped while its disk was copied; capture it again")
    if told.status is not BlockJobStatus.COMPLETED:
        raise HypervisorError(0, 0, f"the copy of disk {disk.target!r} of instance {uuid} ended as {told.status}")


def _end(link: Link, domain: Domain, wait: Wait[BlockJobEvent | LifecycleEvent]) -> BlockJobEvent | LifecycleEvent:
    try:
        return wait.until(deadlines.BACKUP)
    except BaseException:
        with suppress(DriverError):  # it ended by itself, or the connection did
            link.call(domain.abortJob)
        raise


def _copied(uuid: UUID, disk: Disk) -> Expectation[BlockJobEvent | LifecycleEvent]:
    what = f"end of the copy of disk {disk.target!r} of instance {uuid}"
    return AwaitedEither(
        first=AwaitedBlockJob(target=disk.target, job=BlockJob.BACKUP, statuses=_ENDS, what=what),
        second=Awaited(kinds=frozenset({EventKind.STOPPED}), what=what),  # QEMU tells nothing of a job that ends with it
        what=what,
    )


# --- temporary volumes ---------------------------------------------------------------------------------------------------


def _temporary_name(name: str) -> str:
    """A name beside the volume's that no other capture has, at most as long as a file's may be."""
    suffix = f".capture-{uuid4().hex}"
    return name.encode()[: LONGEST_FILE - len(suffix)].decode(errors="ignore") + suffix


@contextmanager
def _temporary(link: Link, volume: StorageVol) -> Generator[StorageVol]:
    try:
        yield volume
    except BaseException as error:
        _tell(error, discarded(link, volume))
        raise
    link.call(volume.delete)


def _tell(error: BaseException, leftovers: tuple[str, ...]) -> None:
    if isinstance(error, DriverError):
        error.with_leftovers([*error.undone_failures, *leftovers])
        return
    for leftover in leftovers:
        error.add_note(f"could not undo: {leftover}")
