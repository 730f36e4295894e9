"""What cases of several areas say in the same words.

What belongs here: names of common needs, looking at one instance past the driver, and waiting for a driver that reconnects. What
does not: fixtures (`virtproof.fixtures`), objects of other clients (`virtproof.foreign`), and any case.
"""

import time
from collections.abc import Callable
from threading import Event
from typing import Final
from uuid import UUID

from virtproof.recording.world import World
from virtproof_driver import Capability
from virtproof_driver.binding import Domain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import ConnectionLost, HostUnreachable
from virtproof_driver.values import Instance

SPAWNED: Final = frozenset({Capability.SPAWN, Capability.DESTROY, Capability.INVENTORY})
HEARD: Final = SPAWNED | {Capability.EVENTS_LIFECYCLE}
Said = Callable[[], str]
"""What the fixture `said` gives."""
LOST: Final = (ConnectionLost, HostUnreachable)
RECONNECT_SECONDS: Final = 15.0
NO_SUCH: Final = "00000000-0000-4000-8000-000000000000"
NO_SUCH_NAME: Final = "no-such"


def state_of(world: World, instance: Instance) -> int | None:
    """The host's state of an instance, by libvirt's number; None when it is gone."""
    found = world.state(instance.uuid)
    return found[0] if found else None


def domain_of(world: World, uuid: UUID) -> Domain:
    """The bare domain of an instance that must be there."""
    domain = world.domain(uuid)
    assert domain is not None, f"the host has no domain {uuid}"
    return domain


def await_host(driver: ComputeDriver, seconds: float = RECONNECT_SECONDS) -> None:
    """Ask the driver for its instances until it is connected again; its own error when it is not within so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            driver.instances()
        except LOST:
            if time.monotonic() > deadline:
                raise
            Event().wait(0.02)
        else:
            return
