"""What virConnectGetCapabilities tells of a host.

What belongs here: the parts of `<capabilities>` that the driver uses, as a frozen value. What does not: figures that libvirt
gives by other calls (memory, hostname, versions). Format: https://libvirt.org/formatcaps.html.
"""

from dataclasses import dataclass

from virtproof_driver.markup import tree

TOPOLOGY = ("sockets", "cores", "threads")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestKind:
    """A kind of guest that the host can run: `<os><type>`, architecture, and domain types."""

    os_type: str
    architecture: str
    domain_types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCapabilities:
    """The host's processor and what it can run. A topology that libvirt does not tell is 0 of each."""

    uuid: str | None
    architecture: str
    cpu_model: str | None
    sockets: int
    cores: int
    threads: int
    numa_nodes: int
    guests: tuple[GuestKind, ...]


def parse_capabilities(xml: str) -> HostCapabilities:
    """The value of a capabilities XML. Raises tree.NotWellFormed."""
    root = tree.parse(xml)
    sockets, cores, threads = (int(tree.find_attribute(root, "host/cpu/topology", name) or "0") for name in TOPOLOGY)
    return HostCapabilities(
        uuid=tree.find_text(root, "host/uuid"),
        architecture=tree.find_text(root, "host/cpu/arch") or "",
        cpu_model=tree.find_text(root, "host/cpu/model"),
        sockets=sockets,
        cores=cores,
        threads=threads,
        numa_nodes=len(root.findall("host/topology/cells/cell")),
        guests=tuple(
            GuestKind(
                os_type=tree.find_text(guest, "os_type") or "",
                architecture=tree.find_attribute(guest, "arch", "name") or "",
                domain_types=tuple(found.get("type", "") for found in guest.iterfind("arch/domain")),
            )
            for guest in root.iterfind("guest")
        ),
    )
