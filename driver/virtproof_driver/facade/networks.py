"""The contract's methods about virtual networks: one line an operation, gated by its capability.

What belongs here: operations on a network, by its name. What does not: how it is done (`operations`).
"""

from collections.abc import Sequence

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims, reads
from virtproof_driver.facade.area import Area
from virtproof_driver.operations import networks
from virtproof_driver.spec import NetworkSpec
from virtproof_driver.values import Lease, NetworkInfo


class NetworkMethods(Area):
    """Virtual networks of a host."""

    @reads(Capability.NETWORKS)
    def networks(self) -> Sequence[NetworkInfo]:
        """List the virtual networks, by name."""
        return networks.networks(self._link)

    @reads(Capability.NETWORKS)
    def network(self, name: str) -> NetworkInfo:
        """Read one virtual network. NetworkNotFound."""
        return networks.network(self._link, name)

    @reads(Capability.NETWORKS)
    def network_spec(self, name: str) -> NetworkSpec:
        """Read what would make the network again."""
        return networks.network_spec(self._link, name)

    @reads(Capability.NETWORK_LEASES)
    def leases(self, network: str) -> Sequence[Lease]:
        """List the addresses that a network's DHCP server gave out, by hardware address. NetworkNotFound."""
        return networks.leases(self._link, network)

    @claims(Capability.NETWORKS)
    def create_network(self, network: NetworkSpec, *, autostart: bool = False) -> NetworkInfo:
        """Define and start a virtual network; all of it or nothing. NetworkExists when name, UUID or bridge is taken."""
        return networks.create_network(self._link, network, autostart=autostart)

    @claims(Capability.NETWORKS)
    def start_network(self, name: str) -> NetworkInfo:
        """Start a virtual network; an active one is left as it is."""
        return networks.start_network(self._link, name)

    @claims(Capability.NETWORKS)
    def stop_network(self, name: str) -> NetworkInfo:
        """Stop a virtual network; one that is not active is left as it is."""
        return networks.stop_network(self._link, name)

    @claims(Capability.NETWORKS)
    def delete_network(self, name: str) -> None:
        """Stop and undefine a virtual network. Instances on it run on, cut off, and start again once it is back."""
        networks.delete_network(self._link, name)
