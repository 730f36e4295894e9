"""What belongs to an instance beside its definition, when it moves: its volumes and its consoles' logs.

What belongs here: what a destination must have or is given, and what the source loses afterwards. What does not: the bytes, which
libvirt copies, and the move itself (`migrating`).

Theory of operation. What is not on the destination is made there before, and unmade when the migration fails. After it has ended
well, the source loses what the instance owns, but only what was made on the destination: whatever was there before may be the
same thing, on storage that both hosts reach. libvirt would make missing volumes of pools by itself, and leave them (11.3.0).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from virtproof_driver.actions import Action, CreateVolume, DeleteLog, DiscardVolume
from virtproof_driver.errors import DriverError, VolumeNotFound
from virtproof_driver.link import Link
from virtproof_driver.markup.console_logs import owned_logs
from virtproof_driver.markup.domain import owned_volumes, parse_domain
from virtproof_driver.markup.storage import volume_info
from virtproof_driver.migration import MigrationMode, MigrationStorage
from virtproof_driver.operations.console_logs import has_log
from virtproof_driver.operations.executing import perform
from virtproof_driver.operations.inventory import inactive_xml
from virtproof_driver.operations.settling import sought_volume
from virtproof_driver.operations.storage import lookup_pool
from virtproof_driver.operations.volumes import volume
from virtproof_driver.plans import Plan, arrival_plan
from virtproof_driver.spec import Disk, DiskDevice, FileSource, NewVolume


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What is done on the destination before a migration, and on the source after one that has ended well."""

    arrival: Plan
    departure: tuple[Action, ...]


def belongings(source: Link, destination: Link, uuid: UUID, mode: MigrationMode, storage: MigrationStorage) -> Belongings:
    """What is to be done for this instance. Raises VolumeNotFound for a volume that the destination must have and has not."""
    xml = inactive_xml(source, uuid)
    lacking = () if mode is MigrationMode.OFFLINE else tuple(_lacking(source, destination, uuid, storage))
    logs = tuple(log for log in owned_logs(xml) if not has_log(destination, log))
    owned = {(each.pool, each.volume) for each in owned_volumes(xml)}
    lost = (each.volume for each in lacking if (each.volume.pool, each.volume.volume) in owned)
    return Belongings(
        arrival=arrival_plan(lacking, logs),
        departure=(
            *(DiscardVolume(pool=each.pool, volume=each.volume) for each in lost),
            *(DeleteLog(log=log) for log in logs),
        ),
    )


def parted_with(source: Link, departure: tuple[Action, ...]) -> Iterator[str]:
    """Do on the source what is to be done once the instance has left; says what could not be."""
    for action in departure:
        try:
            perform(action, source)
        except DriverError as error:
            yield f"{action}: {error}"


def _lacking(source: Link, destination: Link, uuid: UUID, storage: MigrationStorage) -> Iterator[CreateVolume]:
    """The volumes that are to be made on the destination; one that both must reach, and that it has not, is an error."""
    for disk in parse_domain(source.call(source.domain(uuid).XMLDesc)).disks:
        place = _place(source, disk)
        if place is None or _has_volume(destination, *place):
            continue
        if storage is MigrationStorage.SHARED or disk.read_only or disk.device is not DiskDevice.DISK:
            raise VolumeNotFound(place[1], f"the destination's pool {place[0]!r} has none for disk {disk.target!r}")
        capacity = volume(source, *place).capacity_bytes
        made = NewVolume(pool=place[0], volume=place[1], capacity_bytes=capacity)
        yield CreateVolume(volume=made, format=disk.format, secret=disk.secret)


def _place(source: Link, disk: Disk) -> tuple[str, str] | None:
    """The pool and the volume that a disk is; None where it is a file that no pool of the source holds, or nothing."""
    if disk.source is None:
        return None
    if not isinstance(disk.source, FileSource):
        return disk.source.pool, disk.source.volume
    try:
        found = source.call(source.connection().storageVolLookupByPath, disk.source.path)
    except VolumeNotFound:
        return None
    pool = source.call(found.storagePoolLookupByVolume).name()
    return pool, volume_info(source.call(found.XMLDesc), pool).name


def _has_volume(destination: Link, pool: str, name: str) -> bool:
    """Whether it is there, of another host's making too."""
    try:
        sought_volume(destination, lookup_pool(destination, pool), name)
    except VolumeNotFound:
        return False
    return True
