"""Agent: what the agent inside the guest does at the driver's request.

What belongs here: cases whose ids begin with `agent`. What does not: what the guest itself says of it (`test_agent_guest`), and
snapshots that quiesce by themselves (`test_snapshots_quiesce`).
"""

from collections.abc import Callable

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.evidence import to_line
from virtproof.fixtures import Small
from virtproof.guests.answering import answers, with_agent
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.agents import spawn_answering
from virtproof.suite.common import NO_SUCH, SPAWNED
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState, ErrorCode
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DriverError, InstanceNotFound, InvalidSpec, InvalidState
from virtproof_driver.values import Instance

PASSWORDS = SPAWNED | {Capability.AGENT_PASSWORD}
QUIESCE = SPAWNED | {Capability.AGENT_QUIESCE}
SECRET = "Xyzzy-<&>-ünïcode-42"  # noqa: S105 - for a guest of the suite's own
OPERATIONS: dict[str, Callable[[ComputeDriver, str], object]] = {
    "password": lambda driver, uuid: driver.set_admin_password(uuid, "root", SECRET),
    "quiesce": lambda driver, uuid: driver.quiesce(uuid),
    "unquiesce": lambda driver, uuid: driver.unquiesce(uuid),
}


@pytest.fixture
def instance(driver: ComputeDriver, small: Small, world: World) -> Instance:
    """An instance that runs, with an agent that answers: a guest's, or where there are no guests the host's pretence of one."""
    spec = with_agent(small)
    return spawn_answering(driver, world, spec) if answers(spec) else driver.spawn(spec)


def is_running(world: World, instance: Instance) -> bool:
    """Whether the host says that it runs."""
    found = world.state(instance.uuid)
    return found is not None and found[0] == DomainState.RUNNING


@case(
    "agent.password.set",
    Level.MUST,
    requirement="set_admin_password() sets a user's password, whatever characters it has, and the instance runs on.",
    source="virDomainSetUserPassword",
    since="1.0",
    needs=PASSWORDS,
)
def test_password(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.set_admin_password(instance.uuid, "root", SECRET)
    assert is_running(world, instance)
    assert driver.instance(instance.uuid) == instance


@case(
    "agent.password.secret",
    Level.MUST,
    requirement="A password is in no error, no representation of the driver and no definition of the domain.",
    source="driver contract: secrets appear in no repr, log or error",
    since="1.0",
    needs=PASSWORDS,
)
def test_password_stays_secret(
    driver: ComputeDriver, instance: Instance, world: World, faults: Faults, virtproof_case: CaseContext
) -> None:
    driver.set_admin_password(instance.uuid, "root", SECRET)
    faults.raise_on("setUserPassword", ErrorCode.AGENT_UNRESPONSIVE, message="the agent does not answer", nth=1)
    with pytest.raises(DriverError) as failed:
        driver.set_admin_password(instance.uuid, "root", SECRET)
    assert SECRET not in f"{failed.value!s} {failed.value!r} {driver!r} {world.xml(instance.uuid)}"
    told = [to_line(record) for record in virtproof_case.recorder.records()]
    assert [line for line in told if SECRET in line] == []


@case(
    "agent.password.user",
    Level.MUST,
    requirement="A user without a name is InvalidSpec before the guest is asked.",
    source="driver contract: InvalidSpec is the caller's fault",
    since="1.0",
    needs=PASSWORDS,
)
def test_user_without_a_name(driver: ComputeDriver, instance: Instance) -> None:
    with pytest.raises(InvalidSpec) as refused:
        driver.set_admin_password(instance.uuid, "", SECRET)
    assert refused.value.field == "user"
    assert SECRET not in str(refused.value)


@case(
    "agent.quiesce.count",
    Level.MUST,
    requirement="quiesce() says how many file systems it froze, unquiesce() thaws as many, and the instance runs on.",
    source="virDomainFSFreeze and virDomainFSThaw: the number of file systems",
    since="1.0",
    needs=QUIESCE,
)
def test_freeze_and_thaw(driver: ComputeDriver, instance: Instance, world: World) -> None:
    for _ in range(2):
        frozen = driver.quiesce(instance.uuid)
        assert frozen > 0
        assert is_running(world, instance)
        assert driver.unquiesce(instance.uuid) == frozen
    assert is_running(world, instance)


@case(
    "agent.quiesce.mountpoints",
    Level.MUST,
    requirement="quiesce() of one mountpoint freezes that file system alone, and unquiesce() without any thaws it.",
    source="virDomainFSFreeze: mountpoints",
    since="1.0",
    needs=QUIESCE,
)
def test_freeze_one(driver: ComputeDriver, instance: Instance) -> None:
    assert driver.quiesce(instance.uuid, iter(["/"])) == 1
    assert driver.unquiesce(instance.uuid) == 1


@case(
    "agent.off",
    Level.MUST,
    requirement="An instance that is off has no agent: each operation is InvalidState, and it stays off.",
    source="libvirt error 55 (VIR_ERR_OPERATION_INVALID): domain is not running",
    since="1.0",
    needs=PASSWORDS | QUIESCE,
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_off(driver: ComputeDriver, off_instance: Instance, world: World, operation: str) -> None:
    before = world.state(off_instance.uuid)
    with pytest.raises(InvalidState) as refused:
        OPERATIONS[operation](driver, str(off_instance.uuid))
    assert SECRET not in str(refused.value)
    assert world.state(off_instance.uuid) == before


@case(
    "agent.unknown",
    Level.MUST,
    requirement="Of an unknown UUID each operation is InstanceNotFound, which names it.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs={Capability.AGENT_PASSWORD, Capability.AGENT_QUIESCE},
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_unknown(driver: ComputeDriver, operation: str) -> None:
    with pytest.raises(InstanceNotFound) as refused:
        OPERATIONS[operation](driver, NO_SUCH)
    assert refused.value.key == NO_SUCH
    assert SECRET not in str(refused.value)
