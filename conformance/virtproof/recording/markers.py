"""A scratch domain, whose definition and removal mark a point in a host's events.

What belongs here: the smallest definition that a host accepts, made from its own capabilities, and touching it. What does
not: who waits for the events (`collector`). The domain is never started.
"""

from typing import Final
from uuid import UUID, uuid5
from xml.etree import ElementTree as ET

from virtproof_driver.binding import Connection

_NAMESPACE: Final = UUID("5f1d0b5e-7a1c-5f2e-9a43-0d6c3c1b7e11")
_MEMORY_KIB: Final = "8192"


def touch(connection: Connection, prefix: str, number: int) -> str:
    """Define and undefine a scratch domain; its UUID."""
    name = f"{prefix}marker-{number}"
    uuid = str(uuid5(_NAMESPACE, name))
    connection.defineXML(definition(connection.getCapabilities(), name, uuid)).undefineFlags()
    return uuid


def definition(capabilities: str, name: str, uuid: str) -> str:
    """A domain's XML for the first guest type of a host's capabilities XML."""
    guest = ET.fromstring(capabilities).find("guest")
    os_type, architecture, kind = ("hvm", "", "test") if guest is None else _guest(guest)
    domain = ET.Element("domain", type=kind)
    ET.SubElement(domain, "name").text = name
    ET.SubElement(domain, "uuid").text = uuid
    ET.SubElement(domain, "memory", unit="KiB").text = _MEMORY_KIB
    system = ET.SubElement(domain, "os")
    ET.SubElement(system, "type", {"arch": architecture} if architecture else {}).text = os_type
    if os_type == "exe":
        ET.SubElement(system, "init").text = "/bin/true"
    return ET.tostring(domain, encoding="unicode")


def _guest(guest: ET.Element) -> tuple[str, str, str]:
    kind = guest.find("arch/domain")
    architecture = guest.find("arch")
    return (
        guest.findtext("os_type", "hvm"),
        "" if architecture is None else architecture.get("name", ""),
        "test" if kind is None else kind.get("type", "test"),
    )
