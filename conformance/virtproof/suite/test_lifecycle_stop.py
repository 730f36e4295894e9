"""Lifecycle of a stop: guests that obey, slowly or never, hosts that refuse, and how the outcome is told.

What belongs here: cases whose ids begin with `lifecycle.stop`. What does not: ending an instance for good (`lifecycle.destroy`).
Guests are made deaf or slow at the seam of the driver: the shutdown is swallowed, or comes later.
"""

import time

import pytest

from virtproof.cases import Level, case
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState, ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import OperationTimeout
from virtproof_driver.values import Instance, StopOutcome

STOPPED = SPAWNED | {Capability.STOP}
GRACEFUL = STOPPED | {Capability.STOP_GRACEFUL}
AFTER_THE_TIMEOUT = 5.0
PATIENT = 10.0


@case(
    "lifecycle.stop.graceful",
    Level.MUST,
    requirement="stop() of a guest that obeys ends gracefully, says so, and leaves the instance defined and off.",
    source="virDomainShutdown",
    since="1.0",
    needs=GRACEFUL,
)
def test_stop_of_an_obedient_guest(driver: ComputeDriver, up_instance: Instance, world: World) -> None:
    assert driver.stop(up_instance.uuid, timeout=PATIENT) is StopOutcome.GRACEFUL
    assert state_of(world, up_instance) == DomainState.SHUTOFF


@case(
    "lifecycle.stop.slow-guest",
    Level.MUST,
    requirement="stop() waits for a guest that takes its time, by the host's event, and says that it obeyed.",
    source="virDomainShutdown: it returns at once, and when the guest shuts down is the guest's matter",
    since="1.0",
    needs=GRACEFUL,
)
def test_stop_waits_for_a_slow_guest(driver: ComputeDriver, up_instance: Instance, world: World, faults: Faults) -> None:
    faults.defer("Domain.shutdown", 0.5)
    assert driver.stop(up_instance.uuid, timeout=PATIENT) is StopOutcome.GRACEFUL
    assert state_of(world, up_instance) == DomainState.SHUTOFF


@case(
    "lifecycle.stop.forced",
    Level.MUST,
    requirement="stop() forces an instance off whose guest does not obey, and says that it was forced.",
    source="virDomainShutdown: the guest may ignore the request",
    since="1.0",
    needs=GRACEFUL,
)
def test_stop_forces_a_deaf_guest(driver: ComputeDriver, instance: Instance, world: World, faults: Faults) -> None:
    faults.swallow("Domain.shutdown")
    assert driver.stop(instance.uuid, timeout=0.2) is StopOutcome.FORCED
    assert state_of(world, instance) == DomainState.SHUTOFF


@case(
    "lifecycle.stop.deadline",
    Level.MUST,
    requirement="A deaf guest gets the caller's timeout, and the force follows within five seconds of its end.",
    source="driver contract: stop leaves the instance off within the timeout and the force that follows it",
    since="1.0",
    needs=GRACEFUL,
)
def test_stop_keeps_its_deadline(driver: ComputeDriver, instance: Instance, world: World, faults: Faults) -> None:
    faults.swallow("Domain.shutdown")
    began = time.monotonic()
    assert driver.stop(instance.uuid, timeout=0.3) is StopOutcome.FORCED
    assert 0.3 <= time.monotonic() - began <= 0.3 + AFTER_THE_TIMEOUT
    assert state_of(world, instance) == DomainState.SHUTOFF


@case(
    "lifecycle.stop.not-forced",
    Level.MUST,
    requirement="With force=False a deaf guest is OperationTimeout at the timeout, and it runs on.",
    source="driver contract: stop",
    since="1.0",
    needs=GRACEFUL,
)
def test_stop_without_force(driver: ComputeDriver, instance: Instance, world: World, faults: Faults) -> None:
    faults.swallow("Domain.shutdown")
    with pytest.raises(OperationTimeout) as late:
        driver.stop(instance.uuid, timeout=0.2, force=False)
    assert late.value.awaited
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "lifecycle.stop.shutdown-fails",
    Level.MUST,
    requirement="A host that refuses to ask the guest does not keep stop() from forcing it off.",
    source="nova commit f831618b25; without an answering guest agent QEMU's driver gives 74 or 86 (libvirt 9.0.0)",
    since="1.0",
    needs=GRACEFUL,
)
@pytest.mark.parametrize(
    "code",
    [
        pytest.param(ErrorCode.INTERNAL_ERROR, id="internal"),
        pytest.param(ErrorCode.NO_SUPPORT, id="no-support"),
        pytest.param(ErrorCode.ARGUMENT_UNSUPPORTED, id="no-agent"),
        pytest.param(ErrorCode.AGENT_UNRESPONSIVE, id="agent-silent"),
        pytest.param(ErrorCode.OPERATION_TIMEOUT, id="job"),
        pytest.param(ErrorCode.RESOURCE_BUSY, id="busy"),
    ],
)
def test_stop_forces_when_the_guest_cannot_be_asked(
    driver: ComputeDriver, instance: Instance, world: World, faults: Faults, code: ErrorCode
) -> None:
    faults.raise_on("Domain.shutdown", code, ErrorDomain.QEMU)
    assert driver.stop(instance.uuid, timeout=PATIENT) is StopOutcome.FORCED
    assert state_of(world, instance) == DomainState.SHUTOFF


@case(
    "lifecycle.stop.off",
    Level.MUST,
    requirement="stop() of an instance that is off says so and changes nothing.",
    source="virDomainShutdown answers 55, or 1 on the test driver, for a domain that is off (libvirt 9.0.0)",
    since="1.0",
    needs=STOPPED,
)
def test_stop_when_off(driver: ComputeDriver, off_instance: Instance, world: World) -> None:
    assert driver.stop(off_instance.uuid, timeout=5) is StopOutcome.ALREADY_OFF
    assert state_of(world, off_instance) == DomainState.SHUTOFF


@case(
    "lifecycle.stop.twice",
    Level.MUST,
    requirement="A second stop() finds the instance off.",
    source="driver contract: stop says how it ended",
    since="1.0",
    needs=STOPPED,
)
def test_stop_twice(driver: ComputeDriver, instance: Instance) -> None:
    assert driver.stop(instance.uuid, timeout=0) is StopOutcome.FORCED
    assert driver.stop(instance.uuid, timeout=0) is StopOutcome.ALREADY_OFF


@case(
    "lifecycle.stop.paused",
    Level.MUST,
    requirement="stop() of a paused instance, whose guest hears nothing, leaves it off.",
    source="virDomainShutdown: a guest that is paused sees no request; the test driver ends it (libvirt 9.0.0)",
    since="1.0",
    needs=STOPPED | {Capability.PAUSE},
)
def test_stop_when_paused(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.pause(instance.uuid)
    assert driver.stop(instance.uuid, timeout=0.5) is not StopOutcome.ALREADY_OFF
    assert state_of(world, instance) == DomainState.SHUTOFF


@case(
    "lifecycle.stop.ends-before-force",
    Level.MUST,
    requirement="A guest that ends just before it is forced off is no error: the instance is off.",
    source="virDomainDestroy answers 55 for a domain that is off, on every driver measured (libvirt 9.0.0)",
    since="1.0",
    needs=GRACEFUL,
)
def test_stop_when_the_guest_ends_before_the_force(
    driver: ComputeDriver, instance: Instance, world: World, faults: Faults
) -> None:
    faults.swallow("Domain.shutdown")
    faults.before("Domain.destroy", lambda: domain_of(world, instance.uuid).destroy())
    assert driver.stop(instance.uuid, timeout=0.2) in (StopOutcome.GRACEFUL, StopOutcome.FORCED)
    assert state_of(world, instance) == DomainState.SHUTOFF
