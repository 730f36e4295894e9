"""Snapshot XML: a spec read back is the spec, also when libvirt had it in between."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from virtproof_driver.binding import Domain
from virtproof_driver.checks import LONGEST_NAME
from virtproof_driver.edge.libvirt_module import libvirt_binding
from virtproof_driver.markup.snapshot import SnapshotDescription, parse_snapshot, snapshot_xml
from virtproof_driver.spec import SnapshotSpec
from virtproof_driver.validation import validate_snapshot
from virtproof_driver.values import Snapshot

SCHEMA = Path("/usr/share/libvirt/schemas/domainsnapshot.rng")
NASTY = "<>&\"' \u00e9\U0001f600]]>"
TEXT = st.text(
    st.sampled_from("<>&\"'] -é") | st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\ufffe\uffff"), min_size=1
)
NAMES = TEXT.filter(lambda name: len(name.encode()) <= LONGEST_NAME and name not in (".", ".."))
SPECS = st.builds(SnapshotSpec, name=NAMES, description=st.none() | TEXT.map(lambda some: f"\n {some}\n\t"))


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Domain]:
    world = tmp_path_factory.mktemp("world") / "node.xml"
    world.write_text("<node/>")
    connection = libvirt_binding().open(f"test://{world}")
    yield connection.defineXML("<domain type='test'><name>d</name><memory>1024</memory><os><type>hvm</type></os></domain>")
    connection.close()


@given(spec=SPECS)
@example(spec=SnapshotSpec(name=NASTY, description=NASTY))
@settings(deadline=None)
def test_a_snapshot_reads_back_from_libvirt(domain: Domain, spec: SnapshotSpec) -> None:
    validate_snapshot(spec)
    stored = domain.snapshotCreateXML(snapshot_xml(spec))
    read = parse_snapshot(stored.getXMLDesc())
    assert read.snapshot(current=True).spec == spec
    assert (stored.getName(), read.state, read.parent) == (spec.name, "shutoff", None)
    assert read.created > 0
    stored.delete()


@pytest.mark.parametrize("external", [False, True])
def test_the_xml_is_what_libvirts_schema_allows(external: bool) -> None:
    spec = SnapshotSpec(name=NASTY, description=NASTY, external=external)
    etree.RelaxNG(etree.parse(SCHEMA)).assertValid(etree.fromstring(snapshot_xml(spec)))


def test_each_disk_goes_on_in_its_overlay_or_takes_no_part() -> None:
    xml = snapshot_xml(SnapshotSpec(name="s", external=True), {"vda": "/d/<v>.s", "vdb": None})
    root = etree.fromstring(xml)
    etree.RelaxNG(etree.parse(SCHEMA)).assertValid(root)
    found = root.iterfind("disks/disk")
    disks = [(disk.get("name"), disk.get("snapshot"), [source.get("file") for source in disk]) for disk in found]
    assert disks == [("vda", "external", ["/d/<v>.s"]), ("vdb", "no", [])]


def test_a_second_snapshot_names_its_parent(domain: Domain) -> None:
    first = domain.snapshotCreateXML(snapshot_xml(SnapshotSpec(name="first")))
    second = domain.snapshotCreateXML(snapshot_xml(SnapshotSpec(name="second")))
    assert parse_snapshot(second.getXMLDesc()).parent == "first"
    second.delete()
    first.delete()


@pytest.mark.parametrize(
    ("inside", "external"),
    [
        ("<memory snapshot='internal'/><disks><disk name='vda' snapshot='internal'/></disks>", False),
        ("<memory snapshot='no'/><disks><disk name='vda' snapshot='external'/></disks>", True),
        ("<memory snapshot='external' file='/m'/>", True),
        ("<state>disk-snapshot</state>", True),
        ("<domain><memory>1</memory><devices><disk snapshot='external'/></devices></domain>", False),
    ],
)
def test_external_is_read_from_memory_and_disks(inside: str, external: bool) -> None:
    assert parse_snapshot(f"<domainsnapshot><name>s</name>{inside}</domainsnapshot>").external is external


def test_the_whole_value_takes_what_a_call_tells() -> None:
    read = SnapshotDescription(name="s", description="d", state="running", created=7, parent="p", external=False)
    assert read.snapshot(current=False) == Snapshot(
        name="s", description="d", state="running", created=7, parent="p", current=False, external=False
    )
