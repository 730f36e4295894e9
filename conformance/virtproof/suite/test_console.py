"""Console: the guest's screen.

What belongs here: cases whose ids begin with `console`. What does not: opening a display.
"""

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, SPAWNED
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InstanceNotFound, InvalidState
from virtproof_driver.spec import Graphics
from virtproof_driver.values import Instance

SCREEN = SPAWNED | {Capability.SCREENSHOT, Capability.GRAPHICS}  # what has no display has no screen
DISPLAYS = SPAWNED | {Capability.GRAPHICS}
# How an image of each kind begins.
SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/x-portable-pixmap": b"P6", "image/jpeg": b"\xff\xd8\xff"}
CLOSED = -1


class NotTaken(Exception):
    """What a sink of a case raises."""


@pytest.fixture
def shown(driver: ComputeDriver, small: Small) -> Instance:
    """An instance that runs and has a display: QEMU takes no picture of one without (error 55, libvirt 11.3.0)."""
    return driver.spawn(small(graphics=(Graphics(),)))


@case(
    "console.screenshot.image",
    Level.MUST,
    requirement="screenshot() gives the sink an image, in pieces, and says of what kind and how many bytes it is.",
    source="virDomainScreenshot: returns the MIME type; the image comes through the stream",
    since="1.0",
    needs=SCREEN,
)
def test_image(driver: ComputeDriver, shown: Instance) -> None:
    pieces: list[bytes] = []
    told = driver.screenshot(shown.uuid, pieces.append)
    image = b"".join(pieces)
    assert told.size_bytes == len(image)
    assert all(pieces), "no piece is empty"
    assert image.startswith(SIGNATURES[told.mime_type])


@case(
    "console.screenshot.again",
    Level.MUST,
    requirement="Screenshots can be taken one after the other, of a paused instance too, and do not change its state.",
    source="virDomainScreenshot",
    since="1.0",
    needs=SCREEN | {Capability.PAUSE},
)
def test_again_and_paused(driver: ComputeDriver, shown: Instance, world: World) -> None:
    driver.pause(shown.uuid)
    for _ in range(3):
        image = bytearray()
        assert driver.screenshot(shown.uuid, image.extend).size_bytes == len(image) > 0
    state = world.state(shown.uuid)
    assert state is not None
    assert state[0] == DomainState.PAUSED


@case(
    "console.screenshot.off",
    Level.MUST,
    requirement="A screenshot of an instance that is off is InvalidState, and the sink gets nothing.",
    source="virDomainScreenshot of an inactive domain: 55; libvirt's test driver sends a picture even then (9.0.0)",
    since="1.0",
    needs=SCREEN,
)
def test_off(driver: ComputeDriver, off_instance: Instance) -> None:
    image = bytearray()
    with pytest.raises(InvalidState):
        driver.screenshot(off_instance.uuid, image.extend)
    assert len(image) == 0


@case(
    "console.screenshot.unknown",
    Level.MUST,
    requirement="A screenshot of an unknown UUID is InstanceNotFound, and the sink gets nothing.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs=SCREEN,
)
def test_unknown(driver: ComputeDriver) -> None:
    image = bytearray()
    with pytest.raises(InstanceNotFound) as refused:
        driver.screenshot(NO_SUCH, image.extend)
    assert (refused.value.key, len(image)) == (NO_SUCH, 0)


@case(
    "console.screenshot.sink",
    Level.MUST,
    requirement="What the sink raises ends the screenshot and reaches the caller; the next screenshot is whole.",
    source="virStreamAbort; driver contract: what the sink raises is raised",
    since="1.0",
    needs=SCREEN,
)
def test_a_sink_that_raises(driver: ComputeDriver, shown: Instance) -> None:
    error = NotTaken("no room for an image")

    def sink(_piece: bytes) -> None:
        raise error

    with pytest.raises(NotTaken) as raised:
        driver.screenshot(shown.uuid, sink)
    assert raised.value is error
    image = bytearray()
    assert driver.screenshot(shown.uuid, image.extend).size_bytes == len(image) > 0


@case(
    "console.graphics.endpoints",
    Level.MUST,
    requirement="graphics() lists each display with its kind, address and port; no port is open while the instance is off.",
    source="https://libvirt.org/formatdomain.html#graphical-framebuffers: autoport; -1 until the domain starts",
    since="1.0",
    needs=DISPLAYS,
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_endpoints(driver: ComputeDriver, small: Small, state: str) -> None:
    spec = small(graphics=(Graphics(kind="vnc", listen="127.0.0.1"),))
    driver.spawn(spec, start=state == "running")
    (endpoint,) = driver.graphics(spec.uuid)
    assert (endpoint.kind, endpoint.host) == ("vnc", "127.0.0.1")
    assert endpoint.port == CLOSED or (state == "running" and 0 < endpoint.port < 1 << 16)


@case(
    "console.graphics.none",
    Level.MUST,
    requirement="An instance without a display has no endpoints.",
    source="driver contract: graphics",
    since="1.0",
    needs=DISPLAYS,
)
def test_no_display(driver: ComputeDriver, small: Small) -> None:
    instance = driver.spawn(small(graphics=()))
    assert list(driver.graphics(instance.uuid)) == []


@case(
    "console.graphics.unknown",
    Level.MUST,
    requirement="Endpoints of an unknown UUID are InstanceNotFound, which names it.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs={Capability.GRAPHICS},
)
def test_endpoints_of_an_unknown(driver: ComputeDriver) -> None:
    with pytest.raises(InstanceNotFound) as refused:
        driver.graphics(NO_SUCH)
    assert refused.value.key == NO_SUCH
