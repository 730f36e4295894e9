"""Contract: what every driver owes its callers whatever it drives: claims, values, errors, closing.

What belongs here: cases whose ids begin with `contract`. What does not: whether a claim is true of the host (`test_manifest`),
and what one operation promises; those are in the area of the operation.
"""

import dataclasses
import inspect
from collections.abc import Callable
from uuid import UUID

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Connect, Small
from virtproof.probes import PROBES
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, SPAWNED
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DriverError, InstanceNotFound, InvalidSpec, NotSupported
from virtproof_driver.values import Instance

Act = Callable[[ComputeDriver, str], object]

# Capabilities that one method stands for; the others are forms of a method that may be claimed (`stop`, `spawn`).
OF_A_METHOD = [c for c in Capability if c.value.startswith(("devices.", "migration.", "firewall.", "images."))]

# What must be refused after close(), by what it takes to be asked at all.
READS: dict[str, Act] = {
    "instances": lambda driver, _: driver.instances(),
    "instance": lambda driver, uuid: driver.instance(uuid),
    "destroy": lambda driver, uuid: driver.destroy(uuid),
}
CHANGES: dict[str, Act] = {
    "start": lambda driver, uuid: driver.start(uuid),
    "stop": lambda driver, uuid: driver.stop(uuid, timeout=1),
}


@case(
    "contract.capabilities.known",
    Level.MUST,
    requirement="capabilities is a frozen set of names of the vocabulary, the same each time it is read.",
    source="driver contract: capabilities",
    since="1.0",
    needs=(),
)
def test_capabilities_are_a_frozen_set_of_known_names(driver: ComputeDriver) -> None:
    claimed = driver.capabilities
    assert isinstance(claimed, frozenset)
    assert {str(name) for name in claimed} <= {capability.value for capability in Capability}
    assert driver.capabilities == claimed
    assert claimed, "a driver that claims nothing cannot be certified"


@case(
    "contract.claimed.present",
    Level.MUST,
    requirement="Each method of a claimed capability is there, and takes the contract's parameters by their names.",
    source="driver contract: names are fixed",
    since="1.0",
    needs=(),
)
def test_claimed_methods_take_the_contracts_parameters(driver: ComputeDriver) -> None:
    methods = {name for capability in driver.capabilities for name in PROBES[capability].methods}
    wrong = [problem for name in sorted(methods) if (problem := _mismatch(driver, name))]
    assert not wrong, "; ".join(wrong)


def _mismatch(driver: ComputeDriver, name: str) -> str:
    expected = getattr(ComputeDriver, name, None)
    actual = getattr(driver, name, None)
    if not callable(actual):
        return f"{name}() is missing"
    if not inspect.isfunction(expected):
        return ""
    parameters = list(inspect.signature(expected).parameters.values())[1:]
    positional = [NO_SUCH for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty]
    keywords = {p.name: None for p in parameters if p.kind is p.KEYWORD_ONLY}
    try:
        inspect.signature(actual).bind(*positional, **keywords)
    except TypeError as error:
        return f"{name}(): {error}"
    return ""


@case(
    "contract.unclaimed.refused",
    Level.MUST,
    requirement="A method that no claimed capability stands for is absent, or raises NotSupported with capability and reason.",
    source="driver contract: a method that a driver does not claim may be absent or raise NotSupported",
    since="1.0",
    needs=(),
)
@pytest.mark.parametrize("capability", OF_A_METHOD)
def test_unclaimed_methods_refuse(driver: ComputeDriver, world: World, capability: Capability) -> None:
    if capability in driver.capabilities:
        assert PROBES[capability].methods, "a claimed capability has its own cases; here only that something stands for it"
        return
    before = world.inventory()
    claimed = {name for each in driver.capabilities for name in PROBES[each].methods}
    for name in set(PROBES[capability].methods) - claimed:
        method = getattr(driver, name, None)
        if callable(method):
            with pytest.raises(NotSupported) as refused:
                method(NO_SUCH)
            assert refused.value.reason.strip()
            assert refused.value.capability in Capability
    assert world.inventory() == before


@case(
    "contract.close.idempotent",
    Level.MUST,
    requirement="close() may be called again, and changes nothing then.",
    source="driver contract: close",
    since="1.0",
    needs={Capability.HOST_INFO},
)
def test_close_twice(connect: Connect) -> None:
    driver = connect()
    driver.close()
    driver.close()
    with pytest.raises(DriverError):
        driver.host()


@case(
    "contract.close.context-manager",
    Level.MUST,
    requirement="The driver is a context manager that gives itself and closes at the end.",
    source="driver contract: close, also a context manager",
    since="1.0",
    needs={Capability.INVENTORY},
)
def test_context_manager_closes(connect: Connect) -> None:
    with connect() as driver:
        assert driver.instances() is not None
    with pytest.raises(DriverError):
        driver.instances()


@case(
    "contract.close.context-manager-error",
    Level.MUST,
    requirement="An exception inside the with statement leaves it unchanged, and the driver is closed.",
    source="driver contract: close, also a context manager",
    since="1.0",
    needs={Capability.INVENTORY},
)
def test_context_manager_does_not_hide_errors(connect: Connect) -> None:
    driver = connect()
    with pytest.raises(ZeroDivisionError, match="the caller's own"), driver:
        raise ZeroDivisionError("the caller's own")
    with pytest.raises(DriverError):
        driver.instances()


def assert_refused_after_close(driver: ComputeDriver, act: Act) -> None:
    """Close the driver, and be refused for that reason: whether the instance exists, nobody can know without asking the host."""
    driver.close()
    with pytest.raises(DriverError) as refused:
        act(driver, NO_SUCH)
    assert not isinstance(refused.value, InstanceNotFound)


@case(
    "contract.close.then-use",
    Level.MUST,
    requirement="After close() an operation raises a DriverError that says so, and not that the instance is unknown.",
    source="driver contract: close",
    since="1.0",
    needs=SPAWNED,
)
@pytest.mark.parametrize("operation", READS)
def test_operations_after_close_are_refused(connect: Connect, operation: str) -> None:
    assert_refused_after_close(connect(), READS[operation])


@case(
    "contract.close.then-change",
    Level.MUST,
    requirement="After close() a change of state raises a DriverError that says so, and not that the instance is unknown.",
    source="driver contract: close",
    since="1.0",
    needs={Capability.START, Capability.STOP},
)
@pytest.mark.parametrize("operation", CHANGES)
def test_changes_after_close_are_refused(connect: Connect, operation: str) -> None:
    assert_refused_after_close(connect(), CHANGES[operation])


@case(
    "contract.close.then-subscribe",
    Level.MUST,
    requirement="After close() nobody can subscribe.",
    source="driver contract: close",
    since="1.0",
    needs={Capability.EVENTS_LIFECYCLE},
)
def test_subscribing_after_close_is_refused(connect: Connect) -> None:
    assert_refused_after_close(connect(), lambda driver, _: driver.subscribe(lambda _event: None))


@case(
    "contract.values.frozen",
    Level.MUST,
    requirement="What the driver returns are values: they cannot be changed, and equal ones are equal.",
    source="driver contract: all values are frozen dataclasses",
    since="1.0",
    needs=SPAWNED,
)
def test_instances_are_values(driver: ComputeDriver, instance: Instance) -> None:
    again = driver.instance(instance.uuid)
    assert again == instance
    assert hash(again) == hash(instance)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(again, "name", "another")  # noqa: B010 - the point is that it cannot be set, by whatever way
    assert driver.instance(instance.uuid).name == instance.name


def spelt(uuid: UUID, spelling: str) -> UUID | str:
    """The UUID in a spelling that a caller may use."""
    spellings: dict[str, UUID | str] = {"uuid": uuid, "text": str(uuid), "capitals": str(uuid).upper()}
    return spellings[spelling]


@case(
    "contract.uuid.text",
    Level.MUST,
    requirement="An instance is found by its UUID given as a UUID, as text, and as text in capitals.",
    source="driver contract: uuid; RFC 9562: text is read case-insensitively",
    since="1.0",
    needs=SPAWNED,
)
@pytest.mark.parametrize("spelling", ["uuid", "text", "capitals"])
def test_uuid_in_each_spelling(driver: ComputeDriver, off_instance: Instance, spelling: str) -> None:
    assert driver.instance(spelt(off_instance.uuid, spelling)) == off_instance


@case(
    "contract.uuid.malformed",
    Level.MUST,
    requirement="Text that is no UUID is InvalidSpec, and the error quotes it.",
    source="driver contract: errors say whose fault it is; libvirt answers 8 for a malformed UUID (9.0.0)",
    since="1.0",
    needs=SPAWNED,
)
@pytest.mark.parametrize(
    "given",
    [
        pytest.param("", id="empty"),
        pytest.param("not-a-uuid", id="words"),
        pytest.param("00000000-0000-4000-8000", id="short"),
        pytest.param("../../etc", id="path"),
    ],
)
def test_malformed_uuid(driver: ComputeDriver, given: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        driver.instance(given)
    assert repr(given) in str(refused.value)


@case(
    "contract.errors.root",
    Level.MUST,
    requirement="Errors of every kind share the root DriverError, so that one except clause is enough.",
    source="driver contract: one root DriverError",
    since="1.0",
    needs=SPAWNED,
)
@pytest.mark.parametrize("mistake", ["unknown", "taken", "malformed", "impossible"])
def test_errors_share_a_root(driver: ComputeDriver, small: Small, mistake: str) -> None:
    spec = small()
    driver.spawn(spec, start=False)
    acts: dict[str, Callable[[], object]] = {
        "unknown": lambda: driver.instance(NO_SUCH),
        "taken": lambda: driver.spawn(spec),
        "malformed": lambda: driver.instance("?"),
        "impossible": lambda: driver.spawn(small(vcpus=0)),
    }
    with pytest.raises(DriverError) as raised:
        acts[mistake]()
    assert type(raised.value) is not DriverError, "the class says whose fault it is"
    assert str(raised.value)


@case(
    "contract.quiet",
    Level.SHOULD,
    requirement="Neither success nor refusal writes to standard output or standard error.",
    source="libvirt's default error handler prints every error to standard error: virSetErrorFunc",
    since="1.0",
    needs=SPAWNED,
)
def test_nothing_is_printed(driver: ComputeDriver, small: Small, capfd: pytest.CaptureFixture[str]) -> None:
    spec = small()
    driver.spawn(spec)
    with pytest.raises(InstanceNotFound):
        driver.instance(NO_SUCH)
    driver.destroy(spec.uuid)
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
