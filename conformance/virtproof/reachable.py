"""Instances whose host hears of what becomes of them, for cases about just that.

What belongs here: spawning and starting until the host hears. What does not: why it may not (`guests.reach`), and cases for
which an instance will do that the host has lost. What was spawned in vain is destroyed through the driver.
"""

from collections.abc import Callable
from uuid import UUID

from virtproof.errors import SuiteError
from virtproof.guests.reach import MOST_TRIES, hears
from virtproof.recording.world import World
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import Instance


def spawn_heard(driver: ComputeDriver, make: Callable[[], InstanceSpec], world: World) -> Instance:
    """An instance that runs, or has ended by itself, and the host will tell or has told of it.

    `make` gives a new spec at each call. Raises SuiteError when the host hears none of several.
    """
    for _ in range(MOST_TRIES):
        instance = driver.spawn(make())
        if hears(world.connection.lookupByUUIDString(str(instance.uuid))):
            return instance
        driver.destroy(instance.uuid)
    raise SuiteError(f"the host reached none of {MOST_TRIES} guests")


def spawn_up(driver: ComputeDriver, make: Callable[[], InstanceSpec], world: World) -> Instance:
    """The same, whose guest is up and can be asked."""
    instance = spawn_heard(driver, make, world)
    world.wait_up(instance.uuid)
    return instance


def start_heard(driver: ComputeDriver, uuid: UUID, world: World) -> Instance:
    """Start an instance that is off; again where the host does not hear of what it does then. Raises SuiteError likewise."""
    for _ in range(MOST_TRIES):
        instance = driver.start(uuid)
        if hears(world.connection.lookupByUUIDString(str(uuid))):
            return instance
        driver.stop(uuid, timeout=0)
    raise SuiteError(f"the host reached the guest of {uuid} in none of {MOST_TRIES} starts")
