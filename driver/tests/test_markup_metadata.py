"""Metadata elements: qualified and taken apart as libvirt's own calls do it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from virtproof_driver.binding import Domain
from virtproof_driver.edge.libvirt_module import libvirt_binding
from virtproof_driver.markup import metadata, tree
from virtproof_driver.spec import MetadataElement
from virtproof_driver.validation import validate_metadata

ELEMENT = 2  # VIR_DOMAIN_METADATA_ELEMENT
CONFIG = 2  # VIR_DOMAIN_AFFECT_CONFIG, and VIR_DOMAIN_XML_INACTIVE
SAMPLES = [
    "<a/>",
    '<a k="&lt;&amp;&quot;\'&#10;">&lt;\u00e9\U0001f600&#13;</a>',
    "<a><b><c/></b><d> </d></a>",
    "<a>text<b/> more <c/> </a>",
    '<a xmlns:x="urn:x" x:k="1"><x:b><c/></x:b></a>',
    '<a><b xmlns="urn:x"><c/></b><d/></a>',
    "<a>]]&gt;</a>",
]


@pytest.fixture
def domain(tmp_path: Path) -> Iterator[Domain]:
    (tmp_path / "node.xml").write_text("<node/>")
    connection = libvirt_binding().open(f"test://{tmp_path / 'node.xml'}")
    yield connection.defineXML("<domain type='test'><name>d</name><memory>1024</memory><os><type>hvm</type></os></domain>")
    connection.close()


@pytest.mark.parametrize("xml", SAMPLES)
def test_an_element_set_by_libvirts_call_reads_as_it_was_given(domain: Domain, xml: str) -> None:
    domain.setMetadata(ELEMENT, xml, "p", "urn:p", CONFIG)
    assert metadata.user_elements(tree.parse(domain.XMLDesc(CONFIG))) == (MetadataElement(uri="urn:p", prefix="p", xml=xml),)
    assert metadata.canonical(domain.metadata(ELEMENT, "urn:p", CONFIG)) == xml


@pytest.mark.parametrize("xml", SAMPLES)
def test_an_element_is_qualified_as_libvirts_call_does_it(domain: Domain, xml: str) -> None:
    domain.setMetadata(ELEMENT, xml, "p", "urn:p", CONFIG)
    found = metadata.find(tree.parse(domain.XMLDesc(CONFIG)), "urn:p")
    assert found is not None
    assert tree.compact(metadata.qualified(MetadataElement(uri="urn:p", prefix="p", xml=xml))) == tree.compact(found)


@pytest.mark.parametrize("xml", SAMPLES)
def test_samples_are_in_canonical_form(xml: str) -> None:
    assert metadata.canonical(xml) == xml
    assert metadata.normalised(MetadataElement(uri="urn:p", prefix="p", xml=xml)).xml == xml


@pytest.mark.parametrize(
    ("inside", "element"),
    [
        ('<p:a xmlns:p="urn:p"><p:b/></p:a>', MetadataElement(uri="urn:p", prefix="p", xml="<a><b/></a>")),
        ('<p:a xmlns:p="urn:p" p:k="1"/>', MetadataElement(uri="urn:p", prefix="p", xml='<a xmlns:p="urn:p" p:k="1"/>')),
        ('<a xmlns="urn:p"><b/></a>', MetadataElement(uri="urn:p", prefix="ns", xml="<a><b/></a>")),
        (
            '<p:a xmlns:p="urn:p"><p:b xmlns:p="urn:q"/></p:a>',
            MetadataElement(uri="urn:p", prefix="p", xml='<a><p:b xmlns:p="urn:q"/></a>'),
        ),
    ],
)
def test_elements_of_other_programs_read_in_the_callers_form(inside: str, element: MetadataElement) -> None:
    root = tree.parse(f"<domain><metadata>{inside}</metadata></domain>")
    assert metadata.user_elements(root) == (element,)
    assert metadata.normalised(element) == element


def test_a_prefix_declared_further_out_is_found() -> None:
    root = tree.parse('<domain xmlns:p="urn:p"><metadata xmlns:q="urn:q"><p:a/><q:b/></metadata></domain>')
    assert [(element.uri, element.prefix, element.xml) for element in metadata.user_elements(root)] == [
        ("urn:p", "p", "<a/>"),
        ("urn:q", "q", "<b/>"),
    ]


def test_putting_an_element_replaces_the_one_of_its_namespace_only() -> None:
    root = tree.parse('<domain><metadata><p:a xmlns:p="urn:p"/><q:b xmlns:q="urn:q"/></metadata></domain>')
    metadata.put(root, "urn:p", tree.parse('<x:new xmlns:x="urn:p"/>'))
    assert tree.compact(root) == '<domain><metadata><x:new xmlns:x="urn:p"/><q:b xmlns:q="urn:q"/></metadata></domain>'
    metadata.put(root, "urn:p", None)
    metadata.put(root, "urn:absent", None)
    assert tree.compact(root) == '<domain><metadata><q:b xmlns:q="urn:q"/></metadata></domain>'
    metadata.put(root, "urn:q", None)
    assert tree.compact(root) == "<domain/>"


@st.composite
def elements(draw: st.DrawFn, scope: tuple[str, ...] = (), deepest: int = 3) -> str:
    """An element with namespaces of its own, in no canonical form; a nested one may be in the default namespace or a prefix's."""
    declared = draw(st.lists(st.sampled_from("xy"), unique=True, max_size=2))
    known = tuple(dict.fromkeys((*scope, *declared)))
    declarations = [f' xmlns:{prefix}="urn:{draw(st.sampled_from("123"))}"' for prefix in declared]
    attributes = [f' {prefix}:k="v"' for prefix in known[:1] if draw(st.booleans())]
    nested = deepest < 3
    default = [' xmlns="urn:4"', ' xmlns=""'][draw(st.integers(0, 1))] if nested and draw(st.booleans()) else ""
    tag = draw(st.sampled_from(["a", *(f"{prefix}:b" for prefix in known if nested)]))
    children = draw(st.lists(elements(known, deepest - 1), max_size=2)) if deepest else []
    texts = st.sampled_from(["", "", " ", "\n", "t", " t ", "&lt;", "&#13;", "<!-- c -->"])
    content = "".join(draw(texts) + child for child in children) + draw(texts)
    return f"<{tag}{''.join(draw(st.permutations([*declarations, *attributes, default])))}>{content}</{tag}>"


@given(xml=elements())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_namespaces_inside_survive_libvirt_both_ways(domain: Domain, xml: str) -> None:
    element = MetadataElement(uri="urn:p", prefix="p", xml=xml)
    validate_metadata(element)
    expected = metadata.normalised(element)
    assert expected.xml == metadata.canonical(xml)
    domain.setMetadata(ELEMENT, expected.xml, "p", "urn:p", CONFIG)
    assert metadata.user_elements(tree.parse(domain.XMLDesc(CONFIG))) == (expected,)
    assert metadata.canonical(domain.metadata(ELEMENT, "urn:p", CONFIG)) == expected.xml
