"""The contract's methods about metadata: one line an operation, gated by its capability.

What belongs here: title, description and metadata elements. What does not: how it is done (`operations`).
"""

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims, reads
from virtproof_driver.contract import InstanceId
from virtproof_driver.facade.area import Area
from virtproof_driver.operations import metadata
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.spec import MetadataElement


class MetadataMethods(Area):
    """Describing instances."""

    @claims(Capability.METADATA)
    def set_title(self, uuid: InstanceId, title: str | None) -> None:
        """Set the title, one line, or with None remove it."""
        metadata.set_title(self._link, instance_id(uuid), title)

    @claims(Capability.METADATA)
    def set_description(self, uuid: InstanceId, description: str | None) -> None:
        """Set the description, or with None remove it."""
        metadata.set_description(self._link, instance_id(uuid), description)

    @reads(Capability.METADATA)
    def metadata(self, uuid: InstanceId, uri: str) -> str:
        """Read the metadata element of a namespace, without layout and comments. MetadataNotFound."""
        return metadata.metadata(self._link, instance_id(uuid), uri)

    @claims(Capability.METADATA)
    def set_metadata(self, uuid: InstanceId, element: MetadataElement) -> None:
        """Set or replace the metadata element of a namespace; layout and comments are not kept."""
        metadata.set_metadata(self._link, instance_id(uuid), element)

    @claims(Capability.METADATA)
    def remove_metadata(self, uuid: InstanceId, uri: str) -> None:
        """Remove the metadata element of a namespace. MetadataNotFound."""
        metadata.remove_metadata(self._link, instance_id(uuid), uri)
