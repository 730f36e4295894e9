"""Bytes into a storage volume and out of it, past every driver.

What belongs here: whole volumes over libvirt's streams, on the bare binding. What does not: which volumes (`upload`, `roots`).
"""

from typing import Final

from virtproof_driver.binding import Connection, StorageVol

_PIECE: Final = 256 << 10  # bytes; libvirt's own tools send as much at once


def send(connection: Connection, volume: StorageVol, data: bytes) -> None:
    """Write bytes at a volume's beginning; they are there when this returns."""
    stream = connection.newStream()
    try:
        volume.upload(stream, 0, len(data))
        rest = memoryview(data)
        while rest:
            rest = rest[stream.send(bytes(rest[:_PIECE])) :]
    except BaseException:
        stream.abort()
        raise
    stream.finish()


def receive(connection: Connection, volume: StorageVol) -> bytes:
    """All bytes of a volume."""
    stream = connection.newStream()
    read = bytearray()
    try:
        volume.download(stream, 0, 0)
        while isinstance(piece := stream.recv(_PIECE), bytes) and piece:
            read += piece
    except BaseException:
        stream.abort()
        raise
    stream.finish()
    return bytes(read)
