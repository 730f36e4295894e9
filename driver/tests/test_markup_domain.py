"""Domain XML: a spec read back is the spec, also when libvirt's schema and libvirt's test driver had it in between."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from virtproof_driver.binding import Connection
from virtproof_driver.checks import LONGEST_NAME
from virtproof_driver.edge.libvirt_module import libvirt_binding
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.markup.domain import (
    disk_targets,
    domain_xml,
    graphics_endpoints,
    interface_targets,
    normalised,
    owned_volumes,
    parse_domain,
    with_vcpus,
)
from virtproof_driver.markup.names import INSTANCE_NS
from virtproof_driver.spec import (
    Disk,
    DiskDevice,
    DiskFormat,
    FileSource,
    Graphics,
    InstanceSpec,
    Interface,
    MetadataElement,
    NewVolume,
    Reaction,
    VolumeSource,
)
from virtproof_driver.validation import validate_instance
from virtproof_driver.values import GraphicsEndpoint

SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")
NASTY = "<>&\"' \u00e9\U0001f600]]>--\u2028"

SMALL = InstanceSpec(uuid=UUID("6695eb01-f6a4-4304-b9aa-97f2502e193f"), name="small", vcpus=1, memory_mib=64)
FULL = InstanceSpec(
    uuid=UUID("0d2d6a5c-0f4b-4e3a-8f5e-7a1f2f4f3f10"),
    name=NASTY,
    vcpus=2,
    memory_mib=64,
    max_vcpus=4,
    max_memory_mib=128,
    title=f" {NASTY}\t",
    description=f"\n {NASTY}\n\tlast line \n",
    metadata=(
        MetadataElement(
            uri="urn:a", prefix="a", xml='<one b="1&#10;2&#09;&#13; \'&lt;&amp;&quot;">t&#13;<c/> tail <d> </d></one>'
        ),
        MetadataElement(uri="urn:b", prefix="virtproof", xml='<two xmlns:x="urn:x" x:k="v"><x:three><x:four/></x:three></two>'),
    ),
    disks=(
        Disk(
            target="vdb", source=NewVolume(pool="p", volume=NASTY, capacity_bytes=1024, clone_of="base"), format=DiskFormat.QCOW2
        ),
        Disk(target="vda", source=VolumeSource(pool=NASTY, volume="v"), serial="a b+c", read_only=True),
        Disk(target="sdb", source=FileSource(path=f"/{NASTY}"), bus="scsi"),
        Disk(target="hdc", source=None, bus="ide", device=DiskDevice.CDROM),
        Disk(target="hdd", source=FileSource(path="/cd"), bus="ide", device=DiskDevice.CDROM, read_only=True),
    ),
    interfaces=(
        Interface(mac="52:54:00:12:34:56", network=NASTY, model=None),
        Interface(mac="52:54:00:12:34:57", bridge="br0", target="tap0"),
    ),
    graphics=(
        Graphics(),
        Graphics(kind="spice", port=5901, listen="::1"),
        Graphics(kind="rdp", port=3389, listen="host.example"),
    ),
    architecture="x86_64",
    machine="pc",
)


def text(characters: str = "", excluded: str = "\r") -> st.SearchStrategy[str]:
    """Text that XML 1.0 can carry, rich in what needs escaping."""
    allowed = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff" + excluded)
    return st.text(st.sampled_from("<>&\"']/ -é" + characters).filter(lambda one: one not in excluded) | allowed, min_size=1)


def names() -> st.SearchStrategy[str]:
    return text(excluded="\r\n\t/").filter(lambda name: len(name.encode()) <= LONGEST_NAME and name not in (".", ".."))


def paths() -> st.SearchStrategy[str]:
    return text(excluded="\r\n\t").map(lambda tail: f"/{tail}")


def metadata_xml() -> st.SearchStrategy[str]:
    """Canonical elements: nested, with attributes, and text in leaves only or beginning the element."""
    tags = st.sampled_from(["a", "b", "long-name", "\u00e9l\u00e9ment"])
    values = text("\t\n\r", excluded="")

    def build(tag: str, value: str, content: str, children: list[etree._Element]) -> etree._Element:
        element = etree.Element(tag, {"k": value})
        element.text = content if not children or content.strip(" \t\r\n") else None
        element.extend(children)
        return element

    tree = st.recursive(
        st.builds(build, tags, values, values, st.just([])),
        lambda inner: st.builds(build, tags, values, values, st.lists(inner, max_size=3)),
        max_leaves=5,
    )
    return tree.map(lambda element: etree.tostring(element, encoding="unicode"))


SOURCES = (
    st.builds(FileSource, path=paths())
    | st.builds(VolumeSource, pool=names(), volume=names())
    | st.builds(
        NewVolume,
        pool=names(),
        volume=names(),
        capacity_bytes=st.integers(0, 2**63 - 1),
        clone_of=st.none() | names(),
    ).filter(lambda new: new.clone_of != new.volume)
)
SERIALS = st.none() | st.from_regex(r"[A-Za-z0-9_.+ -]{1,36}", fullmatch=True)
DISKS = st.builds(
    Disk,
    target=st.from_regex(r"(hd|sd|vd|xvd)[a-z]{1,2}", fullmatch=True),
    source=SOURCES,
    bus=st.sampled_from(["virtio", "scsi", "sata", "usb", "xen"]),
    device=st.sampled_from(DiskDevice),
    format=st.sampled_from(DiskFormat),
    read_only=st.booleans(),
    serial=SERIALS,
)
MACS = st.integers(0, 2**40 - 1).map(lambda number: "52:" + number.to_bytes(5).hex(":"))
INTERFACES = st.builds(
    Interface,
    mac=MACS | MACS.map(str.upper),
    network=names(),
    model=st.sampled_from([None, "virtio", "e1000"]),
    target=st.none() | st.from_regex(r"tap[a-z0-9_.-]{1,12}", fullmatch=True),
)
METADATA = st.builds(
    MetadataElement,
    uri=st.from_regex(r"urn:[a-z0-9:?=/.-]{1,20}(#[a-z0-9]{0,5})?", fullmatch=True),
    prefix=st.from_regex(r"[a-w_][A-Za-z0-9_.-]{0,5}", fullmatch=True),
    xml=metadata_xml(),
)
SPECS = st.builds(
    InstanceSpec,
    uuid=st.uuids(),
    name=names(),
    vcpus=st.integers(1, 40),
    memory_mib=st.integers(1, 2**42),
    max_vcpus=st.none() | st.integers(40, 80),
    max_memory_mib=st.none() | st.integers(2**42, 2**43 - 1),
    title=st.none() | text("\t", excluded="\r\n"),
    description=st.none() | text("\t\n"),
    metadata=st.lists(METADATA, max_size=3, unique_by=lambda element: element.uri).map(tuple),
    disks=st.lists(DISKS, max_size=4, unique_by=(lambda disk: disk.target.lstrip("hsxv"), lambda disk: disk.source)).map(tuple),
    interfaces=st.lists(INTERFACES, max_size=3, unique_by=(lambda nic: nic.mac.lower(), lambda nic: nic.target or nic.mac)).map(
        tuple
    ),
    graphics=st.lists(st.builds(Graphics, port=st.just(-1) | st.integers(1, 65535)), max_size=2).map(tuple),
    architecture=st.sampled_from([None, "x86_64", "aarch64", "i686"]),
    machine=st.none() | st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True),
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A test driver of this module's own."""
    world = tmp_path_factory.mktemp("world") / "node.xml"
    world.write_text("<node/>")
    opened = libvirt_binding().open(f"test://{world}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(SCHEMA))


def stored(connection: Connection, xml: str) -> str:
    """What libvirt makes of the XML of a domain."""
    domain = connection.defineXML(xml)
    try:
        return domain.XMLDesc(2)
    finally:
        domain.undefineFlags(0)


@given(spec=SPECS)
@example(spec=FULL)
@example(spec=SMALL)
@settings(deadline=None)
def test_a_spec_reads_back_from_its_own_xml(spec: InstanceSpec) -> None:
    validate_instance(spec, TEST)
    assert parse_domain(domain_xml(spec, TEST)) == normalised(spec)


@given(spec=SPECS)
@example(spec=FULL)
@example(spec=SMALL)
@settings(deadline=None)
def test_a_spec_reads_back_from_what_libvirt_stored(connection: Connection, spec: InstanceSpec) -> None:
    assert parse_domain(stored(connection, domain_xml(spec, TEST))) == normalised(spec)


@given(spec=SPECS)
@example(spec=FULL)
@example(spec=SMALL)
@settings(deadline=None, max_examples=50)
def test_the_xml_is_what_libvirts_schema_allows(schema: etree.RelaxNG, spec: InstanceSpec) -> None:
    schema.assertValid(etree.fromstring(domain_xml(spec, TEST)))


def test_a_spec_in_normal_form_reads_back_unchanged(connection: Connection) -> None:
    assert normalised(FULL) == FULL
    assert parse_domain(stored(connection, domain_xml(FULL, TEST))) == FULL


def test_normal_form_is_lower_case_macs_and_canonical_metadata() -> None:
    loose = replace(
        SMALL,
        interfaces=(Interface(mac="52:54:00:AB:CD:EF", network="n"),),
        metadata=(MetadataElement(uri="urn:a", prefix="a", xml="<a >\n <b></b><!-- gone --> </a>"),),
    )
    assert normalised(loose) == replace(
        SMALL,
        interfaces=(Interface(mac="52:54:00:ab:cd:ef", network="n"),),
        metadata=(MetadataElement(uri="urn:a", prefix="a", xml="<a><b/></a>"),),
    )


@pytest.mark.parametrize("name", ["<", "&amp;", "\u00e9" * 123 + "x", "x" * 247, " blank ", "]]>"])
def test_a_name_that_needs_care_is_stored_as_it_is(connection: Connection, name: str) -> None:
    domain = connection.defineXML(domain_xml(replace(SMALL, name=name), TEST))
    assert (domain.name(), connection.lookupByName(name).UUIDString()) == (name, str(SMALL.uuid))
    domain.undefineFlags(0)


def test_a_running_domain_reads_as_its_definition(connection: Connection) -> None:
    domain = connection.defineXML(domain_xml(FULL, TEST))
    domain.create()
    assert parse_domain(domain.XMLDesc(0)) == FULL
    assert disk_targets(domain.XMLDesc(0)) == ("vda", "vdb", "sdb", "hdd")
    assert interface_targets(domain.XMLDesc(0)) == ("testnet0", "tap0")
    for target in disk_targets(domain.XMLDesc(0)):
        assert len(domain.blockStats(target)) == 5
    for target in interface_targets(domain.XMLDesc(0)):
        assert len(domain.interfaceStats(target)) == 8
    domain.destroy()
    domain.undefineFlags(0)


def test_the_volumes_that_spawn_made_are_known_from_the_xml_alone(connection: Connection) -> None:
    made = NewVolume(pool="p", volume=NASTY, capacity_bytes=1024, clone_of="base")
    assert owned_volumes(stored(connection, domain_xml(FULL, TEST))) == (made,)
    assert owned_volumes(stored(connection, domain_xml(SMALL, TEST))) == ()


def test_the_drivers_note_is_not_the_callers_metadata(connection: Connection) -> None:
    xml = stored(connection, domain_xml(SMALL, TEST))
    assert INSTANCE_NS in xml
    assert parse_domain(xml).metadata == ()


def test_the_drivers_note_outlives_metadata_that_others_set(connection: Connection) -> None:
    domain = connection.defineXML(domain_xml(FULL, TEST))
    domain.setMetadata(2, "<new><in/></new>", "n", "urn:new", 2)
    domain.setMetadata(2, None, None, "urn:a", 2)
    domain.setMetadata(1, "other title", None, None, 2)
    new = MetadataElement(uri="urn:new", prefix="n", xml="<new><in/></new>")
    assert parse_domain(domain.XMLDesc(2)) == replace(FULL, title="other title", metadata=(FULL.metadata[1], new))
    assert len(owned_volumes(domain.XMLDesc(2))) == 1
    domain.undefineFlags(0)


def test_a_domain_of_another_program_reads_with_what_libvirt_filled_in(connection: Connection) -> None:
    xml = f"""<domain type='test'><name>other</name><uuid>{SMALL.uuid}</uuid><memory unit='KiB'>2100</memory><vcpu>2</vcpu>
      <os><type>hvm</type></os><devices>
        <disk type='file' device='floppy'><source file='/f'/><target dev='fda'/></disk>
        <disk type='block'><source dev='/dev/x'/><target dev='vda'/></disk>
        <disk type='file'><driver type='vmdk'/><source file='/f'/><target dev='vdb'/></disk>
        <interface type='user'><mac address='52:54:00:00:00:01'/></interface>
        <interface type='network'><mac address='52:54:00:00:00:02'/><source network='n'/></interface>
        <graphics type='sdl'/>
      </devices></domain>"""
    assert parse_domain(stored(connection, xml)) == InstanceSpec(
        uuid=SMALL.uuid,
        name="other",
        vcpus=2,
        memory_mib=2,
        disks=(Disk(target="vda", source=FileSource(path="/dev/x")),),
        interfaces=(Interface(mac="52:54:00:00:00:02", network="n", model=None, target="testnet1"),),
        on_poweroff=Reaction.DESTROY,
        on_reboot=Reaction.RESTART,
        on_crash=Reaction.DESTROY,
        architecture="i686",
    )


def test_a_resized_domain_reads_with_its_new_size(connection: Connection) -> None:
    domain = connection.defineXML(domain_xml(SMALL, TEST))
    domain.setVcpusFlags(4, 2 | 4)
    domain.setVcpusFlags(4, 2)
    domain.setMemoryFlags(128 * 1024, 2 | 4)
    domain.setMemoryFlags(128 * 1024, 2)
    assert parse_domain(domain.XMLDesc(2)) == replace(SMALL, vcpus=4, memory_mib=128)
    domain.setVcpusFlags(3, 2)
    assert parse_domain(domain.XMLDesc(2)) == replace(SMALL, vcpus=3, max_vcpus=4, memory_mib=128)
    domain.undefineFlags(0)


def test_graphics_endpoints_are_those_of_the_running_domain() -> None:
    xml = """<domain><devices>
      <graphics type='vnc' port='5900' autoport='yes' listen='127.0.0.1'><listen type='address' address='127.0.0.1'/></graphics>
      <graphics type='spice' autoport='yes'><listen type='none'/></graphics>
      <graphics type='vnc' port='-1' autoport='yes' listen='::1'/>
    </devices></domain>"""
    assert graphics_endpoints(xml) == (
        GraphicsEndpoint(kind="vnc", host="127.0.0.1", port=5900),
        GraphicsEndpoint(kind="spice", host=None, port=-1),
        GraphicsEndpoint(kind="vnc", host="::1", port=-1),
    )


def test_processors_and_their_maximum_change_apart() -> None:
    spec = InstanceSpec(uuid=UUID(int=1), name="vm", vcpus=2, memory_mib=8)
    grown = with_vcpus(with_vcpus(domain_xml(spec, TEST), 4, maximum=True), 3, maximum=False)
    assert parse_domain(grown).vcpus == 3
    assert '<vcpu current="3">4</vcpu>' in grown
    assert with_vcpus("<domain/>", 2, maximum=True) == with_vcpus("<domain><vcpu>1</vcpu></domain>", 2, maximum=True)
