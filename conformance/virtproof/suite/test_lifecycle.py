"""Lifecycle: start, pause, suspend and reboot, and what each promises when it is asked twice or in the wrong state.

What belongs here: cases whose ids begin with `lifecycle`; those of spawn, destroy, stop, and of changes to the definition are in
the modules beside this one. What does not: which events listeners get (`test_events`), and what is left when an operation fails
(`test_leftovers`).
"""

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.foreign import foreign_domain
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainEvent, DomainEventId, DomainState, ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import HypervisorError, InvalidState
from virtproof_driver.values import Instance, PowerState

STARTED = SPAWNED | {Capability.START}
PAUSED = SPAWNED | {Capability.PAUSE}
SUSPENDED = SPAWNED | {Capability.SUSPEND}
REBOOTED = SPAWNED | {Capability.REBOOT}
REBOOTED_HARD = SPAWNED | {Capability.REBOOT_HARD}


def has_save(world: World, instance: Instance) -> bool:
    """Whether the host keeps a managed save."""
    return domain_of(world, instance.uuid).hasManagedSaveImage() == 1


# --- start ------------------------------------------------------------------------------------------------------------


@case(
    "lifecycle.start.idempotent",
    Level.MUST,
    requirement="start() starts an instance that is off; on a running one it changes nothing.",
    source="virDomainCreate answers 55, or 1 on the test driver, for a running domain (libvirt 9.0.0)",
    since="1.0",
    needs=STARTED,
)
def test_start_twice(driver: ComputeDriver, off_instance: Instance, world: World) -> None:
    assert driver.start(off_instance.uuid).state is PowerState.RUNNING
    number = domain_of(world, off_instance.uuid).ID()
    assert driver.start(off_instance.uuid).state is PowerState.RUNNING
    assert state_of(world, off_instance) == DomainState.RUNNING
    assert domain_of(world, off_instance.uuid).ID() == number, "the domain id counts runs; there was a second one"


@case(
    "lifecycle.start.after-failure",
    Level.MUST,
    requirement="A start that the hypervisor fails is its error and leaves the instance off, from where it can be started again.",
    source="virDomainCreate; a start that fails emits nothing and leaves the reason 'failed' on QEMU (libvirt 9.0.0)",
    since="1.0",
    needs=STARTED,
)
def test_start_after_a_failure(driver: ComputeDriver, off_instance: Instance, world: World, faults: Faults) -> None:
    faults.raise_on("Domain.create", ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU)
    with pytest.raises(HypervisorError):
        driver.start(off_instance.uuid)
    assert state_of(world, off_instance) == DomainState.SHUTOFF
    assert driver.start(off_instance.uuid).state is PowerState.RUNNING
    assert state_of(world, off_instance) == DomainState.RUNNING


@case(
    "lifecycle.start.paused",
    Level.SHOULD,
    requirement="start() of a paused instance is InvalidState and leaves it paused.",
    source="virDomainCreate starts domains that are inactive; a paused one is active",
    since="1.0",
    needs=STARTED | PAUSED,
)
def test_start_when_paused(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.pause(instance.uuid)
    with pytest.raises(InvalidState):
        driver.start(instance.uuid)
    assert state_of(world, instance) == DomainState.PAUSED


@case(
    "lifecycle.start.saved",
    Level.SHOULD,
    requirement="start() of a suspended instance lets it run again, and the managed save is used up.",
    source="virDomainCreate: a managed save image is restored and removed",
    since="1.0",
    needs=STARTED | SUSPENDED,
)
def test_start_when_suspended(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.suspend(instance.uuid)
    assert driver.start(instance.uuid).state is PowerState.RUNNING
    assert state_of(world, instance) == DomainState.RUNNING
    assert not has_save(world, instance)


# --- pause ------------------------------------------------------------------------------------------------------------


@case(
    "lifecycle.pause.idempotent",
    Level.MUST,
    requirement="pause() and unpause() reach their state, and change nothing when asked a second time.",
    source="a second virDomainSuspend is accepted by QEMU and answers 1 on the test driver (libvirt 9.0.0)",
    since="1.0",
    needs=PAUSED,
)
def test_pause_and_unpause_twice(driver: ComputeDriver, instance: Instance, world: World) -> None:
    assert [driver.pause(instance.uuid).state for _ in range(2)] == [PowerState.PAUSED] * 2
    assert state_of(world, instance) == DomainState.PAUSED
    assert [driver.unpause(instance.uuid).state for _ in range(2)] == [PowerState.RUNNING] * 2
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "lifecycle.pause.active",
    Level.MUST,
    requirement="A paused instance is the same run of the same domain: active, with its domain id.",
    source="virDomainSuspend: the process is frozen, and no resource but the processors is given up",
    since="1.0",
    needs=PAUSED,
)
def test_paused_is_active(driver: ComputeDriver, instance: Instance, world: World) -> None:
    number = domain_of(world, instance.uuid).ID()
    assert driver.pause(instance.uuid).state.active
    paused = domain_of(world, instance.uuid)
    assert (paused.isActive(), paused.ID()) == (1, number)
    driver.unpause(instance.uuid)
    assert domain_of(world, instance.uuid).ID() == number


@case(
    "lifecycle.pause.off",
    Level.MUST,
    requirement="pause() and unpause() of an instance that is off are InvalidState, and it stays off.",
    source="virDomainSuspend and virDomainResume answer 55, or 1 on the test driver, for a domain that is off (libvirt 9.0.0)",
    since="1.0",
    needs=PAUSED,
)
@pytest.mark.parametrize("method", ["pause", "unpause"])
def test_pause_when_off(driver: ComputeDriver, off_instance: Instance, world: World, method: str) -> None:
    act = {"pause": driver.pause, "unpause": driver.unpause}[method]
    with pytest.raises(InvalidState):
        act(off_instance.uuid)
    assert state_of(world, off_instance) == DomainState.SHUTOFF


# --- suspend ----------------------------------------------------------------------------------------------------------


@case(
    "lifecycle.suspend.resume",
    Level.MUST,
    requirement="suspend() leaves the instance off with a managed save, which resume() restores and removes.",
    source="virDomainManagedSave",
    since="1.0",
    needs=SUSPENDED,
)
def test_suspend_and_resume(driver: ComputeDriver, instance: Instance, world: World) -> None:
    assert driver.suspend(instance.uuid).state is PowerState.OFF
    assert state_of(world, instance) == DomainState.SHUTOFF
    assert has_save(world, instance)
    assert driver.resume(instance.uuid).state is PowerState.RUNNING
    assert state_of(world, instance) == DomainState.RUNNING
    assert not has_save(world, instance)


@case(
    "lifecycle.suspend.idempotent",
    Level.MUST,
    requirement="suspend() of a suspended instance keeps the managed save, and resume() of a running one keeps the run.",
    source="driver contract: suspend and resume are idempotent; virDomainManagedSave answers 55 for a domain that is off",
    since="1.0",
    needs=SUSPENDED,
)
def test_suspend_and_resume_twice(driver: ComputeDriver, instance: Instance, world: World) -> None:
    assert [driver.suspend(instance.uuid).state for _ in range(2)] == [PowerState.OFF] * 2
    assert has_save(world, instance)
    assert driver.resume(instance.uuid).state is PowerState.RUNNING
    number = domain_of(world, instance.uuid).ID()
    assert driver.resume(instance.uuid).state is PowerState.RUNNING
    assert domain_of(world, instance.uuid).ID() == number


@case(
    "lifecycle.suspend.off",
    Level.MUST,
    requirement="An instance that is off can be neither suspended nor, without a managed save, resumed: InvalidState.",
    source="virDomainManagedSave answers 55 for a domain that is off; there is no memory to save or restore",
    since="1.0",
    needs=SUSPENDED,
)
@pytest.mark.parametrize("method", ["suspend", "resume"])
def test_suspend_when_off(driver: ComputeDriver, off_instance: Instance, world: World, method: str) -> None:
    act = {"suspend": driver.suspend, "resume": driver.resume}[method]
    with pytest.raises(InvalidState):
        act(off_instance.uuid)
    assert state_of(world, off_instance) == DomainState.SHUTOFF
    assert not has_save(world, off_instance)


@case(
    "lifecycle.suspend.fails",
    Level.MUST,
    requirement="A suspend that the hypervisor fails, a full disk for instance, is its error, and the instance runs on.",
    source="virDomainManagedSave writes all memory to the host's disk",
    since="1.0",
    needs=SUSPENDED,
)
def test_suspend_that_fails(driver: ComputeDriver, instance: Instance, world: World, faults: Faults) -> None:
    faults.raise_on("managedSave", ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU, "No space left on device")
    with pytest.raises(HypervisorError, match="No space left on device"):
        driver.suspend(instance.uuid)
    assert state_of(world, instance) == DomainState.RUNNING
    assert not has_save(world, instance)


@case(
    "lifecycle.suspend.transient",
    Level.SHOULD,
    requirement="A transient domain cannot be suspended, since nothing would be left to resume: a typed error, and it runs on.",
    source="virDomainManagedSave of a transient domain: error 55 (QEMU, libvirt 9.0.0)",
    since="1.0",
    needs=SUSPENDED,
)
def test_suspend_a_transient_domain(driver: ComputeDriver, small: Small, world: World) -> None:
    with foreign_domain(world, small(), transient=True) as domain:
        with pytest.raises((InvalidState, HypervisorError)):
            driver.suspend(domain.UUIDString())
        assert domain.isActive() == 1


# --- reboot -----------------------------------------------------------------------------------------------------------


@case(
    "lifecycle.reboot.keeps-running",
    Level.MUST,
    requirement="reboot() is no stop and no start: the host tells neither, and the instance runs.",
    source="virDomainReboot; QEMU and LXC emit REBOOT only (libvirt 9.0.0 to 11.3.0)",
    since="1.0",
    needs=REBOOTED | {Capability.EVENTS_LIFECYCLE},
)
def test_reboot_keeps_the_run(driver: ComputeDriver, up_instance: Instance, world: World) -> None:
    before = lifecycle_events(world, up_instance)
    rebooted = driver.reboot(up_instance.uuid)
    world.wait_up(up_instance.uuid, boots=2)
    assert (rebooted.uuid, rebooted.name, rebooted.state) == (up_instance.uuid, up_instance.name, PowerState.RUNNING)
    assert state_of(world, up_instance) == DomainState.RUNNING
    world.touch()
    assert lifecycle_events(world, up_instance) == before


@case(
    "lifecycle.reboot.same-run",
    Level.MUST,
    requirement="A rebooted instance has the domain id that it had: the host did not end the domain and start another.",
    source="virDomainReboot: the domain object is usable thereafter; the id is of one run of a domain",
    since="1.0",
    needs=REBOOTED,
)
def test_reboot_keeps_the_id(driver: ComputeDriver, up_instance: Instance, world: World) -> None:
    number = domain_of(world, up_instance.uuid).ID()
    driver.reboot(up_instance.uuid)
    world.wait_up(up_instance.uuid, boots=2)
    assert domain_of(world, up_instance.uuid).ID() == number


def lifecycle_events(world: World, instance: Instance) -> list[object]:
    """The host's lifecycle events of the instance so far, by number."""
    return [event for kind, event, _ in world.events(instance.uuid) if kind == DomainEventId.LIFECYCLE]


@case(
    "lifecycle.reboot.wrong-state",
    Level.MUST,
    requirement="An instance that is off or paused, whose guest cannot obey, is not rebooted: InvalidState, and it stays.",
    source="virDomainReboot of a paused domain makes it run on the test driver, without an event (libvirt 9.0.0)",
    since="1.0",
    needs=REBOOTED | PAUSED,
)
@pytest.mark.parametrize("state", ["off", "paused"])
def test_reboot_in_the_wrong_state(driver: ComputeDriver, small: Small, world: World, state: str) -> None:
    instance = driver.spawn(small(), start=state == "paused")
    if state == "paused":
        driver.pause(instance.uuid)
    before = state_of(world, instance)
    with pytest.raises(InvalidState):
        driver.reboot(instance.uuid)
    assert state_of(world, instance) == before


@case(
    "lifecycle.reboot.hard",
    Level.MUST,
    requirement="reboot(hard=True) restarts the instance without its guest's help: the host tells of the restart, and it runs.",
    source="driver contract: reboot; virDomainReset does nothing on the test driver and answers 0 (libvirt 9.0.0)",
    since="1.0",
    needs=REBOOTED_HARD | {Capability.EVENTS_LIFECYCLE},
)
def test_hard_reboot_restarts(driver: ComputeDriver, instance: Instance, world: World) -> None:
    world.wait_event(instance.uuid, DomainEvent.STARTED)
    known = len(world.events(instance.uuid))
    assert driver.reboot(instance.uuid, hard=True).state is PowerState.RUNNING
    assert state_of(world, instance) == DomainState.RUNNING
    if not any(kind == DomainEventId.REBOOT for kind, _, _ in world.events(instance.uuid)[known:]):
        world.wait_event(instance.uuid, DomainEvent.STARTED, count=2)
    assert domain_of(world, instance.uuid).isPersistent() == 1


@case(
    "lifecycle.reboot.hard-off",
    Level.SHOULD,
    requirement="reboot(hard=True) of an instance that is off is InvalidState, and it stays off.",
    source="driver contract: reboot; there is nothing to restart",
    since="1.0",
    needs=REBOOTED_HARD,
)
def test_hard_reboot_when_off(driver: ComputeDriver, off_instance: Instance, world: World) -> None:
    with pytest.raises(InvalidState):
        driver.reboot(off_instance.uuid, hard=True)
    assert state_of(world, off_instance) == DomainState.SHUTOFF


@case(
    "lifecycle.reboot.hard-fails",
    Level.MUST,
    requirement="When the start of a hard reboot fails, the error says that the instance was left off, and start() still works.",
    source="driver contract: an operation says what it could not undo",
    since="1.0",
    needs=REBOOTED_HARD | STARTED,
)
def test_hard_reboot_whose_start_fails(driver: ComputeDriver, instance: Instance, world: World, faults: Faults) -> None:
    faults.raise_on("Domain.create", ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU)
    with pytest.raises(HypervisorError) as failed:
        driver.reboot(instance.uuid, hard=True)
    assert any(str(instance.uuid) in left for left in failed.value.undone_failures)
    assert state_of(world, instance) == DomainState.SHUTOFF
    assert driver.start(instance.uuid).state is PowerState.RUNNING
