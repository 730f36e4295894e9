"""Storage pools and volumes: specs to libvirt's XML and back, and what a volume's XML tells of it.

What belongs here: `<pool>` and `<volume>`. What does not: capacity and state of a pool, which are read by calls, not from XML.
Formats: https://libvirt.org/formatstorage.html, https://libvirt.org/formatstorageencryption.html.
"""

from posixpath import basename, dirname
from uuid import UUID
from xml.etree.ElementTree import Element

from virtproof_driver.markup import tree
from virtproof_driver.markup.units import size_in_bytes
from virtproof_driver.spec import DiskFormat, PoolSpec, VolumeSpec
from virtproof_driver.values import VolumeInfo


def pool_xml(spec: PoolSpec) -> str:
    """The XML to define `spec` with."""
    root = Element("pool", {"type": spec.kind})
    tree.add(root, "name", spec.name)
    if spec.uuid is not None:
        tree.add(root, "uuid", str(spec.uuid))
    tree.add(tree.add(root, "target"), "path", spec.target)
    return tree.text_of(root)


def parse_pool(xml: str) -> PoolSpec:
    """The spec of a pool; libvirt gives every pool a UUID. Raises tree.NotWellFormed."""
    root = tree.parse(xml)
    uuid = tree.find_text(root, "uuid")
    return PoolSpec(
        name=tree.find_text(root, "name") or "",
        target=tree.find_text(root, "target/path") or "",
        kind=root.get("type", "dir"),
        uuid=None if uuid is None else UUID(uuid),
    )


def volume_xml(spec: VolumeSpec, backing_path: str | None = None) -> str:
    """The XML to make `spec` with; `backing_path` is where the volume that backs it lies, since libvirt takes no name for it."""
    root = Element("volume")
    tree.add(root, "name", spec.name)
    tree.add(root, "capacity", str(spec.capacity_bytes), unit="bytes")
    if spec.allocation_bytes is not None:
        tree.add(root, "allocation", str(spec.allocation_bytes), unit="bytes")
    target = tree.add(root, "target")
    tree.add(target, "format", type=spec.format.value)
    if spec.secret is not None:
        tree.add(tree.add(target, "encryption", format="luks"), "secret", type="passphrase", uuid=str(spec.secret))
    if backing_path is not None:
        backing = tree.add(root, "backingStore")
        tree.add(backing, "path", backing_path)
        tree.add(backing, "format", type=(spec.backing_format or DiskFormat.RAW).value)
    return tree.text_of(root)


def parse_volume(xml: str) -> VolumeSpec:
    """The spec of a volume; what libvirt prints always has an allocation.

    Raises tree.NotWellFormed, and ValueError for a format that a spec has no word for.
    """
    root = tree.parse(xml)
    allocation = root.find("allocation")
    secret = tree.find_attribute(root, "target/encryption/secret", "uuid")
    backing_format = tree.find_attribute(root, "backingStore/format", "type")
    return VolumeSpec(
        name=tree.find_text(root, "name") or "",
        capacity_bytes=size_in_bytes(root.find("capacity")),
        allocation_bytes=None if allocation is None else size_in_bytes(allocation),
        format=DiskFormat(tree.find_attribute(root, "target/format", "type") or DiskFormat.RAW.value),
        backing=_backing(root),
        backing_format=None if backing_format is None else DiskFormat(backing_format),
        secret=None if secret is None else UUID(secret),
    )


def volume_info(xml: str, pool: str) -> VolumeInfo:
    """What a volume's XML tells, whatever its format is. Raises tree.NotWellFormed."""
    root = tree.parse(xml)
    return VolumeInfo(
        pool=pool,
        name=tree.find_text(root, "name") or "",
        path=tree.find_text(root, "target/path") or "",
        capacity_bytes=size_in_bytes(root.find("capacity")),
        allocation_bytes=size_in_bytes(root.find("allocation")),
        format=tree.find_attribute(root, "target/format", "type") or DiskFormat.RAW.value,
        backing=_backing(root),
        encrypted=root.find("target/encryption") is not None,
    )


def physical_bytes(xml: str) -> int:
    """How long a volume's file is; a raw one's is its capacity, and an encrypted one's more (libvirt 11.3.0)."""
    root = tree.parse(xml)
    found = root.find("physical")
    return size_in_bytes(root.find("capacity") if found is None else found)


def _backing(root: Element) -> str | None:
    """The name of a volume beside it, the path of one that lies elsewhere, None without one."""
    path = tree.find_text(root, "backingStore/path")
    if path is None:
        return None
    return basename(path) if dirname(path) == dirname(tree.find_text(root, "target/path") or path) else path
