"""Domain XML to that of its rescue, and back.

What belongs here: which disk the rescue image displaces, and what is kept for the way back. What does not: defining,
stopping and starting (`operations.rescue`). Both take inactive XML as libvirt prints it.
The rescue image takes the first hard disk's target, bus, address and boot order; that disk moves to the first free target of its
kind, without what belonged to its place. All other disks stay where they are. So no address that a disk returns to is free
meanwhile: a device that is attached would get it, and libvirt would refuse the way back. The `<disk>` elements as they were are
kept in the domain's metadata in our rescue namespace, so the way back needs nothing but the domain itself.
"""

from collections.abc import Iterator
from copy import deepcopy
from itertools import product
from string import ascii_lowercase
from xml.etree.ElementTree import Element

from virtproof_driver.markup import devices, metadata, tree
from virtproof_driver.markup.names import PREFIX, RESCUE_NS
from virtproof_driver.spec import RescueImage

OF_THE_PLACE = ("address", "alias", "boot")
TAKEN_OVER = ("boot", "address")  # an alias may be the user's own name for the disk
TARGET_KINDS = ("xvd", "ubd", "vd", "sd", "hd", "fd")


class AlreadyRescued(ValueError):
    """The domain is rescued; rescuing it again would lose its disks."""


class NotRescued(ValueError):
    """The domain is not rescued."""


def rescued(xml: str, image: RescueImage) -> str:
    """The XML that boots `image` with the domain's disks behind it. Raises AlreadyRescued, tree.NotWellFormed."""
    root = tree.parse(xml)
    if metadata.find(root, RESCUE_NS) is not None:
        raise AlreadyRescued(tree.find_text(root, "name") or "")
    holder = root.find("devices")
    holder = tree.add(root, "devices") if holder is None else holder
    disks = holder.findall("disk")
    metadata.put(root, RESCUE_NS, _keep(disks))
    tree.replace_children(holder, disks, _with_image(disks, image))
    return tree.text_of(root)


def unrescued(xml: str) -> str:
    """The XML with the disks as they were. Raises NotRescued, tree.NotWellFormed."""
    root = tree.parse(xml)
    kept, holder = metadata.find(root, RESCUE_NS), root.find("devices")
    if kept is None or holder is None:
        raise NotRescued(tree.find_text(root, "name") or "")
    tree.replace_children(holder, holder.findall("disk"), list(kept))
    metadata.put(root, RESCUE_NS, None)
    return tree.text_of(root)


def is_rescued(xml: str) -> bool:
    """Whether a domain's XML, live or inactive, is that of a rescue."""
    return metadata.find(tree.parse(xml), RESCUE_NS) is not None


def _keep(disks: list[Element]) -> Element:
    kept = Element(f"{PREFIX}:rescue", {f"xmlns:{PREFIX}": RESCUE_NS})
    kept.extend(deepcopy(disk) for disk in disks)
    return kept


def _with_image(disks: list[Element], image: RescueImage) -> list[Element]:
    first = next((disk for disk in disks if disk.get("device", "disk") == "disk"), None)
    if first is None:
        return [devices.rescue_element(image, next(_free_targets("vda", disks)), "virtio"), *disks]
    target = tree.find_attribute(first, "target", "dev") or "vda"
    new = devices.rescue_element(image, target, tree.find_attribute(first, "target", "bus"))
    new.extend(deepcopy(element) for name in TAKEN_OVER for element in first.findall(name))
    moved = _moved(first, next(_free_targets(target, disks)))
    return [new, *(moved if disk is first else disk for disk in disks)]


def _moved(disk: Element, target: str) -> Element:
    copy = deepcopy(disk)
    for name in OF_THE_PLACE:
        for element in copy.findall(name):
            copy.remove(element)
    for element in copy.findall("target"):
        element.set("dev", target)
    return copy


def _free_targets(like: str, disks: list[Element]) -> Iterator[str]:
    """Targets of the same kind that no disk has: vda to vdz, then vdaa to vdzz."""
    kind = next((prefix for prefix in TARGET_KINDS if like.startswith(prefix)), "vd")
    taken = {tree.find_attribute(disk, "target", "dev") for disk in disks}
    for length in (1, 2):
        for letters in product(ascii_lowercase, repeat=length):
            if (target := kind + "".join(letters)) not in taken:
                yield target
