"""Guest agents that are not there: each operation says why by its error's class, and leaves the guest alone.

What belongs here: cases whose ids begin with `agent.refusal`. What does not: agents that answer (`test_agent`).
"""

from collections.abc import Callable
from uuid import UUID

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.common import HEARD, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import AgentNotConfigured, AgentUnresponsive, DriverError, InvalidState, NotSupported
from virtproof_driver.values import EventKind

RUN = HEARD | {Capability.GUESTS}
OPERATIONS: dict[str, tuple[Capability, Callable[[ComputeDriver, UUID], object]]] = {
    "password": (Capability.AGENT_PASSWORD, lambda driver, uuid: driver.set_admin_password(uuid, "root", "secret-word")),
    "quiesce": (Capability.AGENT_QUIESCE, lambda driver, uuid: driver.quiesce(uuid)),
    "unquiesce": (Capability.AGENT_QUIESCE, lambda driver, uuid: driver.unquiesce(uuid)),
}


def refused(driver: ComputeDriver, operation: str, uuid: UUID, expected: type[DriverError]) -> DriverError:
    """The error of an operation: of the expected class where the driver claims it on this hypervisor, else NotSupported."""
    capability, act = OPERATIONS[operation]
    with pytest.raises(expected if capability in driver.capabilities else NotSupported) as caught:
        act(driver, uuid)
    return caught.value


@case(
    "agent.refusal.not-configured",
    Level.MUST,
    requirement="Without a channel for an agent each operation is AgentNotConfigured, naming the instance; the guest runs on.",
    source="libvirt error 74 (VIR_ERR_ARGUMENT_UNSUPPORTED), 9.0.0 to 12.8",
    since="1.0",
    needs=RUN,
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_not_configured(driver: ComputeDriver, events: EventCollector, small: Small, world: World, operation: str) -> None:
    instance = driver.spawn(small())
    error = refused(driver, operation, instance.uuid, AgentNotConfigured)
    assert "secret-word" not in str(error)
    assert isinstance(error, NotSupported) or str(instance.uuid) in str(error)
    assert state_of(world, instance) == DomainState.RUNNING
    events.settle()
    assert events.kinds(instance.uuid) == (EventKind.DEFINED, EventKind.STARTED)


@case(
    "agent.refusal.unresponsive",
    Level.MUST,
    requirement="Where no agent answers on its channel each operation is AgentUnresponsive at once, and the guest runs on.",
    source="libvirt error 86 (VIR_ERR_AGENT_UNRESPONSIVE), 9.0.0 to 11.3.0",
    since="1.0",
    needs=RUN,
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_unresponsive(driver: ComputeDriver, events: EventCollector, small: Small, world: World, operation: str) -> None:
    instance = driver.spawn(small(agent=True))
    error = refused(driver, operation, instance.uuid, AgentUnresponsive)
    assert "secret-word" not in str(error)
    assert state_of(world, instance) == DomainState.RUNNING
    events.settle()
    assert events.kinds(instance.uuid) == (EventKind.DEFINED, EventKind.STARTED)


@case(
    "agent.refusal.off",
    Level.MUST,
    requirement="Of an instance that is off each operation is InvalidState, with or without a channel, and it stays off.",
    source="libvirt error 55 (VIR_ERR_OPERATION_INVALID)",
    since="1.0",
    needs=RUN,
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_off(driver: ComputeDriver, small: Small, world: World, operation: str) -> None:
    instance = driver.spawn(small(agent=True), start=False)
    refused(driver, operation, instance.uuid, InvalidState)
    assert state_of(world, instance) == DomainState.SHUTOFF


@case(
    "agent.refusal.spec",
    Level.MUST,
    requirement="spec() tells whether an instance has a channel for an agent.",
    source="https://libvirt.org/formatdomain.html#consoles-serial-parallel-channel-devices: org.qemu.guest_agent.0",
    since="1.0",
    needs=RUN,
)
@pytest.mark.parametrize("agent", [True, False])
def test_spec(driver: ComputeDriver, small: Small, agent: bool) -> None:  # noqa: FBT001 - pytest gives parameters by name
    spec = small(agent=agent)
    driver.spawn(spec, start=False)
    assert driver.spec(spec.uuid).agent is agent
