"""Bringing the guests to a host: a volume for each in a storage pool, by streams.

What belongs here: the volumes. What does not: the pool, which is the lane's to make and remove, the streams
themselves (`streams`), and what the guests are (`catalogue`).
"""

from virtproof.guests.catalogue import GUESTS, IMAGE_BYTES, Guest
from virtproof.guests.streams import send
from virtproof_driver.binding import Connection, StoragePool, StorageVol
from virtproof_driver.markup.storage import volume_xml
from virtproof_driver.spec import VolumeSpec


def upload(connection: Connection, pool: str) -> None:
    """Put every guest into an active pool, as `<guest>.img`; one that is there is written again.

    Only the program is sent, since a new volume reads as zeros. Raises libvirt's error when the host refuses.
    """
    found = connection.storagePoolLookupByName(pool)
    there = {volume.name(): volume for volume in found.listAllVolumes()}
    for guest in GUESTS.values():
        send(connection, there.get(guest.volume) or _made(found, guest), guest.program)


def _made(pool: StoragePool, guest: Guest) -> StorageVol:
    return pool.createXML(volume_xml(VolumeSpec(name=guest.volume, capacity_bytes=IMAGE_BYTES)))
