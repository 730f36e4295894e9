"""What storage volumes hold, seen past the driver under test; and bytes to put into them.

What belongs here: bytes that can be told apart, a volume's bytes on the world's own connection, and a pool seen by another name.
What does not: streams (`guests.streams`), and any expectation.
"""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager, suppress

from virtproof.guests.streams import receive, send
from virtproof.recording.world import World
from virtproof_driver.binding import StoragePool, StorageVol
from virtproof_driver.markup.storage import pool_xml
from virtproof_driver.spec import PoolSpec


def content(size: int, seed: str = "") -> bytes:
    """Bytes that do not repeat and are the same each time."""
    return hashlib.shake_128(seed.encode()).digest(size)


def held(world: World, pool: str, name: str) -> bytes:
    """All bytes of a volume, by a stream of the world's own."""
    return receive(world.connection, volume_of(world, pool, name))


def fill(world: World, pool: str, name: str, data: bytes) -> None:
    """Write into a volume from its beginning, past the driver."""
    send(world.connection, volume_of(world, pool, name), data)


def volume_of(world: World, pool: str, name: str) -> StorageVol:
    """The bare volume."""
    return world.connection.storagePoolLookupByName(pool).storageVolLookupByName(name)


@contextmanager
def beside(world: World, spec: PoolSpec) -> Generator[StoragePool]:
    """A second pool on the folder of another one, by another path, so that files come and go unseen by the first.

    libvirt refuses two pools of one path, and compares paths as they are written. The folder stays, being the other one's.
    """
    folder, _, last = spec.target.rpartition("/")
    xml = pool_xml(PoolSpec(name=f"{spec.name}-beside", target=f"{folder}/{last}/../{last}"))
    pool = world.connection.storagePoolDefineXML(xml)
    try:
        pool.create()
        yield pool
    finally:
        with suppress(Exception):  # it did not start
            pool.destroy()
        pool.undefine()
