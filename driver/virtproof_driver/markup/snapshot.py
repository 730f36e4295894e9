"""Snapshots: a spec to libvirt's snapshot XML, and what such XML tells of a snapshot that exists.

What belongs here: `<domainsnapshot>`. What does not: which snapshot is the current one; libvirt tells that by a call.
Format: https://libvirt.org/formatsnapshot.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from xml.etree.ElementTree import Element

from virtproof_driver.markup import tree
from virtproof_driver.spec import SnapshotSpec
from virtproof_driver.values import Snapshot

DISKS_ONLY = "disk-snapshot"
"""The state of an external snapshot of an active instance: it holds no memory, so reverting to it leaves the instance off."""

_LIBVIRTS: Mapping[str, str | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotDescription:
    """A snapshot as its XML describes it: all of `values.Snapshot` but `current`."""

    name: str
    description: str | None
    state: str
    created: int
    parent: str | None
    external: bool

    def snapshot(self, *, current: bool) -> Snapshot:
        """The whole value, given what libvirt tells by a call."""
        return Snapshot(
            name=self.name,
            description=self.description,
            state=self.state,
            created=self.created,
            parent=self.parent,
            current=current,
            external=self.external,
        )


def snapshot_xml(spec: SnapshotSpec, disks: Mapping[str, str | None] = _LIBVIRTS) -> str:
    """The XML to make `spec` with; an external one also needs the DISK_ONLY flag in the call.

    `disks` gives each disk's overlay by target, None for one that takes no part; without any libvirt decides.
    """
    root = Element("domainsnapshot")
    tree.add(root, "name", spec.name)
    if spec.description is not None:
        tree.add(root, "description", spec.description)
    if spec.external:
        tree.add(root, "memory", snapshot="no")
    if disks:
        _add_disks(tree.add(root, "disks"), disks)
    return tree.text_of(root)


def _add_disks(element: Element, disks: Mapping[str, str | None]) -> None:
    for target, overlay in disks.items():
        disk = tree.add(element, "disk", name=target, snapshot="no" if overlay is None else "external")
        if overlay is not None:
            tree.add(disk, "source", file=overlay)


def parse_snapshot(xml: str) -> SnapshotDescription:
    """What the XML tells; a snapshot is external when its memory or one of its disks is. Raises tree.NotWellFormed."""
    root = tree.parse(xml)
    state = tree.find_text(root, "state") or ""
    parts = (*root.iterfind("memory"), *root.iterfind("disks/disk"))
    return SnapshotDescription(
        name=tree.find_text(root, "name") or "",
        description=tree.find_text(root, "description"),
        state=state,
        created=int(tree.find_text(root, "creationTime") or "0"),
        parent=tree.find_text(root, "parent/name"),
        external=state == DISKS_ONLY or any(part.get("snapshot") == "external" for part in parts),
    )
