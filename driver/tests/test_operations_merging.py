"""Merging by block commit, over a domain in memory whose jobs tell what a test has them tell."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast
from uuid import UUID

import pytest

from virtproof_driver.constants import BlockCommitFlag, BlockJobAbortFlag, DomainState, SnapshotDeleteFlag, SnapshotFlag
from virtproof_driver.edge.waits import Waits
from virtproof_driver.errors import (
    Busy,
    ConnectionLost,
    DriverError,
    HypervisorError,
    InvalidState,
    NotSupported,
    OperationTimeout,
    SnapshotNotFound,
    StoragePoolNotFound,
    VolumeNotFound,
)
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.operations import deadlines, snapshots
from virtproof_driver.values import BlockJob, BlockJobEvent, BlockJobStatus, EventKind, LifecycleEvent

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from virtproof_driver.capabilities import Capability
    from virtproof_driver.link import Expectation, Link, Wait

P = ParamSpec("P")
T = TypeVar("T")
UUID_A = UUID(int=10)


def disk(chain: list[str], target: str) -> str:
    below = ""
    for path in reversed(chain[1:]):
        below = f"<backingStore><source file='{path}'/>{below}</backingStore>"
    return f"<disk><driver type='qcow2'/><source file='{chain[0]}'/>{below}<target dev='{target}'/></disk>"


class Snapshot:
    """One snapshot; deleting more than its description is libvirt's own merge."""

    def __init__(self, host: "Host", name: str, xml: str) -> None:
        self._host, self.name, self.xml = host, name, xml

    def getName(self) -> str:
        return self.name

    def getXMLDesc(self, _flags: int = 0) -> str:
        return self.xml

    def isCurrent(self) -> bool:
        return self.name == list(self._host.taken)[-1]

    def delete(self, flags: int = 0) -> int:
        self._host.refuse("delete")
        self._host.deleted.append((self.name, flags))
        del self._host.taken[self.name]
        return 0


class Host:
    """A running domain with two disks and the snapshots `a` and `b` of both, and the pool at /d that they lie in."""

    def __init__(self) -> None:
        self.chains = {target: [f"/d/{target}{end}" for end in (".b", ".a", "")] for target in ("vda", "vdb")}
        self.files = {path for chain in self.chains.values() for path in chain}
        self.taken: dict[str, Snapshot] = {}
        for name, depth in (("a", 2), ("b", 1)):
            self.taken[name] = Snapshot(self, name, self._described(name, depth))
        self.state_now = DomainState.RUNNING
        self.refusals: dict[str, DriverError] = {}
        self.deleted: list[tuple[str, int]] = []
        self.redefined: list[tuple[str, int]] = []
        self.aborted: list[tuple[str, int]] = []
        self.jobs: set[str] = set()
        self.waits = Waits(lambda: 0.0)
        self.on_commit: Callable[[str, BlockJob], object] = self.work

    def _described(self, name: str, depth: int) -> str:
        made = (f"<disk name='{each}' snapshot='external'><source file='/d/{each}.{name}'/></disk>" for each in self.chains)
        disks = "".join(disk(chain[depth:], target) for target, chain in self.chains.items())
        taken = f"<state>disk-snapshot</state><disks>{''.join(made)}</disks>"
        return f"<domainsnapshot><name>{name}</name>{taken}<domain><devices>{disks}</devices></domain></domainsnapshot>"

    # --- virDomain ------------------------------------------------------------------------------------

    def name(self) -> str:
        return "a"

    def state(self) -> tuple[int, int]:
        return self.state_now, 1

    def XMLDesc(self, _flags: int = 0) -> str:
        disks = "".join(disk(chain, target) for target, chain in self.chains.items())
        return f"<domain><name>a</name><devices>{disks}</devices></domain>"

    def blockCommit(self, target: str, base: str, top: str, _bandwidth: int, flags: int) -> int:
        self.refuse("blockCommit")
        chain = self.chains[target]
        assert chain.index(base) == chain.index(top) + 1
        assert bool(flags & BlockCommitFlag.ACTIVE) is (top == chain[0])
        self.on_commit(target, BlockJob.ACTIVE_COMMIT if flags else BlockJob.COMMIT)
        return 0

    def blockJobInfo(self, target: str) -> dict[str, int]:
        if self.state_now is DomainState.SHUTOFF:
            raise InvalidState("domain is not running")
        return {"type": 4, "cur": 0, "end": 1} if target in self.jobs else {}

    def blockJobAbort(self, target: str, flags: int = 0) -> int:
        self.aborted.append((target, flags))
        self.refuse("pivot" if flags else "abort")
        if flags & BlockJobAbortFlag.PIVOT:
            del self.chains[target][0]
            self.tell(target, BlockJob.ACTIVE_COMMIT, BlockJobStatus.COMPLETED)
        return 0

    def listAllSnapshots(self) -> list[Snapshot]:
        return list(self.taken.values())

    def snapshotLookupByName(self, name: str) -> Snapshot:
        if name not in self.taken:
            raise SnapshotNotFound(name)
        return self.taken[name]

    def snapshotCreateXML(self, xml: str, flags: int) -> Snapshot:
        self.refuse("redefine")
        name = next(each for each in self.taken if f"<name>{each}</name>" in xml)
        self.taken[name].xml = xml
        self.redefined.append((name, flags))
        return self.taken[name]

    # --- virConnect, virStoragePool, virStorageVol ----------------------------------------------------

    def listAllStoragePools(self) -> list["Host"]:
        return []

    def storagePoolLookupByName(self, name: str) -> "Host":
        raise StoragePoolNotFound(name)

    def storageVolLookupByPath(self, path: str) -> "Volume":
        if path not in self.files:
            raise VolumeNotFound(path)
        return Volume(self, path)

    # --- what a test does -----------------------------------------------------------------------------

    def refuse(self, what: str) -> None:
        if what in self.refusals:
            raise self.refusals.pop(what)

    def tell(self, target: str, job: BlockJob, status: BlockJobStatus) -> None:
        self.waits.tell(BlockJobEvent(uuid=UUID_A, name="a", target=target, job=job, status=status, stamp=1.0))

    def work(self, target: str, job: BlockJob) -> None:
        """Copy all at once: the job is ready, or done."""
        if job is BlockJob.COMMIT:
            del self.chains[target][1]
        self.tell(target, job, BlockJobStatus.READY if job is BlockJob.ACTIVE_COMMIT else BlockJobStatus.COMPLETED)

    def stop(self) -> None:
        self.state_now = DomainState.SHUTOFF
        self.waits.tell(LifecycleEvent(uuid=UUID_A, name="a", kind=EventKind.STOPPED, reason="", stamp=1.0))


class Volume:
    """A file of the pool."""

    def __init__(self, host: Host, path: str) -> None:
        self._host, self._path = host, path

    def delete(self) -> int:
        self._host.refuse("remove")
        self._host.files.discard(self._path)
        return 0


class FakeLink:
    """A link to the host, with the real waits."""

    hypervisor = QEMU

    def __init__(self, host: Host) -> None:
        self.host = host
        self.refusals: Mapping[Capability, str] = {}

    def connection(self) -> Host:
        return self.host

    def domain(self, _uuid: UUID) -> Host:
        return self.host

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    def expect(self, uuid: UUID, awaited: "Expectation[T]") -> "AbstractContextManager[Wait[T]]":
        return self.host.waits.armed(uuid, awaited)


@pytest.fixture
def host() -> Host:
    return Host()


def delete(host: Host, name: str) -> None:
    snapshots.delete_snapshot(cast("Link", cast("object", FakeLink(host))), UUID_A, name)


def shape(host: Host) -> tuple[object, ...]:
    """Chains, snapshots as described, and files."""
    return [*map(tuple, host.chains.values())], [(each.name, each.xml) for each in host.taken.values()], sorted(host.files)


def test_the_newest_is_pivoted_when_it_is_ready_and_its_overlays_go(host: Host) -> None:
    delete(host, "b")
    assert host.chains == {target: [f"/d/{target}.a", f"/d/{target}"] for target in ("vda", "vdb")}
    assert host.aborted == [("vda", BlockJobAbortFlag.PIVOT), ("vdb", BlockJobAbortFlag.PIVOT)]
    assert (host.deleted, host.redefined) == ([("b", SnapshotDeleteFlag.METADATA_ONLY)], [])
    assert host.files == {"/d/vda", "/d/vda.a", "/d/vdb", "/d/vdb.a"}


def test_an_older_one_needs_no_pivot_and_later_ones_are_described_anew(host: Host) -> None:
    delete(host, "a")
    assert host.chains == {target: [f"/d/{target}.b", f"/d/{target}"] for target in ("vda", "vdb")}
    assert host.aborted == []
    assert host.redefined == [("b", SnapshotFlag.REDEFINE | SnapshotFlag.DISK_ONLY | SnapshotFlag.CURRENT)]
    assert ".a" not in host.taken["b"].xml
    assert (host.deleted, host.files) == ([("a", 2)], {"/d/vda", "/d/vda.b", "/d/vdb", "/d/vdb.b"})


@pytest.mark.parametrize("lies", ["off", "reverted"])
def test_what_cannot_be_committed_is_libvirts_to_merge(host: Host, lies: str) -> None:
    if lies == "off":
        host.state_now = DomainState.SHUTOFF
    else:
        host.chains["vda"] = ["/d/vda.17", "/d/vda"]
    delete(host, "b")
    assert (host.deleted, host.aborted) == ([("b", 0)], [])


def test_a_job_of_another_holds_the_disk_and_nothing_is_begun(host: Host) -> None:
    before = shape(host)
    host.refusals["blockCommit"] = Busy("block copy still active")
    with pytest.raises(Busy) as refused:
        delete(host, "b")
    assert (refused.value.undone_failures, host.aborted, shape(host)) == ((), [], before)


def test_what_an_old_snapshot_had_and_is_gone_is_in_nobodys_way(host: Host) -> None:
    cd = "<disk device='cdrom'><source pool='p' volume='cd'/><target dev='sda'/></disk>"
    host.taken["a"].xml = host.taken["a"].xml.replace("</devices>", f"{cd}</devices>")
    delete(host, "b")
    assert host.deleted == [("b", SnapshotDeleteFlag.METADATA_ONLY)]


def test_the_end_of_an_earlier_job_that_is_told_late_is_not_taken_for_this_ones(host: Host) -> None:
    def begins(target: str, job: BlockJob) -> None:
        host.jobs.add(target)
        host.tell(target, job, BlockJobStatus.CANCELED)
        host.work(target, job)

    def pivoted(target: str, flags: int = 0) -> int:
        host.jobs.discard(target)
        return Host.blockJobAbort(host, target, flags)

    host.on_commit = begins
    host.blockJobAbort = pivoted  # type: ignore[method-assign]
    delete(host, "b")
    assert host.chains == {target: [f"/d/{target}.a", f"/d/{target}"] for target in ("vda", "vdb")}


ENDS: dict[str, tuple[Callable[[Host, str, BlockJob], object], type[DriverError]]] = {
    "failed": (lambda host, target, job: host.tell(target, job, BlockJobStatus.FAILED), HypervisorError),
    "cancelled": (lambda host, target, job: host.tell(target, job, BlockJobStatus.CANCELED), HypervisorError),
    "stopped": (lambda host, _target, _job: host.stop(), InvalidState),
    "lost": (lambda host, _target, _job: host.waits.fail(lambda: ConnectionLost("broke")), ConnectionLost),
}


@pytest.mark.parametrize("name", ["a", "b"], ids=["commit", "active-commit"])
@pytest.mark.parametrize("end", ENDS)
def test_a_commit_that_does_not_end_well_keeps_the_snapshot_and_says_so(host: Host, end: str, name: str) -> None:
    happen, error = ENDS[end]
    before = shape(host)
    host.on_commit = lambda target, job: happen(host, target, job)
    with pytest.raises(error) as failed:
        delete(host, name)
    assert ["do not revert" in left for left in failed.value.undone_failures] == [True]
    assert (host.aborted, shape(host)) == ([("vda", 0)], before)


def test_the_events_of_other_jobs_end_no_wait(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "COMMIT", 0.0)
    host.on_commit = lambda target, _job: host.tell(target, BlockJob.COPY, BlockJobStatus.COMPLETED)
    with pytest.raises(OperationTimeout, match="block commit of disk 'vda'"):
        delete(host, "a")
    assert host.aborted == [("vda", 0)]


def test_a_commit_is_not_done_when_it_is_ready(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "PIVOT", 0.0)
    host.refusals["pivot"] = HypervisorError(1, 10, "not yet")
    with pytest.raises(HypervisorError):
        delete(host, "b")
    assert host.aborted == [("vda", BlockJobAbortFlag.PIVOT), ("vda", 0)]
    assert "b" in host.taken


@pytest.mark.parametrize(("refusal", "told"), [(InvalidState("no job"), 1), (ConnectionLost("broke"), 2)])
def test_a_job_that_may_go_on_is_told(host: Host, refusal: DriverError, told: int) -> None:
    host.on_commit = lambda target, job: host.tell(target, job, BlockJobStatus.FAILED)
    host.refusals["abort"] = refusal
    with pytest.raises(HypervisorError) as failed:
        delete(host, "b")
    assert len(failed.value.undone_failures) == told


@pytest.mark.parametrize("step", ["redefine", "delete", "second"])
@pytest.mark.parametrize("name", ["a", "b"])
def test_deleting_again_goes_on_with_what_broke_off(host: Host, step: str, name: str) -> None:
    if step == "second":
        host.on_commit = lambda target, job: (
            host.work(target, job) if target == "vda" else host.tell(target, job, BlockJobStatus.FAILED)
        )
    elif (step, name) == ("redefine", "b"):
        return  # it has no later ones
    else:
        host.refusals[step] = HypervisorError(38, 10, "no space left")
    with pytest.raises(HypervisorError) as failed:
        delete(host, name)
    assert "is merged as far as vda" in failed.value.undone_failures[-1]
    assert name in host.taken
    host.on_commit = host.work
    if step != "second":
        host.state_now = DomainState.SHUTOFF  # the books can be put right then too
    delete(host, name)
    kept = "b" if name == "a" else "a"
    assert list(host.taken) == [kept]
    assert host.files == {f"/d/{target}{end}" for target in ("vda", "vdb") for end in ("", f".{kept}")}


def test_an_overlay_that_cannot_be_deleted_is_told(host: Host) -> None:
    host.refusals["remove"] = HypervisorError(38, 18, "no right to it")
    with pytest.raises(HypervisorError) as failed:
        delete(host, "b")
    assert ["'/d/vdb.b' remains" in left for left in failed.value.undone_failures] == [True]
    assert list(host.taken) == ["a"]


def test_an_old_libvirt_merges_nothing(host: Host) -> None:
    link = FakeLink(host)
    link.refusals = QEMU.at(7_000_000).refusals(remote=True)
    with pytest.raises(NotSupported):
        snapshots.delete_snapshot(cast("Link", cast("object", link)), UUID_A, "b")
    assert host.deleted == []
