"""Errors are told by their numbers: which class, and with which offender."""

import pytest

from virtproof_driver.constants import ErrorCode, ErrorDomain
from virtproof_driver.error_table import CALLS, translate
from virtproof_driver.errors import (
    AgentRefused,
    AgentUnresponsive,
    Busy,
    ConnectionLost,
    DeviceNotFound,
    DriverError,
    HypervisorError,
    InstanceExists,
    InstanceNotFound,
    InvalidSpec,
    InvalidState,
    NotFound,
    NotSupported,
    OperationTimeout,
    PermissionDenied,
    SnapshotNotFound,
    VolumeExists,
)

MEASURED = [
    pytest.param(1, 7, ConnectionLost, id="keepalive timeout"),
    pytest.param(1, 13, ConnectionLost, id="the remote driver lost it"),
    pytest.param(38, 7, ConnectionLost, id="end of file"),
    pytest.param(6, 20, ConnectionLost, id="a connection that was closed"),
    pytest.param(42, 12, InstanceNotFound, id="unknown domain"),
    pytest.param(72, 35, SnapshotNotFound, id="unknown snapshot"),
    pytest.param(99, 10, DeviceNotFound, id="device not there"),
    pytest.param(28, 10, InstanceExists, id="domain exists"),
    pytest.param(90, 18, VolumeExists, id="volume exists"),
    pytest.param(55, 10, InvalidState, id="wrong state"),
    pytest.param(29, 20, PermissionDenied, id="read-only"),
    pytest.param(88, 20, PermissionDenied, id="access control"),
    pytest.param(45, 12, PermissionDenied, id="wrong password"),
    pytest.param(79, 46, PermissionDenied, id="cancelled"),
    pytest.param(8, 46, PermissionDenied, id="no credentials"),
    pytest.param(27, 20, InvalidSpec, id="XML"),
    pytest.param(92, 20, InvalidSpec, id="validation"),
    pytest.param(68, 10, OperationTimeout, id="another job"),
    pytest.param(83, 10, Busy, id="second block job"),
    pytest.param(87, 10, Busy, id="held"),
    pytest.param(1, 12, HypervisorError, id="the test driver's wrong state"),
    pytest.param(3, 20, HypervisorError, id="API not there"),
    pytest.param(8, 12, HypervisorError, id="flag not there"),
    pytest.param(9, 12, HypervisorError, id="define over another"),
    pytest.param(86, 10, AgentUnresponsive, id="agent not answering"),
    pytest.param(112, 10, AgentUnresponsive, id="agent that stopped answering"),
    pytest.param(113, 10, AgentRefused, id="agent that refuses"),
    pytest.param(38, 70, NotSupported, id="no TPM emulator"),
    pytest.param(100000, 7, HypervisorError, id="a newer code"),
]


@pytest.mark.parametrize(("code", "domain", "expected"), MEASURED)
def test_the_class_is_told_by_the_numbers(code: int, domain: int, expected: type[DriverError]) -> None:
    error = translate(code, domain, "words", offender="it")
    assert type(error) is expected
    assert "words" in str(error)


@pytest.mark.parametrize(("code", "domain"), list(CALLS), ids=str)
def test_every_row_makes_an_error_that_names_the_offender_or_the_field(code: ErrorCode, domain: ErrorDomain | None) -> None:
    error = translate(code, domain or 0, "words", offender="it")
    assert "words" in str(error)
    assert isinstance(error, InvalidSpec) or "it" in str(error)


def test_the_message_decides_nothing() -> None:
    assert type(translate(55, 10, "Domain not found")) is InvalidState


def test_a_missing_object_carries_its_key() -> None:
    error = translate(42, 12, "Domain not found", offender="c7a5")
    assert isinstance(error, NotFound)
    assert (error.key, str(error)) == ("c7a5", "no instance 'c7a5': Domain not found")


def test_a_refusal_carries_libvirts_numbers() -> None:
    error = translate(3, 20, "not supported")
    assert isinstance(error, HypervisorError)
    assert (error.code, error.domain, error.message) == (3, 20, "not supported")


def test_an_error_without_numbers_is_the_hypervisors() -> None:
    error = translate(None, None, None)
    assert isinstance(error, HypervisorError)
    assert (error.code, error.domain) == (0, 0)
