"""Rescue: the image in front, the disks behind it, and the way back exact."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from virtproof_driver.binding import Connection
from virtproof_driver.edge.libvirt_module import libvirt_binding
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.markup import tree
from virtproof_driver.markup.domain import domain_xml, owned_volumes, parse_domain
from virtproof_driver.markup.rescue import AlreadyRescued, NotRescued, is_rescued, rescued, unrescued
from virtproof_driver.spec import (
    Disk,
    DiskDevice,
    DiskFormat,
    FileSource,
    InstanceSpec,
    MetadataElement,
    NewVolume,
    RescueImage,
    VolumeSource,
)

SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")
IMAGE = RescueImage(source=FileSource(path="/rescue <&>.img"), format=DiskFormat.QCOW2)
MADE = NewVolume(pool="p", volume="v", capacity_bytes=1)
CD = Disk(target="hda", source=FileSource(path="/cd"), bus="ide", device=DiskDevice.CDROM)
FIRST = Disk(target="vda", source=MADE, serial="root", read_only=True)
SECOND = Disk(target="vdb", source=VolumeSource(pool="p", volume="w"))
RESCUE = Disk(target="vda", source=FileSource(path="/rescue <&>.img"), format=DiskFormat.QCOW2)
USER = MetadataElement(uri="urn:u", prefix="u", xml="<keep><me/></keep>")


def spec(*disks: Disk) -> InstanceSpec:
    return InstanceSpec(
        uuid=UUID("6695eb01-f6a4-4304-b9aa-97f2502e193f"), name="d", vcpus=1, memory_mib=64, disks=disks, metadata=(USER,)
    )


def by_target(xml: str) -> dict[str, Disk]:
    return {disk.target: disk for disk in parse_domain(xml).disks}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    world = tmp_path_factory.mktemp("world") / "node.xml"
    world.write_text("<node/>")
    opened = libvirt_binding().open(f"test://{world}")
    yield opened
    opened.close()


def stored(connection: Connection, xml: str) -> str:
    """What libvirt makes of the XML of a domain."""
    domain = connection.defineXML(xml)
    try:
        return domain.XMLDesc(2)
    finally:
        domain.undefineFlags(0)


def test_the_image_takes_the_first_disks_place_and_the_disk_moves_to_a_free_one(connection: Connection) -> None:
    before = stored(connection, domain_xml(spec(CD, SECOND, FIRST), TEST))
    after = stored(connection, rescued(before, IMAGE))
    assert by_target(after) == {
        "vda": RESCUE,
        "vdb": SECOND,
        "vdc": Disk(target="vdc", source=MADE, serial="root", read_only=True),
        "hda": CD,
    }
    hard_disks = [element.get("dev") for element in tree.parse(after).iterfind("devices/disk[@device='disk']/target")]
    assert hard_disks[0] == "vda"
    assert (is_rescued(before), is_rescued(after)) == (False, True)


def test_nothing_but_disks_changes(connection: Connection) -> None:
    before = stored(connection, domain_xml(spec(FIRST), TEST))
    after = stored(connection, rescued(before, IMAGE))
    assert (parse_domain(after).metadata, owned_volumes(after)) == ((USER,), (MADE,))


def test_unrescue_gives_back_what_libvirt_had(connection: Connection) -> None:
    before = stored(connection, domain_xml(spec(CD, SECOND, FIRST), TEST))
    back = stored(connection, unrescued(stored(connection, rescued(before, IMAGE))))
    assert back == before


@given(letters=st.lists(st.from_regex("[a-z]{1,2}", fullmatch=True), unique=True, max_size=5), kind=st.sampled_from(["vd", "sd"]))
@settings(deadline=None)
def test_unrescue_is_exact_for_any_disks(connection: Connection, letters: list[str], kind: str) -> None:
    disks = (Disk(target=kind + letter, source=FileSource(path=f"/{letter}"), bus="virtio") for letter in letters)
    before = stored(connection, domain_xml(spec(*disks), TEST))
    during = stored(connection, rescued(before, IMAGE))
    assert len(by_target(during)) == len(letters) + 1
    assert stored(connection, unrescued(during)) == before


def test_rescue_xml_is_what_libvirts_schema_allows(connection: Connection) -> None:
    before = stored(connection, domain_xml(spec(CD, FIRST, SECOND), TEST))
    etree.RelaxNG(etree.parse(SCHEMA)).assertValid(etree.fromstring(rescued(before, IMAGE)))


def test_a_domain_without_hard_disk_gets_the_image_alone(connection: Connection) -> None:
    before = stored(connection, domain_xml(spec(CD), TEST))
    after = stored(connection, rescued(before, IMAGE))
    assert by_target(after) == {"vda": RESCUE, "hda": CD}
    assert stored(connection, unrescued(after)) == before


def test_a_domain_of_another_program_without_metadata_and_devices_comes_back_as_it_was(connection: Connection) -> None:
    plain = "<domain type='test'><name>d</name><uuid>6695eb01-f6a4-4304-b9aa-97f2502e193f</uuid><memory>1024</memory>"
    before = stored(connection, f"{plain}<os><type>hvm</type></os></domain>")
    assert stored(connection, unrescued(stored(connection, rescued(before, IMAGE)))) == before
    assert is_rescued(rescued(f"{plain}</domain>", IMAGE))


def test_what_belonged_to_the_place_is_the_images() -> None:
    xml = """<domain><devices><disk type='file' device='disk'><source file='/r'/><target dev='sda' bus='scsi'/><boot order='1'/>
      <alias name='ua-root'/><address type='drive' controller='0' bus='0' target='0' unit='0'/></disk></devices></domain>"""
    disks = [tree.compact(disk) for disk in tree.parse(rescued(xml, IMAGE)).iterfind("devices/disk")]
    assert disks == [
        (
            '<disk type="file" device="disk"><driver type="qcow2"/><source file="/rescue &lt;&amp;&gt;.img"/>'
            '<target dev="sda" bus="scsi"/><boot order="1"/>'
            '<address type="drive" controller="0" bus="0" target="0" unit="0"/></disk>'
        ),
        '<disk type="file" device="disk"><source file="/r"/><target dev="sdb" bus="scsi"/></disk>',
    ]


def test_rescuing_twice_and_unrescuing_the_unrescued_are_refused() -> None:
    xml = domain_xml(spec(FIRST), TEST)
    with pytest.raises(NotRescued):
        unrescued(xml)
    with pytest.raises(AlreadyRescued):
        rescued(rescued(xml, IMAGE), IMAGE)


def test_a_rescue_image_may_be_a_volume() -> None:
    image = RescueImage(source=VolumeSource(pool="p", volume="r"))
    assert by_target(rescued(domain_xml(spec(FIRST), TEST), image))["vda"] == Disk(
        target="vda", source=VolumeSource(pool="p", volume="r")
    )
