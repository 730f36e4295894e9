"""Wrong drivers that change devices wrongly: they do not wait, attach by half, leave volumes, or cut disks off.

What belongs here: mistakes around attaching, detaching and extending. What does not: those around stop() (`waiting`).
"""

from virtproof.mutants.drivers.base import factory
from virtproof_driver import LibvirtDriver
from virtproof_driver.actions import DeviceKind, DeviceName
from virtproof_driver.constants import Affect, BlockResizeFlag
from virtproof_driver.contract import InstanceId
from virtproof_driver.errors import DeviceNotFound, DriverError, OperationTimeout
from virtproof_driver.markup.attached import device_xml, find_device
from virtproof_driver.markup.rescue import is_rescued
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.operations.volumes import create_volume
from virtproof_driver.spec import Disk, NewVolume, VolumeSpec


def _detach_both(driver: LibvirtDriver, uuid: InstanceId, target: str) -> bool:
    """Ask for both places at once; whether the running domain has let go of the disk when the call returns."""
    domain = driver.link.domain(instance_id(uuid))
    name = DeviceName(kind=DeviceKind.DISK, key=target)
    found = find_device(driver.link.call(domain.XMLDesc), name)
    if found is None:
        raise DeviceNotFound(target)
    driver.link.call(domain.detachDeviceFlags, found.xml, Affect.LIVE | Affect.CONFIG)
    return find_device(driver.link.call(domain.XMLDesc), name) is None


class _DetachesEarly(LibvirtDriver):
    """Reports a detach as done when libvirt's call returned."""

    def detach_volume(self, uuid: InstanceId, target: str) -> None:
        _detach_both(self, uuid, target)


class _DetachesByHalf(LibvirtDriver):
    """Takes the disk from the definition though the guest kept it."""

    def detach_volume(self, uuid: InstanceId, target: str) -> None:
        if not _detach_both(self, uuid, target):
            raise OperationTimeout("answer of the guest", 5.0)


class _AttachesForNow(LibvirtDriver):
    """Attaches to the running instance alone."""

    def attach_volume(self, uuid: InstanceId, volume: Disk) -> None:
        domain = self.link.domain(instance_id(uuid))
        active = self.link.call(domain.isActive)
        self.link.call(domain.attachDeviceFlags, device_xml(volume), Affect.LIVE if active else Affect.CONFIG)


class _AttachesToARescue(LibvirtDriver):
    """Attaches to an instance that is rescued, whose disks are those of before once it is not."""

    def attach_volume(self, uuid: InstanceId, volume: Disk) -> None:
        domain = self.link.domain(instance_id(uuid))
        if is_rescued(self.link.call(domain.XMLDesc)):
            live = Affect.LIVE if self.link.call(domain.isActive) else Affect.CURRENT
            self.link.call(domain.attachDeviceFlags, device_xml(volume), live | Affect.CONFIG)
        else:
            super().attach_volume(uuid, volume)


class _LeavesAttachedVolumes(LibvirtDriver):
    """Makes the volume of a disk by itself, and forgets it when attaching fails."""

    def attach_volume(self, uuid: InstanceId, volume: Disk) -> None:
        if isinstance(volume.source, NewVolume):
            new = volume.source
            create_volume(self.link, new.pool, VolumeSpec(name=new.volume, capacity_bytes=new.capacity_bytes))
        domain = self.link.domain(instance_id(uuid))
        active = self.link.call(domain.isActive)
        both = Affect.LIVE | Affect.CONFIG if active else Affect.CONFIG
        self.link.call(domain.attachDeviceFlags, device_xml(volume), both)


class _CutsDisksOff(LibvirtDriver):
    """Gives a disk any size that it is asked for."""

    def extend_volume(self, uuid: InstanceId, target: str, size_bytes: int) -> None:
        try:
            super().extend_volume(uuid, target, size_bytes)
        except DriverError:
            self.link.call(self.link.domain(instance_id(uuid)).blockResize, target, size_bytes, BlockResizeFlag.BYTES)


detaches_early = factory(_DetachesEarly)
detaches_by_half = factory(_DetachesByHalf)
attaches_for_now = factory(_AttachesForNow)
attaches_to_a_rescue = factory(_AttachesToARescue)
leaves_attached_volumes = factory(_LeavesAttachedVolumes)
cuts_disks_off = factory(_CutsDisksOff)
