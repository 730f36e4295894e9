"""What the driver notes about an instance in the domain's own metadata, because libvirt's XML cannot hold it.

What belongs here: the `instance` element of our namespace. It tells which storage volumes spawn made, in which order the
caller gave the disks (libvirt sorts those of one bus by target), and which fields the caller left to the host (libvirt
fills in an architecture, a machine, interface targets, and drops `current` when it equals the maximum; measured on
libvirt 9.0.0 with the test driver). What does not: the domain's own elements (`domain`, `devices`).
A domain that this driver did not make has no such element; its record is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from xml.etree.ElementTree import Element

from virtproof_driver.markup import metadata, tree
from virtproof_driver.markup.names import INSTANCE_NS, PREFIX
from virtproof_driver.spec import Disk, DiskDevice, Filesystem, InstanceSpec, Interface, NewVolume, VolumeSource

INSTANCE_FIELDS = (
    "architecture",
    "machine",
    "max_vcpus",
    "max_memory_mib",
    "firmware",
    "tpm",
    "usb",
    "consoles",
    "on_poweroff",
    "on_reboot",
    "on_crash",
)
INTERFACE_FIELDS = ("model", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The note of one instance.

    `noted` says that there is one, `omitted` are field names of the spec that were None,
    `filesystems` are the volumes of file systems by target, `interfaces` the fields likewise by MAC,
    `marked_read_only` the CD-ROMs that the caller called read-only.
    """

    noted: bool = False
    omitted: frozenset[str] = frozenset()
    disks: tuple[str, ...] = ()
    marked_read_only: frozenset[str] = frozenset()
    volumes: tuple[NewVolume, ...] = ()
    filesystems: Mapping[str, NewVolume | VolumeSource] = field(default_factory=lambda: MappingProxyType({}))
    interfaces: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    def position(self, target: str) -> int:
        """Where the caller had the disk; those not noted come last."""
        return self.disks.index(target) if target in self.disks else len(self.disks)


def record_element(spec: InstanceSpec) -> Element:
    """The note of `spec` as a metadata element."""
    root = Element(_tag("instance"), {f"xmlns:{PREFIX}": INSTANCE_NS, **_omitted(spec, INSTANCE_FIELDS)})
    for disk in spec.disks:
        _add_disk(root, disk)
    for filesystem in spec.filesystems:
        _add_filesystem(root, filesystem)
    for interface in spec.interfaces:
        root.append(Element(_tag("interface"), {"mac": interface.mac.lower(), **_omitted(interface, INTERFACE_FIELDS)}))
    return root


def record_text(spec: InstanceSpec) -> str:
    """The note of `spec` as virDomainSetMetadata takes it, which gives the prefix to all elements itself."""
    root = record_element(spec)
    del root.attrib[f"xmlns:{PREFIX}"]
    for element in root.iter():
        element.tag = _local(element)
    return tree.compact(root)


def read_record(domain: Element) -> Record:
    """The note of a domain; an empty one when there is none."""
    root = metadata.find(domain, INSTANCE_NS)
    if root is None:
        return Record()
    disks = [child for child in root if _local(child) == "disk"]
    return Record(
        noted=True,
        omitted=_tokens(root),
        disks=tuple(disk.get("target", "") for disk in disks),
        marked_read_only=frozenset(disk.get("target", "") for disk in disks if disk.get("read_only") == "yes"),
        volumes=tuple(_volume(child) for child in root if child.get("volume") is not None),
        filesystems={
            child.get("target", ""): source
            for child in root
            if _local(child) == "filesystem" and (source := _filesystem(child)) is not None
        },
        interfaces={child.get("mac", ""): _tokens(child) for child in root if _local(child) == "interface"},
    )


def _add_disk(root: Element, disk: Disk) -> None:
    element = tree.add(root, _tag("disk"), target=disk.target)
    if disk.device is DiskDevice.CDROM and disk.read_only:
        element.set("read_only", "yes")  # libvirt calls every CD-ROM read-only, so its XML cannot tell
    _add_volume(element, disk.source)


def _add_volume(element: Element, source: object) -> None:
    if isinstance(source, NewVolume):
        optional = {"clone_of": source.clone_of, "backing": source.backing}
        element.attrib.update({"pool": source.pool, "volume": source.volume, "capacity": str(source.capacity_bytes)})
        element.attrib.update({name: value for name, value in optional.items() if value is not None})


def _add_filesystem(root: Element, filesystem: Filesystem) -> None:
    element = tree.add(root, _tag("filesystem"), target=filesystem.target)
    _add_volume(element, filesystem.source)
    if isinstance(filesystem.source, VolumeSource):  # of a volume that spawn does not make, libvirt's XML has the path only
        element.attrib.update({"source_pool": filesystem.source.pool, "source_volume": filesystem.source.volume})


def _filesystem(element: Element) -> NewVolume | VolumeSource | None:
    if element.get("volume") is not None:
        return _volume(element)
    pool, volume = element.get("source_pool"), element.get("source_volume")
    return None if pool is None or volume is None else VolumeSource(pool=pool, volume=volume)


def _volume(element: Element) -> NewVolume:
    return NewVolume(
        pool=element.get("pool", ""),
        volume=element.get("volume", ""),
        capacity_bytes=int(element.get("capacity", "0")),
        clone_of=element.get("clone_of"),
        backing=element.get("backing"),
    )


def _omitted(value: InstanceSpec | Interface, fields: tuple[str, ...]) -> dict[str, str]:
    names = [name for name in fields if getattr(value, name) in (None, ())]
    return {"omitted": " ".join(names)} if names else {}


def _tokens(element: Element) -> frozenset[str]:
    return frozenset(element.get("omitted", "").split())


def _tag(name: str) -> str:
    return f"{PREFIX}:{name}"


def _local(element: Element) -> str:
    return element.tag.rpartition(":")[2]
