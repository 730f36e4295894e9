"""Merging an external snapshot away: its overlays go into the files below them, and the snapshot goes.

What belongs here: which of the two ways it is done, both ways, and what is told of a merge that did not end. What does not: what
a merge comes to (`markup.chains`), and the other operations on snapshots (`snapshots`).

Theory of operation. There are two ways, and the state decides:

| the instance | how |
|---|---|
| is active, and its snapshots lie in its disks' chains one after the other | block commit |
| is off, or was reverted past some of its snapshots | virDomainSnapshotDelete, which knows, or refuses |

A block commit holds nothing up: while libvirt's own delete merged 600 MiB a pause waited for all of its 2.2 s, during a block
commit for 0.1 s (libvirt 11.3.0), and libvirt gives up waiting after 30 s. It ends by BLOCK_JOB_2: COMPLETED, or READY where the
guest writes to the overlay, which is then pivoted and COMPLETED. Only a disk of a running QEMU can be committed; for an instance
that is off libvirt starts one by itself. The books come after the bytes: the later snapshots are described without the
overlays, the snapshot is forgotten, the overlays are deleted. Deleting the snapshot again goes on with a merge that broke off.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from uuid import UUID

from virtproof_driver.binding import Domain, DomainSnapshot
from virtproof_driver.capabilities import Capability
from virtproof_driver.constants import BlockCommitFlag, BlockJobAbortFlag, ErrorCode, SnapshotDeleteFlag, SnapshotFlag, XmlFlag
from virtproof_driver.errors import Busy, DriverError, HypervisorError, InvalidState, NotFound, NotSupported
from virtproof_driver.link import Awaited, AwaitedBlockJob, AwaitedEither, Expectation, Link, Wait
from virtproof_driver.markup.chains import Commit, Merge, merge_of, volumes_in
from virtproof_driver.markup.overlays import Volume, overlays, places
from virtproof_driver.markup.snapshot import DISKS_ONLY, parse_snapshot
from virtproof_driver.operations import deadlines
from virtproof_driver.operations.inventory import instance
from virtproof_driver.operations.overlays import path_of, refresh_beside, remove_overlays
from virtproof_driver.values import BlockJob, BlockJobEvent, BlockJobStatus, EventKind, LifecycleEvent

_TOLD = frozenset(set(BlockJobStatus) - {BlockJobStatus.UNKNOWN})

_Told = BlockJobEvent | LifecycleEvent


def merge_snapshot(link: Link, uuid: UUID, snapshot: DomainSnapshot) -> None:
    """Delete an external snapshot; what was written since then stays. Raises Busy while another job holds one of its disks."""
    active = instance(link, uuid).state.active
    merge = merge_by_commit(link, uuid, snapshot.getName())
    if merge is None or (merge.commits and not active):
        _by_libvirt(link, link.domain(uuid), snapshot)
    else:
        _by_block_commit(link, uuid, merge)


def merge_by_commit(link: Link, uuid: UUID, name: str) -> Merge | None:
    """What a merge by block commits would do now; None where it cannot."""
    domain = link.domain(uuid)
    xml = link.call(domain.XMLDesc)
    taken = [link.call(each.getXMLDesc, XmlFlag.SECURE) for each in link.call(domain.listAllSnapshots)]
    return merge_of(name, xml, taken, _paths(link, frozenset[Volume]().union(*map(volumes_in, (xml, *taken)))))


def _paths(link: Link, volumes: Iterable[Volume]) -> Mapping[Volume, str]:
    """Where volumes lie; an old snapshot may name some that are gone, which are in no chain."""
    found: dict[Volume, str] = {}
    for volume in volumes:
        with suppress(NotFound, InvalidState):
            found[volume] = path_of(link, volume)
    return found


# --- by a block commit -----------------------------------------------------------------------------------------------


def _by_block_commit(link: Link, uuid: UUID, merge: Merge) -> None:
    merged = list(merge.merged)
    try:
        for commit in merge.commits:
            _commit(link, uuid, merge.snapshot, commit)
            merged.append(commit.target)
        _put_right(link, link.domain(uuid), merge)
    except DriverError as error:
        error.with_leftovers([*error.undone_failures, *_half_done(merge.snapshot, merged)])
        raise
    _remove(link, merge.files)


def _commit(link: Link, uuid: UUID, snapshot: str, commit: Commit) -> None:
    with link.expect(uuid, _told_of(uuid, commit)) as wait:
        flags = BlockCommitFlag.ACTIVE if commit.active else 0
        link.call(link.domain(uuid).blockCommit, commit.target, commit.base, commit.overlay, 0, flags)
        with _called_off(link, uuid, snapshot, commit):
            if commit.active:
                _await(link, wait, commit, BlockJobStatus.READY, deadlines.COMMIT)
                link.call(link.domain(uuid).blockJobAbort, commit.target, BlockJobAbortFlag.PIVOT)
            _await(link, wait, commit, BlockJobStatus.COMPLETED, deadlines.PIVOT if commit.active else deadlines.COMMIT)


def _await(link: Link, wait: Wait[_Told], commit: Commit, status: BlockJobStatus, seconds: float) -> None:
    told = wait.until(seconds)
    while isinstance(told, BlockJobEvent) and _is_of_an_earlier_job(link, told):
        told = wait.until(seconds)
    if isinstance(told, LifecycleEvent):
        raise InvalidState(f"instance {told.uuid} stopped while disk {commit.target!r} was merged; delete the snapshot again")
    if told.status is not status:
        raise HypervisorError(0, 0, f"the block commit of disk {commit.target!r} of instance {told.uuid} ended as {told.status}")


def _is_of_an_earlier_job(link: Link, told: BlockJobEvent) -> bool:
    """Whether an end is told while the disk has a job.

    libvirt may tell the end of a job, that another client called off, once the next one has begun (11.3.0, on a busy machine). It
    forgets a job before it answers who asks after its event.
    """
    if told.status is BlockJobStatus.READY:
        return False
    try:
        return bool(link.call(link.domain(told.uuid).blockJobInfo, told.target))
    except InvalidState:  # the instance has stopped, which is told next
        return False


def _told_of(uuid: UUID, commit: Commit) -> Expectation[_Told]:
    what = f"end of the block commit of disk {commit.target!r} of instance {uuid}"
    job = BlockJob.ACTIVE_COMMIT if commit.active else BlockJob.COMMIT
    return AwaitedEither(
        first=AwaitedBlockJob(target=commit.target, job=job, statuses=_TOLD, what=what),
        second=Awaited(kinds=frozenset({EventKind.STOPPED}), what=what),  # QEMU tells nothing of a job that ends with it
        what=what,
    )


@contextmanager
def _called_off(link: Link, uuid: UUID, snapshot: str, commit: Commit) -> Generator[None]:
    """End a job that did not end by itself, and say what it left: it writes into the file of the snapshot from the start."""
    try:
        yield
    except BaseException as error:
        left = [f"{commit.base!r} may hold some of what was written since snapshot {snapshot!r}; do not revert to it, delete it"]
        try:
            link.call(link.domain(uuid).blockJobAbort, commit.target)
        except DriverError as refusal:  # it ended by itself, or the host cannot be asked
            if not isinstance(refusal, HypervisorError | InvalidState):
                left.append(f"the block commit of disk {commit.target!r} may go on: {refusal}")
        if isinstance(error, DriverError):
            error.with_leftovers([*error.undone_failures, *left])
        raise


def _put_right(link: Link, domain: Domain, merge: Merge) -> None:
    """Describe the later snapshots without the overlays, then forget the snapshot: its children are its parent's from then on."""
    for name, xml in merge.later.items():
        found = link.call(domain.snapshotLookupByName, name)
        redescribe(link, domain, xml, current=bool(link.call(found.isCurrent)))
    link.call(link.call(domain.snapshotLookupByName, merge.snapshot).delete, SnapshotDeleteFlag.METADATA_ONLY)


def redescribe(link: Link, domain: Domain, xml: str, *, current: bool) -> DomainSnapshot:
    """Give libvirt another description of a snapshot that is there."""
    disks_only = SnapshotFlag.DISK_ONLY if parse_snapshot(xml).state == DISKS_ONLY else 0
    flags = SnapshotFlag.REDEFINE | disks_only | (SnapshotFlag.CURRENT if current else 0)
    return link.call(domain.snapshotCreateXML, xml, flags)


def _half_done(snapshot: str, merged: Sequence[str]) -> Sequence[str]:
    disks = ", ".join(merged)
    return [f"snapshot {snapshot!r} is merged as far as {disks}; do not revert to it, delete it again"] if merged else []


def _remove(link: Link, files: Sequence[str]) -> None:
    failures = remove_overlays(link, files)
    if failures:
        left = [f"overlay {path!r} remains, and nobody reads it: {error}" for path, error in failures]
        raise failures[0][1].with_leftovers(left)


# --- by libvirt's own delete -------------------------------------------------------------------------------------------


def _by_libvirt(link: Link, domain: Domain, snapshot: DomainSnapshot) -> None:
    """Let libvirt do it all: it runs the commits, corrects the later snapshots and deletes the overlays past the pools."""
    xml = link.call(snapshot.getXMLDesc)
    try:
        link.call(snapshot.delete)
    except HypervisorError as refusal:
        if refusal.code != ErrorCode.OPERATION_UNSUPPORTED:
            raise
        raise _not_merged(link, domain, snapshot.getName(), refusal) from refusal
    refresh_beside(link, overlays(link.call(domain.XMLDesc), [xml]))


def _not_merged(link: Link, domain: Domain, name: str, refusal: HypervisorError) -> DriverError:
    """What 84 means of a merge: another job holds a disk, or there are snapshots beside this one that read from its files."""
    disks = (place.target for place in places(link.call(domain.XMLDesc)) if place.writable)
    if any(link.call(domain.blockJobInfo, target) for target in disks):
        return Busy(f"a job is under way on a disk of instance {domain.name()!r}: {refusal.message}")
    return NotSupported(Capability.SNAPSHOT_EXTERNAL, f"snapshot {name!r} cannot be merged: {refusal.message}")
