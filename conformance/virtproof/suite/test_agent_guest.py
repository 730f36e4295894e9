"""Guest agents that answer: what the guest itself says that it did, and how its refusals and its silence are told.

What belongs here: cases whose ids begin with `agent.guest`. What does not: snapshots that quiesce (`test_snapshots_quiesce`), and
instances whose agent was never there (`test_agent_refusal`).
"""

import time
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.world import World
from virtproof.suite.agents import ASKED, FROZEN, HANG, LEAVE, STAY, THAWED, password_line, spawn_answering
from virtproof.suite.common import state_of
from virtproof.suite.talk import heard
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver, ConsoleStream
from virtproof_driver.errors import AgentRefused, AgentUnresponsive, DriverError, InvalidState, NotSupported
from virtproof_driver.values import Instance, PowerState, StopOutcome

PASSWORDS = ASKED | {Capability.AGENT_PASSWORD}
QUIESCE = ASKED | {Capability.AGENT_QUIESCE}
BOTH = PASSWORDS | QUIESCE
SECRET = "correct horse battery staple"  # noqa: S105 - for a guest of the suite's own
MOST_SECONDS = 15.0  # for a password; libvirt itself would wait for ever
OPERATIONS: dict[str, Callable[[ComputeDriver, UUID], object]] = {
    "password": lambda driver, uuid: driver.set_admin_password(uuid, "root", SECRET),
    "quiesce": lambda driver, uuid: driver.quiesce(uuid),
    "unquiesce": lambda driver, uuid: driver.unquiesce(uuid),
}
EACH = pytest.mark.parametrize("operation", OPERATIONS)


@pytest.fixture
def instance(driver: ComputeDriver, small: Small, world: World) -> Instance:
    """An instance whose agent answers."""
    return spawn_answering(driver, world, small(guest="agent"))


@pytest.fixture
def console(driver: ComputeDriver, instance: Instance) -> Iterator[ConsoleStream]:
    """Its console, open before anything is asked."""
    with driver.console(instance.uuid) as stream:
        yield stream


def refused(driver: ComputeDriver, uuid: UUID, user: str, expected: type[DriverError]) -> None:
    """A password for this user fails so, and is not in the error."""
    with pytest.raises(expected) as caught:
        driver.set_admin_password(uuid, user, SECRET)
    assert SECRET not in f"{caught.value!s} {caught.value!r}"


@case(
    "agent.guest.password",
    Level.MUST,
    requirement="A password arrives in the guest as it was given, whatever characters it has.",
    source="virDomainSetUserPassword; guest-set-user-password of QEMU's agent, in base64",
    since="1.0",
    needs=PASSWORDS,
)
@pytest.mark.parametrize(
    "password",
    [
        pytest.param(SECRET, id="words"),
        pytest.param("", id="empty"),
        pytest.param("Xyzzy-<&>-ünïcode-42", id="markup"),
        pytest.param("\"\\{}[]':,\n", id="json"),
        pytest.param("0123456789" * 100, id="long"),
    ],
)
def test_password_arrives(driver: ComputeDriver, instance: Instance, console: ConsoleStream, password: str) -> None:
    driver.set_admin_password(instance.uuid, "root", password)
    assert heard(console, b"\r\n").endswith(password_line(password))


@case(
    "agent.guest.user",
    Level.MUST,
    requirement="A user whom the guest does not have is AgentRefused, without the password; then another's can be set.",
    source="libvirt error 113 (VIR_ERR_AGENT_COMMAND_FAILED); 1 before that was there (9.0.0)",
    since="1.0",
    needs=PASSWORDS,
)
@pytest.mark.parametrize("user", ["nobody", 'ro"ot', "root "])
def test_unknown_user(driver: ComputeDriver, instance: Instance, world: World, console: ConsoleStream, user: str) -> None:
    refused(driver, instance.uuid, user, AgentRefused)
    assert state_of(world, instance) == DomainState.RUNNING
    driver.set_admin_password(instance.uuid, "root", "another")
    assert heard(console, b"\r\n").endswith(password_line("another"))


@case(
    "agent.guest.freeze",
    Level.MUST,
    requirement="quiesce() has the guest freeze all its file systems, unquiesce() has it thaw them, and each says how many.",
    source="virDomainFSFreeze and virDomainFSThaw",
    since="1.0",
    needs=QUIESCE,
)
def test_guest_freezes(driver: ComputeDriver, instance: Instance, console: ConsoleStream) -> None:
    assert driver.quiesce(instance.uuid) == 2
    assert heard(console, FROZEN).count(FROZEN) == 1
    assert driver.unquiesce(instance.uuid) == 2
    assert heard(console, THAWED) == THAWED


@case(
    "agent.guest.mountpoints",
    Level.MUST,
    requirement="Of the mountpoints that quiesce() names the guest freezes those that it has, and quiesce() says how many.",
    source="virDomainFSFreeze: mountpoints; guest-fsfreeze-freeze-list of QEMU's agent",
    since="1.0",
    needs=QUIESCE,
)
@pytest.mark.parametrize(
    ("mountpoints", "number"), [(["/"], 1), (["/data", "/nowhere"], 1), (["/", "/data"], 2)], ids=["one", "one-of-two", "both"]
)
def test_guest_freezes_some(
    driver: ComputeDriver, instance: Instance, console: ConsoleStream, mountpoints: list[str], number: int
) -> None:
    assert driver.quiesce(instance.uuid, mountpoints) == number
    heard(console, b"frozen %d\r\n" % number)
    assert driver.unquiesce(instance.uuid) == number
    heard(console, b"thawed %d\r\n" % number)


@case(
    "agent.guest.thaw-some",
    Level.MUST,
    requirement="Where the host thaws all file systems at once, mountpoints to thaw are NotSupported, and all stay frozen.",
    source="libvirt error 74: specifying mountpoints is not supported (9.0.0, 11.3.0); also what it says without an agent",
    since="1.0",
    needs=QUIESCE,
)
def test_thaw_some(driver: ComputeDriver, instance: Instance) -> None:
    driver.quiesce(instance.uuid)
    with pytest.raises(NotSupported):
        driver.unquiesce(instance.uuid, ["/"])
    assert driver.unquiesce(instance.uuid) == 2


@case(
    "agent.guest.frozen",
    Level.MUST,
    requirement="While frozen, to freeze again and to set a password are AgentRefused, and the guest stays frozen.",
    source="QEMU's agent allows few commands while file systems are frozen; libvirt keeps no count of its own",
    since="1.0",
    needs=BOTH,
)
@pytest.mark.parametrize("operation", ["password", "quiesce"])
def test_frozen_again(driver: ComputeDriver, instance: Instance, operation: str) -> None:
    assert driver.quiesce(instance.uuid) == 2
    with pytest.raises(AgentRefused):
        OPERATIONS[operation](driver, instance.uuid)
    assert driver.unquiesce(instance.uuid) == 2
    OPERATIONS[operation](driver, instance.uuid)


@case(
    "agent.guest.thawed",
    Level.MUST,
    requirement="unquiesce() of a guest that is not frozen thaws nothing, and says so by 0.",
    source="virDomainFSThaw; guest-fsfreeze-thaw of QEMU's agent",
    since="1.0",
    needs=QUIESCE,
)
def test_thawed_again(driver: ComputeDriver, instance: Instance) -> None:
    assert driver.unquiesce(instance.uuid) == 0
    driver.quiesce(instance.uuid)
    assert [driver.unquiesce(instance.uuid) for _ in range(2)] == [2, 0]


@case(
    "agent.guest.paused",
    Level.MUST,
    requirement="Of a paused instance, whose agent cannot answer, each operation is InvalidState; afterwards it works.",
    source="libvirt error 55 (VIR_ERR_OPERATION_INVALID): domain is not running",
    since="1.0",
    needs=BOTH | {Capability.PAUSE},
)
@EACH
def test_paused(driver: ComputeDriver, instance: Instance, world: World, operation: str) -> None:
    driver.pause(instance.uuid)
    with pytest.raises(InvalidState):
        OPERATIONS[operation](driver, instance.uuid)
    assert state_of(world, instance) == DomainState.PAUSED
    assert driver.unpause(instance.uuid).state is PowerState.RUNNING
    OPERATIONS[operation](driver, instance.uuid)


@case(
    "agent.guest.leaves",
    Level.MUST,
    requirement="An agent that ends while it is asked is AgentUnresponsive, as is each operation after it; the guest runs on.",
    source="libvirt errors 112 and 86: the agent's channel is closed",
    since="1.0",
    needs=BOTH,
)
def test_agent_leaves(driver: ComputeDriver, instance: Instance, world: World) -> None:
    refused(driver, instance.uuid, LEAVE, AgentUnresponsive)
    for act in OPERATIONS.values():
        with pytest.raises(AgentUnresponsive):
            act(driver, instance.uuid)
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "agent.guest.hangs",
    Level.MUST,
    requirement="An agent that takes a password and never answers is AgentUnresponsive within 15 s, and the guest runs on.",
    source="libvirt waits for ever for an agent's answer unless virDomainAgentSetResponseTimeout says how long (9.0.0, 11.3.0)",
    since="1.0",
    needs=PASSWORDS,
)
def test_agent_hangs(driver: ComputeDriver, instance: Instance, world: World) -> None:
    began = time.monotonic()
    refused(driver, instance.uuid, HANG, AgentUnresponsive)
    assert time.monotonic() - began < MOST_SECONDS
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "agent.guest.stop",
    Level.MUST,
    requirement="stop() keeps its timeout also where an agent takes the request to shut down and does nothing.",
    source="virDomainShutdown asks an agent first, and waits a minute in the call (11.3.0)",
    since="1.0",
    needs=PASSWORDS | {Capability.STOP, Capability.STOP_GRACEFUL},
)
def test_stop(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.set_admin_password(instance.uuid, STAY, SECRET)
    began = time.monotonic()
    assert driver.stop(instance.uuid, timeout=5) in (StopOutcome.GRACEFUL, StopOutcome.FORCED)
    assert time.monotonic() - began < MOST_SECONDS
    assert state_of(world, instance) == DomainState.SHUTOFF
