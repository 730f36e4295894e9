"""The contract's methods about devices: one line an operation, gated by its capability.

What belongs here: disks and network interfaces of an instance. What does not: how it is done (`operations`).
A running instance and its definition are changed together; a transient one has no definition, one that is off nothing else. Each
raises InvalidState when the instance is suspended, and for disks when it is rescued.
"""

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims
from virtproof_driver.contract import InstanceId
from virtproof_driver.facade.area import Area
from virtproof_driver.operations import devices, extending
from virtproof_driver.spec import Disk, Interface


class DeviceMethods(Area):
    """Changing what an instance has."""

    @claims(Capability.VOLUME_ATTACH)
    def attach_volume(self, uuid: InstanceId, volume: Disk) -> None:
        """Give the instance a disk, and make its volume first if it is a new one; destroy removes that with the instance.

        DeviceExists when the target is taken; InvalidSpec when the instance has the volume already; StoragePoolNotFound,
        VolumeNotFound, VolumeExists. A disk that could not be attached leaves nothing behind.
        """
        devices.attach_volume(self._link, self._staying(uuid), volume)

    @claims(Capability.VOLUME_DETACH)
    def detach_volume(self, uuid: InstanceId, target: str) -> None:
        """Take a disk from the instance, wait until its guest released it, and delete its volume if it was a new one.

        A guest that does not answer within 10 s is OperationTimeout, one that refuses is Busy: the instance and its definition
        have the disk still. Should the guest release it later, the definition alone has it, and a second call ends that.
        DeviceNotFound when neither has it; one of them is enough.
        """
        devices.detach_volume(self._link, self._staying(uuid), target)

    @claims(Capability.VOLUME_EXTEND)
    def extend_volume(self, uuid: InstanceId, target: str, size_bytes: int) -> None:
        """Grow a disk to so many bytes, a multiple of 512; a running guest is told.

        DeviceNotFound; InvalidSpec when that is less than it has; InvalidState when it is read-only. The size that it has changes
        nothing.
        """
        extending.extend_volume(self._link, self._staying(uuid), target, size_bytes)

    @claims(Capability.INTERFACE_ATTACH)
    def attach_interface(self, uuid: InstanceId, nic: Interface) -> None:
        """Give the instance a network interface. DeviceExists when it has one of that address; NetworkNotFound, InvalidState."""
        devices.attach_interface(self._link, self._staying(uuid), nic)

    @claims(Capability.INTERFACE_DETACH)
    def detach_interface(self, uuid: InstanceId, mac: str) -> None:
        """Take a network interface from the instance, and wait for it as detach_volume() does. DeviceNotFound."""
        devices.detach_interface(self._link, self._staying(uuid), mac)
