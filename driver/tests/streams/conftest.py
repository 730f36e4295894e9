"""What tests of moving bytes stand on: a host in memory that does as libvirt 11.3.0 was measured to do.

What belongs here: the host, its link, and nothing that is expected of the driver.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from virtproof_driver.constants import DomainState
from virtproof_driver.edge.waits import Waits
from virtproof_driver.errors import ConnectionLost, HypervisorError, VolumeNotFound
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.markup.storage import volume_xml
from virtproof_driver.operations.streams import CHUNK_BYTES
from virtproof_driver.spec import Disk, DiskFormat, InstanceSpec, VolumeSpec
from virtproof_driver.values import BlockJob, BlockJobEvent, BlockJobStatus, EventKind, LifecycleEvent

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from virtproof_driver.capabilities import Capability
    from virtproof_driver.link import Expectation, Link, Wait

P = ParamSpec("P")
T = TypeVar("T")
UUID_A = UUID(int=10)
CONTENT = bytes(range(256)) * 64
"""What the copy of a running guest's disk holds."""


class Stream:
    """A stream to or from one volume; what libvirt does when it ends is noted by the host."""

    def __init__(self, host: "Host") -> None:
        self.host, self.volume, self.position, self.end = host, None, 0, 0
        self.most = CHUNK_BYTES

    volume: "Volume | None"

    def send(self, data: bytes) -> int:
        assert self.volume is not None
        taken = data[: self.most]
        self.volume.write(self.position, taken)
        self.position += len(taken)
        return self.host.answer if self.host.answer is not None else len(taken)

    def recv(self, size: int) -> bytes | int:
        assert self.volume is not None
        if self.host.answer is not None:
            return self.host.answer
        piece = bytes(self.volume.data[self.position : min(self.position + size, self.end)])
        self.position += len(piece)
        return piece

    def finish(self) -> int:
        self.host.ended.append("finish")
        return 0

    def abort(self) -> int:
        self.host.ended.append("abort")
        if self.host.lost:
            raise ConnectionLost("broke")
        return 0


class Volume:
    """A volume as its XML and its bytes."""

    def __init__(self, host: "Host", spec: VolumeSpec, data: bytes) -> None:
        self.host, self.spec, self.data = host, spec, bytearray(data)
        self.allocation = len(data)

    def write(self, at: int, data: bytes) -> None:
        self.data[at : at + len(data)] = data

    def name(self) -> str:
        return self.spec.name

    def path(self) -> str:
        return f"/p/{self.spec.name}"

    def info(self) -> tuple[int, int, int]:
        return 0, self.spec.capacity_bytes, self.allocation

    def XMLDesc(self) -> str:
        root = ET.fromstring(volume_xml(self.spec, None if self.spec.backing is None else f"/p/{self.spec.backing}"))
        target = root.find("target")
        assert target is not None
        ET.SubElement(target, "path").text = self.path()
        return ET.tostring(root, encoding="unicode")

    def storagePoolLookupByVolume(self) -> "Host":
        return self.host

    def upload(self, stream: Stream, offset: int, length: int) -> int:
        assert length == 0, "libvirt ends when a stream runs over the length that it was given"
        stream.volume, stream.position = self, offset
        return 0

    def download(self, stream: Stream, offset: int, length: int) -> int:
        stream.volume, stream.position = self, offset
        stream.end = offset + length if length else len(self.data)
        return 0

    def resize(self, capacity: int) -> int:
        if self.host.answer is not None:
            raise HypervisorError(1, 18, "cannot grow")
        self.spec = _sized(self.spec, capacity)
        return 0

    def delete(self) -> int:
        if self.host.lost:
            raise ConnectionLost("broke")
        del self.host.store[self.spec.name]
        return 0


def _sized(spec: VolumeSpec, capacity: int) -> VolumeSpec:
    return VolumeSpec(name=spec.name, capacity_bytes=capacity, format=spec.format, backing=spec.backing, secret=spec.secret)


class Host:
    """A host with one pool and one instance; it is its own connection, pool and domain."""

    def __init__(self) -> None:
        self.store: dict[str, Volume] = {}
        self.available = 1 << 40
        self.made: list[str] = []
        self.ended: list[str] = []
        self.lost = False
        self.answer: int | None = None
        self.running = False
        self.waits = Waits(lambda: 0.0)
        self.disks: tuple[Disk, ...] = ()
        self.copied: Callable[[], object] = lambda: self.tell(BlockJobStatus.COMPLETED)
        self.aborted = 0

    def put(self, name: str, data: bytes, **spec: Any) -> Volume:
        capacity = cast("int", spec.pop("capacity_bytes", len(data)))
        self.store[name] = Volume(self, VolumeSpec(name=name, capacity_bytes=capacity, **spec), data)
        return self.store[name]

    # --- connection and pool ----------------------------------------------------------------------------

    def name(self) -> str:
        return "p"

    def newStream(self) -> Stream:
        return Stream(self)

    def storagePoolLookupByName(self, _name: str) -> "Host":
        return self

    def storageVolLookupByName(self, name: str) -> Volume:
        if name not in self.store:
            raise VolumeNotFound(name)
        return self.store[name]

    def storageVolLookupByPath(self, path: str) -> Volume:
        return self.storageVolLookupByName(path.removeprefix("/p/"))

    def listAllVolumes(self) -> list[Volume]:
        return list(self.store.values())

    def info(self) -> tuple[int, int, int, int]:
        return 0, 0, 0, self.available

    def createXML(self, xml: str) -> Volume:
        spec = _parsed(xml)
        self.made.append(xml)
        return self.put(spec.name, b"", capacity_bytes=spec.capacity_bytes, format=spec.format)

    def createXMLFrom(self, xml: str, source: Volume) -> Volume:
        """As libvirt does it: whole, and a qcow2 clone no larger than its source."""
        spec = _parsed(xml)
        below = source.spec.backing
        data = bytes(self.store[below].data) if below is not None else bytes(source.data)
        capacity = source.spec.capacity_bytes if spec.format is DiskFormat.QCOW2 else spec.capacity_bytes
        return self.put(spec.name, data, capacity_bytes=capacity, format=spec.format)

    # --- the domain -------------------------------------------------------------------------------------

    def state(self) -> tuple[int, int]:
        return (DomainState.RUNNING if self.running else DomainState.SHUTOFF), 1

    def blockInfo(self, _target: str) -> tuple[int, int, int]:
        return len(CONTENT), 0, 0

    def backupBegin(self, xml: str, _checkpoint: str | None, _flags: int) -> int:
        disk = ET.fromstring(xml).find("disks/disk")
        target = ET.fromstring(xml).find("disks/disk/target")
        assert disk is not None
        assert target is not None
        self.storageVolLookupByPath(target.get("file", "")).data[:] = CONTENT
        self.copied()
        return 0

    def abortJob(self) -> int:
        self.aborted += 1
        return 0

    def tell(self, status: BlockJobStatus) -> None:
        told = BlockJobEvent(uuid=UUID_A, name="a", target="vda", job=BlockJob.BACKUP, status=status, stamp=1.0)
        self.waits.tell(told)

    def happen(self, kind: EventKind) -> None:
        self.waits.tell(LifecycleEvent(uuid=UUID_A, name="a", kind=kind, reason="any", stamp=1.0))


class Described(Host):
    """The host as a domain: the name and XML of the instance."""

    def __init__(self, host: Host) -> None:
        self.__dict__ = host.__dict__

    def name(self) -> str:
        return "a"

    def XMLDesc(self) -> str:
        return domain_xml(InstanceSpec(uuid=UUID_A, name="a", vcpus=1, memory_mib=32, disks=self.disks), QEMU)


def _parsed(xml: str) -> VolumeSpec:
    root = ET.fromstring(xml)
    form = root.find("target/format")
    assert form is not None
    return VolumeSpec(
        name=root.findtext("name", ""),
        capacity_bytes=int(root.findtext("capacity", "0")),
        format=DiskFormat(form.get("type", "")),
    )


class FakeLink:
    """A link to the host, with the real waits."""

    hypervisor = QEMU

    def __init__(self, host: Host) -> None:
        self.host = host
        self.refusals: Mapping[Capability, str] = {}

    def connection(self) -> Host:
        return self.host

    def domain(self, _uuid: UUID) -> Described:
        return Described(self.host)

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    def expect(self, uuid: UUID, awaited: "Expectation[T]") -> "AbstractContextManager[Wait[T]]":
        return self.host.waits.armed(uuid, awaited)


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def link(host: Host) -> "Link":
    return cast("Link", cast("object", FakeLink(host)))
