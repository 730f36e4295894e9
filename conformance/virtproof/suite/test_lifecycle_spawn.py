"""Lifecycle of an instance's beginning: what spawn makes, what it refuses, and what a refusal leaves alone.

What belongs here: cases whose ids begin with `lifecycle.spawn`. What does not: what a failed spawn leaves (`test_leftovers`).
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

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
from virtproof_driver.errors import HypervisorError, InstanceExists, InvalidSpec
from virtproof_driver.spec import Disk, FileSource, InstanceSpec, Interface
from virtproof_driver.values import Instance, PowerState

# How a second spec collides with the first.
COLLISIONS: dict[str, Callable[[InstanceSpec, InstanceSpec], InstanceSpec]] = {
    "uuid": lambda first, second: replace(second, uuid=first.uuid),
    "name": lambda first, second: replace(second, name=first.name),
    "both": lambda first, second: replace(second, uuid=first.uuid, name=first.name),
}
DISK = Disk(target="vda", source=FileSource(path="/virtproof/twin.img"))
INTERFACE = Interface(mac="52:54:00:00:00:01", network="default")
# What no host can make, and the field that the error names.
IMPOSSIBLE: dict[str, tuple[str, Callable[[InstanceSpec], InstanceSpec]]] = {
    "no-vcpus": ("vcpus", lambda spec: replace(spec, vcpus=0)),
    "no-memory": ("memory_mib", lambda spec: replace(spec, memory_mib=0)),
    "no-name": ("name", lambda spec: replace(spec, name="")),
    "small-maximum": ("max_vcpus", lambda spec: replace(spec, vcpus=2, max_vcpus=1)),
    "twin-disks": ("disks", lambda spec: replace(spec, disks=(DISK, DISK))),
    "twin-addresses": ("interfaces", lambda spec: replace(spec, interfaces=(INTERFACE, INTERFACE))),
}


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
    assert instance.reason
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
    "lifecycle.spawn.persistent",
    Level.MUST,
    requirement="A spawned instance is persistent: the host has it still when it is off.",
    source="virDomainDefineXML, as against virDomainCreateXML, whose domains vanish when they stop",
    since="1.0",
    needs=SPAWNED | {Capability.STOP},
)
def test_spawned_is_persistent(driver: ComputeDriver, instance: Instance, world: World) -> None:
    assert domain_of(world, instance.uuid).isPersistent() == 1
    driver.stop(instance.uuid, timeout=0)
    assert state_of(world, instance) == DomainState.SHUTOFF


@case(
    "lifecycle.spawn.once",
    Level.MUST,
    requirement="A spawn defines and starts its instance once.",
    source="virDomainCreate emits STARTED once, after RESUMED on QEMU (libvirt 9.0.0)",
    since="1.0",
    needs=SPAWNED | {Capability.EVENTS_LIFECYCLE},
)
def test_spawn_starts_once(instance: Instance, world: World) -> None:
    world.wait_event(instance.uuid, DomainEvent.STARTED)
    world.touch()
    told = [event for kind, event, _ in world.events(instance.uuid) if kind == DomainEventId.LIFECYCLE]
    assert (told.count(DomainEvent.DEFINED), told.count(DomainEvent.STARTED), told.count(DomainEvent.STOPPED)) == (1, 1, 0)


@case(
    "lifecycle.spawn.paused",
    Level.MUST,
    requirement="spawn(paused=True) leaves the instance paused; it has not run before unpause() lets it.",
    source="VIR_DOMAIN_START_PAUSED",
    since="1.0",
    needs=SPAWNED | {Capability.SPAWN_PAUSED, Capability.PAUSE},
)
def test_spawn_paused(driver: ComputeDriver, small: Small, world: World) -> None:
    instance = driver.spawn(small(), paused=True)
    assert instance.state is PowerState.PAUSED
    assert state_of(world, instance) == DomainState.PAUSED
    assert driver.unpause(instance.uuid).state is PowerState.RUNNING


@case(
    "lifecycle.spawn.taken",
    Level.MUST,
    requirement="A UUID or a name that is taken is InstanceExists, naming which, and the instance that has it stays as it is.",
    source="virDomainDefineXML redefines a domain of the same UUID and name in silence; 9 when one differs (libvirt 9.0.0)",
    since="1.0",
    needs=SPAWNED,
)
@pytest.mark.parametrize("owner", ["running", "off"])
@pytest.mark.parametrize("taken", COLLISIONS)
def test_spawn_refuses_what_is_taken(driver: ComputeDriver, small: Small, world: World, taken: str, owner: str) -> None:
    spec = small()
    first = driver.spawn(spec, start=owner == "running")
    before = (world.xml(spec.uuid), world.xml(spec.uuid, inactive=True), state_of(world, first))
    with pytest.raises(InstanceExists) as refused:
        driver.spawn(COLLISIONS[taken](spec, small(vcpus=2)))
    assert refused.value.key in {"uuid": [str(spec.uuid)], "name": [spec.name]}.get(taken, [str(spec.uuid), spec.name])
    assert (world.xml(spec.uuid), world.xml(spec.uuid, inactive=True), state_of(world, first)) == before
    assert world.inventory().domains == (spec.name,)


@case(
    "lifecycle.spawn.taken-by-transient",
    Level.MUST,
    requirement="Name and UUID of another client's transient domain are taken: InstanceExists, and it stays transient.",
    source="virDomainDefineXML of a running transient domain makes it persistent, without a word",
    since="1.0",
    needs=SPAWNED,
)
@pytest.mark.parametrize("taken", COLLISIONS)
def test_spawn_refuses_what_a_transient_domain_has(driver: ComputeDriver, small: Small, world: World, taken: str) -> None:
    spec = small()
    with foreign_domain(world, spec, transient=True) as domain:
        with pytest.raises(InstanceExists):
            driver.spawn(COLLISIONS[taken](spec, small()))
        assert (domain.isActive(), domain.isPersistent()) == (1, 0)
        assert world.inventory().domains == (spec.name,)


@case(
    "lifecycle.spawn.taken-meanwhile",
    Level.MUST,
    requirement="A name that another client takes while spawn is under way is InstanceExists, and that client's domain stays.",
    source="virDomainDefineXML answers 9 for a name that is taken (libvirt 9.0.0)",
    since="1.0",
    needs=SPAWNED,
)
def test_spawn_loses_a_race_for_a_name(driver: ComputeDriver, small: Small, world: World, faults: Faults) -> None:
    spec, other = small(), small()
    with ExitStack() as stack:
        faults.before("defineXML", lambda: stack.enter_context(foreign_domain(world, replace(other, name=spec.name))))
        with pytest.raises(InstanceExists) as refused:
            driver.spawn(spec)
        assert refused.value.key == spec.name
        assert world.domain(spec.uuid) is None
        assert domain_of(world, other.uuid).isActive() == 1


@case(
    "lifecycle.spawn.impossible",
    Level.MUST,
    requirement="A spec that no host can make is InvalidSpec naming the field, before anything is changed on the host.",
    source="driver contract: InvalidSpec names the field, and building a spec touches nothing",
    since="1.0",
    needs=SPAWNED | {Capability.EVENTS_LIFECYCLE},
)
@pytest.mark.parametrize("problem", IMPOSSIBLE)
def test_spawn_refuses_the_impossible(driver: ComputeDriver, small: Small, world: World, problem: str) -> None:
    field, spoil = IMPOSSIBLE[problem]
    spec = spoil(small())
    before = world.inventory()
    with pytest.raises(InvalidSpec) as refused:
        driver.spawn(spec)
    assert refused.value.field.startswith(field)
    assert refused.value.problem.strip()
    assert world.inventory() == before
    world.touch()
    assert world.events(spec.uuid) == ()


@case(
    "lifecycle.spawn.after-failure",
    Level.MUST,
    requirement="What a start failed can be spawned again: the same name and UUID are free, and the second spawn runs.",
    source="driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=SPAWNED,
)
def test_spawn_again_after_a_failure(driver: ComputeDriver, small: Small, world: World, faults: Faults) -> None:
    spec = small()
    faults.raise_on("Domain.create", ErrorCode.INTERNAL_ERROR, ErrorDomain.QEMU, "process exited while connecting to monitor")
    with pytest.raises(HypervisorError, match="process exited while connecting to monitor"):
        driver.spawn(spec)
    instance = driver.spawn(spec)
    assert instance.state is PowerState.RUNNING
    assert state_of(world, instance) == DomainState.RUNNING
