"""Text to tree and back: what is kept, what is layout, what is refused."""

from xml.etree.ElementTree import Element

import pytest

from virtproof_driver.markup import tree


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("<a></a>", "<a/>"),
        ("<?xml version='1.0'?>\n<a\n/>\n", "<a/>"),
        ("<a> <b/>\n<c/> </a>", "<a><b/><c/></a>"),
        ("<a> </a>", "<a> </a>"),
        ("<a>text<b/> <c/> </a>", "<a>text<b/> <c/> </a>"),
        ("<a> <b/>text<c/> <d/></a>", "<a><b/>text<c/><d/></a>"),
        ("<a><!-- x --><?y z?><b/></a>", "<a><b/></a>"),
        ("<a>&#13;x</a>", "<a>&#13;x</a>"),
        ("<a b='&#13;&#10;&#9;'/>", '<a b="&#13;&#10;&#09;"/>'),
        ("<p:a xmlns:p='urn:p' p:b='1'><q/></p:a>", '<p:a xmlns:p="urn:p" p:b="1"><q/></p:a>'),
        ("<a><![CDATA[<&]]></a>", "<a>&lt;&amp;</a>"),
        ("<a b=' />'> /></a>", '<a b=" /&gt;"> /&gt;</a>'),
    ],
)
def test_what_is_read_is_written_without_layout(given: str, written: str) -> None:
    assert tree.compact(tree.parse(given)) == written
    assert tree.compact(tree.parse(written)) == written


def test_indenting_adds_nothing_to_content() -> None:
    given = "<a><b><c/></b><d>text<e/></d><f> </f></a>"
    assert tree.text_of(tree.parse(given)) == "<a>\n  <b>\n    <c/>\n  </b>\n  <d>text<e/></d>\n  <f> </f>\n</a>"
    assert tree.compact(tree.parse(tree.text_of(tree.parse(given)))) == given


def test_writing_leaves_the_tree_as_it_was() -> None:
    root = tree.parse("<a><b/></a>")
    tree.text_of(root[0])
    tree.text_of(root)
    assert tree.compact(root) == "<a><b/></a>"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "<a>",
        "<a/><b/>",
        "<a b/>",
        "<a>\x00</a>",
        "<a>\ud800</a>",
        "<a>&e;</a>",
        "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
    ],
)
def test_what_is_not_one_element_is_refused(text: str) -> None:
    with pytest.raises(tree.NotWellFormed):
        tree.parse(text)


def test_an_element_nested_deeper_than_libxml2_reads_is_refused() -> None:
    assert tree.depth(tree.parse("<a>" * 256 + "</a>" * 256)) == 256
    with pytest.raises(tree.NotWellFormed, match="256"):
        tree.parse("<a>" * 257 + "</a>" * 257)


@pytest.mark.parametrize("text", ["<p:a/>", "<a p:b='1'/>", "<a xmlns:p='u'><p:b:c/></a>", "<a xmlns:p=''/>"])
def test_names_that_namespaces_do_not_allow_are_refused_on_request(text: str) -> None:
    assert tree.parse(text).tag
    with pytest.raises(tree.NotWellFormed):
        tree.parse(text, namespaces=True)


def test_children_are_replaced_where_the_first_of_them_stood() -> None:
    root = tree.parse("<a><b/><c/><d/><c/></a>")
    tree.replace_children(root, root.findall("c"), [Element("x"), Element("y")])
    assert [child.tag for child in root] == ["b", "x", "y", "d"]
    tree.replace_children(root, (), [Element("z")])
    assert [child.tag for child in root] == ["b", "x", "y", "d", "z"]


def test_absent_and_empty_are_told_apart() -> None:
    root = tree.parse("<a><b/><c d=''/></a>")
    assert (tree.find_text(root, "b"), tree.find_text(root, "x")) == ("", None)
    assert (tree.find_attribute(root, "c", "d"), tree.find_attribute(root, "c", "x"), tree.find_attribute(root, "x", "d")) == (
        "",
        None,
        None,
    )
