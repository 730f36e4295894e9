"""Where a host has the root file system of container guests, and its copy as a volume.

What belongs here: paths, and streaming the image into a storage pool. What does not: what the file system holds (`root/`), and
the boot-sector guests (`catalogue`). The recipe of a lane's container makes the folder and the image file by `root/make-root`; a
host that nobody prepared has neither.
"""

from typing import Final

from virtproof.guests.streams import receive, send
from virtproof_driver.binding import Connection
from virtproof_driver.markup.storage import pool_xml, volume_xml
from virtproof_driver.spec import PoolSpec, VolumeSpec

FOLDER: Final = "/usr/lib/virtproof"
ROOT_FOLDER: Final = f"{FOLDER}/root"
"""The root file system as a folder, which containers share."""

ROOT_IMAGE: Final = "root.img"
"""The same as an ext4 image: the file's name in FOLDER, and the volume's in a pool. Each container gets its own clone."""

INIT: Final = "/sbin/init"
"""The first program in it; its argument is the name of a guest."""


def upload_root(connection: Connection, pool: str) -> None:
    """Stream the root file system's image into an active pool, as ROOT_IMAGE; one that is there is written again.

    The host's own folder is read through a pool that is gone when this returns. Raises libvirt's error where the host has no such
    folder, or refuses.
    """
    reading = connection.storagePoolDefineXML(pool_xml(PoolSpec(name=f"{pool}-root", target=FOLDER)))
    try:
        reading.create()
        try:
            image = receive(connection, reading.storageVolLookupByName(ROOT_IMAGE))
        finally:
            reading.destroy()
    finally:
        reading.undefine()
    found = connection.storagePoolLookupByName(pool)
    there = {volume.name(): volume for volume in found.listAllVolumes()}
    made = there.get(ROOT_IMAGE) or found.createXML(volume_xml(VolumeSpec(name=ROOT_IMAGE, capacity_bytes=len(image))))
    send(connection, made, image)
