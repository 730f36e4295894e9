"""Opening consoles and reading their logs, over a host in memory that answers as libvirt 11.3.0 was measured to do."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from uuid import UUID

import pytest

from virtproof_driver.actions import DeleteLog, MakeLog
from virtproof_driver.constants import ConsoleFlag, DomainState, ErrorCode, ErrorDomain, StreamFlag
from virtproof_driver.errors import (
    Busy,
    DeviceNotFound,
    HypervisorError,
    InvalidSpec,
    InvalidState,
    StoragePoolNotFound,
    VolumeNotFound,
)
from virtproof_driver.hypervisors.lxc import LXC
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.operations import console_logs, talking
from virtproof_driver.operations.executing import perform
from virtproof_driver.spec import Console, InstanceSpec

if TYPE_CHECKING:
    from virtproof_driver.link import Link

P = ParamSpec("P")
T = TypeVar("T")
UUID_A = UUID(int=10)
LOG = "/logs/a.log"
SPEC = InstanceSpec(uuid=UUID_A, name="a", vcpus=1, memory_mib=32, consoles=(Console(log=LOG),))
SILENT = replace(SPEC, consoles=())
IN_USE = HypervisorError(ErrorCode.OPERATION_FAILED, ErrorDomain.QEMU, "Active console session exists for this domain")


@dataclass(slots=True, eq=False)
class Volume:
    """A file of a pool."""

    pool: "Pool"
    called: str
    data: bytes = b""
    written_meanwhile: bytes = b""

    def name(self) -> str:
        return self.called

    def info(self) -> tuple[int, int, int]:
        return 0, len(self.data), 0

    def download(self, stream: "Stream", offset: int, length: int, flags: int = 0) -> int:
        del length, flags
        stream.comes = [(self.data + self.written_meanwhile)[offset:]]
        return 0

    def delete(self, flags: int = 0) -> int:
        del flags
        del self.pool.files[self.called]
        return 0


@dataclass(slots=True, eq=False)
class Pool:
    """A folder; what it `knows` is what it saw when it was refreshed."""

    files: dict[str, Volume] = field(default_factory=dict[str, Volume])
    known: frozenset[str] = frozenset()
    refreshed: int = 0

    def name(self) -> str:
        return "logs"

    def refresh(self, flags: int = 0) -> int:
        del flags
        self.refreshed += 1
        self.known = frozenset(self.files)
        return 0

    def listAllVolumes(self, flags: int = 0) -> list[Volume]:
        del flags
        return [self.files[name] for name in sorted(self.known & self.files.keys())]

    def storageVolLookupByName(self, name: str) -> Volume:
        if name not in self.known & self.files.keys():
            raise VolumeNotFound(name)
        return self.files[name]

    def put(self, name: str, data: bytes = b"", *, known: bool = True) -> Volume:
        self.files[name] = Volume(self, name, data)
        self.known |= {name} if known else frozenset()
        return self.files[name]


@dataclass(slots=True, eq=False)
class Stream:
    """A stream that gives what it was given."""

    flags: int
    comes: list[bytes] = field(default_factory=list[bytes])

    def recv(self, nbytes: int) -> bytes:
        del nbytes
        return self.comes.pop(0) if self.comes else b""

    def finish(self) -> int:
        return 0

    def abort(self) -> int:
        return 0


@dataclass(slots=True, eq=False)
class Host:
    """A host with one domain and one pool; it is its own link, connection and domain."""

    spec: InstanceSpec = SPEC
    hypervisor: Hypervisor = QEMU
    state_now: int = DomainState.RUNNING
    refusal: Exception | None = None
    pool: Pool | None = field(default_factory=Pool)
    opened: list[tuple[Stream, int]] = field(default_factory=list[tuple[Stream, int]])

    @property
    def link(self) -> "Link":
        return cast("Link", cast("object", self))

    def connection(self) -> "Host":
        return self

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    def domain(self, uuid: UUID) -> "Host":
        assert uuid == UUID_A
        return self

    def converse(self, stream: Stream) -> Any:
        return stream

    def newStream(self, flags: int = 0) -> Stream:
        return Stream(flags)

    def storagePoolLookupByTargetPath(self, path: str) -> Pool:
        if self.pool is None or path != "/logs":
            raise StoragePoolNotFound(path)
        return self.pool

    def name(self) -> str:
        return "a"

    def state(self, flags: int = 0) -> tuple[int, int]:
        del flags
        return self.state_now, 1

    def XMLDesc(self, flags: int = 0) -> str:
        del flags
        return domain_xml(self.spec, self.hypervisor)

    def openConsole(self, dev_name: str | None, stream: Stream, flags: int = 0) -> int:
        assert dev_name is None
        if self.refusal is not None:
            raise self.refusal
        self.opened.append((stream, flags))
        return 0


@pytest.mark.parametrize(
    ("hypervisor", "force", "flags"),
    [(QEMU, False, 0), (QEMU, True, ConsoleFlag.FORCE), (LXC, False, 0), (LXC, True, 0)],
    ids=["qemu", "qemu-force", "lxc", "lxc-force"],
)
def test_a_console_opens_on_a_stream_that_does_not_block(hypervisor: Hypervisor, force: bool, flags: int) -> None:
    host = Host(hypervisor=hypervisor)
    talking.console(host.link, UUID_A, force=force)
    ((stream, given),) = host.opened
    assert (stream.flags, given) == (StreamFlag.NONBLOCK, flags)


@pytest.mark.parametrize(
    ("host", "error"),
    [
        (Host(refusal=IN_USE), Busy),
        (Host(refusal=IN_USE, spec=SILENT), DeviceNotFound),
        (Host(refusal=IN_USE, state_now=DomainState.SHUTOFF), InvalidState),
        (Host(refusal=InvalidState("not running"), state_now=DomainState.SHUTOFF, spec=SILENT), InvalidState),
        (Host(refusal=HypervisorError(ErrorCode.INTERNAL_ERROR, ErrorDomain.QEMU, "no")), HypervisorError),
    ],
    ids=["busy", "none", "off", "off-by-code", "other"],
)
def test_state_and_definition_say_what_a_refusal_means(host: Host, error: type[Exception]) -> None:
    with pytest.raises(error):
        talking.console(host.link, UUID_A, force=False)


def output(host: Host, tail: int | None = None) -> bytes:
    return console_logs.console_output(host.link, UUID_A, tail=tail)


def test_a_log_is_read_as_a_whole_or_its_last_bytes() -> None:
    host = Host()
    assert host.pool is not None
    host.pool.put("a.log", b"0123456789")
    assert [output(host, tail) for tail in (None, 1, 4, 10, 99)] == [b"0123456789", b"9", b"6789", b"0123456789", b"0123456789"]
    assert host.pool.refreshed == 0


def test_a_guest_that_writes_on_meanwhile_does_not_lengthen_the_tail() -> None:
    host = Host()
    assert host.pool is not None
    host.pool.put("a.log", b"0123456789").written_meanwhile = b"abc"
    assert output(host, 4) == b"9abc"


def test_a_pool_looks_again_for_a_log_that_it_does_not_know() -> None:
    host = Host()
    assert host.pool is not None
    host.pool.put("a.log", b"late", known=False)
    assert output(host) == b"late"
    assert host.pool.refreshed == 1


@pytest.mark.parametrize(
    ("host", "tail", "error"),
    [
        (Host(spec=SILENT), None, DeviceNotFound),
        (Host(pool=None), None, StoragePoolNotFound),
        (Host(), None, VolumeNotFound),
        (Host(), 0, InvalidSpec),
        (Host(), -1, InvalidSpec),
    ],
    ids=["not-logged", "no-pool", "no-file", "tail-0", "tail-negative"],
)
def test_what_keeps_a_log_from_being_read_is_typed(host: Host, tail: int | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        output(host, tail)


def test_a_log_goes_with_what_libvirt_moved_out_of_it_and_nothing_else() -> None:
    host = Host()
    assert host.pool is not None
    for name in ("a.log", "a.log.0", "a.log.12", "a.log.x", "a.log-0", "b.log", "aa.log"):
        host.pool.put(name, known=False)
    perform(DeleteLog(log=LOG), host.link)
    assert sorted(host.pool.files) == ["a.log-0", "a.log.x", "aa.log", "b.log"]


def test_a_log_that_is_gone_is_deleted() -> None:
    perform(DeleteLog(log=LOG), Host().link)
    perform(DeleteLog(log=LOG), Host(pool=None).link)


def test_a_log_outside_every_pool_is_the_callers_mistake() -> None:
    with pytest.raises(InvalidSpec) as refused:
        perform(MakeLog(log="/elsewhere/a.log"), Host().link)
    assert refused.value.field == "consoles.log"


def test_logs_that_cannot_be_deleted_are_told() -> None:
    refusal = HypervisorError(ErrorCode.SYSTEM_ERROR, ErrorDomain.STREAMS, "busy")

    class Refusing(Pool):
        """A folder that cannot be looked at."""

        def refresh(self, flags: int = 0) -> int:
            raise refusal

    assert list(console_logs.delete_logs(Host(pool=Refusing()).link, [LOG])) == [(LOG, refusal)]
