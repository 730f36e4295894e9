"""What libvirt's errors mean to the driver, once it is connected.

What belongs here: (error code, error domain) to our class, from the numbers alone. What does not: deciding by an error's text,
which is translated and changes between releases; opening a connection (`opening_table`); and what an operation makes of a refusal
(a plain refusal is a HypervisorError, and the operation that knows the capability turns it into NotSupported).
Codes: https://libvirt.org/html/libvirt-virterror.html. Pairs were measured on libvirt 9.0.0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from virtproof_driver.capabilities import Capability
from virtproof_driver.constants import ErrorCode as Code
from virtproof_driver.constants import ErrorDomain as Domain
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
    MetadataNotFound,
    MigrationUnsafe,
    NetworkNotFound,
    NotSupported,
    NWFilterNotFound,
    OperationTimeout,
    PermissionDenied,
    SecretNotFound,
    SnapshotNotFound,
    StoragePoolNotFound,
    VolumeExists,
    VolumeNotFound,
)

JOB_WAIT_SECONDS = 30.0
"""How long libvirt's drivers wait for another job on a domain before they answer VIR_ERR_OPERATION_TIMEOUT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error as libvirt gave it, and what the call was about (a UUID or a name; empty where nobody knows)."""

    code: int
    domain: int
    message: str
    offender: str


Make = Callable[[Failure], DriverError]


def _keyed(error: Callable[[str, str], DriverError]) -> Make:
    return lambda failure: error(failure.offender, failure.message)


def _plain(error: Callable[[str], DriverError]) -> Make:
    return lambda failure: error(f"{failure.offender}: {failure.message}" if failure.offender else failure.message)


def _spec(field: str) -> Make:
    return lambda failure: InvalidSpec(field, failure.message)


def _no_emulator(failure: Failure) -> DriverError:
    whose = f" for {failure.offender}" if failure.offender else ""
    return NotSupported(Capability.TPM, f"the host has no emulator of one{whose}: {failure.message}")


def _timeout(failure: Failure) -> DriverError:
    return OperationTimeout(f"end of the job that holds {failure.offender or 'the object'} ({failure.message})", JOB_WAIT_SECONDS)


def _hypervisor(failure: Failure) -> DriverError:
    return HypervisorError(failure.code, failure.domain, failure.message)


_lost = _plain(ConnectionLost)
_denied = _plain(PermissionDenied)

CALLS: Mapping[tuple[Code, Domain | None], Make] = MappingProxyType(
    {
        # the connection: the RPC client and the remote driver tell a broken connection by these (libvirt 9.0.0)
        (Code.INTERNAL_ERROR, Domain.RPC): _lost,
        (Code.INTERNAL_ERROR, Domain.REMOTE): _lost,
        (Code.SYSTEM_ERROR, Domain.RPC): _lost,
        (Code.SYSTEM_ERROR, Domain.REMOTE): _lost,
        (Code.RPC, Domain.RPC): _lost,
        (Code.NO_CONNECT, None): _lost,
        (Code.INVALID_CONN, None): _lost,
        # permission
        (Code.OPERATION_DENIED, None): _denied,
        (Code.ACCESS_DENIED, None): _denied,
        (Code.AUTH_FAILED, None): _denied,
        (Code.AUTH_CANCELLED, None): _denied,
        (Code.INVALID_ARG, Domain.AUTH): _denied,
        # what is not there, or is there already
        (Code.NO_DOMAIN, None): _keyed(InstanceNotFound),
        (Code.NO_NETWORK, None): _keyed(NetworkNotFound),
        (Code.NO_STORAGE_POOL, None): _keyed(StoragePoolNotFound),
        (Code.NO_STORAGE_VOL, None): _keyed(VolumeNotFound),
        (Code.NO_NWFILTER, None): _keyed(NWFilterNotFound),
        (Code.NO_SECRET, None): _keyed(SecretNotFound),
        (Code.NO_DOMAIN_SNAPSHOT, None): _keyed(SnapshotNotFound),
        (Code.NO_DOMAIN_METADATA, None): _keyed(MetadataNotFound),
        (Code.DEVICE_MISSING, None): _keyed(DeviceNotFound),
        (Code.DOM_EXIST, None): _keyed(InstanceExists),
        (Code.STORAGE_VOL_EXIST, None): _keyed(VolumeExists),
        # what the caller described
        (Code.XML_ERROR, None): _spec("xml"),
        (Code.XML_INVALID_SCHEMA, None): _spec("xml"),
        (Code.OS_TYPE, None): _spec("architecture"),
        (Code.NO_NAME, None): _spec("name"),
        (Code.INVALID_MAC, None): _spec("mac"),
        # what the host lacks: swtpm, which libvirt looks for when a domain starts (7.0.0, 11.3.0)
        (Code.SYSTEM_ERROR, Domain.TPM): _no_emulator,
        # the guest
        (Code.AGENT_UNRESPONSIVE, None): _plain(AgentUnresponsive),
        (Code.AGENT_COMMAND_TIMEOUT, None): _plain(AgentUnresponsive),
        (Code.AGENT_COMMAND_FAILED, None): _plain(AgentRefused),
        # the state of the object
        (Code.OPERATION_INVALID, None): _plain(InvalidState),
        (Code.MIGRATE_UNSAFE, None): _plain(MigrationUnsafe),
        (Code.OPERATION_TIMEOUT, None): _timeout,
        (Code.BLOCK_COPY_ACTIVE, None): _plain(Busy),
        (Code.RESOURCE_BUSY, None): _plain(Busy),
    }
)
"""The error of a call; a pair with a domain goes before the code alone, and what is in neither is a HypervisorError."""


def translate(code: int | None, domain: int | None, message: str | None, *, offender: str = "") -> DriverError:
    """The error of a call. libvirt-python gives None for all three when libvirt kept no error; they count as 0 and empty."""
    failure = Failure(code=code or 0, domain=domain or 0, message=message or "libvirt gave no message", offender=offender)
    make = CALLS.get(pair_of(failure.code, failure.domain)) or CALLS.get(pair_of(failure.code, None)) or _hypervisor
    return make(failure)


def pair_of(code: int, domain: int | None) -> tuple[Code, Domain | None]:
    """The key of a table of errors."""
    # An IntEnum hashes and compares as its number, so numbers that have no member are looked up, and missed, the same way.
    return code, domain  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
