"""The files that a running disk reads from, one through the other, and what merging an external snapshot means for them.

What belongs here: finding, in the XML of a domain and its snapshots, which overlay is merged into which file, and writing the
later snapshots without it. What does not: any call (`operations.merging`), and naming overlays (`overlays`).

Theory of operation. A live disk names the file that its guest writes to, and through `<backingStore>` all that this one reads
from: its chain. A snapshot names the file that a disk was in when it was made, and the overlay in which the disk went on; to
delete it is to merge that overlay into that file. Who later looks at the snapshots made since then must not find the overlay
in them: their disks are in the file below it, or read from that. Where snapshots do not lie in the chains one after the
other, because the domain was reverted past some of them, others read from the same files, and nothing is merged here.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element

from virtproof_driver.markup import tree
from virtproof_driver.markup.overlays import Volume, external_disks

_SECTIONS = ("domain", "inactiveDomain")
_OF_THE_FILE = ("driver", "source", "backingStore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One overlay that goes into the file below it; `active` where it is the one that the guest writes to."""

    target: str
    overlay: str
    base: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What deleting an external snapshot comes to.

    `merged` are the targets of disks that an earlier attempt has merged already. `files` are the overlays, which nobody
    reads any more at the end. `later` is the XML of each snapshot that is described anew, by its name.
    """

    snapshot: str
    commits: tuple[Commit, ...]
    merged: tuple[str, ...]
    files: tuple[str, ...]
    later: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A disk as a snapshot left it: the file that it was in, and the overlay that it went on in."""

    base: str | None
    overlay: str | None


_Layers = Mapping[str, _Layer]
_Chains = Mapping[str, Sequence[str]]


def volumes_in(xml: str) -> frozenset[Volume]:
    """The volumes that disks are in or read from."""
    sources = tree.parse(xml).iter("source")
    return frozenset((source.get("pool", ""), source.get("volume", "")) for source in sources if source.get("volume"))


def merge_of(name: str, domain_xml: str, snapshot_xmls: Sequence[str], paths: Mapping[Volume, str]) -> Merge | None:
    """What deleting the snapshot of this name comes to in a running domain; None where the snapshots lie in no line.

    `snapshot_xmls` are all the snapshots of the domain, `paths` those of the volumes in both.
    """
    roots = {tree.find_text(root, "name") or "": root for root in map(tree.parse, snapshot_xmls)}
    chains = {_target(disk): tuple(_chain(disk, paths)) for disk in tree.parse(domain_xml).iterfind("devices/disk")}
    layers = {each: _layers(root, paths) for each, root in roots.items()}
    chosen = layers.pop(name, None)
    if chosen is None:  # somebody deleted it meanwhile
        return None
    if _apart(roots[name]) or not all(_in_line(roots[each], layers[each], chosen, chains, paths) for each in layers):
        return None
    commits = {target: _commit(target, layer, chains.get(target, ())) for target, layer in chosen.items()}
    merged = tuple(target for target in chosen if commits[target] is None)
    if not all(_is_merged(target, chosen[target], chains.get(target, ()), layers) for target in merged):
        return None
    return Merge(
        snapshot=name,
        commits=tuple(commit for commit in commits.values() if commit is not None),
        merged=merged,
        files=tuple(layer.overlay for layer in chosen.values() if layer.overlay is not None),
        later={each: xml for each in layers if (xml := _without(roots[each], roots[name], chosen, paths)) is not None},
    )


# --- what lies in line -------------------------------------------------------------------------------------------------


def _in_line(root: Element, layers: _Layers, chosen: _Layers, chains: _Chains, paths: Mapping[Volume, str]) -> bool:
    """Whether another snapshot's overlays are in the chains; an internal one lies in a file, which must not be merged away."""
    if root.find("revertDisks") is not None:
        return False
    if layers:
        return all(layer.overlay in chains.get(target, ()) for target, layer in layers.items())
    inside = {_path(disk.find("source"), paths) for disk in root.iterfind("domain/devices/disk")}
    return not inside & {layer.overlay for layer in chosen.values()}


def _commit(target: str, layer: _Layer, chain: Sequence[str]) -> Commit | None:
    for above, below in pairwise(chain):
        if (above, below) == (layer.overlay, layer.base):
            return Commit(target=target, overlay=above, base=below, active=above == chain[0])
    return None


def _is_merged(target: str, layer: _Layer, chain: Sequence[str], others: Mapping[str, _Layers]) -> bool:
    """Whether the disk goes on in the file that it was in, or in an overlay that another snapshot made over the merged one.

    Such a snapshot may have been described anew already, by the file that the overlay went into.
    """
    if layer.overlay is None or layer.overlay in chain or layer.base not in chain:
        return False
    theirs = [each[target] for each in others.values() if target in each]
    place = chain.index(layer.base)
    return place == 0 or chain[place - 1] in {each.overlay for each in theirs if each.base in {layer.overlay, layer.base}}


# --- reading -------------------------------------------------------------------------------------------------------------


def _chain(disk: Element, paths: Mapping[Volume, str]) -> Iterator[str]:
    holder: Element | None = disk
    while holder is not None and (path := _path(holder.find("source"), paths)) is not None:
        yield path
        holder = holder.find("backingStore")


def _layers(root: Element, paths: Mapping[Volume, str]) -> _Layers:
    def base(target: str) -> str | None:
        disk = _disk(root, "domain", target)
        return None if disk is None else _path(disk.find("source"), paths)

    return {target: _Layer(base=base(target), overlay=overlay) for target, overlay in external_disks(root).items()}


def _apart(root: Element) -> bool:
    """Whether a snapshot holds more than disks, or the domain was reverted past others to it."""
    return root.find("revertDisks") is not None or tree.find_attribute(root, "memory", "snapshot") == "external"


def _disk(root: Element, section: str, target: str) -> Element | None:
    return next((disk for disk in root.iterfind(f"{section}/devices/disk") if _target(disk) == target), None)


def _target(disk: Element) -> str:
    return tree.find_attribute(disk, "target", "dev") or ""


def _path(source: Element | None, paths: Mapping[Volume, str]) -> str | None:
    if source is None:
        return None
    return source.get("file") or source.get("dev") or paths.get((source.get("pool", ""), source.get("volume", "")))


# --- writing -------------------------------------------------------------------------------------------------------------


def _without(root: Element, chosen: Element, layers: _Layers, paths: Mapping[Volume, str]) -> str | None:
    """A later snapshot's XML without the overlays of the chosen one; None where it has none of them."""
    changed = [
        _leave_out(disk, layers[_target(disk)].overlay, _below(chosen, section, disk), paths)
        for section in _SECTIONS
        for disk in root.iterfind(f"{section}/devices/disk")
        if _target(disk) in layers
    ]
    return tree.text_of(root) if any(changed) else None


def _below(chosen: Element, section: str, disk: Element) -> Element | None:
    found = _disk(chosen, section, _target(disk))
    return _disk(chosen, "domain", _target(disk)) if found is None else found


def _leave_out(disk: Element, overlay: str | None, below: Element | None, paths: Mapping[Volume, str]) -> bool:
    if below is not None and _path(disk.find("source"), paths) == overlay:
        disk.set("type", below.get("type", "file"))
        _exchange(disk, below)
        return True
    holder = disk
    while (backing := holder.find("backingStore")) is not None:
        if _path(backing.find("source"), paths) == overlay:
            tree.replace_children(holder, [backing], backing.findall("backingStore"))
            return True
        holder = backing
    return False


def _exchange(disk: Element, below: Element) -> None:
    """Give a disk the format and the file of another, and all that this one reads from."""
    old = [element for tag in _OF_THE_FILE for element in disk.findall(tag)]
    tree.replace_children(disk, old, [deepcopy(element) for tag in _OF_THE_FILE for element in below.findall(tag)])
