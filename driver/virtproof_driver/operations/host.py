"""What the host is and how busy it is.

What belongs here: reads of the host. What does not: its instances (`inventory`).
"""

from types import MappingProxyType

from virtproof_driver.link import Link
from virtproof_driver.markup.host import parse_capabilities
from virtproof_driver.values import HostInfo, HostStats

ALL_CPUS = -1  # VIR_NODE_CPU_STATS_ALL_CPUS
_THOUSAND = 1000


def host(link: Link) -> HostInfo:
    """Describe the host by virNodeInfo's figures; where the capabilities count NUMA nodes, theirs is the right number."""
    connection = link.connection()
    capabilities = parse_capabilities(link.call(connection.getCapabilities))
    _, memory_mib, cpus, _, nodes, sockets, cores, threads = link.call(connection.getInfo)
    return HostInfo(
        hostname=link.call(connection.getHostname),
        uri=link.uri,
        hypervisor=link.call(connection.getType),
        hypervisor_version=version(link.call(connection.getVersion)),
        libvirt_version=version(link.call(connection.getLibVersion)),
        architecture=capabilities.architecture,
        cpus=int(cpus),
        memory_mib=int(memory_mib),
        numa_nodes=capabilities.numa_nodes or int(nodes),
        sockets=int(sockets),
        cores=int(cores),
        threads=int(threads),
        encrypted=bool(link.call(connection.isEncrypted)),
        secure=bool(link.call(connection.isSecure)),
    )


def host_stats(link: Link) -> HostStats:
    """Read the host's cumulative processor times in nanoseconds."""
    return HostStats(cpu_ns=MappingProxyType(dict(link.call(link.connection().getCPUStats, ALL_CPUS))))


def version(number: int) -> tuple[int, int, int]:
    """The three numbers of a version that libvirt gives as one: major * 1,000,000 + minor * 1,000 + release."""
    rest, release = divmod(number, _THOUSAND)
    major, minor = divmod(rest, _THOUSAND)
    return major, minor, release
