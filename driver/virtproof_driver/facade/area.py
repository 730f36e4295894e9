"""What the areas of the facade share: the link, the gate, and what lives as long as the driver.

What belongs here: state that operations of one driver share. What does not: any method of the contract.
"""

from uuid import UUID

from virtproof_driver.claiming import Gated
from virtproof_driver.contract import InstanceId
from virtproof_driver.link import HostLink
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.operations.migrating import Migrations
from virtproof_driver.operations.spawning import Reservations


class Area(Gated):
    """A part of the facade."""

    def __init__(self, link: HostLink) -> None:
        super().__init__(link)
        self._reservations = Reservations()
        self._migrations = Migrations()

    def _staying(self, uuid: InstanceId) -> UUID:
        """The UUID of an instance that is to be changed. Raises Busy for one that this driver is moving to another host."""
        found = instance_id(uuid)
        self._migrations.refuse(found)
        return found
