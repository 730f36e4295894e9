"""Errors: what the host's refusals become on their way to the caller, and what they must not become.

What belongs here: cases whose ids begin with `errors`. What does not: the errors of one operation in the wrong state (in its
area), and the loss of a real connection (`test_connection`). Refusals that no host gives on demand come from the seam of the
driver, on the call that pauses: it is the same one with every driver.
"""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, SPAWNED, domain_of, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState, ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    Busy,
    ConnectionLost,
    DriverError,
    HypervisorError,
    InstanceExists,
    InstanceNotFound,
    InvalidState,
    OperationTimeout,
    PermissionDenied,
)
from virtproof_driver.spec import FileSource, RescueImage
from virtproof_driver.values import Instance, PowerState

PAUSED = SPAWNED | {Capability.PAUSE}
Act = Callable[[ComputeDriver, Instance], object]

# Operations on an instance that must be there; a case each for those that not every driver has.
KNOWN_ONLY: dict[str, Act] = {
    "instance": lambda driver, _: driver.instance(NO_SUCH),
    "spec": lambda driver, _: driver.spec(NO_SUCH),
    "start": lambda driver, _: driver.start(NO_SUCH),
    "stop": lambda driver, _: driver.stop(NO_SUCH, timeout=1),
    "pause": lambda driver, _: driver.pause(NO_SUCH),
    "unpause": lambda driver, _: driver.unpause(NO_SUCH),
}
KNOWN_ONLY_SUSPEND: dict[str, Act] = {
    "suspend": lambda driver, _: driver.suspend(NO_SUCH),
    "resume": lambda driver, _: driver.resume(NO_SUCH),
}
KNOWN_ONLY_REBOOT: dict[str, Act] = {
    "soft": lambda driver, _: driver.reboot(NO_SUCH),
    "hard": lambda driver, _: driver.reboot(NO_SUCH, hard=True),
}
KNOWN_ONLY_DEFINITION: dict[str, Act] = {
    "rescue": lambda driver, _: driver.rescue(NO_SUCH, RescueImage(source=FileSource(path="/virtproof/none.img"))),
    "unrescue": lambda driver, _: driver.unrescue(NO_SUCH),
    "resize": lambda driver, _: driver.resize(NO_SUCH, vcpus=1, memory_mib=32),
    "autostart": lambda driver, _: driver.autostart(NO_SUCH),
    "set-autostart": lambda driver, _: driver.set_autostart(NO_SUCH, enabled=True),
}


def assert_not_found(driver: ComputeDriver, instance: Instance, world: World, act: Act) -> None:
    """The error names the UUID, and the instance that is there is left alone."""
    with pytest.raises(InstanceNotFound) as refused:
        act(driver, instance)
    assert refused.value.key == NO_SUCH
    assert NO_SUCH in str(refused.value)
    assert state_of(world, instance) == DomainState.SHUTOFF


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error, its cause, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def told(error: BaseException) -> str:
    """All that an error and its causes say of themselves."""
    return "\n".join(f"{each!r} {each} {getattr(each, '__notes__', ())} {vars(each)}" for each in chain(error))


# --- an instance that is not there ------------------------------------------------------------------------------------


@case(
    "errors.unknown-instance",
    Level.MUST,
    requirement="An operation on an instance that the host does not have is InstanceNotFound with its UUID.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs=PAUSED | {Capability.START, Capability.STOP},
)
@pytest.mark.parametrize("operation", KNOWN_ONLY)
def test_unknown_instance(driver: ComputeDriver, off_instance: Instance, world: World, operation: str) -> None:
    assert_not_found(driver, off_instance, world, KNOWN_ONLY[operation])


@case(
    "errors.unknown-instance.suspend",
    Level.MUST,
    requirement="Suspending or resuming an instance that the host does not have is InstanceNotFound with its UUID.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs=SPAWNED | {Capability.SUSPEND},
)
@pytest.mark.parametrize("operation", KNOWN_ONLY_SUSPEND)
def test_suspending_an_unknown_instance(driver: ComputeDriver, off_instance: Instance, world: World, operation: str) -> None:
    assert_not_found(driver, off_instance, world, KNOWN_ONLY_SUSPEND[operation])


@case(
    "errors.unknown-instance.reboot",
    Level.MUST,
    requirement="Rebooting an instance that the host does not have is InstanceNotFound with its UUID.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs=SPAWNED | {Capability.REBOOT, Capability.REBOOT_HARD},
)
@pytest.mark.parametrize("operation", KNOWN_ONLY_REBOOT)
def test_rebooting_an_unknown_instance(driver: ComputeDriver, off_instance: Instance, world: World, operation: str) -> None:
    assert_not_found(driver, off_instance, world, KNOWN_ONLY_REBOOT[operation])


@case(
    "errors.unknown-instance.definition",
    Level.MUST,
    requirement="Changing the definition of an instance that the host does not have is InstanceNotFound with its UUID.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs=SPAWNED | {Capability.RESCUE, Capability.RESIZE, Capability.AUTOSTART},
)
@pytest.mark.parametrize("operation", KNOWN_ONLY_DEFINITION)
def test_changing_an_unknown_instance(driver: ComputeDriver, off_instance: Instance, world: World, operation: str) -> None:
    assert_not_found(driver, off_instance, world, KNOWN_ONLY_DEFINITION[operation])


@case(
    "errors.unknown-instance.meanwhile",
    Level.MUST,
    requirement="An instance that goes between two operations is InstanceNotFound for the second one.",
    source="libvirt error 42 on a handle that was looked up before",
    since="1.0",
    needs=PAUSED,
)
def test_an_instance_that_went(driver: ComputeDriver, instance: Instance, world: World, faults: Faults) -> None:
    def remove() -> None:
        domain = domain_of(world, instance.uuid)
        domain.destroy()
        domain.undefineFlags()

    faults.before("Domain.suspend", remove)
    with pytest.raises(InstanceNotFound) as refused:
        driver.pause(instance.uuid)
    assert refused.value.key == str(instance.uuid)


# --- what the host's codes become -------------------------------------------------------------------------------------


@case(
    "errors.connection-lost.not-retried",
    Level.MUST,
    requirement="A change under which the connection broke is ConnectionLost and is not made again, since it may have been made.",
    source="a broken connection answers 38 or 1, of domain 7 (RPC) or 13 (remote) (libvirt 9.0.0)",
    since="1.0",
    needs=PAUSED,
)
@pytest.mark.parametrize(
    ("code", "domain"),
    [
        pytest.param(ErrorCode.SYSTEM_ERROR, ErrorDomain.RPC, id="38-7"),
        pytest.param(ErrorCode.INTERNAL_ERROR, ErrorDomain.RPC, id="1-7"),
        pytest.param(ErrorCode.SYSTEM_ERROR, ErrorDomain.REMOTE, id="38-13"),
        pytest.param(ErrorCode.INTERNAL_ERROR, ErrorDomain.REMOTE, id="1-13"),
    ],
)
def test_changes_are_not_made_again(  # noqa: PLR0913, PLR0917 - four fixtures and a pair of numbers
    driver: ComputeDriver, instance: Instance, world: World, faults: Faults, code: ErrorCode, domain: ErrorDomain
) -> None:
    faults.raise_on("Domain.suspend", code, domain)
    with pytest.raises(ConnectionLost):
        driver.pause(instance.uuid)
    assert state_of(world, instance) == DomainState.RUNNING
    assert driver.pause(instance.uuid).state is PowerState.PAUSED


@case(
    "errors.connection-lost.only-then",
    Level.MUST,
    requirement="The same codes from the hypervisor itself are no broken connection: HypervisorError, and the driver goes on.",
    source="codes 1 and 38 are VIR_ERR_INTERNAL_ERROR and VIR_ERR_SYSTEM_ERROR, which any driver of libvirt gives",
    since="1.0",
    needs=PAUSED,
)
@pytest.mark.parametrize("code", [ErrorCode.INTERNAL_ERROR, ErrorCode.SYSTEM_ERROR], ids=["1", "38"])
def test_not_every_code_is_a_lost_connection(
    driver: ComputeDriver, instance: Instance, world: World, faults: Faults, code: ErrorCode
) -> None:
    faults.raise_on("Domain.suspend", code, ErrorDomain.QEMU)
    with pytest.raises(HypervisorError):
        driver.pause(instance.uuid)
    assert state_of(world, instance) == DomainState.RUNNING
    assert driver.pause(instance.uuid).state is PowerState.PAUSED


@case(
    "errors.typed",
    Level.MUST,
    requirement="A refusal is the error class that says who must act, and the instance stays as it is.",
    source="https://libvirt.org/html/libvirt-virterror.html",
    since="1.0",
    needs=PAUSED,
)
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        pytest.param(ErrorCode.OPERATION_DENIED, PermissionDenied, id="read-only"),
        pytest.param(ErrorCode.ACCESS_DENIED, PermissionDenied, id="access-control"),
        pytest.param(ErrorCode.OPERATION_TIMEOUT, OperationTimeout, id="job"),
        pytest.param(ErrorCode.RESOURCE_BUSY, Busy, id="busy"),
        pytest.param(ErrorCode.OPERATION_FAILED, HypervisorError, id="failed"),
        pytest.param(ErrorCode.NO_MEMORY, HypervisorError, id="no-memory"),
        pytest.param(9999, HypervisorError, id="unheard-of"),
    ],
)
def test_refusals_are_typed(  # noqa: PLR0913, PLR0917 - four fixtures, and a code with its class
    driver: ComputeDriver, instance: Instance, world: World, faults: Faults, code: int, kind: type[DriverError]
) -> None:
    faults.raise_on("Domain.suspend", code, ErrorDomain.QEMU)
    with pytest.raises(kind):
        driver.pause(instance.uuid)
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "errors.hypervisor-error.kept",
    Level.MUST,
    requirement="HypervisorError keeps libvirt's code, domain and message, and its text shows the message.",
    source="virErrorPtr: code, domain, message",
    since="1.0",
    needs=PAUSED,
)
def test_the_hosts_words_are_kept(driver: ComputeDriver, instance: Instance, faults: Faults) -> None:
    message = "internal error: the monitor said 'nö' {0} %s"
    faults.raise_on("Domain.suspend", ErrorCode.CONFIG_UNSUPPORTED, ErrorDomain.QEMU, message)
    with pytest.raises(HypervisorError) as raised:
        driver.pause(instance.uuid)
    error = raised.value
    assert (error.code, error.domain, error.message) == (ErrorCode.CONFIG_UNSUPPORTED, ErrorDomain.QEMU, message)
    assert message in str(error)


@case(
    "errors.cause",
    Level.SHOULD,
    requirement="The error of a failed call has libvirt's own as its cause, so that a log shows both.",
    source="PEP 3134: chained exceptions",
    since="1.0",
    needs=PAUSED,
)
def test_libvirts_error_is_the_cause(driver: ComputeDriver, instance: Instance, faults: Faults) -> None:
    faults.raise_on("Domain.suspend", ErrorCode.OPERATION_FAILED, ErrorDomain.QEMU, "said the host")
    with pytest.raises(HypervisorError) as raised:
        driver.pause(instance.uuid)
    causes = [type(each).__name__ for each in chain(raised.value)]
    assert "libvirtError" in causes[1:]


# --- deciding by state ------------------------------------------------------------------------------------------------


@case(
    "errors.wrong-state.reached",
    Level.MUST,
    requirement="A refusal of what another client did just before is success, whichever code the host has for it.",
    source="a domain in the wrong state is 55 on QEMU and 1 on the test driver (libvirt 9.0.0)",
    since="1.0",
    needs=PAUSED,
)
@pytest.mark.parametrize(
    ("code", "domain"),
    [
        pytest.param(ErrorCode.OPERATION_INVALID, ErrorDomain.QEMU, id="55"),
        pytest.param(ErrorCode.INTERNAL_ERROR, ErrorDomain.TEST, id="1"),
    ],
)
def test_a_state_that_is_reached_is_success(  # noqa: PLR0913, PLR0917 - four fixtures and a pair of numbers
    driver: ComputeDriver, instance: Instance, world: World, faults: Faults, code: ErrorCode, domain: ErrorDomain
) -> None:
    faults.before("Domain.suspend", lambda: domain_of(world, instance.uuid).suspend())
    faults.raise_on("Domain.suspend", code, domain, "un message traduit")
    assert driver.pause(instance.uuid).state is PowerState.PAUSED
    assert state_of(world, instance) == DomainState.PAUSED


@case(
    "errors.wrong-state.refused",
    Level.MUST,
    requirement="A refusal because another client took the instance to a wrong state is InvalidState, whatever its code.",
    source="a domain in the wrong state is 55 on QEMU and 1 on the test driver (libvirt 9.0.0)",
    since="1.0",
    needs=PAUSED,
)
@pytest.mark.parametrize(
    ("code", "domain"),
    [
        pytest.param(ErrorCode.OPERATION_INVALID, ErrorDomain.QEMU, id="55"),
        pytest.param(ErrorCode.INTERNAL_ERROR, ErrorDomain.TEST, id="1"),
    ],
)
def test_a_wrong_state_is_told_as_such(  # noqa: PLR0913, PLR0917 - four fixtures and a pair of numbers
    driver: ComputeDriver, instance: Instance, world: World, faults: Faults, code: ErrorCode, domain: ErrorDomain
) -> None:
    faults.before("Domain.suspend", lambda: domain_of(world, instance.uuid).destroy())
    faults.raise_on("Domain.suspend", code, domain, "un message traduit")
    with pytest.raises(InvalidState):
        driver.pause(instance.uuid)
    assert state_of(world, instance) == DomainState.SHUTOFF


# --- what errors say --------------------------------------------------------------------------------------------------


@case(
    "errors.text.offender",
    Level.MUST,
    requirement="The text of an error names the instance that it is about, by UUID or name.",
    source="driver contract: errors carry the offender",
    since="1.0",
    needs=PAUSED,
)
@pytest.mark.parametrize("mistake", ["taken", "wrong-state", "denied", "lost"])
def test_errors_name_the_instance(driver: ComputeDriver, small: Small, faults: Faults, mistake: str) -> None:
    spec = small()
    driver.spawn(spec, start=mistake != "wrong-state")
    codes = {"denied": (ErrorCode.OPERATION_DENIED, ErrorDomain.QEMU), "lost": (ErrorCode.SYSTEM_ERROR, ErrorDomain.RPC)}
    if mistake in codes:
        faults.raise_on("Domain.suspend", *codes[mistake], "refused")
    act: Callable[[], object] = partial(driver.spawn, spec) if mistake == "taken" else partial(driver.pause, spec.uuid)
    with pytest.raises((InstanceExists, InvalidState, PermissionDenied, ConnectionLost)) as raised:
        act()
    assert any(offender in str(raised.value) for offender in (str(spec.uuid), spec.name))


@case(
    "errors.text.no-secret",
    Level.MUST,
    requirement="A password that a failed operation was given is in no part of its error.",
    source="errors are logged; virDomainSetUserPassword",
    since="1.0",
    needs=SPAWNED | {Capability.AGENT_PASSWORD},
)
def test_errors_hold_no_secret(driver: ComputeDriver, instance: Instance, faults: Faults) -> None:
    secret = "correct horse battery staple"  # noqa: S105 - what must not be found
    faults.raise_on("setUserPassword", ErrorCode.AGENT_UNRESPONSIVE, ErrorDomain.QEMU)
    with pytest.raises(DriverError) as raised:
        driver.set_admin_password(instance.uuid, "root", secret)
    assert secret not in told(raised.value)


@case(
    "errors.listing.not-swallowed",
    Level.MUST,
    requirement="A listing that the host fails is the host's error, not a shorter list.",
    source="an empty list reads as 'everything was deleted'",
    since="1.0",
    needs=SPAWNED,
)
def test_a_failed_listing_is_no_empty_list(driver: ComputeDriver, instance: Instance, faults: Faults) -> None:
    faults.raise_on("Connection.listAllDomains", ErrorCode.INTERNAL_ERROR, ErrorDomain.QEMU, "cannot list")
    with pytest.raises(HypervisorError, match="cannot list"):
        driver.instances()
    assert instance in driver.instances()
