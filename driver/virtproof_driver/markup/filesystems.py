"""A container's file systems, between a spec and `<filesystem>`.

What belongs here: that one element. What does not: a machine's disks (`devices`).
Format: https://libvirt.org/formatdomain.html#filesystems.
"""

from collections.abc import Callable
from xml.etree.ElementTree import Element

from virtproof_driver.markup import tree
from virtproof_driver.markup.record import Record
from virtproof_driver.spec import DirectorySource, DiskFormat, FileSource, Filesystem, NewVolume, VolumeSource

FORMATS = {each.value: each for each in DiskFormat}
LOOP_FORMATS = frozenset({DiskFormat.RAW})  # a loop device shows the bytes of the file as they are


def filesystem_element(filesystem: Filesystem) -> Element:
    """`<filesystem>`; an image goes through a loop device, or through qemu-nbd where its format is not raw."""
    source = filesystem.source
    element = Element("filesystem", {"type": "mount", "accessmode": "passthrough"})
    match source:
        case DirectorySource():
            tree.add(element, "source", dir=source.path)
        case FileSource():
            element.set("type", "file")
            tree.add(element, "driver", type=_driver(filesystem.format), format=filesystem.format.value)
            tree.add(element, "source", file=source.path)
        case VolumeSource() | NewVolume():
            element.set("type", "volume")
            tree.add(element, "driver", type=_driver(filesystem.format), format=filesystem.format.value)
            tree.add(element, "source", pool=source.pool, volume=source.volume)
    tree.add(element, "target", dir=filesystem.target)
    if filesystem.read_only:
        tree.add(element, "readonly")
    return element


def with_paths(xml: str, path_of: Callable[[str, str], str]) -> str:
    """The domain's XML with each file system that is a volume as the file at the path of that pool's volume.

    libvirt's schema has volumes there, and its LXC driver refuses them when the container starts: "Unsupported root filesystem
    type volume" (error 67 of libvirt_lxc, 11.3.0). XML without any is returned as it is.
    """
    root = tree.parse(xml)
    found = root.findall("devices/filesystem[@type='volume']")
    for element in found:
        for source in element.iterfind("source"):
            source.set("file", path_of(source.attrib.pop("pool", ""), source.attrib.pop("volume", "")))
        element.set("type", "file")
    return tree.text_of(root) if found else xml


def read_filesystem(element: Element, record: Record) -> Filesystem | None:
    """The file system of a `<filesystem>`; None for a kind that a spec has no words for."""
    target = tree.find_attribute(element, "target", "dir")
    source = None if target is None else record.filesystems.get(target) or _source(element)
    if source is None or target is None:
        return None
    return Filesystem(
        source=source,
        target=target,
        format=FORMATS.get(tree.find_attribute(element, "driver", "format") or "raw", DiskFormat.RAW),
        read_only=element.find("readonly") is not None,
    )


def _driver(disk_format: DiskFormat) -> str:
    return "loop" if disk_format in LOOP_FORMATS else "nbd"


def _source(element: Element) -> DirectorySource | FileSource | VolumeSource | None:
    source = element.find("source")
    if source is None:
        return None
    directory, path = source.get("dir"), source.get("file")
    if directory is not None:
        return DirectorySource(path=directory)
    if path is not None:
        return FileSource(path=path)
    pool, volume = source.get("pool"), source.get("volume")
    return None if pool is None or volume is None else VolumeSource(pool=pool, volume=volume)
