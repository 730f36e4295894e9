"""Network XML: a spec read back is the spec, also when libvirt had it in between."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from virtproof_driver.binding import Connection
from virtproof_driver.checks import LONGEST_NAME
from virtproof_driver.edge.libvirt_module import libvirt_binding
from virtproof_driver.markup.network import network_xml, normalised, parse_network
from virtproof_driver.spec import DhcpHost, DhcpRange, ForwardMode, NetworkSpec, Subnet
from virtproof_driver.validation import validate_network

SCHEMA = Path("/usr/share/libvirt/schemas/network.rng")
NASTY = "<>&\"' \u00e9\U0001f600]]>"
FULL = NetworkSpec(
    name=NASTY,
    uuid=UUID("6695eb01-f6a4-4304-b9aa-97f2502e193f"),
    bridge="virbr-9",
    subnets=(
        Subnet(
            address="192.0.2.1",
            prefix=24,
            ranges=(DhcpRange(start="192.0.2.10", end="192.0.2.20"), DhcpRange(start="192.0.2.30", end="192.0.2.30")),
            hosts=(
                DhcpHost(mac="52:54:00:00:00:01", ip="192.0.2.11", name="one.example"),
                DhcpHost(mac="52:54:00:00:00:02", ip="192.0.2.12"),
            ),
        ),
        Subnet(address="fd00::1", prefix=64, ranges=(DhcpRange(start="fd00::10", end="fd00::20"),)),
    ),
)
UNSAID = NetworkSpec(name="n", forward=ForwardMode.BRIDGE, bridge="br0")

NAMES = st.text(
    st.sampled_from("<>&\"'] -é") | st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\ufffe\uffff"), min_size=1
).filter(lambda name: len(name.encode()) <= LONGEST_NAME and name not in (".", ".."))


@st.composite
def subnets(draw: st.DrawFn, octet: int) -> Subnet:
    net = IPv4Network((f"10.{octet}.0.0", draw(st.integers(16, 29))))
    inside = st.integers(int(net.network_address) + 1, int(net.broadcast_address) - 1).map(IPv4Address)
    pairs = draw(st.lists(st.tuples(inside, inside), max_size=2)) if octet == 0 else []
    leases = draw(st.lists(inside, max_size=2, unique=True)) if octet == 0 else []
    return Subnet(
        address=str(draw(inside)),
        prefix=net.prefixlen,
        ranges=tuple(DhcpRange(start=str(min(pair)), end=str(max(pair))) for pair in pairs),
        hosts=tuple(DhcpHost(mac=f"52:54:00:00:00:{index:02x}", ip=str(ip)) for index, ip in enumerate(leases)),
    )


SPECS = st.builds(
    NetworkSpec,
    name=NAMES,
    uuid=st.uuids(),
    forward=st.sampled_from([ForwardMode.NAT, ForwardMode.ROUTE, ForwardMode.ISOLATED]),
    bridge=st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,14}", fullmatch=True),
    spanning_tree=st.booleans(),
    subnets=st.integers(1, 3).flatmap(lambda count: st.tuples(*(subnets(octet) for octet in range(count)))),
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    world = tmp_path_factory.mktemp("world") / "node.xml"
    world.write_text("<node/>")
    opened = libvirt_binding().open(f"test://{world}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(SCHEMA))


def stored(connection: Connection, xml: str) -> str:
    """What libvirt makes of the XML of a network."""
    network = connection.networkDefineXML(xml)
    try:
        return network.XMLDesc(0)
    finally:
        network.undefine()


@given(spec=SPECS)
@example(spec=FULL)
@settings(deadline=None)
def test_a_network_reads_back(connection: Connection, schema: etree.RelaxNG, spec: NetworkSpec) -> None:
    validate_network(spec)
    xml = network_xml(spec)
    schema.assertValid(etree.fromstring(xml))
    assert parse_network(xml) == spec
    assert parse_network(stored(connection, xml)) == normalised(spec) == spec


def test_what_was_left_out_stays_out_of_the_xml_and_libvirt_fills_it_in(connection: Connection) -> None:
    assert parse_network(network_xml(UNSAID)) == UNSAID
    read = parse_network(stored(connection, network_xml(UNSAID)))
    assert read.uuid is not None
    assert replace(read, uuid=None) == UNSAID


def test_normal_form_spells_addresses_shortly(connection: Connection) -> None:
    long = Subnet(address="fd00:0:0:0::0001", prefix=64, ranges=(DhcpRange(start="FD00:0::10", end="fd00::0020"),))
    spec = replace(FULL, subnets=(long,))
    assert parse_network(network_xml(spec)) == spec
    assert parse_network(stored(connection, network_xml(spec))) == normalised(spec) == replace(FULL, subnets=(FULL.subnets[1],))


def test_a_netmask_reads_as_a_prefix_and_a_lease_without_mac_is_left_out() -> None:
    xml = """<network><name>n</name><forward/><ip address='192.0.2.1' netmask='255.255.255.128'><dhcp>
      <host name='x' ip='192.0.2.4'/></dhcp></ip></network>"""
    assert parse_network(xml) == NetworkSpec(name="n", subnets=(Subnet(address="192.0.2.1", prefix=25),))
