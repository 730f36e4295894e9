"""What guests wrote to their consoles, as the host logged it.

What belongs here: making a log, reading it, removing it. What does not: consoles as streams (`talking`).

A log is a file right in the target folder of an active storage pool, so that it is read through the connection, from wherever the
driver runs: spawn makes it as an empty volume, the hypervisor appends to it, and destroy deletes it. libvirt's virtlogd keeps at
most 2 MiB of it and moves what is older to files beside it (`<log>.0`…), which destroy deletes too.
"""

import re
from collections.abc import Iterable, Iterator
from uuid import UUID

from virtproof_driver import checks
from virtproof_driver.actions import DeleteLog, MakeLog
from virtproof_driver.binding import StorageVol
from virtproof_driver.errors import DeviceNotFound, DriverError, InvalidSpec, NotFound, StoragePoolNotFound, VolumeNotFound
from virtproof_driver.link import Link
from virtproof_driver.markup.console_logs import console_log, place_of
from virtproof_driver.operations.executing import perform
from virtproof_driver.operations.settling import refreshed, sought_volume
from virtproof_driver.operations.streams import drain, streaming
from virtproof_driver.operations.volumes import create_volume
from virtproof_driver.spec import VolumeSpec

_ROLLED = re.compile(r"\.\d+")


def console_output(link: Link, uuid: UUID, *, tail: int | None) -> bytes:
    """What the guest wrote to its first console, or the last `tail` bytes of it.

    Raises DeviceNotFound where no console of the instance is logged, StoragePoolNotFound when the log's pool is gone or off.
    """
    if tail is not None:
        checks.within("tail", tail, 1, checks.GREATEST_SIZE)
    log = console_log(link.call(link.domain(uuid).XMLDesc))
    if log is None:
        raise DeviceNotFound("console log", f"no console of instance {uuid} is logged; spawn it with Console(log=…)")
    folder, name = place_of(log)
    pool = link.call(link.connection().storagePoolLookupByTargetPath, folder)
    return _contents(link, sought_volume(link, pool, name), tail)


def delete_logs(link: Link, logs: Iterable[str]) -> Iterator[tuple[str, DriverError]]:
    """Delete logs; those that could not be, each with the reason."""
    for log in logs:
        try:
            delete_log(link, log)
        except DriverError as error:
            yield log, error


def delete_log(link: Link, log: str) -> None:
    """Delete a log and what libvirt moved out of it; one that is gone, with its pool or without, is deleted."""
    folder, name = place_of(log)
    try:
        pool = link.call(link.connection().storagePoolLookupByTargetPath, folder)
    except StoragePoolNotFound:
        return
    refreshed(link, pool)
    for volume in link.call(pool.listAllVolumes):
        if volume.name() == name or (volume.name().startswith(name) and _ROLLED.fullmatch(volume.name()[len(name) :])):
            _delete(link, volume)


def has_log(link: Link, log: str) -> bool:
    """Whether a log is there. One whose folder is no pool's is not."""
    folder, name = place_of(log)
    try:
        sought_volume(link, link.call(link.connection().storagePoolLookupByTargetPath, folder), name)
    except (StoragePoolNotFound, VolumeNotFound):
        return False
    return True


def _contents(link: Link, volume: StorageVol, tail: int | None) -> bytes:
    _, size, _ = link.call(volume.info)  # of a raw file, this looks at the file now (11.3.0)
    received = bytearray()
    with streaming(link) as stream:
        link.call(volume.download, stream, 0 if tail is None else max(size - tail, 0), 0)
        drain(link, stream, received.extend)
    return bytes(received if tail is None else received[-tail:])  # the guest may have written on meanwhile


def _delete(link: Link, volume: StorageVol) -> None:
    try:
        link.call(volume.delete)
    except NotFound:
        return


@perform.register
def _make(action: MakeLog, link: Link) -> None:
    folder, name = place_of(action.log)
    try:
        pool = link.call(link.connection().storagePoolLookupByTargetPath, folder)
    except StoragePoolNotFound as missing:
        problem = f"{folder!r} is the target of no active storage pool; make a pool there first"
        raise InvalidSpec("consoles.log", problem) from missing
    create_volume(link, pool.name(), VolumeSpec(name=name, capacity_bytes=0))


@perform.register
def _remove(action: DeleteLog, link: Link) -> None:
    delete_log(link, action.log)
