"""Escaping: what callers write comes back as they wrote it, whatever characters it has; what cannot be carried is refused.

What belongs here: cases whose ids begin with `escaping`. What does not: any other property of the objects named.
"""

from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement, tostring

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import PoolSpecs, Small
from virtproof.foreign import foreign_domain
from virtproof.guests.own_disk import with_own_disk
from virtproof.lanes.bare import bare_binding
from virtproof.probes.bench import bridge
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InvalidSpec
from virtproof_driver.markup.metadata import canonical
from virtproof_driver.spec import (
    Disk,
    FileSource,
    ForwardMode,
    InstanceSpec,
    MetadataElement,
    NetworkSpec,
    SnapshotSpec,
    VolumeSpec,
)
from virtproof_driver.values import Instance, PoolInfo

Names = Callable[..., str]

MIB = 1 << 20
LONGEST_FILE = 255
LONGEST = LONGEST_FILE - len(".xml.new")
LONGEST_OF_SOCKETS = 85  # libvirt puts a container's name into the path of a socket, which has 107 bytes (11.3.0)
URI = "https://virtproof.example/escaping"
TEXTS = {
    "markup": "<>&\"'",
    "entities": "&amp;&lt;&#10;&#x41;&nbsp;",
    "sections": "]]><![CDATA[x]]>--><!--x--><?x?>",
    "element": "</name><uuid>x</uuid><name>",
    "formats": "%s %d %n {} {0} $HOME `id` \\n \\",
    "blanks": "a  b   c",
    "accents": "ünïcødé-ÀÉ",
    "scripts": "日本語-Ελληνικά-עברית",
    "astral": "🜁-𝄞",
    "combining": "e\u0301-\u200b-\ufeff-\u202e",
}
RUNS = "markup"  # the text whose instance runs; what the others say is kept in the same definition
NAMES = {key: text.replace("/", "|") for key, text in TEXTS.items()}
LINES = {**TEXTS, "lines": "one\n two\n\n\tthree", "edges": "  between blanks  "}
# What XML 1.0 cannot carry, or a name not.
FORBIDDEN = {
    "nul": "a\x00b",
    "control": "a\x01b",
    "escape": "a\x1b[0m",
    "surrogate": "a\ud800b",
    "non-character": "a\ufffeb",
    "return": "a\rb",
}
FORBIDDEN_NAMES = {
    **FORBIDDEN,
    "newline": "a\nb",
    "slash": "a/b",
    "empty": "",
    "long": "x" * (LONGEST_FILE + 1),
    "long-bytes": "é" * LONGEST_FILE,
}


def stretched(name: str, longest: int = LONGEST) -> str:
    """The name made so many bytes long with characters of two; libvirt writes a definition to `NAME.xml.new` first (11.3.0)."""
    left = longest - len(name.encode())
    return name + "é" * (left // 2) + "x" * (left % 2)


def longest(driver: ComputeDriver, small: Small, names: Names, world: World) -> InstanceSpec:
    """An instance with the longest name that the host can start; the driver must refuse a longer one as the caller's fault."""
    spec = small(name=stretched(names("vm")))
    try:
        with foreign_domain(world, spec):
            return replace(spec, uuid=small().uuid)
    except bare_binding().libvirtError:
        with pytest.raises(InvalidSpec):
            driver.spawn(spec)
    return small(name=stretched(names("vm"), LONGEST_OF_SOCKETS))


def with_path(spec: InstanceSpec, path: str) -> InstanceSpec:
    """The instance with one disk, whose image has that path."""
    source = FileSource(path=path)
    disk = replace(spec.disks[0], source=source) if spec.disks else Disk(target="vda", source=source)
    return replace(spec, disks=(disk,))


@case(
    "escaping.instance.name",
    Level.MUST,
    requirement="An instance's name comes back as it was given: from the driver, and from libvirt past it.",
    source="https://libvirt.org/formatdomain.html#general-metadata: name; it is part of file names",
    since="1.0",
    needs=SPAWNED,
)
@pytest.mark.parametrize("text", [*NAMES, "longest"])
def test_instance_name(driver: ComputeDriver, small: Small, names: Names, world: World, text: str) -> None:
    spec = longest(driver, small, names, world) if text == "longest" else small(name=names(NAMES[text]))
    name = spec.name
    assert driver.spawn(spec).name == name
    assert driver.spec(spec.uuid).name == name
    assert name in {one.name for one in driver.instances()}
    assert domain_of(world, spec.uuid).name() == name
    driver.destroy(spec.uuid)
    assert world.inventory().domains == ()


@case(
    "escaping.instance.texts",
    Level.MUST,
    requirement="Title and description come back as they were given, from spawn and from setting them.",
    source="https://libvirt.org/formatdomain.html#general-metadata: title, description",
    since="1.0",
    needs=SPAWNED | {Capability.METADATA},
)
@pytest.mark.parametrize("text", LINES)
def test_title_and_description(driver: ComputeDriver, small: Small, text: str) -> None:
    description = LINES[text]
    title = description.replace("\n", " ").replace("\t", " ")
    spec = small(title=title, description=description)
    driver.spawn(spec, start=text == RUNS)
    assert (driver.spec(spec.uuid).title, driver.spec(spec.uuid).description) == (title, description)
    driver.set_title(spec.uuid, f"{title}!")
    driver.set_description(spec.uuid, f"{description}!")
    assert (driver.spec(spec.uuid).title, driver.spec(spec.uuid).description) == (f"{title}!", f"{description}!")


@case(
    "escaping.instance.metadata",
    Level.MUST,
    requirement="Text and attributes of a metadata element come back as they were given, from spawn and from setting it.",
    source="virDomainSetMetadata; https://www.w3.org/TR/xml/#charsets",
    since="1.0",
    needs=SPAWNED | {Capability.METADATA},
)
@pytest.mark.parametrize("text", TEXTS)
def test_metadata(driver: ComputeDriver, small: Small, text: str) -> None:
    root = Element("note", {"said": TEXTS[text]})
    SubElement(root, "text").text = TEXTS[text]
    element = MetadataElement(uri=URI, prefix="e", xml=tostring(root, encoding="unicode"))
    spec = small(metadata=(element,))
    driver.spawn(spec, start=text == RUNS)
    assert canonical(driver.metadata(spec.uuid, URI)) == canonical(element.xml)
    driver.remove_metadata(spec.uuid, URI)
    driver.set_metadata(spec.uuid, element)
    assert canonical(driver.metadata(spec.uuid, URI)) == canonical(element.xml)


@case(
    "escaping.instance.path",
    Level.MUST,
    requirement="The path of a disk's image comes back as it was given.",
    source="https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms: source file",
    since="1.0",
    needs=SPAWNED | {Capability.DISKS},
)
@pytest.mark.parametrize("text", TEXTS)
def test_disk_path(driver: ComputeDriver, small: Small, text: str) -> None:
    spec = with_path(small(), f"/virtproof/{TEXTS[text]}/{TEXTS[text]}.img")
    driver.spawn(spec, start=False)
    assert driver.spec(spec.uuid).disks == spec.disks


@case(
    "escaping.instance.refused",
    Level.MUST,
    requirement="A name that libvirt could not keep is InvalidSpec, which says which field, before anything is made.",
    source="https://www.w3.org/TR/xml/#charsets; libvirt refuses '/' and newlines in names, and turns a return into a newline",
    since="1.0",
    needs=SPAWNED,
)
@pytest.mark.parametrize("text", FORBIDDEN_NAMES)
def test_forbidden_names(driver: ComputeDriver, small: Small, world: World, text: str) -> None:
    spec = replace(small(), name=FORBIDDEN_NAMES[text])
    with pytest.raises(InvalidSpec) as refused:
        driver.spawn(spec)
    assert refused.value.field == "name"
    assert str(refused.value).encode(), "the error itself can be written down"
    assert world.domain(spec.uuid) is None
    assert world.inventory().domains == ()


@case(
    "escaping.texts.refused",
    Level.MUST,
    requirement="Text that XML cannot carry is InvalidSpec, and what was there stays.",
    source="https://www.w3.org/TR/xml/#charsets",
    since="1.0",
    needs=SPAWNED | {Capability.METADATA},
)
@pytest.mark.parametrize("text", FORBIDDEN)
def test_forbidden_texts(driver: ComputeDriver, off_instance: Instance, world: World, text: str) -> None:
    before = world.xml(off_instance.uuid)
    for change in (driver.set_title, driver.set_description):
        with pytest.raises(InvalidSpec):
            change(off_instance.uuid, FORBIDDEN[text])
    assert world.xml(off_instance.uuid) == before


@case(
    "escaping.metadata.refused",
    Level.MUST,
    requirement="A metadata element with a character that XML has not is InvalidSpec however it is written; nothing changes.",
    source="https://www.w3.org/TR/xml/#charsets and #wf-Legalchar",
    since="1.0",
    needs=SPAWNED | {Capability.METADATA},
)
@pytest.mark.parametrize("text", [*sorted(FORBIDDEN.keys() - {"return"}), "reference"])
def test_forbidden_metadata(driver: ComputeDriver, off_instance: Instance, world: World, text: str) -> None:
    before = world.xml(off_instance.uuid)
    xml = f"<a>{'&#1;' if text == 'reference' else FORBIDDEN[text]}</a>"
    with pytest.raises(InvalidSpec):
        driver.set_metadata(off_instance.uuid, MetadataElement(uri=URI, prefix="e", xml=xml))
    assert world.xml(off_instance.uuid) == before


@case(
    "escaping.snapshot",
    Level.MUST,
    requirement="A snapshot's name and description come back as they were given, and the name finds it.",
    source="https://libvirt.org/formatsnapshot.html: name, description",
    since="1.0",
    needs=SPAWNED | {Capability.SNAPSHOT_INTERNAL, Capability.STORAGE_CLONE},
)
@pytest.mark.parametrize("text", TEXTS)
def test_snapshot(driver: ComputeDriver, small: Small, world: World, text: str) -> None:
    instance = driver.spawn(with_own_disk(small()), start=text == RUNS)
    made = driver.create_snapshot(instance.uuid, SnapshotSpec(name=NAMES[text], description=TEXTS[text]))
    assert (made.name, made.description) == (NAMES[text], TEXTS[text])
    assert list(driver.snapshots(instance.uuid)) == [made]
    driver.revert_snapshot(instance.uuid, NAMES[text])
    driver.delete_snapshot(instance.uuid, NAMES[text])
    assert world.inventory().snapshots == ()


@case(
    "escaping.pool",
    Level.MUST,
    requirement="A storage pool's name and path come back as they were given, and the name finds it.",
    source="https://libvirt.org/formatstorage.html: name, target/path",
    since="1.0",
    needs={Capability.STORAGE_POOLS},
)
@pytest.mark.parametrize("text", [*NAMES, "longest"])
def test_pool(driver: ComputeDriver, names: Names, pool_spec: PoolSpecs, world: World, text: str) -> None:
    name = stretched(names("pool")) if text == "longest" else names(NAMES[text])
    spec = replace(pool_spec(), name=name, target=f"/var/tmp/{name}")  # noqa: S108 - a path on the host, under a name of our own
    assert driver.create_pool(spec).name == name
    assert driver.pool(name).active
    assert world.inventory().pools == (name,)
    driver.stop_pool(name)
    driver.delete_pool(name)
    assert world.inventory().pools == ()


@case(
    "escaping.volume",
    Level.MUST,
    requirement="A storage volume's name comes back as it was given, finds it, and ends its path.",
    source="https://libvirt.org/formatstorage.html#general-metadata: name",
    since="1.0",
    needs={Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES},
)
@pytest.mark.parametrize("text", [*NAMES, "longest"])
def test_volume(driver: ComputeDriver, pool: PoolInfo, text: str) -> None:
    name = stretched("volume", LONGEST_FILE) if text == "longest" else NAMES[text]
    made = driver.create_volume(pool.name, VolumeSpec(name=name, capacity_bytes=MIB))
    assert made.name == name
    assert made.path.endswith(f"/{name}")
    assert list(driver.volumes(pool.name)) == [made] == [driver.volume(pool.name, name)]
    driver.delete_volume(pool.name, name)
    assert list(driver.volumes(pool.name)) == []


@case(
    "escaping.network",
    Level.MUST,
    requirement="A virtual network's name comes back as it was given, and finds it.",
    source="https://libvirt.org/formatnetwork.html#general-metadata: name",
    since="1.0",
    needs={Capability.NETWORKS},
)
@pytest.mark.parametrize("text", [*NAMES, "longest"])
def test_network(driver: ComputeDriver, names: Names, world: World, text: str) -> None:
    name = stretched(names("net")) if text == "longest" else names(NAMES[text])
    made = driver.create_network(NetworkSpec(name=name, forward=ForwardMode.ISOLATED, bridge=bridge(name)))
    assert made.name == name == driver.network_spec(name).name
    assert driver.network(name) == made
    driver.delete_network(name)
    assert world.inventory().networks == ()
