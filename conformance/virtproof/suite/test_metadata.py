"""Metadata: title, description and the elements that callers keep with an instance.

What belongs here: cases whose ids begin with `metadata`. What does not: their characters (`test_escaping`), and metadata that
spawn is given (`test_inventory`).
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.foreign import foreign_domain
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, SPAWNED, domain_of
from virtproof_driver import Capability
from virtproof_driver.constants import Affect, MetadataType
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InstanceNotFound, InvalidSpec, MetadataNotFound
from virtproof_driver.markup.metadata import canonical
from virtproof_driver.spec import MetadataElement, RescueImage
from virtproof_driver.values import Instance

METADATA = SPAWNED | {Capability.METADATA}
URI = "https://virtproof.example/metadata/one"
OTHER_URI = "https://virtproof.example/metadata/two"
ONE = MetadataElement(uri=URI, prefix="one", xml='<tag number="1"><inner>text</inner><inner/></tag>')
NEW = MetadataElement(uri=URI, prefix="one", xml="<other/>")
TWO = MetadataElement(uri=OTHER_URI, prefix="two", xml="<tag>another namespace's</tag>")
LARGE = 256 * 1024
IMPOSSIBLE: dict[str, MetadataElement] = {
    "not-well-formed": replace(ONE, xml="<tag>"),
    "two-roots": replace(ONE, xml="<tag/><tag/>"),
    "no-element": replace(ONE, xml="text"),
    "undeclared-prefix": replace(ONE, xml="<tag><p:inner/></tag>"),
    "own-namespace": replace(ONE, xml=f'<tag xmlns="{URI}"/>'),
    "no-uri": replace(ONE, uri=""),
    "blank-uri": replace(ONE, uri="a b"),
    "no-prefix": replace(ONE, prefix=""),
    "prefix": replace(ONE, prefix="1<"),
    "document-type": replace(ONE, xml='<!DOCTYPE tag [<!ENTITY e "x">]><tag>&e;</tag>'),
}
Through = Callable[[ComputeDriver, Instance], object]
OF_AN_INSTANCE: dict[str, Callable[[ComputeDriver], object]] = {
    "title": lambda driver: driver.set_title(NO_SUCH, "a title"),
    "description": lambda driver: driver.set_description(NO_SUCH, "a description"),
    "read": lambda driver: driver.metadata(NO_SUCH, URI),
    "set": lambda driver: driver.set_metadata(NO_SUCH, ONE),
    "remove": lambda driver: driver.remove_metadata(NO_SUCH, URI),
}
TEXTS: dict[str, tuple[str, Callable[[ComputeDriver, Instance, str | None], None]]] = {
    "title": ("a title", lambda driver, instance, text: driver.set_title(instance.uuid, text)),
    "description": ("first line\nsecond line", lambda driver, instance, text: driver.set_description(instance.uuid, text)),
}


def is_kept(driver: ComputeDriver, instance: Instance, element: MetadataElement) -> bool:
    """Whether the driver reads the element as it was given, but for its layout."""
    return canonical(driver.metadata(instance.uuid, element.uri)) == canonical(element.xml)


def text_of(driver: ComputeDriver, instance: Instance, field: str) -> str | None:
    """The instance's title or description."""
    spec = driver.spec(instance.uuid)
    return spec.title if field == "title" else spec.description


@pytest.fixture
def described(driver: ComputeDriver, instance: Instance) -> Instance:
    """A running instance with a title and an element."""
    driver.set_title(instance.uuid, "a title")
    driver.set_metadata(instance.uuid, ONE)
    return instance


def assert_described(driver: ComputeDriver, instance: Instance) -> None:
    """What `described` set is there still."""
    assert is_kept(driver, instance, ONE)
    assert text_of(driver, instance, "title") == "a title"


@case(
    "metadata.element.set",
    Level.MUST,
    requirement="An element that was set is read again as it was given, and is in the running domain and in its definition.",
    source="virDomainSetMetadata with LIVE and CONFIG",
    since="1.0",
    needs=METADATA,
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_set(driver: ComputeDriver, small: Small, world: World, state: str) -> None:
    instance = driver.spawn(small(), start=state == "running")
    driver.set_metadata(instance.uuid, ONE)
    assert is_kept(driver, instance, ONE)
    for affect in (Affect.CONFIG, Affect.LIVE) if state == "running" else (Affect.CONFIG,):
        kept = domain_of(world, instance.uuid).metadata(MetadataType.ELEMENT, URI, affect)
        assert canonical(kept) == canonical(ONE.xml)


@case(
    "metadata.element.replace",
    Level.MUST,
    requirement="Setting an element again replaces the one of its namespace, and no other's.",
    source="https://libvirt.org/formatdomain.html#general-metadata: one top-level element a namespace",
    since="1.0",
    needs=METADATA,
)
def test_replace(driver: ComputeDriver, instance: Instance) -> None:
    for element in (ONE, TWO, NEW):
        driver.set_metadata(instance.uuid, element)
    assert is_kept(driver, instance, NEW)
    assert is_kept(driver, instance, TWO)


@case(
    "metadata.element.remove",
    Level.MUST,
    requirement="A removed element is MetadataNotFound, which names its namespace; the other namespaces' elements stay.",
    source="virDomainSetMetadata with no element removes it; libvirt error 80 (VIR_ERR_NO_DOMAIN_METADATA)",
    since="1.0",
    needs=METADATA,
)
def test_remove(driver: ComputeDriver, instance: Instance) -> None:
    driver.set_metadata(instance.uuid, ONE)
    driver.set_metadata(instance.uuid, TWO)
    driver.remove_metadata(instance.uuid, URI)
    with pytest.raises(MetadataNotFound) as refused:
        driver.metadata(instance.uuid, URI)
    assert refused.value.key == URI
    assert is_kept(driver, instance, TWO)


@case(
    "metadata.element.absent",
    Level.MUST,
    requirement="Reading or removing an element that is not there is MetadataNotFound, which names its namespace.",
    source="libvirt error 80 for reading; removing what is not there answers 0 (libvirt 9.0.0)",
    since="1.0",
    needs=METADATA,
)
@pytest.mark.parametrize("method", ["metadata", "remove_metadata"])
def test_absent(driver: ComputeDriver, instance: Instance, method: str) -> None:
    driver.set_metadata(instance.uuid, TWO)
    with pytest.raises(MetadataNotFound) as refused:
        getattr(driver, method)(instance.uuid, URI)
    assert refused.value.key == URI
    assert is_kept(driver, instance, TWO)


@case(
    "metadata.element.invalid",
    Level.MUST,
    requirement="An element that cannot be kept is InvalidSpec, and the one that is there stays.",
    source="virDomainSetMetadata; libvirt writes a namespace unescaped, so that the domain could not be read again (9.0.0)",
    since="1.0",
    needs=METADATA,
)
@pytest.mark.parametrize("problem", IMPOSSIBLE)
def test_invalid(driver: ComputeDriver, off_instance: Instance, world: World, problem: str) -> None:
    driver.set_metadata(off_instance.uuid, ONE)
    before = world.xml(off_instance.uuid)
    with pytest.raises(InvalidSpec) as refused:
        driver.set_metadata(off_instance.uuid, IMPOSSIBLE[problem])
    assert refused.value.field.startswith("metadata.")
    assert world.xml(off_instance.uuid) == before


@case(
    "metadata.element.large",
    Level.MUST,
    requirement="An element of a quarter of a mebibyte is kept whole.",
    source="libvirt's remote protocol carries strings of 4 MiB (REMOTE_STRING_MAX)",
    since="1.0",
    needs=METADATA,
)
def test_large(driver: ComputeDriver, instance: Instance) -> None:
    element = replace(ONE, xml=f"<tag>{'0123456789abcdef' * (LARGE // 16)}</tag>")
    driver.set_metadata(instance.uuid, element)
    assert is_kept(driver, instance, element)


@case(
    "metadata.element.foreign",
    Level.MUST,
    requirement="An element that another client set is read, and can be replaced and removed.",
    source="virDomainSetMetadata by another client",
    since="1.0",
    needs={Capability.METADATA, Capability.INVENTORY},
)
def test_foreign(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = small()
    with foreign_domain(world, spec) as domain:
        found = driver.instance(spec.uuid)
        domain.setMetadata(MetadataType.ELEMENT, ONE.xml, ONE.prefix, ONE.uri, Affect.LIVE | Affect.CONFIG)
        assert is_kept(driver, found, ONE)
        driver.set_metadata(spec.uuid, NEW)
        assert is_kept(driver, found, NEW)
        driver.remove_metadata(spec.uuid, URI)
        with pytest.raises(MetadataNotFound):
            driver.metadata(spec.uuid, URI)


@case(
    "metadata.element.own",
    Level.MUST,
    requirement="Two instances may have elements of one namespace, and each has its own.",
    source="driver contract: metadata of an instance",
    since="1.0",
    needs=METADATA,
)
def test_each_instance_has_its_own(driver: ComputeDriver, small: Small) -> None:
    first, second = (driver.spawn(small(), start=False) for _ in range(2))
    driver.set_metadata(first.uuid, ONE)
    driver.set_metadata(second.uuid, NEW)
    assert is_kept(driver, first, ONE)
    driver.remove_metadata(first.uuid, URI)
    assert is_kept(driver, second, NEW)


@case(
    "metadata.text.set",
    Level.MUST,
    requirement="Title and description can be set and replaced, and are in the running domain and in its definition.",
    source="virDomainSetMetadata: VIR_DOMAIN_METADATA_TITLE and VIR_DOMAIN_METADATA_DESCRIPTION",
    since="1.0",
    needs=METADATA,
)
@pytest.mark.parametrize("state", ["running", "off"])
@pytest.mark.parametrize("field", TEXTS)
def test_set_text(driver: ComputeDriver, small: Small, world: World, field: str, state: str) -> None:
    text, change = TEXTS[field]
    instance = driver.spawn(small(), start=state == "running")
    change(driver, instance, "something else")
    change(driver, instance, text)
    assert text_of(driver, instance, field) == text
    kind = MetadataType.TITLE if field == "title" else MetadataType.DESCRIPTION
    assert domain_of(world, instance.uuid).metadata(kind, None, Affect.CURRENT) == text
    assert domain_of(world, instance.uuid).metadata(kind, None, Affect.CONFIG) == text


@case(
    "metadata.text.clear",
    Level.MUST,
    requirement="None removes the title or the description, also where there is none; the other one stays.",
    source="virDomainSetMetadata: passing NULL removes it",
    since="1.0",
    needs=METADATA,
)
@pytest.mark.parametrize(("field", "other"), [("title", "description"), ("description", "title")], ids=["title", "description"])
def test_clear_text(driver: ComputeDriver, instance: Instance, field: str, other: str) -> None:
    for text, change in TEXTS.values():
        change(driver, instance, text)
    for _ in range(2):
        TEXTS[field][1](driver, instance, None)
        assert text_of(driver, instance, field) is None
        assert text_of(driver, instance, other) == TEXTS[other][0]


@case(
    "metadata.text.invalid",
    Level.MUST,
    requirement="A title of two lines, and an empty title or description, are InvalidSpec; what is there stays.",
    source="virDomainSetMetadata refuses a newline in the title; an empty element is the same as none (libvirt 9.0.0)",
    since="1.0",
    needs=METADATA,
)
@pytest.mark.parametrize(
    ("field", "text"),
    [
        pytest.param("title", "two\nlines", id="title-of-two-lines"),
        pytest.param("title", "", id="empty-title"),
        pytest.param("description", "", id="empty-description"),
    ],
)
def test_invalid_text(driver: ComputeDriver, off_instance: Instance, field: str, text: str) -> None:
    before, change = TEXTS[field]
    change(driver, off_instance, before)
    with pytest.raises(InvalidSpec) as refused:
        change(driver, off_instance, text)
    assert refused.value.field == field
    assert text_of(driver, off_instance, field) == before


@case(
    "metadata.apart",
    Level.MUST,
    requirement="Changing metadata changes nothing else: state, size and devices are as they were.",
    source="virDomainSetMetadata",
    since="1.0",
    needs=METADATA,
)
def test_nothing_else_changes(driver: ComputeDriver, instance: Instance, world: World) -> None:
    spec, state = driver.spec(instance.uuid), world.state(instance.uuid)
    driver.set_title(instance.uuid, "a title")
    driver.set_description(instance.uuid, "a description")
    driver.set_metadata(instance.uuid, ONE)
    changed = replace(spec, title="a title", description="a description", metadata=driver.spec(instance.uuid).metadata)
    assert driver.spec(instance.uuid) == changed
    assert [element.uri for element in changed.metadata] == [URI]
    assert world.state(instance.uuid) == state


@case(
    "metadata.unknown",
    Level.MUST,
    requirement="Of an unknown UUID each metadata operation is InstanceNotFound, which names it.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs={Capability.METADATA},
)
@pytest.mark.parametrize("operation", OF_AN_INSTANCE)
def test_unknown(driver: ComputeDriver, operation: str) -> None:
    with pytest.raises(InstanceNotFound) as refused:
        OF_AN_INSTANCE[operation](driver)
    assert refused.value.key == NO_SUCH


@case(
    "metadata.survives.restart",
    Level.MUST,
    requirement="Metadata set while the instance runs is there after stop and start.",
    source="virDomainSetMetadata: without CONFIG a change of a running domain is lost when it stops",
    since="1.0",
    needs=METADATA | {Capability.STOP, Capability.START},
)
def test_survives_a_restart(driver: ComputeDriver, described: Instance) -> None:
    driver.stop(described.uuid, timeout=0)
    assert_described(driver, described)
    driver.start(described.uuid)
    assert_described(driver, described)


@case(
    "metadata.survives.reboot",
    Level.MUST,
    requirement="Metadata is there after a hard reboot.",
    source="driver contract: reboot(hard=True) restarts the same instance",
    since="1.0",
    needs=METADATA | {Capability.REBOOT_HARD},
)
def test_survives_a_reboot(driver: ComputeDriver, described: Instance) -> None:
    driver.reboot(described.uuid, hard=True)
    assert_described(driver, described)


@case(
    "metadata.survives.suspend",
    Level.MUST,
    requirement="Metadata is there while the instance is suspended, and after it was resumed.",
    source="virDomainManagedSave: the saved image has a definition of its own",
    since="1.0",
    needs=METADATA | {Capability.SUSPEND},
)
def test_survives_suspension(driver: ComputeDriver, described: Instance) -> None:
    driver.suspend(described.uuid)
    assert_described(driver, described)
    driver.resume(described.uuid)
    assert_described(driver, described)


@case(
    "metadata.survives.resize",
    Level.MUST,
    requirement="Metadata is there after a resize.",
    source="driver contract: resize changes processors and memory",
    since="1.0",
    needs=METADATA | {Capability.RESIZE},
)
def test_survives_a_resize(driver: ComputeDriver, described: Instance) -> None:
    spec = driver.spec(described.uuid)
    driver.resize(described.uuid, vcpus=spec.vcpus + 1, memory_mib=spec.memory_mib * 2)
    assert_described(driver, described)


@case(
    "metadata.survives.rescue",
    Level.MUST,
    requirement="Metadata is there while the instance is rescued, can be changed then, and the change is there afterwards.",
    source="driver contract: rescue and unrescue change the disks",
    since="1.0",
    needs=METADATA | {Capability.RESCUE},
)
def test_survives_rescue(driver: ComputeDriver, described: Instance, rescue_image: RescueImage) -> None:
    driver.rescue(described.uuid, rescue_image)
    assert_described(driver, described)
    driver.set_metadata(described.uuid, TWO)
    driver.unrescue(described.uuid)
    assert_described(driver, described)
    assert is_kept(driver, described, TWO)
