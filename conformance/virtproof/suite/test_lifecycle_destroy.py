"""Lifecycle of an instance's end: destroy, whatever the instance's state, whoever meddles, and whatever the host answers.

What belongs here: cases whose ids begin with `lifecycle.destroy`. What does not: what else must be gone (`test_leftovers`).
"""

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.foreign import foreign_domain
from virtproof.guests.own_disk import with_own_disk
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, SPAWNED, domain_of, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState, ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DriverError, HypervisorError, InstanceNotFound, OperationTimeout
from virtproof_driver.spec import RescueImage, SnapshotSpec
from virtproof_driver.values import Instance

# Errors of virDomainDestroy that say it did not end, and what each is to the caller.
FAILURES: dict[str, tuple[ErrorCode, ErrorDomain, type[DriverError]]] = {
    "busy": (ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU, HypervisorError),
    "refuses-to-die": (ErrorCode.INTERNAL_ERROR, ErrorDomain.LXC, HypervisorError),
    "job": (ErrorCode.OPERATION_TIMEOUT, ErrorDomain.QEMU, OperationTimeout),
}


def assert_gone(driver: ComputeDriver, world: World, instance: Instance) -> None:
    """Neither the host nor the driver has it."""
    assert world.domain(instance.uuid) is None
    with pytest.raises(InstanceNotFound):
        driver.instance(instance.uuid)


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
    assert_gone(driver, world, instance)


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
    "lifecycle.destroy.saved",
    Level.MUST,
    requirement="destroy() of a suspended instance removes it together with its managed save.",
    source="virDomainUndefine answers 55 while there is a managed save; https://github.com/vagrant-libvirt/vagrant-libvirt/issues/1371",
    since="1.0",
    needs=SPAWNED | {Capability.SUSPEND},
)
def test_destroy_when_suspended(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.suspend(instance.uuid)
    driver.destroy(instance.uuid)
    assert_gone(driver, world, instance)


@case(
    "lifecycle.destroy.snapshots",
    Level.MUST,
    requirement="destroy() of an instance with snapshots, running or off, removes it together with them.",
    source="virDomainUndefine answers 55 while there are snapshots (libvirt 9.0.0)",
    since="1.0",
    needs=SPAWNED | {Capability.SNAPSHOT_INTERNAL, Capability.STORAGE_CLONE, Capability.STOP},
)
@pytest.mark.parametrize("before", ["running", "off"])
def test_destroy_with_snapshots(driver: ComputeDriver, small: Small, world: World, before: str) -> None:
    instance = driver.spawn(with_own_disk(small()))
    for name in ("first", "second"):
        driver.create_snapshot(instance.uuid, SnapshotSpec(name=name))
    if before == "off":
        driver.stop(instance.uuid, timeout=0)
    driver.destroy(instance.uuid)
    assert_gone(driver, world, instance)


@case(
    "lifecycle.destroy.rescued",
    Level.MUST,
    requirement="destroy() of a rescued instance removes it.",
    source="driver contract: destroy",
    since="1.0",
    needs=SPAWNED | {Capability.RESCUE},
)
def test_destroy_when_rescued(driver: ComputeDriver, instance: Instance, world: World, rescue_image: RescueImage) -> None:
    driver.rescue(instance.uuid, rescue_image)
    driver.destroy(instance.uuid)
    assert_gone(driver, world, instance)


@case(
    "lifecycle.destroy.transient",
    Level.MUST,
    requirement="destroy() of another client's transient domain ends it, and that it vanishes with its end is no error.",
    source="virDomainDestroy: a transient domain is gone when it stops; undefining it answers 42",
    since="1.0",
    needs=SPAWNED,
)
def test_destroy_a_transient_domain(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = small()
    with foreign_domain(world, spec, transient=True):
        driver.destroy(spec.uuid)
        assert world.domain(spec.uuid) is None


@case(
    "lifecycle.destroy.stopped-meanwhile",
    Level.MUST,
    requirement="An instance that another client stops just before it is forced off is destroyed all the same.",
    source="virDomainDestroy answers 55 for a domain that is off, on every driver measured (libvirt 9.0.0)",
    since="1.0",
    needs=SPAWNED,
)
def test_destroy_when_stopped_meanwhile(driver: ComputeDriver, instance: Instance, world: World, faults: Faults) -> None:
    faults.before("Domain.destroy", lambda: domain_of(world, instance.uuid).destroy())
    driver.destroy(instance.uuid)
    assert_gone(driver, world, instance)


@case(
    "lifecycle.destroy.vanished-meanwhile",
    Level.MUST,
    requirement="An instance that another client removes while it is being destroyed is destroyed.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN) in the midst of an operation is the state that was asked for",
    since="1.0",
    needs=SPAWNED,
)
@pytest.mark.parametrize("call", ["destroy", "undefine"])
def test_destroy_when_removed_meanwhile(
    driver: ComputeDriver, instance: Instance, world: World, faults: Faults, call: str
) -> None:
    domain = domain_of(world, instance.uuid)

    def remove() -> None:
        if domain.isActive():
            domain.destroy()
        domain.undefineFlags()

    faults.before(f"Domain.{call}", remove)
    driver.destroy(instance.uuid)
    assert_gone(driver, world, instance)


@case(
    "lifecycle.destroy.started-meanwhile",
    Level.MUST,
    requirement="An instance that another client starts between its end and its removal is destroyed in the end.",
    source="https://bugs.launchpad.net/nova/+bug/1111213 (an endless loop); undefining a running domain makes it transient",
    since="1.0",
    needs=SPAWNED,
)
def test_destroy_when_started_meanwhile(driver: ComputeDriver, instance: Instance, world: World, faults: Faults) -> None:
    faults.after("Domain.destroy", lambda: domain_of(world, instance.uuid).create())
    driver.destroy(instance.uuid)
    assert_gone(driver, world, instance)


@case(
    "lifecycle.destroy.error-raised",
    Level.MUST,
    requirement="An instance that the host cannot end is not reported destroyed: the error is raised, and it stays defined.",
    source="https://github.com/kubevirt/kubevirt/issues/881; https://bugs.launchpad.net/nova/+bug/1413705 (refuses to die)",
    since="1.0",
    needs=SPAWNED,
)
@pytest.mark.parametrize("failure", FAILURES)
def test_destroy_raises_the_hosts_error(
    driver: ComputeDriver, instance: Instance, world: World, faults: Faults, failure: str
) -> None:
    code, domain, kind = FAILURES[failure]
    faults.raise_on("Domain.destroy", code, domain)
    with pytest.raises(kind):
        driver.destroy(instance.uuid)
    assert state_of(world, instance) == DomainState.RUNNING
    assert domain_of(world, instance.uuid).isPersistent() == 1


@case(
    "lifecycle.destroy.undefine-fails",
    Level.MUST,
    requirement="When the definition cannot be removed that is raised, the instance is off, and destroy() can be asked again.",
    source="virDomainUndefineFlags; driver contract: destroy",
    since="1.0",
    needs=SPAWNED,
)
def test_destroy_again_after_a_failure(driver: ComputeDriver, instance: Instance, world: World, faults: Faults) -> None:
    faults.raise_on("Domain.undefine", ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU)
    with pytest.raises(HypervisorError):
        driver.destroy(instance.uuid)
    assert state_of(world, instance) == DomainState.SHUTOFF
    driver.destroy(instance.uuid)
    assert_gone(driver, world, instance)
