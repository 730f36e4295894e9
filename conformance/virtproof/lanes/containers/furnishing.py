"""What a run puts on a host before any case: guests' images in a storage pool, and a network without a way out.

What belongs here: making and removing both, past every driver. What does not: what the images are (`virtproof.guests`). Their
names have the run's prefix and no worker's, so that no case takes them for its own leftovers and no worker's reaper for its own.
"""

from contextlib import suppress

from virtproof.guests import upload
from virtproof.guests.roots import upload_root
from virtproof.lanes.bare import bare_binding
from virtproof_driver.binding import Connection

_FOLDER = "/var/tmp"  # noqa: S108 - on the host, under a name of our own; it outlives a reboot no worse than the pool does


def pool_name(run: str) -> str:
    """The pool's name."""
    return f"vp-{run}-guests"


def network_name(run: str) -> str:
    """The network's name."""
    return f"vp-{run}-net"


def furnish(connection: Connection, run: str) -> None:
    """Define and start both, and upload the guests."""
    pool = pool_name(run)
    folder = f"<target><path>{_FOLDER}/{pool}</path></target>"
    made = connection.storagePoolDefineXML(f"<pool type='dir'><name>{pool}</name>{folder}</pool>")
    made.build()
    made.create()
    upload(connection, pool)
    upload_root(connection, pool)
    connection.networkDefineXML(f"<network><name>{network_name(run)}</name></network>").create()


def unfurnish(connection: Connection, run: str) -> None:
    """Remove both, as far as they are there."""
    with suppress(bare_binding().libvirtError):
        network = connection.networkLookupByName(network_name(run))
        network.destroy()
        network.undefine()
    with suppress(bare_binding().libvirtError):
        pool = connection.storagePoolLookupByName(pool_name(run))
        for volume in pool.listAllVolumes():
            volume.delete()
        pool.destroy()
        pool.delete()
        pool.undefine()
