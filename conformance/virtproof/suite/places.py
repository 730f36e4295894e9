"""Where the devices of an instance are: in the running domain, in its definition, or in both.

What belongs here: the vocabulary of cases about devices, and reading past the driver what a domain has. What does not: any case.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID
from xml.etree import ElementTree as ET

from virtproof.fixtures import Small
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of
from virtproof_driver import Capability
from virtproof_driver.binding import Domain
from virtproof_driver.constants import Affect, DomainEventId
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.spec import Disk, NewVolume, VolumeSource, VolumeSpec
from virtproof_driver.values import Instance, PoolInfo

MIB: Final = 1 << 20
BOTH: Final = Affect.LIVE | Affect.CONFIG
STORED: Final = SPAWNED | {Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES}
ATTACHED: Final = STORED | {Capability.VOLUME_ATTACH}
# Volumes of an instance leave it only when a guest lets go.
DETACHED: Final = ATTACHED | {Capability.VOLUME_DETACH, Capability.GUESTS}
RELEASER: Final = "releaser"
DEAF: Final = "deaf"

Names = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Places:
    """What a domain has, by target or hardware address: running (None when it is off) and by its definition."""

    live: tuple[str, ...] | None
    kept: tuple[str, ...]

    def have(self, name: str) -> tuple[bool, bool]:
        """Whether the running domain and the definition have a device of this name."""
        return self.live is not None and name in self.live, name in self.kept


def spawned(driver: ComputeDriver, small: Small, state: str) -> Instance:
    """An instance that is `running`, `paused` or `off`."""
    instance = driver.spawn(small(), start=state != "off")
    return driver.pause(instance.uuid) if state == "paused" else instance


def places(world: World, uuid: UUID) -> Places:
    """What a domain has now, past the driver."""
    domain = domain_of(world, uuid)
    return Places(_names(domain.XMLDesc()) if domain.isActive() else None, _names(world.xml(uuid, inactive=True)))


def xmls(world: World, uuid: UUID) -> tuple[str, str]:
    """A domain's XML, running and by its definition: what must be the same when nothing was changed."""
    return world.xml(uuid), world.xml(uuid, inactive=True)


def element(domain: Domain, target: str, *, inactive: bool = False) -> ET.Element:
    """The `<disk>` of a target."""
    disks = ET.fromstring(domain.XMLDesc(2 if inactive else 0)).iterfind("devices/disk")
    return next(disk for disk in disks if _name(disk) == target)


def notices(world: World, uuid: UUID, event_id: DomainEventId) -> Sequence[object]:
    """The aliases that the host told in events of this id, in order."""
    return [event for told, event, _ in world.events(uuid) if told == event_id]


def volume_disk(driver: ComputeDriver, pool: PoolInfo, target: str = "vdb", name: str | None = None) -> Disk:
    """A disk of a volume that is made for it, and belongs to the case."""
    spec = VolumeSpec(name=name or f"volume-{target}", capacity_bytes=MIB)
    driver.create_volume(pool.name, spec)
    return Disk(target=target, source=VolumeSource(pool=pool.name, volume=spec.name))


def new_disk(pool: PoolInfo, target: str = "vdb") -> Disk:
    """A disk whose volume the driver is to make."""
    return Disk(target=target, source=NewVolume(pool=pool.name, volume=f"new-{target}", capacity_bytes=MIB))


def volumes_in(world: World, pool: PoolInfo) -> list[str]:
    """The names of the pool's volumes, past the driver."""
    return [name.removeprefix(f"{pool.name}/") for name in world.inventory().volumes if name.startswith(f"{pool.name}/")]


def power_cycle(driver: ComputeDriver, uuid: UUID) -> None:
    """Off and on again."""
    driver.stop(uuid, timeout=0)
    driver.start(uuid)


def _names(xml: str) -> tuple[str, ...]:
    devices = ET.fromstring(xml).find("devices")
    return () if devices is None else tuple(_name(each) for each in devices if each.tag in ("disk", "interface"))


def _name(device: ET.Element) -> str:
    found = device.find("target" if device.tag == "disk" else "mac")
    return "" if found is None else found.get("dev" if device.tag == "disk" else "address", "")
