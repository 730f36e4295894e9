"""The guest's screen.

What belongs here: screenshots and where displays listen. What does not: opening a display.
"""

from uuid import UUID

from virtproof_driver.binding import Stream
from virtproof_driver.contract import Sink
from virtproof_driver.errors import HypervisorError
from virtproof_driver.link import Link
from virtproof_driver.markup.domain import graphics_endpoints
from virtproof_driver.operations.inventory import instance
from virtproof_driver.operations.transitions import ACTIVE, wrong_state
from virtproof_driver.values import GraphicsEndpoint, Screenshot

FIRST_SCREEN = 0
CHUNK_BYTES = 256 * 1024  # libvirt's own limit for a piece of a stream is 4 MiB


def screenshot(link: Link, uuid: UUID, sink: Sink) -> Screenshot:
    """Stream an image of the screen into the sink, piece by piece. What the sink raises ends the stream and goes to the caller.

    Raises InvalidState when the instance is not active; libvirt's test driver would send a picture even then (9.0.0).
    """
    found = instance(link, uuid)
    if found.state not in ACTIVE:
        raise wrong_state(found, "take a picture of", ACTIVE)
    stream = link.call(link.connection().newStream)
    mime_type = link.call(link.domain(uuid).screenshot, stream, FIRST_SCREEN)
    try:
        size = _drain(link, stream, sink)
    except BaseException:
        link.call(stream.abort)
        raise
    link.call(stream.finish)
    return Screenshot(mime_type=mime_type, size_bytes=size)


def graphics(link: Link, uuid: UUID) -> tuple[GraphicsEndpoint, ...]:
    """Where the instance's displays listen."""
    return graphics_endpoints(link.call(link.domain(uuid).XMLDesc))


def _drain(link: Link, stream: Stream, sink: Sink) -> int:
    size = 0
    while piece := link.call(stream.recv, CHUNK_BYTES):
        if isinstance(piece, int):
            raise HypervisorError(0, 0, f"the stream of the screenshot answered {piece}")
        sink(piece)
        size += len(piece)
    return size
