"""Streams between the caller and a host: the bytes of volumes and pictures, in pieces.

What belongs here: opening, ending and giving up a stream, and moving bytes through one. What does not: which call a stream
belongs to (`transfers`, `images`, `console`). An exception of the caller's source or sink gives the stream up and goes on to the
caller.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import cast

from virtproof_driver.binding import Stream
from virtproof_driver.contract import Sink, Source
from virtproof_driver.errors import DriverError, HypervisorError, InvalidSpec
from virtproof_driver.link import Link

CHUNK_BYTES = 262120  # what one message of libvirt's protocol carries: 256 KiB less its header (11.3.0)


@contextmanager
def streaming(link: Link) -> Generator[Stream]:
    """A stream, finished at the end of the block, and given up when the block raises."""
    stream = link.call(link.connection().newStream)
    try:
        yield stream
    except BaseException:
        with suppress(DriverError):  # it was never begun, or the connection is gone
            link.call(stream.abort)
        raise
    link.call(stream.finish)


def drain(link: Link, stream: Stream, sink: Sink) -> int:
    """Give the sink all that comes, piece by piece; how many bytes it was."""
    size = 0
    while piece := link.call(stream.recv, CHUNK_BYTES):
        if isinstance(piece, int):
            raise HypervisorError(0, 0, f"a stream answered {piece} where bytes were due")
        sink(piece)
        size += len(piece)
    return size


def feed(link: Link, stream: Stream, source: Source, room: int | None) -> int:
    """Send what the source gives; how many bytes it was. Raises InvalidSpec before more than `room` bytes are sent."""
    size = 0
    for piece in pieces(source):
        data = memoryview(piece).cast("B")
        size += len(data)
        if room is not None and size > room:
            raise InvalidSpec("source", f"gives more than the {room} bytes that there is room for")
        for start in range(0, len(data), CHUNK_BYTES):
            _send(link, stream, bytes(data[start : start + CHUNK_BYTES]))
    return size


def pieces(source: Source) -> Iterator[bytes]:
    """What a source gives, whether it is bytes, an object with `read`, or an iterable of bytes."""
    if isinstance(source, bytes | bytearray | memoryview):
        return iter((bytes(source),))
    read = getattr(source, "read", None)
    if callable(read):
        return iter(cast("partial[bytes]", partial(read, CHUNK_BYTES)), b"")
    return iter(cast("Iterable[bytes]", source))


def _send(link: Link, stream: Stream, data: bytes) -> None:
    while data:
        sent = link.call(stream.send, data)
        if sent <= 0:
            raise HypervisorError(0, 0, f"a stream answered {sent} to {len(data)} bytes")
        data = data[sent:]
