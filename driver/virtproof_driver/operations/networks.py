"""Virtual networks: defining, starting, stopping and removing them.

What belongs here: operations on a network by its name. What does not: an instance's interfaces.
Starting one that is active and stopping one that is not change nothing.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from virtproof_driver.actions import AutostartNetwork, DefineNetwork, RemoveNetwork, StartNetwork
from virtproof_driver.binding import Network
from virtproof_driver.errors import HypervisorError, NetworkExists, NetworkNotFound
from virtproof_driver.link import Link
from virtproof_driver.markup.network import parse_network
from virtproof_driver.operations.activity import Kind
from virtproof_driver.operations.executing import execute, perform
from virtproof_driver.plans import network_plan
from virtproof_driver.spec import ForwardMode, NetworkSpec
from virtproof_driver.validation import validate_network
from virtproof_driver.values import Lease, NetworkInfo


def networks(link: Link) -> tuple[NetworkInfo, ...]:
    """Every virtual network of the host, ordered by name."""
    return NETWORKS.all(link)


def network(link: Link, name: str) -> NetworkInfo:
    """One virtual network. Raises NetworkNotFound."""
    return NETWORKS.one(link, name)


def network_spec(link: Link, name: str) -> NetworkSpec:
    """What would make this network again."""
    handle = _lookup(link, name)
    return parse_network(link.call(handle.XMLDesc))


def leases(link: Link, name: str) -> tuple[Lease, ...]:
    """The leases of a network, ordered by hardware and IP address. libvirt forgets one when it ends or the network goes."""
    found = (_lease(lease) for lease in link.call(_lookup(link, name).DHCPLeases))
    return tuple(sorted(found, key=lambda lease: (lease.mac, lease.ip)))


def create_network(link: Link, spec: NetworkSpec, *, autostart: bool) -> NetworkInfo:
    """Define and start a network; all of it or nothing. A name, UUID or bridge that is taken is NetworkExists."""
    validate_network(spec)
    taken = _taken(link, spec)
    if taken is not None:
        raise NetworkExists(taken)
    execute(link, network_plan(spec, autostart=autostart))
    return network(link, spec.name)


def start_network(link: Link, name: str) -> NetworkInfo:
    """Start a network; an active one is left as it is."""
    return NETWORKS.start(link, name)


def stop_network(link: Link, name: str) -> NetworkInfo:
    """Stop a network. One that is not active is left as it is; a transient one goes: NetworkNotFound."""
    return NETWORKS.stop(link, name)


def delete_network(link: Link, name: str) -> None:
    """Stop and undefine a network."""
    NETWORKS.remove(link, name)


def _lookup(link: Link, name: str) -> Network:
    return link.call(link.connection().networkLookupByName, name)


def _info(link: Link, handle: Network) -> NetworkInfo:
    name = handle.name()
    return NetworkInfo(
        name=name,
        uuid=UUID(handle.UUIDString()),
        active=bool(link.call(handle.isActive)),
        persistent=bool(link.call(handle.isPersistent)),
        autostart=bool(link.call(handle.autostart)),
        bridge=_bridge(link, handle),
    )


def _bridge(link: Link, handle: Network) -> str | None:
    """The bridge device; None for a network without one, which libvirt tells by an error without a meaning of its own."""
    try:
        return link.call(handle.bridgeName)
    except HypervisorError:
        return None


def _bridge_if_there(link: Link, handle: Network) -> str | None:
    """The same; None also for a network that went between the list and the read."""
    try:
        return _bridge(link, handle)
    except NetworkNotFound:
        return None


def _lease(found: Mapping[str, Any]) -> Lease:
    return Lease(
        mac=found["mac"],
        ip=found["ipaddr"],
        prefix=found["prefix"],
        hostname=found["hostname"],
        expires=found["expirytime"],
    )


def _taken(link: Link, spec: NetworkSpec) -> str | None:
    """The name, UUID or bridge of `spec` that another network has; libvirt would silently redefine one that has the first two.

    A bridge of the host may serve any number of networks that only use it.
    """
    own_bridge = None if spec.forward is ForwardMode.BRIDGE else spec.bridge
    for handle in link.call(link.connection().listAllNetworks):
        if handle.name() == spec.name:
            return spec.name
        if handle.UUIDString() == str(spec.uuid):
            return str(spec.uuid)
        if own_bridge is not None and _bridge_if_there(link, handle) == own_bridge:
            return own_bridge
    return None


NETWORKS: Final[Kind[Network, NetworkInfo]] = Kind(
    listed=lambda link: link.call(link.connection().listAllNetworks), lookup=_lookup, info=_info, missing=NetworkNotFound
)


@perform.register
def _define(action: DefineNetwork, link: Link) -> None:
    try:
        link.call(link.connection().networkDefineXML, action.xml)
    except HypervisorError as refusal:
        taken = _taken(link, action.network)
        if taken is None:
            raise
        raise NetworkExists(taken) from refusal


@perform.register
def _start(action: StartNetwork, link: Link) -> None:
    link.call(_lookup(link, action.name).create)


@perform.register
def _autostart(action: AutostartNetwork, link: Link) -> None:
    link.call(_lookup(link, action.name).setAutostart, 1)


@perform.register
def _remove(action: RemoveNetwork, link: Link) -> None:
    delete_network(link, action.name)
