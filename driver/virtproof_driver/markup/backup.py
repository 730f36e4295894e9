"""The XML of a backup: one disk of a running domain, as it is at one moment, written to a file.

What belongs here: `<domainbackup>`. What does not: when it is done. Format: https://libvirt.org/formatbackup.html.
"""

from xml.etree.ElementTree import Element

from virtproof_driver.markup import tree
from virtproof_driver.spec import DiskFormat


def backup_xml(target: str, path: str, image_format: DiskFormat) -> str:
    """Push the disk `target` to the file; a disk that is not listed takes no part (libvirt 11.3.0)."""
    root = Element("domainbackup", mode="push")
    disk = tree.add(tree.add(root, "disks"), "disk", name=target, type="file", backup="yes")
    tree.add(disk, "target", file=path)
    tree.add(disk, "driver", type=image_format.value)
    return tree.text_of(root)
