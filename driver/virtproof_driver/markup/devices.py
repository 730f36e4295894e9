"""Disks, interfaces and displays of an instance, each between its value and its libvirt device element.

What belongs here: one writer and one reader a kind of device, and what a live domain tells of it. What does not: the domain
around them (`domain`) and moving disks for a rescue (`rescue`). Elements: https://libvirt.org/formatdomain.html#devices.
A device that a spec has no words for (a floppy, a network disk, a host device…) is read as None and so left out.
"""

from uuid import UUID
from xml.etree.ElementTree import Element

from virtproof_driver.markup import tree
from virtproof_driver.markup.record import Record
from virtproof_driver.spec import (
    Disk,
    DiskDevice,
    DiskFormat,
    DiskSource,
    FileSource,
    Graphics,
    Interface,
    NewVolume,
    RescueImage,
    VolumeSource,
)
from virtproof_driver.values import GraphicsEndpoint

GRAPHICS_KINDS = frozenset({"vnc", "spice", "rdp"})  # those that listen on a port
DISK_DEVICES = {"disk": DiskDevice.DISK, "lun": DiskDevice.DISK, "cdrom": DiskDevice.CDROM}
DISK_FORMATS = {disk_format.value: disk_format for disk_format in DiskFormat}
DISK_TYPES = frozenset({"file", "block", "volume"})


def disk_element(disk: Disk) -> Element:
    """`<disk>`; a volume that spawn will make is written like one that exists."""
    element = _disk(disk.source, disk.device, disk.format)
    tree.add(element, "target", dev=disk.target, bus=disk.bus)
    if disk.read_only or disk.device is DiskDevice.CDROM:
        tree.add(element, "readonly")
    if disk.serial is not None:
        tree.add(element, "serial", disk.serial)
    if disk.secret is not None:
        encryption = tree.add(element, "encryption", format="luks")
        tree.add(encryption, "secret", type="passphrase", uuid=str(disk.secret))
    return element


def rescue_element(image: RescueImage, target: str, bus: str | None) -> Element:
    """`<disk>` of a rescue image."""
    element = _disk(image.source, DiskDevice.DISK, image.format)
    tree.add(element, "target", dev=target, bus=bus)
    return element


def read_disk(element: Element, record: Record) -> Disk | None:
    """The disk of a `<disk>` element."""
    device = DISK_DEVICES.get(element.get("device", "disk"))
    disk_format = DISK_FORMATS.get(tree.find_attribute(element, "driver", "type") or "raw")
    target = tree.find_attribute(element, "target", "dev")
    if device is None or disk_format is None or target is None or element.get("type") not in DISK_TYPES:
        return None
    return Disk(
        target=target,
        source=_disk_source(element, record),
        bus=tree.find_attribute(element, "target", "bus") or "virtio",
        device=device,
        format=disk_format,
        read_only=target in record.marked_read_only if device is DiskDevice.CDROM else element.find("readonly") is not None,
        serial=tree.find_text(element, "serial"),
        secret=_secret(element),
    )


def interface_element(interface: Interface) -> Element:
    """`<interface>`."""
    element = Element("interface", {"type": "network" if interface.bridge is None else "bridge"})
    tree.add(element, "mac", address=interface.mac.lower())
    tree.add(element, "source", network=interface.network, bridge=interface.bridge)
    if interface.target is not None:
        tree.add(element, "target", dev=interface.target)
    if interface.model is not None:
        tree.add(element, "model", type=interface.model)
    return element


def read_interface(element: Element, record: Record) -> Interface | None:
    """The interface of an `<interface>` element. In live XML a network's one names the network's bridge too; `type` decides."""
    kind, mac = element.get("type"), tree.find_attribute(element, "mac", "address")
    if kind not in ("network", "bridge") or mac is None:
        return None
    omitted = record.interfaces.get(mac.lower(), frozenset[str]())
    return Interface(
        mac=mac,
        network=tree.find_attribute(element, "source", "network") if kind == "network" else None,
        bridge=tree.find_attribute(element, "source", "bridge") if kind == "bridge" else None,
        model=None if "model" in omitted else tree.find_attribute(element, "model", "type"),
        target=None if "target" in omitted else tree.find_attribute(element, "target", "dev"),
    )


def graphics_element(graphics: Graphics) -> Element:
    """`<graphics>`; port -1 becomes autoport."""
    auto = graphics.port == -1
    element = Element("graphics", {"type": graphics.kind, "port": str(graphics.port), "autoport": "yes" if auto else "no"})
    if auto:
        del element.attrib["port"]
    tree.add(element, "listen", type="address", address=graphics.listen)
    return element


def read_graphics(element: Element) -> Graphics | None:
    """The display of a `<graphics>` element; a port that the host chose reads as -1."""
    kind = element.get("type", "")
    if kind not in GRAPHICS_KINDS:
        return None
    port = -1 if element.get("autoport") == "yes" else int(element.get("port", "-1"))
    return Graphics(kind=kind, port=port, listen=_listen(element) or Graphics().listen)


def endpoint(element: Element) -> GraphicsEndpoint:
    """Where a `<graphics>` of live XML listens; port -1 when none is open."""
    port = int(element.get("port", "-1"))
    return GraphicsEndpoint(kind=element.get("type", ""), host=_listen(element), port=port if port > 0 else -1)


def _disk(source: DiskSource | None, device: DiskDevice, disk_format: DiskFormat) -> Element:
    element = Element("disk", {"type": "file", "device": device.value})
    tree.add(element, "driver", type=disk_format.value)
    match source:
        case FileSource():
            tree.add(element, "source", file=source.path)
        case VolumeSource() | NewVolume():
            element.set("type", "volume")
            tree.add(element, "source", pool=source.pool, volume=source.volume)
        case None:
            pass
    return element


def _disk_source(element: Element, record: Record) -> DiskSource | None:
    source = element.find("source")
    if source is None:
        return None
    pool, volume = source.get("pool"), source.get("volume")
    if pool is not None and volume is not None:
        made = (new for new in record.volumes if (new.pool, new.volume) == (pool, volume))
        return next(made, VolumeSource(pool=pool, volume=volume))
    path = source.get("file") or source.get("dev")
    return None if path is None else FileSource(path=path)


def _secret(element: Element) -> UUID | None:
    found = tree.find_attribute(element, "encryption/secret", "uuid") or tree.find_attribute(
        element, "source/encryption/secret", "uuid"
    )
    return None if found is None else UUID(found)


def _listen(element: Element) -> str | None:
    return tree.find_attribute(element, "listen", "address") or element.get("listen")
