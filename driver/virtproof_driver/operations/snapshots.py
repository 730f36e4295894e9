"""Snapshots of an instance.

What belongs here: making, listing, reverting to and deleting them. What does not: their XML (`markup.snapshot`).
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from uuid import UUID

from virtproof_driver.binding import Domain, DomainSnapshot
from virtproof_driver.capabilities import Capability
from virtproof_driver.constants import SnapshotFlag
from virtproof_driver.errors import HypervisorError, NotSupported, SnapshotExists, SnapshotNotFound
from virtproof_driver.link import Link
from virtproof_driver.markup.snapshot import parse_snapshot, snapshot_xml
from virtproof_driver.operations import deadlines
from virtproof_driver.operations.inventory import instance
from virtproof_driver.operations.transitions import OFF, Transition, drive
from virtproof_driver.spec import SnapshotSpec
from virtproof_driver.validation import validate_snapshot
from virtproof_driver.values import EventKind, Instance, PowerState, Snapshot

REVERT_ENDS: Mapping[str, frozenset[EventKind]] = MappingProxyType(
    {
        PowerState.RUNNING: frozenset({EventKind.STARTED, EventKind.RESUMED}),
        PowerState.PAUSED: frozenset({EventKind.PAUSED}),
        PowerState.OFF: frozenset({EventKind.STOPPED}),
    }
)
"""The last event of a revert, by the state in the snapshot's XML (libvirt 9.0.0)."""


def create_snapshot(link: Link, uuid: UUID, spec: SnapshotSpec) -> Snapshot:
    """Make a snapshot; it becomes the current one. Raises SnapshotExists: libvirt has no flag that would replace one."""
    validate_snapshot(spec)
    if spec.external and Capability.SNAPSHOT_EXTERNAL in link.refusals:
        raise NotSupported(Capability.SNAPSHOT_EXTERNAL, link.refusals[Capability.SNAPSHOT_EXTERNAL])
    domain = link.domain(uuid)
    try:
        made = link.call(domain.snapshotCreateXML, snapshot_xml(spec), SnapshotFlag.DISK_ONLY if spec.external else 0)
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
    """Take an instance back to a snapshot, and to the state it had then.

    The event that ends it follows from the snapshot's state; from off to off there is none. It is waited for, although libvirt
    returns when all is done, so that the events of the way (stopped, started) are not taken for those of a later change.
    """
    domain = link.domain(uuid)
    snapshot = _lookup(link, domain, name)
    state = parse_snapshot(link.call(snapshot.getXMLDesc)).state
    row = _reverting(snapshot, state)
    if row is None or (row.targets == OFF and not instance(link, uuid).state.active):
        link.call(domain.revertToSnapshot, snapshot)
    else:
        drive(link, uuid, row)
    return instance(link, uuid)


def delete_snapshot(link: Link, uuid: UUID, name: str) -> None:
    """Delete one snapshot; those made after it stay."""
    domain = link.domain(uuid)
    link.call(_lookup(link, domain, name).delete)


def _reverting(snapshot: DomainSnapshot, state: str) -> Transition | None:
    """The transition to a snapshot's state; None where the state has no event of its own."""
    if state not in REVERT_ENDS:
        return None
    return Transition(
        name="revert",
        act=lambda domain: partial(domain.revertToSnapshot, snapshot),
        sources=frozenset(PowerState),
        targets=frozenset({PowerState(state)}),
        awaits=REVERT_ENDS[state],
        seconds=deadlines.REVERT,
    )


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
