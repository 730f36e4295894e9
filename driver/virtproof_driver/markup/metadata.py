"""The `<metadata>` element of a domain: the caller's elements between their own text and their place in the domain XML.

What belongs here: qualifying an element with its namespace and taking it off again, and finding the one of a namespace.
What does not: the driver's own elements (`record`, `rescue`), which are told apart by their namespace and never returned
to the caller. libvirt keeps one element a namespace (https://libvirt.org/formatdomain.html#general-metadata).
"""

from collections.abc import Iterator
from copy import deepcopy
from xml.etree.ElementTree import Element

from virtproof_driver.markup import tree
from virtproof_driver.markup.names import OWN_NAMESPACES
from virtproof_driver.spec import MetadataElement

UNNAMED_PREFIX = "ns"  # for an element that came with its namespace as the default one


def canonical(xml: str) -> str:
    """The element as this driver writes it: no layout, no comments, declarations first, `<a/>`. Raises tree.NotWellFormed.

    What libvirt gives back for an element differs in layout from what it was given; in this form both are equal.
    """
    return tree.compact(_declarations_first(tree.parse(xml)))


def qualified(element: MetadataElement) -> Element:
    """The element as it stands in the domain XML: its root in the namespace, spelt with the prefix."""
    root = tree.parse(element.xml)
    root.attrib.pop(_declaration(element.prefix), None)
    root.set(_declaration(element.prefix), element.uri)
    _qualify(root, element.prefix)
    return _declarations_first(root)


def normalised(element: MetadataElement) -> MetadataElement:
    """The element as it reads back from a domain."""
    return _element_value(qualified(element), element.uri)


def user_elements(domain: Element) -> tuple[MetadataElement, ...]:
    """The caller's elements of a domain, in canonical form; the driver's own are left out."""
    return tuple(_element_value(element, uri) for element, uri in _elements(domain) if uri not in OWN_NAMESPACES)


def find(domain: Element, uri: str) -> Element | None:
    """The metadata element of the namespace `uri`, as it stands in the domain."""
    return next((element for element, found in _elements(domain) if found == uri), None)


def put(domain: Element, uri: str, new: Element | None) -> None:
    """Set, replace or (None) remove the metadata element of the namespace `uri`."""
    metadata = domain.find("metadata")
    if metadata is None:
        metadata = Element("metadata")
        domain.append(metadata)
    old = find(domain, uri)
    tree.replace_children(metadata, () if old is None else (old,), () if new is None else (new,))
    if not len(metadata):
        domain.remove(metadata)


def _elements(domain: Element) -> Iterator[tuple[Element, str]]:
    metadata = domain.find("metadata")
    for element in () if metadata is None else metadata:
        uri = _resolve(_declaration(_prefix(element)), (element, metadata, domain))
        if uri is not None:
            yield element, uri


def _resolve(declaration: str, scopes: tuple[Element | None, ...]) -> str | None:
    found = (scope.get(declaration) for scope in scopes if scope is not None)
    return next((uri for uri in found if uri), None)


def _element_value(element: Element, uri: str) -> MetadataElement:
    """The value of a qualified element; the declaration of its prefix stays only where an attribute still needs it."""
    copy, prefix = deepcopy(element), _prefix(element)
    copy.attrib.pop(_declaration(prefix), None)
    attributes_use_it = False
    for node in _scope(copy, prefix):
        node.tag = node.tag.removeprefix(f"{prefix}:")
        attributes_use_it |= any(name.startswith(f"{prefix}:") for name in node.attrib)
    if prefix and attributes_use_it:
        copy.set(_declaration(prefix), uri)
    return MetadataElement(uri=uri, prefix=prefix or UNNAMED_PREFIX, xml=tree.compact(_declarations_first(copy)))


def _declarations_first(root: Element) -> Element:
    """Order attributes as libxml2 writes them: declarations of namespaces, then all others."""
    for node in root.iter():
        attributes = sorted(node.attrib.items(), key=lambda item: item[0].partition(":")[0] != "xmlns")
        node.attrib.clear()
        node.attrib.update(attributes)
    return root


def _qualify(element: Element, prefix: str) -> None:
    """Give the prefix to the element and those inside that are in no namespace, as virDomainSetMetadata does."""
    if ":" not in element.tag:
        element.tag = f"{prefix}:{element.tag}"
    for child in element:
        if not child.get("xmlns") and _declaration(prefix) not in child.attrib:
            _qualify(child, prefix)


def _scope(element: Element, prefix: str) -> Iterator[Element]:
    """The element and those inside for which the prefix means the same."""
    yield element
    for child in element:
        if _declaration(prefix) not in child.attrib:
            yield from _scope(child, prefix)


def _prefix(element: Element) -> str:
    return element.tag.partition(":")[0] if ":" in element.tag else ""


def _declaration(prefix: str) -> str:
    return f"xmlns:{prefix}" if prefix else "xmlns"
