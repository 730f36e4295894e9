"""A single device in a domain's XML: finding it, and its text for libvirt's calls that attach and detach.

What belongs here: looking up disks by target and interfaces by hardware address. What does not: what such an element says
(`devices`).
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from virtproof_driver.actions import DeviceKind, DeviceName
from virtproof_driver.markup import devices, tree
from virtproof_driver.spec import Disk, Interface

_PLACES = {DeviceKind.DISK: ("devices/disk", "target", "dev"), DeviceKind.INTERFACE: ("devices/interface", "mac", "address")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A device that a domain has: its element as text, and libvirt's alias for it, which live XML alone has."""

    xml: str
    alias: str | None
    read_only: bool
    path: str | None


def name_of(device: Disk | Interface) -> DeviceName:
    """What a device is told by: a disk by its target, an interface by its hardware address."""
    if isinstance(device, Disk):
        return DeviceName(kind=DeviceKind.DISK, key=device.target)
    return DeviceName(kind=DeviceKind.INTERFACE, key=device.mac.lower())


def device_xml(device: Disk | Interface) -> str:
    """The element to attach a device with."""
    return tree.text_of(devices.disk_element(device) if isinstance(device, Disk) else devices.interface_element(device))


def find_device(xml: str, name: DeviceName) -> Attached | None:
    """The device in a domain's XML; of several of one name, the first. Raises tree.NotWellFormed."""
    path, child, attribute = _PLACES[name.kind]
    elements = tree.parse(xml).iterfind(path)
    return next((_attached(each) for each in elements if (tree.find_attribute(each, child, attribute) or "") == name.key), None)


def _attached(element: Element) -> Attached:
    return Attached(
        xml=tree.text_of(element),
        alias=tree.find_attribute(element, "alias", "name"),
        read_only=element.find("readonly") is not None,
        path=tree.find_attribute(element, "source", "file"),
    )
