"""Pool and volume XML: a spec read back is the spec, also when libvirt had it in between."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from virtproof_driver.binding import Connection, StoragePool
from virtproof_driver.checks import LONGEST_NAME
from virtproof_driver.edge.libvirt_module import libvirt_binding
from virtproof_driver.markup.storage import parse_pool, parse_volume, physical_bytes, pool_xml, volume_info, volume_xml
from virtproof_driver.spec import DiskFormat, PoolSpec, VolumeSpec
from virtproof_driver.validation import validate_pool, validate_volume
from virtproof_driver.values import VolumeInfo

SCHEMAS = Path("/usr/share/libvirt/schemas")
NASTY = "<>&\"' \u00e9\U0001f600]]>"

TEXT = st.text(
    st.sampled_from("<>&\"'] -é") | st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\ufffe\uffff"), min_size=1
)
NAMES = TEXT.filter(lambda name: len(name.encode()) <= LONGEST_NAME and name not in (".", ".."))
POOLS = st.builds(PoolSpec, name=NAMES, target=TEXT.map(lambda tail: f"/{tail}"), uuid=st.uuids())
SIZES = st.integers(0, 2**63 - 1)
VOLUMES = st.builds(
    VolumeSpec,
    name=NAMES,
    capacity_bytes=SIZES,
    allocation_bytes=SIZES | st.none(),
    format=st.sampled_from(DiskFormat),
    secret=st.uuids() | st.none(),
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    world = tmp_path_factory.mktemp("world") / "node.xml"
    world.write_text("<node/>")
    opened = libvirt_binding().open(f"test://{world}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pool(connection: Connection) -> StoragePool:
    made = connection.storagePoolDefineXML(pool_xml(PoolSpec(name="pool", target="/pool")))
    made.create()
    return made


@pytest.fixture(scope="module")
def pool_schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(SCHEMAS / "storagepool.rng"))


@pytest.fixture(scope="module")
def volume_schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(SCHEMAS / "storagevol.rng"))


@given(spec=POOLS)
@example(spec=PoolSpec(name=NASTY, target=f"/{NASTY}", uuid=UUID("6695eb01-f6a4-4304-b9aa-97f2502e193f")))
@settings(deadline=None)
def test_a_pool_reads_back(connection: Connection, pool_schema: etree.RelaxNG, spec: PoolSpec) -> None:
    validate_pool(spec)
    xml = pool_xml(spec)
    pool_schema.assertValid(etree.fromstring(xml))
    assert parse_pool(xml) == spec
    stored = connection.storagePoolDefineXML(xml)
    assert (parse_pool(stored.XMLDesc(0)), stored.name()) == (spec, spec.name)
    stored.undefine()


@given(spec=VOLUMES)
@example(spec=VolumeSpec(name=NASTY, capacity_bytes=1))
@settings(deadline=None)
def test_a_volume_reads_back(volume_schema: etree.RelaxNG, spec: VolumeSpec) -> None:
    validate_volume(spec)
    xml = volume_xml(spec)
    volume_schema.assertValid(etree.fromstring(xml))
    assert parse_volume(xml) == spec


@given(name=NAMES, capacity=st.integers(0, 2**30), disk_format=st.sampled_from(DiskFormat), sparse=st.booleans())
@settings(deadline=None)
def test_a_volume_reads_back_from_libvirt(
    pool: StoragePool, name: str, capacity: int, disk_format: DiskFormat, sparse: bool
) -> None:
    spec = VolumeSpec(name=name, capacity_bytes=capacity, allocation_bytes=0 if sparse else None, format=disk_format)
    stored = pool.createXML(volume_xml(spec))
    assert parse_volume(stored.XMLDesc(0)) == replace(spec, allocation_bytes=0 if sparse else capacity)
    stored.delete()


def test_a_pool_without_a_uuid_gets_one_from_libvirt(connection: Connection) -> None:
    spec = PoolSpec(name="p", target="/t")
    assert parse_pool(pool_xml(spec)) == spec
    stored = connection.storagePoolDefineXML(pool_xml(spec))
    assert parse_pool(stored.XMLDesc(0)) == replace(spec, uuid=UUID(stored.UUIDString()))
    stored.undefine()


@pytest.mark.parametrize(
    ("size", "bytes_"),
    [("<capacity>7", 7), ("<capacity unit='KiB'>2", 2048), ("<capacity unit='G'>1", 2**30), ("<capacity unit='MB'>1", 10**6)],
)
def test_sizes_come_in_any_unit_of_libvirts(size: str, bytes_: int) -> None:
    assert parse_volume(f"<volume><name>v</name>{size}</capacity></volume>") == VolumeSpec(
        name="v", capacity_bytes=bytes_, allocation_bytes=None
    )


@given(spec=VOLUMES, backing=NAMES, backing_format=st.sampled_from(DiskFormat))
@settings(deadline=None)
def test_a_backed_volume_reads_back(
    volume_schema: etree.RelaxNG, spec: VolumeSpec, backing: str, backing_format: DiskFormat
) -> None:
    backed = replace(spec, backing=backing, backing_format=backing_format)
    xml = volume_xml(backed, f"/pool/{backing}")
    volume_schema.assertValid(etree.fromstring(xml))
    assert parse_volume(xml.replace("<target>", f"<target><path>{escape(f'/pool/{spec.name}')}</path>")) == backed


STORED = """
<volume type='file'>
  <name>top</name>
  <capacity unit='KiB'>1024</capacity><allocation unit='bytes'>200704</allocation><physical unit='bytes'>196616</physical>
  <target><path>/p/top</path><format type='{format}'/>{encryption}</target>
  {backing}
</volume>
"""


def stored(backing: str = "", encryption: str = "", disk_format: str = "qcow2") -> str:
    return STORED.format(backing=backing, encryption=encryption, format=disk_format)


@pytest.mark.parametrize(
    ("xml", "disk_format", "backing", "encrypted"),
    [
        pytest.param(stored(), "qcow2", None, False, id="plain"),
        pytest.param(stored(backing="<backingStore><path>/p/base</path></backingStore>"), "qcow2", "base", False, id="beside"),
        pytest.param(
            stored(backing="<backingStore><path>/q/base</path></backingStore>"), "qcow2", "/q/base", False, id="elsewhere"
        ),
        pytest.param(stored(encryption="<encryption format='luks'/>", disk_format="raw"), "raw", None, True, id="encrypted"),
        pytest.param(stored(disk_format="vmdk"), "vmdk", None, False, id="foreign"),
    ],
)
def test_a_volumes_xml_tells_what_it_is(xml: str, disk_format: str, backing: str | None, encrypted: bool) -> None:
    assert volume_info(xml, "p") == VolumeInfo(
        pool="p",
        name="top",
        path="/p/top",
        capacity_bytes=1 << 20,
        allocation_bytes=200704,
        format=disk_format,
        backing=backing,
        encrypted=encrypted,
    )
    assert physical_bytes(xml) == 196616


def test_without_a_physical_size_a_volume_is_as_long_as_its_capacity() -> None:
    assert physical_bytes("<volume><capacity>7</capacity></volume>") == 7
