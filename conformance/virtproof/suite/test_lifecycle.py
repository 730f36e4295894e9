"""Lifecycle: spawn, destroy, start, stop, pause, suspend, and what each promises when it is asked twice.

What belongs here: cases whose ids begin with `lifecycle`. What does not: which events listeners get (`test_events`), and what
is left when an operation fails (`test_leftovers`).
"""

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InstanceNotFound
from virtproof_driver.values import Instance, PowerState, StopOutcome

SPAWNED = frozenset({Capability.SPAWN, Capability.DESTROY, Capability.INVENTORY})
NO_SUCH = "00000000-0000-4000-8000-000000000000"


def state_of(world: World, instance: Instance) -> int | None:
    """The host's state of an instance, by libvirt's number; None when it is gone."""
    found = world.state(instance.uuid)
    return found[0] if found else None


@case(
    "lifecycle.spawn.running",
    Level.MUST,
    requirement="spawn() returns an instance that runs, and the host says the same.",
    source="virDomainCreate: launches a defined domain",
    since="1.0",
    needs=SPAWNED,
)
def test_spawn_runs(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = small()
    instance = driver.spawn(spec)
    assert (instance.uuid, instance.name, instance.state) == (spec.uuid, spec.name, PowerState.RUNNING)
    assert state_of(world, instance) == DomainState.RUNNING
    assert driver.instance(spec.uuid) == instance


@case(
    "lifecycle.spawn.off",
    Level.MUST,
    requirement="spawn(start=False) defines the instance and leaves it off.",
    source="virDomainDefineXML: defines a domain, but does not start it",
    since="1.0",
    needs=SPAWNED,
)
def test_spawn_off(off_instance: Instance, world: World) -> None:
    assert off_instance.state is PowerState.OFF
    assert state_of(world, off_instance) == DomainState.SHUTOFF


@case(
    "lifecycle.destroy.removes",
    Level.MUST,
    requirement="destroy() leaves no domain, whatever state the instance was in.",
    source="virDomainDestroy; virDomainUndefineFlags",
    since="1.0",
    needs=SPAWNED | {Capability.PAUSE},
)
@pytest.mark.parametrize("before", ["running", "paused", "off"])
def test_destroy_removes(driver: ComputeDriver, small: Small, world: World, before: str) -> None:
    instance = driver.spawn(small(), start=before != "off")
    if before == "paused":
        driver.pause(instance.uuid)
    driver.destroy(instance.uuid)
    assert world.domain(instance.uuid) is None
    with pytest.raises(InstanceNotFound):
        driver.instance(instance.uuid)


@case(
    "lifecycle.destroy.idempotent",
    Level.MUST,
    requirement="Destroying an instance that is gone succeeds and changes nothing.",
    source="https://github.com/openshift/installer/issues/656 (an endless loop on error 55)",
    since="1.0",
    needs=SPAWNED,
)
def test_destroy_twice(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.destroy(instance.uuid)
    driver.destroy(instance.uuid)
    assert world.domain(instance.uuid) is None


@case(
    "lifecycle.destroy.unknown",
    Level.MUST,
    requirement="Destroying an instance that never was succeeds and touches no other.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN) is the state that was asked for",
    since="1.0",
    needs=SPAWNED,
)
def test_destroy_unknown(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.destroy(NO_SUCH)
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "lifecycle.start.idempotent",
    Level.MUST,
    requirement="start() starts an instance that is off; on a running one it changes nothing.",
    source="virDomainCreate answers 55, or 1 on the test driver, for a running domain (libvirt 9.0.0)",
    since="1.0",
    needs=SPAWNED | {Capability.START},
)
def test_start_twice(driver: ComputeDriver, off_instance: Instance, world: World) -> None:
    assert driver.start(off_instance.uuid).state is PowerState.RUNNING
    assert driver.start(off_instance.uuid).state is PowerState.RUNNING
    assert state_of(world, off_instance) == DomainState.RUNNING


@case(
    "lifecycle.pause.idempotent",
    Level.MUST,
    requirement="pause() and unpause() reach their state, and change nothing when asked a second time.",
    source="a second virDomainSuspend is accepted by QEMU and answers 1 on the test driver (libvirt 9.0.0)",
    since="1.0",
    needs=SPAWNED | {Capability.PAUSE},
)
def test_pause_and_unpause_twice(driver: ComputeDriver, instance: Instance, world: World) -> None:
    assert [driver.pause(instance.uuid).state for _ in range(2)] == [PowerState.PAUSED] * 2
    assert state_of(world, instance) == DomainState.PAUSED
    assert [driver.unpause(instance.uuid).state for _ in range(2)] == [PowerState.RUNNING] * 2
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "lifecycle.stop.forced",
    Level.MUST,
    requirement="stop() forces an instance off whose guest does not obey, and says that it was forced.",
    source="virDomainShutdown: the guest may ignore the request",
    since="1.0",
    needs=SPAWNED | {Capability.STOP, Capability.STOP_GRACEFUL},
)
def test_stop_forces_a_deaf_guest(driver: ComputeDriver, instance: Instance, world: World, faults: Faults) -> None:
    faults.swallow("shutdown")
    assert driver.stop(instance.uuid, timeout=0.2) is StopOutcome.FORCED
    assert state_of(world, instance) == DomainState.SHUTOFF


@case(
    "lifecycle.stop.off",
    Level.MUST,
    requirement="stop() of an instance that is off says so and changes nothing.",
    source="virDomainShutdown answers 55, or 1 on the test driver, for a domain that is off (libvirt 9.0.0)",
    since="1.0",
    needs=SPAWNED | {Capability.STOP},
)
def test_stop_when_off(driver: ComputeDriver, off_instance: Instance, world: World) -> None:
    assert driver.stop(off_instance.uuid, timeout=5) is StopOutcome.ALREADY_OFF
    assert state_of(world, off_instance) == DomainState.SHUTOFF


@case(
    "lifecycle.suspend.resume",
    Level.MUST,
    requirement="suspend() leaves the instance off with a managed save, which resume() restores and removes.",
    source="virDomainManagedSave",
    since="1.0",
    needs=SPAWNED | {Capability.SUSPEND},
)
def test_suspend_and_resume(driver: ComputeDriver, instance: Instance, world: World) -> None:
    assert driver.suspend(instance.uuid).state is PowerState.OFF
    domain = world.domain(instance.uuid)
    assert domain is not None
    assert domain.hasManagedSaveImage() == 1
    assert driver.resume(instance.uuid).state is PowerState.RUNNING
    assert domain.hasManagedSaveImage() == 0
