"""What is known of a provisioned lane: versions, and the digest of what decides behaviour there.

What belongs here: reading both over a bare connection, and which hypervisor it leads to. What does not: judging by them
(`backends.predicates`).
"""

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from virtproof_driver.binding import Binding, Connection
from virtproof_driver.hypervisors import Hypervisor, hypervisor_for
from virtproof_driver.markup.host import parse_capabilities


def versions_of(binding: Binding, connection: Connection) -> Mapping[str, str]:
    """Versions by product, as predicates name them.

    `libvirt` is the library in which the hypervisor's driver runs (the daemon's, where there is one), `libvirt-client` the one
    in this process; the hypervisor goes by virConnectGetType in lower case. The test driver calls itself 0.0.2.
    """
    found = {
        "libvirt": dotted(connection.getLibVersion()),
        "libvirt-client": dotted(binding.getVersion()),
        connection.getType().lower(): dotted(connection.getVersion()),
        "python": platform.python_version(),
    }
    try:
        return found | {"libvirt-python": version("libvirt-python")}
    except PackageNotFoundError:
        return found


def hypervisor_of(connection: Connection) -> Hypervisor:
    """The hypervisor that a connection leads to, with the domain types that its host offers: KVM only where it can be used."""
    hypervisor = hypervisor_for(connection.getType())
    if len(hypervisor.domain_types) == 1:
        return hypervisor
    guests = parse_capabilities(connection.getCapabilities()).guests
    return hypervisor.on({kind for guest in guests for kind in guest.domain_types})


def fingerprint_of(versions: Mapping[str, str], connection: Connection) -> str:
    """The first 16 hexadecimal digits of a SHA-256 over versions, type and capabilities XML."""
    products = (f"{product} {versions[product]}" for product in sorted(versions))
    text = "\n".join((*products, connection.getType(), connection.getCapabilities()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def dotted(number: int) -> str:
    """A version number of libvirt's, 9000001, as 9.0.1."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
