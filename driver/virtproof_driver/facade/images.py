"""The contract's methods about images: one line an operation, gated by its capability.

What belongs here: images of instances' disks. What does not: how it is done (`operations`), and volumes (`storage`).
"""

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims
from virtproof_driver.contract import InstanceId, Sink
from virtproof_driver.facade.area import Area
from virtproof_driver.operations import images
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.values import ImageInfo


class ImageMethods(Area):
    """Images of instances' disks."""

    @claims(Capability.IMAGE_CAPTURE)
    def capture_image(self, uuid: InstanceId, sink: Sink, *, target: str | None = None) -> ImageInfo:
        """Give the sink a disk's image, in pieces: the first disk, or the one called `target`; whole, and in the disk's format.

        Of a running instance it is the disk of the moment of the call, by a copy in a temporary volume. What the sink raises ends
        it and goes to the caller. DeviceNotFound; InvalidState of a running instance's encrypted disk, and when the instance is
        started or stopped meanwhile; NotSupported when no pool holds the disk; OperationTimeout.
        """
        return images.capture_image(self._link, instance_id(uuid), sink, target=target)
