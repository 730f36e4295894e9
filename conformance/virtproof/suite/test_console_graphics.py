"""Displays of machines that run: a port each, closed with them, and a picture of what the guest shows.

What belongs here: cases about displays and screens that need a guest. What does not: the contract alone (`test_console`).
"""

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.guests.coming_up import await_up
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.spec import Graphics

SHOWN = SPAWNED | {Capability.GUESTS, Capability.GRAPHICS}


@case(
    "console.graphics.ports",
    Level.MUST,
    requirement="Displays whose port the host chooses have one each while their instance runs, and none before and after.",
    source="https://libvirt.org/formatdomain.html#graphical-framebuffers: autoport",
    since="1.0",
    needs=SHOWN | {Capability.START, Capability.STOP},
)
def test_ports(driver: ComputeDriver, small: Small) -> None:
    instances = [driver.spawn(small(graphics=(Graphics(),)), start=False) for _ in range(2)]
    before = [endpoint.port for instance in instances for endpoint in driver.graphics(instance.uuid)]
    for instance in instances:
        driver.start(instance.uuid)
    open_ports = [endpoint.port for instance in instances for endpoint in driver.graphics(instance.uuid)]
    driver.stop(instances[0].uuid, timeout=0)
    (closed,) = driver.graphics(instances[0].uuid)
    assert before == [-1, -1]
    assert len(set(open_ports)) == 2
    assert min(open_ports) > 0
    assert closed.port == -1


@case(
    "console.graphics.listens",
    Level.MUST,
    requirement="A display listens where the spec says, and graphics() says so.",
    source="https://libvirt.org/formatdomain.html#graphical-framebuffers: listen",
    since="1.0",
    needs=SHOWN,
)
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - in the lane's container
def test_address(driver: ComputeDriver, small: Small, address: str) -> None:
    instance = driver.spawn(small(graphics=(Graphics(listen=address),)))
    (endpoint,) = driver.graphics(instance.uuid)
    assert (endpoint.kind, endpoint.host) == ("vnc", address)


@case(
    "console.graphics.picture",
    Level.MUST,
    requirement="screenshot() of a machine that runs is a whole picture of its screen, in the format that it says.",
    source="virDomainScreenshot",
    since="1.0",
    needs=SHOWN | {Capability.SCREENSHOT},
)
def test_picture(driver: ComputeDriver, small: Small, world: World) -> None:
    written = bytearray()
    instance = driver.spawn(small(graphics=(Graphics(),)))
    await_up(domain_of(world, instance.uuid))
    shot = driver.screenshot(instance.uuid, written.extend)
    assert shot.size_bytes == len(written)
    if shot.mime_type == "image/png":
        assert written.startswith(b"\x89PNG")
        assert written.endswith(b"IEND\xaeB`\x82")
    else:
        assert shot.mime_type == "image/x-portable-pixmap"
        kind, width, height, most = bytes(written).split(maxsplit=4)[:4]
        assert (kind, most) == (b"P6", b"255")
        assert len(written) > 3 * int(width) * int(height) > 0
