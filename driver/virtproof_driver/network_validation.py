"""What makes a virtual network's spec impossible.

What belongs here: the addresses of a network and what DHCP serves in it. What does not: single rules (`checks`); callers
import `validate_network` from `validation`. Rules without a citation were measured on libvirt 9.0.0, whose test driver takes
`10.0.0` for 10.0.0.0, drops a prefix length of 0, and writes a lease's host name unescaped.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from virtproof_driver import checks
from virtproof_driver.errors import InvalidSpec
from virtproof_driver.spec import DhcpHost, DhcpRange, ForwardMode, NetworkSpec, Subnet

LARGEST_RANGE = 65535  # addresses that libvirt takes in one DHCP range
IPV4, IPV6 = 4, 6
_HOST_NAME = re.compile(r"[A-Za-z0-9.-]+")

Net = IPv4Network | IPv6Network


def validate_network(spec: NetworkSpec) -> None:
    """A virtual network."""
    checks.name("name", spec.name)
    if spec.bridge is not None:
        checks.device("bridge", spec.bridge)
    _validate_forward(spec)
    for index, subnet in enumerate(spec.subnets):
        _validate_subnet(f"subnets[{index}]", subnet)
    checks.unique("subnets.address", [ip_address(subnet.address) for subnet in spec.subnets])
    serving = [ip_address(subnet.address).version for subnet in spec.subnets if subnet.ranges or subnet.hosts]
    checks.unique("subnets.ranges", [f"DHCP for IPv{version}" for version in serving])
    checks.unique("subnets.hosts.mac", [host.mac.lower() for subnet in spec.subnets for host in subnet.hosts])
    checks.unique("subnets.hosts.ip", [host.ip for subnet in spec.subnets for host in subnet.hosts])


def _validate_forward(spec: NetworkSpec) -> None:
    if spec.forward is ForwardMode.BRIDGE and (spec.bridge is None or spec.subnets):
        raise InvalidSpec("forward", "bridge uses a bridge that the host has; name it in `bridge` and give no subnets")
    if spec.forward is ForwardMode.ROUTE and not spec.subnets:
        raise InvalidSpec("subnets", "is empty, and nothing can be routed; give at least one")


def _validate_subnet(field: str, subnet: Subnet) -> None:
    address = _address(f"{field}.address", subnet.address)
    longest = 32 if address.version == IPV4 else 128
    checks.within(f"{field}.prefix", subnet.prefix, 1, longest)
    if address.is_unspecified or address.is_multicast:
        raise InvalidSpec(f"{field}.address", f"{subnet.address!r} cannot be a host's address; use a unicast address")
    net = ip_network((subnet.address, subnet.prefix), strict=False)
    for index, item in enumerate(subnet.ranges):
        _validate_range(f"{field}.ranges[{index}]", item, net)
    for index, host in enumerate(subnet.hosts):
        _validate_host(f"{field}.hosts[{index}]", host, net)


def _validate_range(field: str, item: DhcpRange, net: Net) -> None:
    start, end = _inside(f"{field}.start", item.start, net), _inside(f"{field}.end", item.end, net)
    checks.within(f"{field}.end", end - start + 1, 1, LARGEST_RANGE)


def _validate_host(field: str, host: DhcpHost, net: Net) -> None:
    if net.version == IPV6:
        raise InvalidSpec(field, "names a hardware address, which libvirt refuses for IPv6; give fixed leases for IPv4 only")
    checks.mac(f"{field}.mac", host.mac)
    _inside(f"{field}.ip", host.ip, net)
    if host.name is not None:
        checks.pattern(f"{field}.name", host.name, _HOST_NAME, "letters, digits, '.' and '-'")


def _inside(field: str, value: str, net: Net) -> int:
    """The address as a number. It is one that DHCP can give: inside, and neither the network's nor the broadcast address."""
    address = _address(field, value)
    ends = (net.network_address, net.broadcast_address) if net.version == IPV4 else ()
    if address not in net or address in ends:
        raise InvalidSpec(field, f"{value!r} is not a host's address in {net}; choose one inside")
    return int(address)


def _address(field: str, value: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(value)
    except ValueError:
        raise InvalidSpec(field, f"{value!r} is not an IP address; write all of it, like 192.0.2.1 or fd00::1") from None
    if "%" in value:
        raise InvalidSpec(field, f"{value!r} has a scope; leave it out")
    return address
