"""The guest's screen.

What belongs here: screenshots and where displays listen. What does not: opening a display.
"""

from uuid import UUID

from virtproof_driver.contract import Sink
from virtproof_driver.link import Link
from virtproof_driver.markup.domain import graphics_endpoints
from virtproof_driver.operations.inventory import instance
from virtproof_driver.operations.streams import drain, streaming
from virtproof_driver.operations.transitions import ACTIVE, wrong_state
from virtproof_driver.values import GraphicsEndpoint, Screenshot

FIRST_SCREEN = 0


def screenshot(link: Link, uuid: UUID, sink: Sink) -> Screenshot:
    """Stream an image of the screen into the sink, piece by piece. What the sink raises ends the stream and goes to the caller.

    Raises InvalidState when the instance is not active; libvirt's test driver would send a picture even then (9.0.0).
    """
    found = instance(link, uuid)
    if found.state not in ACTIVE:
        raise wrong_state(found, "take a picture of", ACTIVE)
    with streaming(link) as stream:
        mime_type = link.call(link.domain(uuid).screenshot, stream, FIRST_SCREEN)
        size = drain(link, stream, sink)
    return Screenshot(mime_type=mime_type, size_bytes=size)


def graphics(link: Link, uuid: UUID) -> tuple[GraphicsEndpoint, ...]:
    """Where the instance's displays listen."""
    return graphics_endpoints(link.call(link.domain(uuid).XMLDesc))
