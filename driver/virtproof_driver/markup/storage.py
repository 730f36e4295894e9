"""Storage pools and volumes: specs to libvirt's XML and back.

What belongs here: `<pool>` and `<volume>`. What does not: capacity and state of a pool, which are read by calls, not from XML.
Format: https://libvirt.org/formatstorage.html.
"""

from uuid import UUID
from xml.etree.ElementTree import Element

from virtproof_driver.markup import tree
from virtproof_driver.markup.units import size_in_bytes
from virtproof_driver.spec import DiskFormat, PoolSpec, VolumeSpec


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


def volume_xml(spec: VolumeSpec) -> str:
    """The XML to make `spec` with."""
    root = Element("volume")
    tree.add(root, "name", spec.name)
    tree.add(root, "capacity", str(spec.capacity_bytes), unit="bytes")
    if spec.allocation_bytes is not None:
        tree.add(root, "allocation", str(spec.allocation_bytes), unit="bytes")
    tree.add(tree.add(root, "target"), "format", type=spec.format.value)
    return tree.text_of(root)


def parse_volume(xml: str) -> VolumeSpec:
    """The spec of a volume; what libvirt prints always has an allocation.

    Raises tree.NotWellFormed, and ValueError for a format that a spec has no word for.
    """
    root = tree.parse(xml)
    allocation = root.find("allocation")
    return VolumeSpec(
        name=tree.find_text(root, "name") or "",
        capacity_bytes=size_in_bytes(root.find("capacity")),
        allocation_bytes=None if allocation is None else size_in_bytes(allocation),
        format=DiskFormat(tree.find_attribute(root, "target/format", "type") or DiskFormat.RAW.value),
    )
