"""External snapshots, silent agents and full disks, over a hypervisor in memory that does as libvirt 11.3.0 does."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from virtproof_driver.capabilities import Capability
from virtproof_driver.constants import DomainState, SnapshotFlag, XmlFlag
from virtproof_driver.edge.waits import Waits
from virtproof_driver.errors import (
    AgentNotConfigured,
    AgentRefused,
    AgentUnresponsive,
    Busy,
    DiskFault,
    DriverError,
    HypervisorError,
    InstanceNotFound,
    InvalidSpec,
    InvalidState,
    NotSupported,
    SnapshotExists,
    SnapshotNotFound,
    VolumeNotFound,
)
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.operations import agent, deadlines, lifecycle, overlays, settling, snapshots
from virtproof_driver.spec import Disk, FileSource, InstanceSpec, NewVolume, SnapshotSpec, VolumeSource
from virtproof_driver.values import EventKind, LifecycleEvent, PowerState

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from virtproof_driver.link import Expectation, Link, Wait

P = ParamSpec("P")
T = TypeVar("T")
UUID_A = UUID(int=10)
POOLED = Disk(target="vda", source=VolumeSource(pool="p", volume="v"))
SHARED = Disk(target="vdb", source=FileSource(path="/pool/shared"), read_only=True)
FIRST = SnapshotSpec(name="first", external=True)


def spec(*disks: Disk) -> InstanceSpec:
    return InstanceSpec(uuid=UUID_A, name="a", vcpus=1, memory_mib=32, disks=disks)


class Volume:
    """A file of the pool at /pool."""

    def __init__(self, host: "Host", path: str) -> None:
        self._host, self._path = host, path

    def path(self) -> str:
        return self._path

    def delete(self) -> int:
        if self._path in self._host.stuck:
            raise Busy(self._path)
        self._host.files.discard(self._path)
        return 0


class Snapshot:
    """One snapshot of the host's only domain."""

    def __init__(self, host: "Host", name: str, xml: str) -> None:
        self._host, self.name, self.xml = host, name, xml

    def getName(self) -> str:
        return self.name

    def getXMLDesc(self, _flags: int = 0) -> str:
        return self.xml

    def delete(self) -> int:
        if self._host.refusal is not None:
            raise self._host.refusal
        del self._host.taken[self.name]
        return 0


class Host:
    """A domain, and the pool `p` at /pool with the volume `v`."""

    def __init__(self, made: InstanceSpec, state: DomainState = DomainState.RUNNING) -> None:
        self.domain = ET.fromstring(domain_xml(made, QEMU))
        self.current, self.reason = state, 1
        self.files = {"/pool/v", "/pool/shared"}
        self.stuck: set[str] = set()
        self.taken: dict[str, Snapshot] = {}
        self.jobs: dict[str, int] = {}
        self.refusal: DriverError | None = None
        self.refreshed = 0
        self.blind: DriverError | None = None
        self.flags: list[int] = []
        self.patience: list[int] = []
        self.waits = Waits(lambda: 0.0)
        self.resuming: Callable[[], None] = lambda: None

    # --- virDomain ------------------------------------------------------------------------------------

    def name(self) -> str:
        return "a"

    def state(self) -> tuple[int, int]:
        return self.current, self.reason

    def XMLDesc(self, _flags: int = 0) -> str:
        return ET.tostring(self.domain, encoding="unicode")

    def snapshotCreateXML(self, xml: str, flags: int) -> Snapshot:
        self.flags.append(flags)
        if self.refusal is not None:
            raise self.refusal
        root = ET.fromstring(xml)
        if flags & SnapshotFlag.REDEFINE:
            made = Snapshot(self, root.findtext("name") or "", xml)
        else:
            root.append(ET.fromstring(self.XMLDesc()))
            ET.SubElement(root, "state").text = "disk-snapshot"
            self.files |= {source.get("file", "") for source in root.iterfind("disks/disk/source")}
            self._go_on_in(root)
            made = Snapshot(self, root.findtext("name") or "", ET.tostring(root, encoding="unicode"))
        self.taken[made.name] = made
        return made

    def _go_on_in(self, taken: ET.Element) -> None:
        for disk in taken.iterfind("disks/disk[source]"):
            place = self.domain.find(f"devices/disk/target[@dev='{disk.get('name')}']/../source")
            assert place is not None
            place.attrib.clear()
            place.set("file", disk.findall("source")[0].get("file", ""))

    def snapshotLookupByName(self, name: str) -> Snapshot:
        if name not in self.taken:
            raise SnapshotNotFound(name)
        return self.taken[name]

    def listAllSnapshots(self) -> list[Snapshot]:
        return list(self.taken.values())

    def revertToSnapshot(self, _snapshot: Snapshot) -> int:
        self.tell(EventKind.STOPPED, DomainState.SHUTOFF)
        if self.refusal is not None:
            raise self.refusal
        return 0

    def blockJobInfo(self, _target: str) -> Mapping[str, int]:
        return self.jobs

    def agentSetResponseTimeout(self, seconds: int) -> int:
        self.patience.append(seconds)
        return 0

    def fsFreeze(self, _mountpoints: object) -> int:
        assert self.refusal is not None
        raise self.refusal

    def resume(self) -> int:
        self.tell(EventKind.RESUMED, DomainState.RUNNING)
        self.resuming()
        return 0

    # --- virConnect, virStoragePool -------------------------------------------------------------------

    def storagePoolLookupByName(self, _name: str) -> "Host":
        return self

    def listAllStoragePools(self) -> "list[Pool]":
        return [Pool(self, "/pool"), Pool(self, "/other")]

    def storageVolLookupByName(self, name: str) -> Volume:
        return self.storageVolLookupByPath(f"/pool/{name}")

    def storageVolLookupByPath(self, path: str) -> Volume:
        if path not in self.files:
            raise VolumeNotFound(path)
        return Volume(self, path)

    # --- what a test does -----------------------------------------------------------------------------

    def tell(self, kind: EventKind, state: DomainState, reason: int = 1) -> None:
        self.current, self.reason = state, reason
        self.waits.tell(LifecycleEvent(uuid=UUID_A, name="a", kind=kind, reason="", stamp=1.0))


class Pool:
    def __init__(self, host: Host, folder: str) -> None:
        self._host, self._folder = host, folder

    def name(self) -> str:
        return "p"

    def XMLDesc(self) -> str:
        return f"<pool type='dir'><name>p</name><target><path>{self._folder}</path></target></pool>"

    def refresh(self) -> int:
        assert self._folder == "/pool"
        if self._host.blind is not None:
            raise self._host.blind
        self._host.refreshed += 1
        return 0


class FakeLink:
    """A link to the host, with the real waits."""

    hypervisor = QEMU

    def __init__(self, host: Host, refusals: Mapping[Capability, str] | None = None) -> None:
        self.host, self.refusals = host, refusals or {}

    def connection(self) -> Host:
        return self.host

    def domain(self, uuid: UUID) -> Host:
        if uuid != UUID_A:
            raise InstanceNotFound(str(uuid))
        return self.host

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    def known_state(self, _uuid: UUID) -> PowerState | None:
        return PowerState.PAUSED if self.host.current == DomainState.PAUSED else PowerState.RUNNING

    def expect(self, uuid: UUID, awaited: "Expectation[T]") -> "AbstractContextManager[Wait[T]]":
        return self.host.waits.armed(uuid, awaited)


def link_to(host: Host, **refusals: Any) -> "Link":
    return cast("Link", cast("object", FakeLink(host, refusals.get("refusals"))))


@pytest.fixture
def host() -> Host:
    return Host(spec(POOLED, SHARED))


def test_a_volume_goes_on_in_an_overlay_and_is_described_by_its_path(host: Host) -> None:
    made = snapshots.create_snapshot(link_to(host), UUID_A, FIRST)
    assert (made.name, made.external, made.state) == ("first", True, "disk-snapshot")
    disks = ET.fromstring(host.taken["first"].xml).findall("disks/disk")
    assert [(disk.get("name"), disk.get("snapshot")) for disk in disks] == [("vda", "external"), ("vdb", "no")]
    assert "/pool/v.first" in host.files
    assert 'file="/pool/v"' in host.taken["first"].xml
    assert host.flags == [SnapshotFlag.DISK_ONLY, SnapshotFlag.REDEFINE | SnapshotFlag.CURRENT | SnapshotFlag.DISK_ONLY]
    assert host.refreshed == 1


def test_a_file_needs_no_second_description() -> None:
    host = Host(spec(Disk(target="vda", source=FileSource(path="/pool/v"))))
    snapshots.create_snapshot(link_to(host), UUID_A, FIRST)
    assert host.flags == [SnapshotFlag.DISK_ONLY]


@pytest.mark.parametrize(
    ("disks", "error"),
    [
        pytest.param((SHARED,), InvalidState, id="nothing is written"),
        pytest.param((Disk(target="vda", source=FileSource(path="/elsewhere")),), NotSupported, id="outside pools"),
    ],
)
def test_what_cannot_go_on_is_refused_before_anything_is_made(disks: tuple[Disk, ...], error: type[DriverError]) -> None:
    host = Host(spec(*disks))
    with pytest.raises(error):
        snapshots.create_snapshot(link_to(host), UUID_A, FIRST)
    assert host.flags == []


def test_a_description_that_is_refused_leaves_a_snapshot_and_says_so(host: Host) -> None:
    create = host.snapshotCreateXML

    def refuse_the_second(xml: str, flags: int) -> Snapshot:
        if flags & SnapshotFlag.REDEFINE:
            raise HypervisorError(1, 10, "no")
        return create(xml, flags)

    host.snapshotCreateXML = refuse_the_second  # type: ignore[method-assign]
    with pytest.raises(SnapshotExists) as failed:
        snapshots.create_snapshot(link_to(host), UUID_A, FIRST)
    assert isinstance(failed.value.__cause__, HypervisorError)
    assert "delete it" in failed.value.__cause__.undone_failures[0]


def test_an_old_libvirt_makes_and_reverts_no_external_snapshots(host: Host) -> None:
    reason = {Capability.SNAPSHOT_EXTERNAL: "too old"}
    with pytest.raises(NotSupported):
        snapshots.create_snapshot(link_to(host, refusals=reason), UUID_A, FIRST)
    assert overlays.overlays_of(link_to(host, refusals=reason), UUID_A, host.XMLDesc(XmlFlag.INACTIVE)) == ()
    snapshots.create_snapshot(link_to(host), UUID_A, FIRST)
    with pytest.raises(NotSupported):
        snapshots.revert_snapshot(link_to(host, refusals={Capability.SNAPSHOT_EXTERNAL_REVERT: "too old"}), UUID_A, "first")
    assert host.current == DomainState.RUNNING


def test_freezing_needs_an_agent_and_an_external_snapshot(host: Host) -> None:
    with pytest.raises(InvalidSpec) as wrong:
        snapshots.create_snapshot(link_to(host), UUID_A, SnapshotSpec(name="s", quiesce=True))
    assert wrong.value.field == "quiesce"
    host.refusal = HypervisorError(74, 10, "QEMU guest agent is not configured")
    with pytest.raises(AgentNotConfigured):
        snapshots.create_snapshot(link_to(host), UUID_A, SnapshotSpec(name="s", external=True, quiesce=True))
    assert host.flags == [SnapshotFlag.DISK_ONLY | SnapshotFlag.QUIESCE]
    assert host.patience == [deadlines.FREEZE]


def test_a_snapshot_that_libvirt_forgot_is_told_and_its_overlay_goes_with_the_instance() -> None:
    host = Host(spec(Disk(target="vda", source=NewVolume(pool="p", volume="v", capacity_bytes=1))))

    def forget(xml: str, flags: int) -> Snapshot:
        host.domain.findall("devices/disk/source")[0].attrib = {"file": "/pool/v.s"}
        raise AgentUnresponsive(f"gone: {xml} {flags}")

    host.snapshotCreateXML = forget  # type: ignore[method-assign]
    with pytest.raises(AgentUnresponsive) as failed:
        snapshots.create_snapshot(link_to(host), UUID_A, SnapshotSpec(name="s", external=True, quiesce=True))
    assert "unquiesce()" in failed.value.undone_failures[0]
    assert "/pool/v.s" in failed.value.undone_failures[1]
    assert host.refreshed == 1
    assert overlays.overlays_of(link_to(host), UUID_A, host.XMLDesc()) == ("/pool/v.s",)


def test_a_quiesced_snapshot_that_was_not_made_leaves_nothing_to_tell(host: Host) -> None:
    host.refusal = AgentUnresponsive("hangs")
    with pytest.raises(AgentUnresponsive) as failed:
        snapshots.create_snapshot(link_to(host), UUID_A, SnapshotSpec(name="s", external=True, quiesce=True))
    assert failed.value.undone_failures == ()
    assert overlays.overlays_of(link_to(host), UUID_A, host.XMLDesc()) == ()


AGENT_ERRORS = [((74, 10), AgentNotConfigured), ((84, 10), HypervisorError), ((1, 10), AgentRefused), ((1, 12), HypervisorError)]


@pytest.mark.parametrize(("numbers", "expected"), AGENT_ERRORS)
def test_an_agents_refusal_and_its_absence_are_told_by_the_numbers(
    host: Host, numbers: tuple[int, int], expected: type[DriverError]
) -> None:
    host.refusal = HypervisorError(*numbers, "no")
    with pytest.raises(expected):
        agent.quiesce(link_to(host), UUID_A, ())
    assert host.patience == [deadlines.FREEZE]


def test_mountpoints_cannot_be_thawed_where_all_are_at_once(host: Host) -> None:
    with pytest.raises(NotSupported, match="at once"):
        agent.unquiesce(link_to(host), UUID_A, ["/"])
    assert host.patience == []


def test_a_disk_that_holds_no_snapshot_is_named_as_the_reason(host: Host) -> None:
    host.refusal = HypervisorError(67, 10, "internal snapshot for disk vda unsupported")
    with pytest.raises(NotSupported) as refused:
        snapshots.create_snapshot(link_to(host), UUID_A, SnapshotSpec(name="s"))
    assert refused.value.capability is Capability.SNAPSHOT_INTERNAL
    host.refusal = HypervisorError(1, 10, "broken")
    with pytest.raises(HypervisorError):
        snapshots.create_snapshot(link_to(host), UUID_A, SnapshotSpec(name="s"))


@pytest.mark.parametrize(
    ("code", "jobs", "expected"),
    [(84, {"type": 2}, Busy), (84, {}, NotSupported), (1, {}, HypervisorError)],
    ids=["another job", "a branch", "broken"],
)
def test_why_an_overlay_was_not_merged(host: Host, code: int, jobs: dict[str, int], expected: type[DriverError]) -> None:
    snapshots.create_snapshot(link_to(host), UUID_A, FIRST)
    host.jobs, host.refusal = jobs, HypervisorError(code, 10, "cannot delete")
    with pytest.raises(expected):
        snapshots.delete_snapshot(link_to(host), UUID_A, "first")
    host.refusal = None
    snapshots.delete_snapshot(link_to(host), UUID_A, "first")
    assert host.taken == {}
    assert host.refreshed == 2


def test_a_revert_leaves_the_instance_off_and_says_so_when_it_fails(host: Host) -> None:
    snapshots.create_snapshot(link_to(host), UUID_A, FIRST)
    assert snapshots.revert_snapshot(link_to(host), UUID_A, "first").state is PowerState.OFF
    assert snapshots.revert_snapshot(link_to(host), UUID_A, "first").state is PowerState.OFF
    host.current, host.refusal = DomainState.RUNNING, HypervisorError(67, 10, "the overlay exists")
    with pytest.raises(HypervisorError) as failed:
        snapshots.revert_snapshot(link_to(host), UUID_A, "first")
    assert failed.value.undone_failures == (f"instance 'a' ({UUID_A}) was stopped and is not running again",)


def test_overlays_are_removed_as_far_as_they_can_be(host: Host) -> None:
    snapshots.create_snapshot(link_to(host), UUID_A, FIRST)
    files = overlays.overlays_of(link_to(host), UUID_A, host.XMLDesc())
    assert files == ("/pool/v.first",)
    host.stuck = {"/pool/v.first"}
    ((path, error),) = overlays.remove_overlays(link_to(host), files)
    assert (path, type(error)) == ("/pool/v.first", Busy)
    host.stuck = set()
    assert overlays.remove_overlays(link_to(host), files) == []
    assert overlays.remove_overlays(link_to(host), files) == []
    assert host.files == {"/pool/v", "/pool/shared"}


def test_an_overlay_that_its_pool_cannot_look_for_is_not_called_deleted(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "LOOK_SECONDS", 0.0)
    host.blind = HypervisorError(1, 18, "pool 'p' has asynchronous jobs running")
    ((path, refusal),) = overlays.remove_overlays(link_to(host), ["/pool/unseen", "/nowhere/unseen"])
    assert path == "/pool/unseen"
    assert isinstance(refusal, Busy)
    assert refusal.__cause__ is host.blind
    assert overlays.remove_overlays(link_to(host), ["/pool/v"]) == []


def test_an_instance_whose_disk_fails_again_does_not_run(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "FAULT", 0.0)
    host.current, host.reason = DomainState.PAUSED, 5
    host.resuming = lambda: host.tell(EventKind.PAUSED, DomainState.PAUSED, 5)
    with pytest.raises(DiskFault) as failed:
        lifecycle.unpause(link_to(host), UUID_A)
    assert failed.value.reason == "ioerror"
    host.resuming = lambda: None
    assert lifecycle.unpause(link_to(host), UUID_A).state is PowerState.RUNNING
