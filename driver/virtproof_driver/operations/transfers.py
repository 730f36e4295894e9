"""Bytes into storage volumes and out of them.

What belongs here: upload and download, and what is refused before a byte moves. What does not: streams (`streams`), images of
instances (`images`).

Theory of operation. libvirt moves the bytes of the volume's file: those of a qcow2 volume are a qcow2 image. It lets an upload
run over a raw volume's end, and the volume grows. When a write fails, beyond the length that virStorageVolUpload was given or on
a full file system, libvirtd 11.3.0 ends or hangs with all its clients (measured). So libvirt is told no length, and what cannot
fit is refused here: before the first byte where the length is known, else before the piece that would not fit.
"""

from virtproof_driver.binding import StorageVol
from virtproof_driver.checks import GREATEST_SIZE, within
from virtproof_driver.contract import Sink, Source
from virtproof_driver.errors import InvalidSpec, InvalidState
from virtproof_driver.link import Link
from virtproof_driver.markup.storage import physical_bytes, volume_info
from virtproof_driver.operations.storage import lookup_pool
from virtproof_driver.operations.streams import drain, feed, streaming
from virtproof_driver.operations.volumes import lookup_volume
from virtproof_driver.spec import DiskFormat


def upload_volume(link: Link, place: tuple[str, str], source: Source, *, offset_bytes: int, length_bytes: int | None) -> int:
    """Write what the source gives into the volume of the pool that `place` names, and return how many bytes it was."""
    _check_range(offset_bytes, length_bytes)
    length = len(source) if length_bytes is None and isinstance(source, bytes | bytearray) else length_bytes
    volume = lookup_volume(link, *place)
    room = _room(link, volume, offset_bytes, length)
    _check_pool(link, place[0], volume, length)
    with streaming(link) as stream:
        link.call(volume.upload, stream, offset_bytes, 0)
        size = feed(link, stream, source, room if length is None else length)
        if length is not None and size < length:
            raise InvalidSpec("source", f"ended after {size} of {length} bytes")
    return size


def download_volume(link: Link, place: tuple[str, str], sink: Sink, *, offset_bytes: int, length_bytes: int | None) -> int:
    """Give the sink the bytes of the volume of the pool that `place` names, and return how many it was."""
    _check_range(offset_bytes, length_bytes)
    volume = lookup_volume(link, *place)
    if length_bytes == 0:  # to libvirt it means all
        return 0
    return download(link, volume, sink, offset_bytes=offset_bytes, length_bytes=length_bytes or 0)


def download(link: Link, volume: StorageVol, sink: Sink, *, offset_bytes: int = 0, length_bytes: int = 0) -> int:
    """Give the sink a volume's bytes; a length of 0 is all."""
    with streaming(link) as stream:
        link.call(volume.download, stream, offset_bytes, length_bytes)
        return drain(link, stream, sink)


def _check_range(offset_bytes: int, length_bytes: int | None) -> None:
    within("offset_bytes", offset_bytes, 0, GREATEST_SIZE)
    if length_bytes is not None:
        within("length_bytes", length_bytes, 0, GREATEST_SIZE - offset_bytes)


def _room(link: Link, volume: StorageVol, offset: int, length: int | None) -> int | None:
    """How many bytes there are from `offset` to the end of a raw volume; None for a format whose file grows as it is written."""
    xml = link.call(volume.XMLDesc)
    if volume_info(xml, "").format != DiskFormat.RAW:
        return None
    end = physical_bytes(xml)
    if offset > end:
        raise InvalidSpec("offset_bytes", f"{offset} is beyond the volume's {end} bytes")
    if length is not None and offset + length > end:
        raise InvalidSpec("length_bytes", f"{length} bytes from {offset} on are more than the volume's {end}; resize it first")
    return end - offset


def _check_pool(link: Link, pool: str, volume: StorageVol, length: int | None) -> None:
    """Refuse what the pool has no room for even if all that the volume has of it is written over."""
    if length is None:
        return
    _, _, allocation = link.call(volume.info)
    _, _, _, available = link.call(lookup_pool(link, pool).info)
    if length - allocation > available:
        raise InvalidState(f"pool {pool!r} has {available} bytes left, and an upload of {length} needs more")
