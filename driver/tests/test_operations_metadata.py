"""Tests of `operations.metadata` on libvirt's test driver: an element reads back as it was given, whatever its layout."""

import pytest

from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.errors import MetadataNotFound
from virtproof_driver.markup.metadata import canonical
from virtproof_driver.spec import InstanceSpec, MetadataElement

URI = "urn:example:mine"


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param("<note/>", id="empty"),
        pytest.param("<note><a>x</a><b/></note>", id="children"),
        pytest.param("<note>\n  <a>x</a>\n\n  <b></b>\n</note>", id="layout"),
        pytest.param("<note><!-- said --><a/></note>", id="comment"),
        pytest.param("<note k='&lt;&amp;&quot;' j='2'>&lt;&amp;é</note>", id="escapes"),
        pytest.param("<note k='1' xmlns:q='urn:q'><q:b q:k='1'/></note>", id="prefixes"),
        pytest.param("<note>text <b/> and <b/> more</note>", id="mixed"),
    ],
)
@pytest.mark.parametrize("start", [True, False])
def test_an_element_reads_back_in_canonical_form(driver: LibvirtDriver, small: InstanceSpec, start: bool, xml: str) -> None:
    driver.spawn(small, start=start)
    driver.set_metadata(small.uuid, MetadataElement(uri=URI, prefix="p", xml=xml))
    assert driver.metadata(small.uuid, URI) == canonical(xml)
    assert driver.spec(small.uuid).metadata == (MetadataElement(uri=URI, prefix="p", xml=canonical(xml)),)


def test_what_metadata_gives_can_be_set_again(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    driver.set_metadata(small.uuid, MetadataElement(uri=URI, prefix="p", xml="<a>\n <b>1</b>\n</a>"))
    read = driver.metadata(small.uuid, URI)
    driver.set_metadata(small.uuid, MetadataElement(uri=URI, prefix="p", xml=read))
    assert driver.metadata(small.uuid, URI) == read == "<a><b>1</b></a>"


def test_absent_metadata_is_named(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    with pytest.raises(MetadataNotFound) as caught:
        driver.metadata(small.uuid, URI)
    assert caught.value.key == URI
