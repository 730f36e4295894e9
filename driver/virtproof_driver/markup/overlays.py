"""The disks of an instance as external snapshots see them: which go on in an overlay, and which overlays there are.

What belongs here: reading disks' places from domain and snapshot XML, naming overlays, and writing paths in the place of volumes.
What does not: the snapshot itself (`snapshot`), and any call (`operations.overlays`).

Theory of operation. An external snapshot leaves a disk's file as it is, and lets the disk go on in a new file that reads from it.
libvirt names no such file for a disk that is a volume (error 67), reverts to no snapshot whose disk is a volume (84), and merges
none into it while the domain is off (9; all 11.3.0): so overlays are named here, and a snapshot that libvirt described by volumes
is described again by their paths.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname, join
from xml.etree.ElementTree import Element

from virtproof_driver.markup import tree

Volume = tuple[str, str]
"""The names of a pool and of a volume in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a disk's bytes lie: a path on the host, or a volume. Neither for a drive without a medium."""

    target: str
    path: str | None
    volume: Volume | None
    writable: bool


def places(domain_xml: str) -> tuple[Place, ...]:
    """The disks of a domain, in the XML's order."""
    return tuple(_places(tree.parse(domain_xml)))


def overlay_path(path: str, snapshot: str) -> str:
    """The file in which a disk goes on: beside its own, with the snapshot's name after it."""
    return join(dirname(path), f"{basename(path)}.{snapshot}")


def with_paths(snapshot_xml: str, paths: Mapping[Volume, str]) -> str:
    """A snapshot's XML with paths in the place of these volumes."""
    root = tree.parse(snapshot_xml)
    for disk in root.iter("disk"):
        for source in disk.findall("source"):
            path = paths.get((source.get("pool", ""), source.get("volume", "")))
            if path is not None:
                disk.set("type", "file")
                disk[list(disk).index(source)] = _file(source, path)
    return tree.text_of(root)


def overlays(domain_xml: str, snapshot_xmls: Iterable[str]) -> tuple[str, ...]:
    """The files that external snapshots made for a domain, also those that a revert made.

    What the disks were in when the first of the snapshots was made is none of them: there everything began.
    """
    taken = [(_parent(root), root) for root in map(tree.parse, snapshot_xmls) if external_disks(root)]
    names = {tree.find_text(root, "name") for _, root in taken}
    targets = {target for _, root in taken for target in external_disks(root)}
    now = _files(_places(tree.parse(domain_xml)), targets)
    then = [path for _, root in taken for path in _files(_of_snapshot(root), targets)]
    made = [path for _, root in taken for path in external_disks(root).values() if path]
    began = {path for parent, root in taken if parent not in names for path in _files(_of_snapshot(root), targets)}
    return tuple(dict.fromkeys(path for path in (*made, *then, *now) if path not in began))


def external_disks(root: Element) -> dict[str, str | None]:
    """The overlay of each disk that a snapshot's element says it made one for, by target."""
    disks = (disk for disk in root.iterfind("disks/disk") if disk.get("snapshot") == "external")
    return {disk.get("name", ""): tree.find_attribute(disk, "source", "file") for disk in disks}


def _places(root: Element) -> Sequence[Place]:
    return [_place(disk) for disk in root.iterfind("devices/disk")]


def _place(disk: Element) -> Place:
    source = disk.find("source")
    pool, volume = (None, None) if source is None else (source.get("pool"), source.get("volume"))
    return Place(
        target=tree.find_attribute(disk, "target", "dev") or "",
        path=None if source is None else source.get("file") or source.get("dev"),
        volume=None if pool is None or volume is None else (pool, volume),
        writable=source is not None and disk.get("device", "disk") == "disk" and disk.find("readonly") is None,
    )


def _file(source: Element, path: str) -> Element:
    new = Element("source", {"file": path, **({"index": source.get("index", "")} if source.get("index") else {})})
    new.extend(source)
    return new


def _of_snapshot(root: Element) -> Sequence[Place]:
    """The disks as they were when a snapshot was made."""
    domain = root.find("domain")
    return [] if domain is None else _places(domain)


def _files(found: Iterable[Place], targets: Iterable[str]) -> list[str]:
    wanted = set(targets)
    return [place.path for place in found if place.target in wanted and place.path is not None]


def _parent(root: Element) -> str | None:
    return tree.find_text(root, "parent/name")
