"""What cases of guest agents that answer share: such an instance, and what its guest says that it did.

What belongs here: spawning one, and the lines on its console. What does not: any case. The guest `agent` writes a line for each
thing that it was asked for and did, so that a driver that asked nobody is found out.
"""

from base64 import b64encode
from typing import Final

from virtproof.guests.answering import await_agent
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import Instance

ASKED: Final = SPAWNED | {Capability.GUESTS, Capability.CONSOLE_STREAM}
FROZEN, THAWED = b"frozen 2\r\n", b"thawed 2\r\n"
HANG, LEAVE, STAY = "hang", "leave", "stay"
"""Users of the guest that are trouble: it never answers again, it closes the channel, it neither shuts down nor thaws."""


def spawn_answering(driver: ComputeDriver, world: World, spec: InstanceSpec) -> Instance:
    """An instance that runs, whose guest's agent is connected."""
    instance = driver.spawn(spec)
    await_agent(domain_of(world, instance.uuid))
    return instance


def password_line(password: str) -> bytes:
    """What the guest says when it was given this password."""
    return b"password root " + b64encode(password.encode()) + b"\r\n"
