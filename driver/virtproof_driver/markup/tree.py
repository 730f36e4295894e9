"""Text to element tree and back, with every qualified name kept as it was spelt.

What belongs here: parsing, writing, and small helpers on elements. What does not: any libvirt vocabulary.
The parser is expat without namespace processing: `p:a` stays the tag "p:a" and `xmlns:p` stays an attribute. So a tree that
is read and written again keeps foreign prefixes, and no process-wide prefix table (ElementTree's own way) is needed.

White space follows libxml2 with its blanks option off, which is how libvirt reads XML (measured on libvirt 9.0.0, which prints
metadata newly indented): in an element that has child elements and does not begin with text, blank text is layout.
Comments and processing instructions are dropped.
"""

from collections.abc import Iterable
from copy import deepcopy
from typing import NoReturn
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring
from xml.parsers import expat

BLANKS = " \t\r\n"
DEEPEST = 256  # libxml2 refuses more nested elements than this


class NotWellFormed(ValueError):
    """The text is not one well-formed XML element, or it has a document type."""


def parse(text: str, *, namespaces: bool = False) -> Element:
    """The root element of `text`, without layout. Raises NotWellFormed.

    With `namespaces`, also when a prefix is not declared or a name has more than one; libvirt's own XML needs no such check.
    """
    if namespaces:
        _check_namespaces(text)
    builder = TreeBuilder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    _run(parser, text)
    root = builder.close()
    if depth(root) > DEEPEST:
        raise NotWellFormed(f"nests more than {DEEPEST} elements")
    return _without_layout(root)


def text_of(element: Element) -> str:
    """The element as XML text, indented by two spaces where that adds nothing to its content; no XML declaration."""
    tree = deepcopy(element)
    tree.tail = None
    _indent(tree, "\n")
    return _written(tree)


def compact(element: Element) -> str:
    """The element as XML text on one line, as far as its content allows."""
    tree = deepcopy(element)
    tree.tail = None
    return _written(tree)


def add(parent: Element, tag: str, text: str | None = None, /, **attributes: str | None) -> Element:
    """Append a child; attributes that are None are left out."""
    child = SubElement(parent, tag, {name: value for name, value in attributes.items() if value is not None})
    child.text = text
    return child


def find_text(parent: Element, path: str) -> str | None:
    """The text of the first element at `path`; "" when it is empty, None when it is not there."""
    found = parent.find(path)
    return None if found is None else found.text or ""


def find_attribute(parent: Element, path: str, name: str) -> str | None:
    """An attribute of the first element at `path`; None when either is not there."""
    found = parent.find(path)
    return None if found is None else found.get(name)


def replace_children(parent: Element, old: Iterable[Element], new: Iterable[Element]) -> None:
    """Put `new` in the place of `old`, where the first of them stood; at the end when `old` is empty."""
    children = list(parent)
    gone = {id(child) for child in old}
    place = next((index for index, child in enumerate(children) if id(child) in gone), len(children))
    kept_before = [child for child in children[:place] if id(child) not in gone]
    kept_after = [child for child in children[place:] if id(child) not in gone]
    parent[:] = [*kept_before, *new, *kept_after]


def depth(root: Element) -> int:
    """How many elements are nested, the root included."""
    level, levels = [root], 0
    while level:
        level, levels = [child for element in level for child in element], levels + 1
    return levels


def _written(tree: Element) -> str:
    """ElementTree escapes a carriage return in attributes only; as it is, the next parser would read a newline in text.

    A bare ">" is always escaped, so " />" is the end of an empty element, which libvirt writes without the space.
    """
    return tostring(tree, encoding="unicode").replace("\r", "&#13;").replace(" />", "/>")


def _run(parser: expat.XMLParserType, text: str) -> None:
    try:
        parser.Parse(text, True)  # noqa: FBT003 - expat takes no keywords
    except (expat.ExpatError, UnicodeEncodeError) as error:
        raise NotWellFormed(str(error)) from None


def _check_namespaces(text: str) -> None:
    parser = expat.ParserCreate("utf-8", " ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    _run(parser, text)


def _refuse_doctype(name: str, *_identifiers: object) -> NoReturn:
    raise NotWellFormed(f"has a document type ({name}); entities are not expanded")


def _blank(text: str | None) -> bool:
    return not text or not text.strip(BLANKS)


def _without_layout(root: Element) -> Element:
    for element in root.iter():
        if len(element) and _blank(element.text):
            element.text = None
            for child in element:
                child.tail = None if _blank(child.tail) else child.tail
    return root


def _indent(element: Element, newline: str) -> None:
    if not len(element) or element.text or any(child.tail for child in element):
        return
    element.text = newline + "  "
    for child in element:
        _indent(child, newline + "  ")
        child.tail = newline + "  "
    element[-1].tail = newline
