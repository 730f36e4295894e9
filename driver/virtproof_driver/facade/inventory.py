"""The contract's methods about the host and its instances: one line an operation, gated by its capability.

What belongs here: reads of what there is and of its counters. What does not: how it is done (`operations`).
"""

from collections.abc import Sequence

from virtproof_driver.books import HostBooks
from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims, reads
from virtproof_driver.contract import InstanceId
from virtproof_driver.facade.area import Area
from virtproof_driver.operations import diagnostics, host, inventory
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import Diagnostics, HostInfo, HostStats, Instance


class InventoryMethods(Area):
    """Reading the host and its instances."""

    @reads(Capability.HOST_INFO)
    def host(self) -> HostInfo:
        """Describe the host."""
        return host.host(self._link)

    @reads(Capability.HOST_STATS)
    def host_stats(self) -> HostStats:
        """Read the host's cumulative processor times in nanoseconds."""
        return host.host_stats(self._link)

    @reads(Capability.INVENTORY)
    def instances(self) -> Sequence[Instance]:
        """List every domain of the host, by name; also those that this driver did not make."""
        return inventory.instances(self._link)

    @reads(Capability.INVENTORY)
    def instance(self, uuid: InstanceId) -> Instance:
        """Read the state of one instance."""
        return inventory.looked_up(self._link, instance_id(uuid))

    @claims(Capability.BOOKS)
    def books(self) -> HostBooks:
        """Tell the instances as last heard of. Asks the host nothing, so that it answers at once, whatever became of the host."""
        return self._link.books()

    @reads(Capability.INVENTORY)
    def spec(self, uuid: InstanceId) -> InstanceSpec:
        """Read what would spawn the instance again, from its persistent definition."""
        return inventory.spec(self._link, instance_id(uuid))

    @reads(Capability.DIAGNOSTICS)
    def diagnostics(self, uuid: InstanceId) -> Diagnostics:
        """Read a running instance's counters. InvalidState when it is off."""
        return diagnostics.diagnostics(self._link, instance_id(uuid))
