"""A container's file systems, between a spec and `<filesystem>`.

What belongs here: that one element. What does not: a machine's disks (`devices`).
Format: https://libvirt.org/formatdomain.html#filesystems.
"""

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


def read_filesystem(element: Element, record: Record) -> Filesystem | None:
    """The file system of a `<filesystem>`; None for a kind that a spec has no words for."""
    source, target = _source(element, record), tree.find_attribute(element, "target", "dir")
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


def _source(element: Element, record: Record) -> DirectorySource | FileSource | VolumeSource | NewVolume | None:
    source = element.find("source")
    if source is None:
        return None
    directory, path = source.get("dir"), source.get("file")
    if directory is not None:
        return DirectorySource(path=directory)
    if path is not None:
        return FileSource(path=path)
    pool, volume = source.get("pool"), source.get("volume")
    if pool is None or volume is None:
        return None
    made = (new for new in record.volumes if (new.pool, new.volume) == (pool, volume))
    return next(made, VolumeSource(pool=pool, volume=volume))
