"""Snapshots of an instance.

What belongs here: making, listing, reverting to and deleting them. What does not: their XML (`markup.snapshot`), and the files
that external ones make (`overlays`) and that are merged again (`merging`).
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from uuid import UUID

from virtproof_driver.binding import Domain, DomainSnapshot
from virtproof_driver.capabilities import Capability
from virtproof_driver.constants import ErrorCode, SnapshotFlag, XmlFlag
from virtproof_driver.errors import DriverError, HypervisorError, NotSupported, SnapshotExists, SnapshotNotFound
from virtproof_driver.link import Link
from virtproof_driver.markup.overlays import overlays, places, with_paths
from virtproof_driver.markup.snapshot import DISKS_ONLY, parse_snapshot, snapshot_xml
from virtproof_driver.operations import deadlines
from virtproof_driver.operations.agent import needing_agent
from virtproof_driver.operations.inventory import inactive_xml, instance
from virtproof_driver.operations.merging import merge_snapshot, redescribe
from virtproof_driver.operations.overlays import Going, going, refresh_beside
from virtproof_driver.operations.rescue import refuse_rescued
from virtproof_driver.operations.transitions import OFF, Transition, drive
from virtproof_driver.spec import SnapshotSpec
from virtproof_driver.validation import validate_snapshot
from virtproof_driver.values import EventKind, Instance, PowerState, Snapshot

REVERT_ENDS: Mapping[str, frozenset[EventKind]] = MappingProxyType(
    {
        PowerState.RUNNING: frozenset({EventKind.STARTED, EventKind.RESUMED}),
        PowerState.PAUSED: frozenset({EventKind.PAUSED}),
        PowerState.OFF: frozenset({EventKind.STOPPED}),
        DISKS_ONLY: frozenset({EventKind.STOPPED}),
    }
)
"""The last event of a revert, by the state in the snapshot's XML (libvirt 9.0.0 and 11.3.0)."""


def create_snapshot(link: Link, uuid: UUID, spec: SnapshotSpec) -> Snapshot:
    """Make a snapshot; it becomes the current one. Raises SnapshotExists: libvirt has no flag that would replace one.

    InvalidState of a rescued instance: the rescue image would be in the snapshot, and unrescue would forget an overlay.
    """
    validate_snapshot(spec)
    domain = link.domain(uuid)
    refuse_rescued(uuid, inactive_xml(link, uuid))
    try:
        made = _create_external(link, uuid, domain, spec) if spec.external else _create_internal(link, domain, spec)
    except (HypervisorError, SnapshotExists) as refusal:
        if _exists(link, domain, spec.name):
            raise SnapshotExists(spec.name) from refusal
        raise
    return parse_snapshot(link.call(made.getXMLDesc)).snapshot(current=True)


def snapshots(link: Link, uuid: UUID) -> tuple[Snapshot, ...]:
    """Every snapshot of an instance, the oldest first."""
    found = [_read(link, snapshot) for snapshot in link.call(link.domain(uuid).listAllSnapshots)]
    return tuple(sorted(found, key=lambda snapshot: (snapshot.created, snapshot.name)))


def revert_snapshot(link: Link, uuid: UUID, name: str) -> Instance:
    """Take an instance back to a snapshot, and to the state it had then; off where the snapshot holds disks only.

    The event that ends it follows from the snapshot's state, where there is one (`_told`). It is waited for, although libvirt
    returns when all is done, so that the events of the way (stopped, started) are not taken for those of a later change.
    """
    domain = link.domain(uuid)
    snapshot = _lookup(link, domain, name)
    xml = link.call(snapshot.getXMLDesc)
    description = parse_snapshot(xml)
    if description.external:
        _require(link, Capability.SNAPSHOT_EXTERNAL_REVERT)
    row = _reverting(snapshot, description.state)
    before = instance(link, uuid).state
    try:
        _revert(link, uuid, snapshot, row if row is not None and _told(link, row, before) else None)
    except DriverError as error:
        _say_if_stopped(link, uuid, error, was_active=before.active)
        raise
    if description.external:
        refresh_beside(link, overlays(link.call(domain.XMLDesc), [xml]))
    return instance(link, uuid)


def delete_snapshot(link: Link, uuid: UUID, name: str) -> None:
    """Delete one snapshot; those made after it stay. Raises Busy while another job holds one of its disks.

    InvalidState of a rescued instance, whose disks are elsewhere than the snapshot knows them (libvirt errors 9 and 84).
    """
    snapshot = _lookup(link, link.domain(uuid), name)
    refuse_rescued(uuid, inactive_xml(link, uuid))
    if parse_snapshot(link.call(snapshot.getXMLDesc)).external:
        _require(link, Capability.SNAPSHOT_EXTERNAL)
        merge_snapshot(link, uuid, snapshot)
    else:
        link.call(snapshot.delete)


def _create_internal(link: Link, domain: Domain, spec: SnapshotSpec) -> DomainSnapshot:
    try:
        return link.call(domain.snapshotCreateXML, snapshot_xml(spec), 0)
    except HypervisorError as error:
        if error.code != ErrorCode.CONFIG_UNSUPPORTED:
            raise
        raise NotSupported(Capability.SNAPSHOT_INTERNAL, f"a disk of the instance cannot hold one: {error.message}") from error


def _create_external(link: Link, uuid: UUID, domain: Domain, spec: SnapshotSpec) -> DomainSnapshot:
    _require(link, Capability.SNAPSHOT_EXTERNAL)
    plan = going(link, uuid, link.call(domain.XMLDesc), spec.name)
    xml = snapshot_xml(spec, plan.disks)
    if spec.quiesce:
        made = _create_quiesced(link, uuid, xml, plan)
    else:
        made = link.call(domain.snapshotCreateXML, xml, SnapshotFlag.DISK_ONLY)
    refresh_beside(link, plan.files)
    return _by_paths(link, domain, made, plan)


def _create_quiesced(link: Link, uuid: UUID, xml: str, plan: Going) -> DomainSnapshot:
    """Let libvirt freeze, make the snapshot, and thaw whatever became of it: it does so also when this client is gone.

    Where thawing fails libvirt forgets the snapshot, and the disks go on in their overlays all the same (11.3.0).
    """
    try:
        with needing_agent(link, uuid, deadlines.FREEZE) as domain:
            return link.call(domain.snapshotCreateXML, xml, SnapshotFlag.DISK_ONLY | SnapshotFlag.QUIESCE)
    except DriverError as error:
        _say_if_gone_on(link, uuid, plan, error)
        raise


def _say_if_gone_on(link: Link, uuid: UUID, plan: Going, error: DriverError) -> None:
    """Say that the disks are in their overlays without a snapshot."""
    try:
        now = {place.path for place in places(link.call(link.domain(uuid).XMLDesc))}
    except DriverError:
        return
    if gone := [path for path in plan.files if path in now]:
        refresh_beside(link, gone)
        frozen = f"instance {uuid} may be frozen still; unquiesce() it"
        error.with_leftovers([frozen, *(f"a disk of instance {uuid} goes on in {path}, and no snapshot knows" for path in gone)])


def _by_paths(link: Link, domain: Domain, made: DomainSnapshot, plan: Going) -> DomainSnapshot:
    """Describe the snapshot of volumes again, by paths, without which libvirt could not revert to it."""
    if not plan.paths:
        return made
    xml = with_paths(link.call(made.getXMLDesc, XmlFlag.SECURE), plan.paths)
    try:
        return redescribe(link, domain, xml, current=True)
    except DriverError as error:
        error.with_leftovers([f"external snapshot {made.getName()!r} of instance {domain.name()!r} is there; delete it"])
        raise


def _revert(link: Link, uuid: UUID, snapshot: DomainSnapshot, row: Transition | None) -> None:
    if row is None:
        link.call(link.domain(uuid).revertToSnapshot, snapshot)
    else:
        drive(link, uuid, row)


def _told(link: Link, row: Transition, before: PowerState) -> bool:
    """Whether a revert has an event of its own: not one from off to off, and from paused to paused on some hosts only."""
    if row.targets == OFF:
        return before.active
    stays_paused = before is PowerState.PAUSED and PowerState.PAUSED in row.targets
    return link.hypervisor.tells_paused_revert or not stays_paused


def _say_if_stopped(link: Link, uuid: UUID, error: DriverError, *, was_active: bool) -> None:
    """Say what libvirt left: it stops an instance before it looks whether the revert can be done (11.3.0)."""
    try:
        found = instance(link, uuid)
    except DriverError:
        return
    if was_active and not found.state.active:
        error.with_leftovers([f"instance {found.name!r} ({uuid}) was stopped and is not running again"])


def _reverting(snapshot: DomainSnapshot, state: str) -> Transition | None:
    """The transition to a snapshot's state; None where the state has no event of its own."""
    if state not in REVERT_ENDS:
        return None
    return Transition(
        name="revert",
        act=lambda domain: partial(domain.revertToSnapshot, snapshot),
        sources=frozenset(PowerState),
        targets=OFF if state == DISKS_ONLY else frozenset({PowerState(state)}),
        awaits=REVERT_ENDS[state],
        seconds=deadlines.REVERT,
    )


def _require(link: Link, capability: Capability) -> None:
    if capability in link.refusals:
        raise NotSupported(capability, link.refusals[capability])


def _lookup(link: Link, domain: Domain, name: str) -> DomainSnapshot:
    return link.call(domain.snapshotLookupByName, name)


def _exists(link: Link, domain: Domain, name: str) -> bool:
    try:
        _lookup(link, domain, name)
    except SnapshotNotFound:
        return False
    return True


def _read(link: Link, snapshot: DomainSnapshot) -> Snapshot:
    return parse_snapshot(link.call(snapshot.getXMLDesc)).snapshot(current=bool(link.call(snapshot.isCurrent)))
