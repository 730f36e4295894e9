"""What cases about external snapshots have in common: what they need, and where disks and overlays are.

What belongs here: what more than one file of `snapshots` uses. What does not: cases.
"""

from dataclasses import replace
from xml.etree.ElementTree import fromstring

from virtproof.recording.world import World
from virtproof.suite.common import HEARD, domain_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.spec import DiskFormat, InstanceSpec, NewVolume, SnapshotSpec
from virtproof_driver.values import Instance, PoolInfo

STORED = {Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES}
MADE = HEARD | STORED | {Capability.SNAPSHOT_EXTERNAL, Capability.GUESTS}
MOVED = MADE | {Capability.PAUSE, Capability.START, Capability.STOP}
REVERTED = MOVED | {Capability.SNAPSHOT_EXTERNAL_REVERT}
A, B = (SnapshotSpec(name=name, external=True) for name in ("first", "second"))
NUMBERS = {"running": DomainState.RUNNING, "paused": DomainState.PAUSED, "off": DomainState.SHUTOFF}


def with_disk_in(pool: PoolInfo, spec: InstanceSpec) -> InstanceSpec:
    """The spec with an empty first disk in a pool that no other case uses.

    A pool in which others make volumes refuses to be refreshed meanwhile (libvirt error 1/18, 11.3.0).
    """
    source = NewVolume(pool=pool.name, volume="own", capacity_bytes=1 << 20)
    disk = replace(spec.disks[0], source=source, format=DiskFormat.QCOW2, read_only=False)
    return replace(spec, disks=(disk, *spec.disks[1:]))


def bring(driver: ComputeDriver, instance: Instance, state: str) -> None:
    """Take a running instance to a state."""
    if state == "off":
        driver.stop(instance.uuid, timeout=0)
    elif state == "paused":
        driver.pause(instance.uuid)


def source_of(world: World, instance: Instance, target: str = "vda") -> str:
    """The file of a disk, the first one unless another is named, as the host would start it."""
    domain = domain_of(world, instance.uuid)
    source = fromstring(domain.XMLDesc(2)).find(f"devices/disk/target[@dev='{target}']/../source")
    assert source is not None
    if source.get("file"):
        return source.get("file", "")
    pool = world.connection.storagePoolLookupByName(source.get("pool", ""))
    return pool.storageVolLookupByName(source.get("volume", "")).path()


def backing_of(world: World, path: str) -> str | None:
    """What a file of a pool, by the pool's own look at it, reads from."""
    volume = world.connection.storageVolLookupByPath(path)
    return fromstring(volume.XMLDesc()).findtext("backingStore/path")


def tree(driver: ComputeDriver, instance: Instance) -> list[tuple[str, str | None, bool]]:
    """Name, parent and whether it is the current one."""
    return [(one.name, one.parent, one.current) for one in driver.snapshots(instance.uuid)]


def pool_of(world: World, instance: Instance) -> str:
    """The pool that holds the first disk."""
    return world.connection.storageVolLookupByPath(source_of(world, instance)).storagePoolLookupByVolume().name()
