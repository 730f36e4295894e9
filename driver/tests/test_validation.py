"""What makes a spec impossible: each rule named by its field, and what libvirt would have done instead."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

import pytest

from virtproof_driver.capabilities import Capability
from virtproof_driver.edge.libvirt_module import libvirt_binding
from virtproof_driver.errors import InvalidSpec, NotSupported
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.markup.domain import domain_xml, parse_domain
from virtproof_driver.markup.names import INSTANCE_NS
from virtproof_driver.spec import (
    DhcpHost,
    DhcpRange,
    Disk,
    DiskDevice,
    FileSource,
    ForwardMode,
    Graphics,
    InstanceSpec,
    Interface,
    MetadataElement,
    NetworkSpec,
    NewVolume,
    PoolSpec,
    RescueImage,
    SnapshotSpec,
    Subnet,
    VolumeSource,
    VolumeSpec,
)
from virtproof_driver.validation import (
    validate_description,
    validate_instance,
    validate_metadata,
    validate_network,
    validate_pool,
    validate_rescue_image,
    validate_size,
    validate_snapshot,
    validate_title,
    validate_volume,
)

SPEC = InstanceSpec(uuid=UUID("6695eb01-f6a4-4304-b9aa-97f2502e193f"), name="small", vcpus=1, memory_mib=64)
FILE = FileSource(path="/f")
NEW = NewVolume(pool="p", volume="v", capacity_bytes=1)
NIC = Interface(mac="52:54:00:00:00:01", network="n")
ELEMENT = MetadataElement(uri="urn:a", prefix="a", xml="<a/>")
NET = NetworkSpec(name="n", bridge="br0")
SUBNET = Subnet(address="192.0.2.1", prefix=24)
SUBNET6 = Subnet(address="fd00::1", prefix=64)
LEASE = DhcpHost(mac="52:54:00:00:00:01", ip="192.0.2.5")

BAD_NAMES = {
    "empty": "",
    "slash": "a/b",
    "newline": "a\nb",
    "tab": "a\tb",
    "carriage return": "a\rb",
    "NUL": "a\x00b",
    "escape": "\x1b[1m",
    "no character": "\ufffe",
    "half a surrogate pair": "\ud83d",
    "256 bytes": "x" * 256,
    "256 bytes in 128 characters": "\u00e9" * 128,
    "this folder": ".",
    "the folder above": "..",
}
LONG_FILES = ["x" * 255, "\u00e9" * 127 + "x"]
GOOD_NAMES = ["<>&\"'", "\u00e9\U0001f600\u2028", "x" * 247, "\u00e9" * 123 + "x", " ", "...", "&lt;", "]]>", "-"]


def field_of(check: Callable[[], None]) -> str:
    """The field that InvalidSpec names; every message has a problem and a remedy."""
    with pytest.raises(InvalidSpec) as caught:
        check()
    assert str(caught.value) == f"{caught.value.field}: {caught.value.problem}"
    assert "; " in caught.value.problem or ", " in caught.value.problem
    return caught.value.field


def invalid_field(spec: InstanceSpec) -> str:
    return field_of(lambda: validate_instance(spec, TEST))


def with_disks(*disks: Disk) -> InstanceSpec:
    return replace(SPEC, disks=disks)


def with_nics(*nics: Interface) -> InstanceSpec:
    return replace(SPEC, interfaces=nics)


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_a_name_that_cannot_be_is_refused_wherever_it_stands(name: str) -> None:
    assert invalid_field(replace(SPEC, name=name)) == "name"
    assert field_of(lambda: validate_network(replace(NET, name=name))) == "name"
    assert field_of(lambda: validate_pool(PoolSpec(name=name, target="/t"))) == "name"
    assert field_of(lambda: validate_volume(VolumeSpec(name=name, capacity_bytes=1))) == "name"
    assert field_of(lambda: validate_snapshot(SnapshotSpec(name=name))) == "name"
    assert invalid_field(with_disks(Disk(target="vda", source=VolumeSource(pool=name, volume="v")))) == "disks[0].source.pool"
    assert invalid_field(with_disks(Disk(target="vda", source=replace(NEW, volume=name)))) == "disks[0].source.volume"
    assert invalid_field(with_disks(Disk(target="vda", source=replace(NEW, clone_of=name)))) == "disks[0].source.clone_of"
    assert invalid_field(with_nics(replace(NIC, network=name))) == "interfaces[0].network"


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_name_that_needs_care_is_allowed_wherever_it_stands(name: str) -> None:
    disk = Disk(target="vda", source=replace(NEW, pool=name, volume=name, clone_of=f"{name[:-1]}+"))
    validate_instance(replace(SPEC, name=name, disks=(disk,), interfaces=(replace(NIC, network=name),)), TEST)
    validate_network(replace(NET, name=name))
    validate_pool(PoolSpec(name=name, target="/t"))
    validate_volume(VolumeSpec(name=name, capacity_bytes=1))
    validate_snapshot(SnapshotSpec(name=name, description=name))


@pytest.mark.parametrize("name", LONG_FILES, ids=["letters", "accents"])
def test_only_a_volume_may_fill_a_file_name_because_a_definition_is_written_under_a_longer_one(name: str) -> None:
    validate_volume(VolumeSpec(name=name, capacity_bytes=1))
    validate_instance(with_disks(Disk(target="vda", source=replace(NEW, volume=name, clone_of=f"{name[:-1]}+"))), TEST)
    assert invalid_field(replace(SPEC, name=name)) == "name"
    assert field_of(lambda: validate_network(replace(NET, name=name))) == "name"
    assert field_of(lambda: validate_pool(PoolSpec(name=name, target="/t"))) == "name"
    assert field_of(lambda: validate_snapshot(SnapshotSpec(name=name))) == "name"


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (replace(SPEC, vcpus=0), "vcpus"),
        (replace(SPEC, vcpus=-1), "vcpus"),
        (replace(SPEC, vcpus=2**32 - 1), "vcpus"),
        (replace(SPEC, vcpus=2, max_vcpus=1), "max_vcpus"),
        (replace(SPEC, max_vcpus=16385), "max_vcpus"),
        (replace(SPEC, memory_mib=0), "memory_mib"),
        (replace(SPEC, memory_mib=2**43), "memory_mib"),
        (replace(SPEC, max_memory_mib=63), "max_memory_mib"),
        (replace(SPEC, title=""), "title"),
        (replace(SPEC, title="a\nb"), "title"),
        (replace(SPEC, title="a\rb"), "title"),
        (replace(SPEC, title="\x07"), "title"),
        (replace(SPEC, description=""), "description"),
        (replace(SPEC, description="a\rb"), "description"),
        (replace(SPEC, description="\x00"), "description"),
        (replace(SPEC, architecture="x86-64"), "architecture"),
        (replace(SPEC, machine="p c"), "machine"),
        (replace(SPEC, graphics=(Graphics(kind="sdl"),)), "graphics[0].kind"),
        (replace(SPEC, graphics=(Graphics(), Graphics(port=0))), "graphics[1].port"),
        (replace(SPEC, graphics=(Graphics(port=65536),)), "graphics[0].port"),
        (replace(SPEC, graphics=(Graphics(listen=""),)), "graphics[0].listen"),
        (replace(SPEC, graphics=(Graphics(listen="a\nb"),)), "graphics[0].listen"),
    ],
)
def test_a_size_text_or_display_that_cannot_be_is_refused(spec: InstanceSpec, field: str) -> None:
    assert invalid_field(spec) == field


@pytest.mark.parametrize(
    ("disks", "field"),
    [
        ((Disk(target="", source=FILE),), "disks[0].target"),
        ((Disk(target="vd", source=FILE),), "disks[0].target"),
        ((Disk(target="vdA", source=FILE),), "disks[0].target"),
        ((Disk(target="nvme0n1", source=FILE),), "disks[0].target"),
        ((Disk(target="vda", source=FILE, bus="floppy"),), "disks[0].bus"),
        ((Disk(target="vda", source=FILE, serial="a/b"),), "disks[0].serial"),
        ((Disk(target="vda", source=FILE, serial=""),), "disks[0].serial"),
        ((Disk(target="vda", source=None),), "disks[0].source"),
        ((Disk(target="vda", source=FileSource(path="f")),), "disks[0].source.path"),
        ((Disk(target="vda", source=FileSource(path="")),), "disks[0].source.path"),
        ((Disk(target="vda", source=FileSource(path="/a\nb")),), "disks[0].source.path"),
        ((Disk(target="vda", source=FileSource(path="/a\tb")),), "disks[0].source.path"),
        ((Disk(target="vda", source=replace(NEW, capacity_bytes=-1)),), "disks[0].source.capacity_bytes"),
        ((Disk(target="vda", source=replace(NEW, capacity_bytes=2**63)),), "disks[0].source.capacity_bytes"),
        ((Disk(target="vda", source=replace(NEW, clone_of="v")),), "disks[0].source.clone_of"),
        ((Disk(target="vda", source=FILE), Disk(target="vda", source=FILE)), "disks.target"),
        ((Disk(target="vda", source=FILE, bus="ide"), Disk(target="hda", source=FILE, bus="ide")), "disks.target"),
        ((Disk(target="vda", source=NEW), Disk(target="vdb", source=VolumeSource(pool="p", volume="v"))), "disks.source"),
    ],
)
def test_a_disk_that_cannot_be_is_refused(disks: tuple[Disk, ...], field: str) -> None:
    assert invalid_field(with_disks(*disks)) == field


@pytest.mark.parametrize(
    ("nics", "field"),
    [
        ((replace(NIC, mac="52:54:00:00:00"),), "interfaces[0].mac"),
        ((replace(NIC, mac="52-54-00-00-00-01"),), "interfaces[0].mac"),
        ((replace(NIC, mac="52:54:00:00:00:01\n"),), "interfaces[0].mac"),
        ((replace(NIC, mac="53:54:00:00:00:01"),), "interfaces[0].mac"),
        ((replace(NIC, network=None),), "interfaces[0]"),
        ((replace(NIC, bridge="br0"),), "interfaces[0]"),
        ((replace(NIC, network=None, bridge="b" * 16),), "interfaces[0].bridge"),
        ((replace(NIC, network=None, bridge="a b"),), "interfaces[0].bridge"),
        ((replace(NIC, model="a b"),), "interfaces[0].model"),
        ((replace(NIC, target="vnet0"),), "interfaces[0].target"),
        ((replace(NIC, target="t" * 16),), "interfaces[0].target"),
        ((NIC, replace(NIC, network="m")), "interfaces.mac"),
        ((replace(NIC, mac="52:54:00:00:00:AA"), replace(NIC, mac="52:54:00:00:00:aa")), "interfaces.mac"),
        ((replace(NIC, target="t"), replace(NIC, mac="52:54:00:00:00:02", target="t")), "interfaces.target"),
    ],
)
def test_an_interface_that_cannot_be_is_refused(nics: tuple[Interface, ...], field: str) -> None:
    assert invalid_field(with_nics(*nics)) == field


@pytest.mark.parametrize(
    ("element", "field"),
    [
        (replace(ELEMENT, uri=""), "uri"),
        (replace(ELEMENT, uri="urn:a b"), "uri"),
        (replace(ELEMENT, uri="urn:a&b"), "uri"),
        (replace(ELEMENT, uri="urn:a#b#c"), "uri"),
        (replace(ELEMENT, uri="urn:\x01"), "uri"),
        (replace(ELEMENT, uri=INSTANCE_NS), "uri"),
        (replace(ELEMENT, uri="http://www.w3.org/XML/1998/namespace"), "uri"),
        (replace(ELEMENT, prefix=""), "prefix"),
        (replace(ELEMENT, prefix="xml"), "prefix"),
        (replace(ELEMENT, prefix="XMLns"), "prefix"),
        (replace(ELEMENT, prefix="1a"), "prefix"),
        (replace(ELEMENT, prefix="a:b"), "prefix"),
        (replace(ELEMENT, xml=""), "xml"),
        (replace(ELEMENT, xml="text"), "xml"),
        (replace(ELEMENT, xml="<a/><b/>"), "xml"),
        (replace(ELEMENT, xml="<a>"), "xml"),
        (replace(ELEMENT, xml="<a>\x00</a>"), "xml"),
        (replace(ELEMENT, xml="<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"), "xml"),
        (replace(ELEMENT, xml="<p:a xmlns:p='urn:p'/>"), "xml"),
        (replace(ELEMENT, xml="<a xmlns='urn:p'/>"), "xml"),
        (replace(ELEMENT, xml="<a><p:b/></a>"), "xml"),
        (replace(ELEMENT, xml="<a xmlns:a='urn:other'/>"), "xml"),
        (replace(ELEMENT, xml="<a><b xmlns='urn:&amp;'/></a>"), "xml"),
        (replace(ELEMENT, xml="<a><b xmlns:a='urn:other'/></a>"), "xml"),
        (replace(ELEMENT, xml="<a xmlns:a='urn:a'/>"), "xml"),
        (replace(ELEMENT, xml="<a><b xmlns='urn:a'/></a>"), "xml"),
        (replace(ELEMENT, xml="<a>" * 255 + "</a>" * 255), "xml"),
    ],
)
def test_a_metadata_element_that_cannot_be_is_refused(element: MetadataElement, field: str) -> None:
    assert invalid_field(replace(SPEC, metadata=(element,))) == f"metadata[0].{field}"
    assert field_of(lambda: validate_metadata(element)) == f"metadata.{field}"


def test_two_metadata_elements_of_one_namespace_are_refused_because_libvirt_would_keep_one() -> None:
    assert invalid_field(replace(SPEC, metadata=(ELEMENT, replace(ELEMENT, prefix="b")))) == "metadata.uri"


def test_the_deepest_metadata_that_is_allowed_is_stored(tmp_path: Path) -> None:
    deep = replace(SPEC, metadata=(replace(ELEMENT, xml="<a>" * 253 + "<a/>" + "</a>" * 253),))
    validate_instance(deep, TEST)
    (tmp_path / "node.xml").write_text("<node/>")
    connection = libvirt_binding().open(f"test://{tmp_path / 'node.xml'}")
    assert parse_domain(connection.defineXML(domain_xml(deep, TEST)).XMLDesc(2)) == deep
    connection.close()


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (replace(NET, bridge="b" * 16), "bridge"),
        (replace(NET, bridge=""), "bridge"),
        (replace(NET, forward=ForwardMode.BRIDGE, bridge=None), "forward"),
        (replace(NET, forward=ForwardMode.BRIDGE, subnets=(SUBNET,)), "forward"),
        (replace(NET, forward=ForwardMode.ROUTE), "subnets"),
        (replace(NET, subnets=(replace(SUBNET, address="192.0.2"),)), "subnets[0].address"),
        (replace(NET, subnets=(replace(SUBNET, address="224.0.0.1"),)), "subnets[0].address"),
        (replace(NET, subnets=(replace(SUBNET, address="0.0.0.0"),)), "subnets[0].address"),
        (replace(NET, subnets=(replace(SUBNET6, address="fe80::1%eth0"),)), "subnets[0].address"),
        (replace(NET, subnets=(SUBNET, SUBNET)), "subnets.address"),
        (replace(NET, subnets=(replace(SUBNET, prefix=0),)), "subnets[0].prefix"),
        (replace(NET, subnets=(replace(SUBNET, prefix=33),)), "subnets[0].prefix"),
        (replace(NET, subnets=(SUBNET, replace(SUBNET6, prefix=129))), "subnets[1].prefix"),
        (replace(NET, subnets=(replace(SUBNET6, hosts=(replace(LEASE, ip="fd00::5"),)),)), "subnets[0].hosts[0]"),
    ],
)
def test_a_network_that_cannot_be_is_refused(spec: NetworkSpec, field: str) -> None:
    assert field_of(lambda: validate_network(spec)) == field


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("192.0.3.2", "192.0.3.9", "start"),
        ("192.0.2.9", "192.0.2.2", "end"),
        ("192.0.2.0", "192.0.2.2", "start"),
        ("192.0.2.2", "192.0.2.255", "end"),
        ("fd00::2", "fd00::3", "start"),
        ("", "192.0.2.2", "start"),
    ],
)
def test_a_dhcp_range_that_libvirt_would_refuse_is_refused(start: str, end: str, field: str) -> None:
    spec = replace(NET, subnets=(replace(SUBNET, ranges=(DhcpRange(start=start, end=end),)),))
    assert field_of(lambda: validate_network(spec)) == f"subnets[0].ranges[0].{field}"


def test_a_dhcp_range_holds_65535_addresses_at_most() -> None:
    largest = DhcpRange(start="10.0.0.2", end="10.1.0.0")
    subnet = Subnet(address="10.0.0.1", prefix=8, ranges=(largest,))
    validate_network(replace(NET, subnets=(subnet,)))
    larger = replace(subnet, ranges=(replace(largest, end="10.1.0.1"),))
    assert field_of(lambda: validate_network(replace(NET, subnets=(larger,)))) == "subnets[0].ranges[0].end"


@pytest.mark.parametrize(
    ("hosts", "field"),
    [
        ((replace(LEASE, mac="x"),), "subnets[0].hosts[0].mac"),
        ((replace(LEASE, ip="192.0.3.5"),), "subnets[0].hosts[0].ip"),
        ((replace(LEASE, name="a&b"),), "subnets[0].hosts[0].name"),
        ((LEASE, replace(LEASE, ip="192.0.2.6")), "subnets.hosts.mac"),
        ((LEASE, replace(LEASE, mac="52:54:00:00:00:02")), "subnets.hosts.ip"),
    ],
)
def test_a_lease_that_cannot_be_is_refused(hosts: tuple[DhcpHost, ...], field: str) -> None:
    assert field_of(lambda: validate_network(replace(NET, subnets=(replace(SUBNET, hosts=hosts),)))) == field


def test_dhcp_is_served_on_one_subnet_a_family() -> None:
    one = replace(SUBNET, ranges=(DhcpRange(start="192.0.2.2", end="192.0.2.3"),))
    other = Subnet(address="198.51.100.1", prefix=24, ranges=(DhcpRange(start="198.51.100.2", end="198.51.100.3"),))
    six = replace(SUBNET6, ranges=(DhcpRange(start="fd00::2", end="fd00::3"),))
    validate_network(replace(NET, subnets=(one, six, replace(other, ranges=()))))
    assert field_of(lambda: validate_network(replace(NET, subnets=(one, other)))) == "subnets.ranges"


@pytest.mark.parametrize(
    ("check", "field"),
    [
        (lambda: validate_pool(PoolSpec(name="p", target="t")), "target"),
        (lambda: validate_pool(PoolSpec(name="p", target="/t\n")), "target"),
        (lambda: validate_pool(PoolSpec(name="p", target="/t", kind="netfs")), "kind"),
        (lambda: validate_pool(PoolSpec(name="p", target="/t", kind="<")), "kind"),
        (lambda: validate_volume(VolumeSpec(name="v", capacity_bytes=-1)), "capacity_bytes"),
        (lambda: validate_volume(VolumeSpec(name="v", capacity_bytes=2**63)), "capacity_bytes"),
        (lambda: validate_volume(VolumeSpec(name="v", capacity_bytes=1, allocation_bytes=-1)), "allocation_bytes"),
        (lambda: validate_snapshot(SnapshotSpec(name="s", description="")), "description"),
        (lambda: validate_rescue_image(RescueImage(source=FileSource(path="r"))), "source.path"),
        (lambda: validate_rescue_image(RescueImage(source=VolumeSource(pool="p", volume=""))), "source.volume"),
        (lambda: validate_size(0, 1), "vcpus"),
        (lambda: validate_size(1, 0), "memory_mib"),
        (lambda: validate_title("a\nb"), "title"),
        (lambda: validate_description("\x00"), "description"),
    ],
)
def test_storage_snapshots_and_changes_that_cannot_be_are_refused(check: Callable[[], None], field: str) -> None:
    assert field_of(check) == field


def test_what_is_well_is_left_in_peace() -> None:
    cd = Disk(target="hdc", source=None, bus="ide", device=DiskDevice.CDROM)
    disks = (Disk(target="vda", source=FILE), Disk(target="sda", source=FILE, bus="scsi"), cd)
    graphics = (Graphics(listen="::1"), Graphics(kind="spice", port=5900, listen="host.example"))
    validate_instance(replace(SPEC, disks=disks, graphics=graphics, title="a\tb", description=" \n\t", metadata=(ELEMENT,)), TEST)
    validate_title(None)
    validate_description(None)
    validate_size(1, 1)
    validate_rescue_image(RescueImage(source=FILE))
    assert PoolSpec(name="p", target="/t").kind == "dir"
    validate_pool(PoolSpec(name="p", target="/t"))


@pytest.mark.parametrize(
    ("capability", "source"),
    [(Capability.STORAGE_VOLUMES, NEW), (Capability.STORAGE_CLONE, replace(NEW, clone_of="base"))],
)
def test_volumes_to_make_need_a_hypervisor_that_makes_them(capability: Capability, source: NewVolume) -> None:
    without = replace(TEST, unsupported=MappingProxyType({capability: "no storage here"}))
    with pytest.raises(NotSupported) as caught:
        validate_instance(with_disks(Disk(target="vda", source=source)), without)
    assert (caught.value.capability, caught.value.reason) == (capability, "no storage here")
    validate_instance(with_disks(Disk(target="vda", source=FILE)), without)
