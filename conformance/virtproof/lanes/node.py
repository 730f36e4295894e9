"""The node file: what a host of libvirt's test driver holds when it is opened by `test:///path/of/file.xml`.

What belongs here: its XML and its URI. What does not: when one is made (`test`). A case begins with a network and a storage pool,
both called `default` and active, and only the domains that it asks for; nothing of it touches the machine.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, fromstring, indent, tostring

USER: Final = "conformance"
PASSWORD: Final = "<secret> & \"quoted\" 'ünïcode'"  # noqa: S105 - accepted by the case's own file only; exercises escaping


def node_xml(*, authenticated: bool = False, domains: Sequence[str] = ()) -> str:
    """A node file's text; an authenticated one asks for USER and PASSWORD. `domains` are the XML of domains that run there."""
    root = Element("node")
    if authenticated:
        user = SubElement(SubElement(root, "auth"), "user", password=PASSWORD)
        user.text = USER
    _add_network(root)
    pool = SubElement(root, "pool", type="dir")
    SubElement(pool, "name").text = "default"
    SubElement(SubElement(pool, "target"), "path").text = "/virtproof/default-pool"
    root.extend(fromstring(domain) for domain in domains)
    indent(root)
    return tostring(root, encoding="unicode")


def write_node(folder: Path, name: str, *, authenticated: bool = False, domains: Sequence[str] = ()) -> str:
    """Write a node file of `node_xml`; the URI that opens it."""
    path = folder / name
    path.write_text(node_xml(authenticated=authenticated, domains=domains), encoding="utf-8")
    return node_uri(path)


def node_uri(path: Path) -> str:
    """The URI that opens a node file in process."""
    return f"test://{quote(str(path))}"


def _add_network(root: Element) -> None:
    network = SubElement(root, "network")
    SubElement(network, "name").text = "default"
    SubElement(network, "forward", mode="nat")
    SubElement(network, "bridge", name="virbr0")
    address = SubElement(network, "ip", address="192.168.122.1", netmask="255.255.255.0")
    SubElement(SubElement(address, "dhcp"), "range", start="192.168.122.2", end="192.168.122.254")
