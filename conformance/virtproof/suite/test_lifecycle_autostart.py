"""Lifecycle, autostart: whether the host starts the instance when it boots.

What belongs here: cases whose ids begin with `lifecycle.autostart`. What does not: a host that boots; no lane has one.
"""

from virtproof.cases import Level, case
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.values import Instance

AUTOSTARTED = SPAWNED | {Capability.AUTOSTART}


@case(
    "lifecycle.autostart.set",
    Level.MUST,
    requirement="An instance starts at the host's boot only while set_autostart() says so, which may be said again.",
    source="virDomainSetAutostart; virDomainGetAutostart",
    since="1.0",
    needs=AUTOSTARTED,
)
def test_autostart(driver: ComputeDriver, instance: Instance, world: World) -> None:
    domain = domain_of(world, instance.uuid)
    assert (driver.autostart(instance.uuid), domain.autostart()) == (False, 0)
    for enabled in (True, True, False, False):
        driver.set_autostart(instance.uuid, enabled=enabled)
        assert (driver.autostart(instance.uuid), domain.autostart()) == (enabled, int(enabled))
    assert state_of(world, instance) == DomainState.RUNNING
