"""A virtual network's spec to libvirt's network XML and back.

What belongs here: `<network>` and all inside it. What does not: whether the addresses make sense (`validation`).
Format: https://libvirt.org/formatnetwork.html.
"""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from uuid import UUID
from xml.etree.ElementTree import Element

from virtproof_driver.markup import tree
from virtproof_driver.spec import DhcpHost, DhcpRange, ForwardMode, NetworkSpec, Subnet

NO_PREFIX = 0
FAMILIES = {4: None, 6: "ipv6"}  # by IP version; libvirt leaves IPv4 unsaid


def network_xml(spec: NetworkSpec) -> str:
    """The XML to define `spec` with."""
    root = Element("network")
    tree.add(root, "name", spec.name)
    if spec.uuid is not None:
        tree.add(root, "uuid", str(spec.uuid))
    if spec.forward is not ForwardMode.ISOLATED:
        tree.add(root, "forward", mode=spec.forward.value)
    _add_bridge(root, spec)
    root.extend(_subnet_element(subnet) for subnet in spec.subnets)
    return tree.text_of(root)


def parse_network(xml: str) -> NetworkSpec:
    """The spec of a network. libvirt gives every network a UUID, and chooses a bridge where none was asked for.

    Fixed leases without a hardware address are left out. Raises tree.NotWellFormed, and ValueError for a forward mode that
    a spec has no word for.
    """
    root = tree.parse(xml)
    uuid = tree.find_text(root, "uuid")
    return NetworkSpec(
        name=tree.find_text(root, "name") or "",
        uuid=None if uuid is None else UUID(uuid),
        forward=_forward(root.find("forward")),
        bridge=tree.find_attribute(root, "bridge", "name"),
        spanning_tree=tree.find_attribute(root, "bridge", "stp") == "on",
        subnets=tuple(_subnet(element) for element in root.iterfind("ip")),
    )


def normalised(spec: NetworkSpec) -> NetworkSpec:
    """The spec as it reads back from libvirt, but for what was left out: addresses in their shortest spelling."""
    return replace(spec, subnets=tuple(_normalised(subnet) for subnet in spec.subnets))


def _add_bridge(root: Element, spec: NetworkSpec) -> None:
    """The bridge; how it looks for loops is not ours to say of one that the host has."""
    if spec.forward is ForwardMode.BRIDGE:
        tree.add(root, "bridge", name=spec.bridge)
    else:
        tree.add(root, "bridge", name=spec.bridge, stp="on" if spec.spanning_tree else "off", delay="0")


def _normalised(subnet: Subnet) -> Subnet:
    return replace(
        subnet,
        address=_shortest(subnet.address),
        ranges=tuple(DhcpRange(start=_shortest(item.start), end=_shortest(item.end)) for item in subnet.ranges),
        hosts=tuple(replace(host, ip=_shortest(host.ip)) for host in subnet.hosts),
    )


def _shortest(address: str) -> str:
    return str(ip_address(address))


def _forward(element: Element | None) -> ForwardMode:
    return ForwardMode.ISOLATED if element is None else ForwardMode(element.get("mode", ForwardMode.NAT.value))


def _subnet_element(subnet: Subnet) -> Element:
    element = Element("ip", {"address": subnet.address, "prefix": str(subnet.prefix)})
    family = FAMILIES[ip_address(subnet.address).version]
    if family is not None:
        element.set("family", family)
    if subnet.ranges or subnet.hosts:
        dhcp = tree.add(element, "dhcp")
        for item in subnet.ranges:
            tree.add(dhcp, "range", start=item.start, end=item.end)
        for host in subnet.hosts:
            tree.add(dhcp, "host", mac=host.mac, name=host.name, ip=host.ip)
    return element


def _subnet(element: Element) -> Subnet:
    address = element.get("address", "")
    prefix, netmask = element.get("prefix"), element.get("netmask")
    default = ip_network(f"{address}/{netmask}", strict=False).prefixlen if netmask else NO_PREFIX
    return Subnet(
        address=address,
        prefix=default if prefix is None else int(prefix),
        ranges=tuple(DhcpRange(start=item.get("start", ""), end=item.get("end", "")) for item in element.iterfind("dhcp/range")),
        hosts=tuple(
            DhcpHost(mac=host.get("mac", ""), ip=host.get("ip", ""), name=host.get("name"))
            for host in element.iterfind("dhcp/host[@mac]")
        ),
    )
