"""Host: what the driver tells of the host itself, beside what the host says past it.

What belongs here: cases whose ids begin with `host`. What does not: the host's instances (`test_inventory`).
"""

from collections.abc import MutableMapping
from itertools import pairwise
from xml.etree.ElementTree import fromstring

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver

INFO = frozenset({Capability.HOST_INFO})
STATS = frozenset({Capability.HOST_STATS})
ALL_CPUS = -1  # VIR_NODE_CPU_STATS_ALL_CPUS


def numbers_of(version: int) -> tuple[int, int, int]:
    """The three numbers in libvirt's one, major * 1,000,000 + minor * 1,000 + release."""
    return version // 1_000_000, version // 1_000 % 1_000, version % 1_000


@case(
    "host.info.identity",
    Level.MUST,
    requirement="host() names the host and its hypervisor as libvirt does.",
    source="virConnectGetHostname; virConnectGetType",
    since="1.0",
    needs=INFO,
)
def test_identity(driver: ComputeDriver, world: World) -> None:
    host = driver.host()
    assert (host.hostname, host.hypervisor) == (world.connection.getHostname(), world.connection.getType())
    assert "://" in host.uri, "the URI that the host is reached by"


@case(
    "host.info.versions",
    Level.MUST,
    requirement="host() gives the versions of the hypervisor and of libvirt on the host as three numbers each.",
    source="virConnectGetVersion; virConnectGetLibVersion: major * 1,000,000 + minor * 1,000 + release",
    since="1.0",
    needs=INFO,
)
def test_versions(driver: ComputeDriver, world: World) -> None:
    host = driver.host()
    assert host.hypervisor_version == numbers_of(world.connection.getVersion())
    assert host.libvirt_version == numbers_of(world.connection.getLibVersion())


@case(
    "host.info.size",
    Level.MUST,
    requirement="host() gives the host's active processors, and its memory in MiB.",
    source="virNodeGetInfo, whose memory libvirt-python gives in MiB",
    since="1.0",
    needs=INFO,
)
def test_size(driver: ComputeDriver, world: World) -> None:
    host = driver.host()
    _, memory_mib, cpus, *_ = world.connection.getInfo()
    assert (host.cpus, host.memory_mib) == (cpus, memory_mib)


@case(
    "host.info.topology",
    Level.MUST,
    requirement="host() gives the processors' topology, which has room for all that are active.",
    source="virNodeInfo: nodes * sockets * cores * threads is the number of processors supported, active or not",
    since="1.0",
    needs=INFO,
)
def test_topology(driver: ComputeDriver, world: World) -> None:
    host = driver.host()
    _, _, cpus, _, nodes, sockets, cores, threads = world.connection.getInfo()
    assert (host.sockets, host.cores, host.threads) == (sockets, cores, threads)
    assert host.numa_nodes >= 1
    assert nodes * host.sockets * host.cores * host.threads >= host.cpus == cpus


@case(
    "host.info.architecture",
    Level.MUST,
    requirement="host() names the processor's architecture as the host's capabilities do.",
    source="https://libvirt.org/formatcaps.html: host/cpu/arch",
    since="1.0",
    needs=INFO,
)
def test_architecture(driver: ComputeDriver, world: World) -> None:
    assert driver.host().architecture == fromstring(world.connection.getCapabilities()).findtext("host/cpu/arch")


@case(
    "host.info.secure",
    Level.MUST,
    requirement="A connection that is encrypted is called secure.",
    source="virConnectIsSecure: secure if encrypted, or over a channel that is not exposed to eavesdropping",
    since="1.0",
    needs=INFO,
)
def test_encrypted_is_secure(driver: ComputeDriver) -> None:
    host = driver.host()
    assert {type(host.encrypted), type(host.secure)} == {bool}
    assert host.secure or not host.encrypted


@case(
    "host.info.total",
    Level.MUST,
    requirement="host() tells what the host has, not what is free: an instance more changes nothing of it.",
    source="virNodeInfo: memory is the host's size",
    since="1.0",
    needs=INFO | SPAWNED,
)
def test_instances_do_not_change_the_host(driver: ComputeDriver, small: Small) -> None:
    before = driver.host()
    driver.spawn(small())
    after = driver.host()
    assert after == before
    assert hash(after) == hash(before)


@case(
    "host.stats.names",
    Level.MUST,
    requirement="host_stats() gives each processor time that libvirt counts, under libvirt's name.",
    source="virNodeGetCPUStats: kernel, user, idle, iowait",
    since="1.0",
    needs=STATS,
)
def test_stats_have_libvirts_names(driver: ComputeDriver, world: World) -> None:
    times = driver.host_stats().cpu_ns
    assert set(times) == set(world.connection.getCPUStats(ALL_CPUS))
    assert times, "no processor times"
    assert all(time >= 0 for time in times.values())


@case(
    "host.stats.cumulative",
    Level.MUST,
    requirement="The processor times are cumulative: none of them goes down from one read to the next.",
    source="virNodeGetCPUStats: cumulative since the host's boot, in nanoseconds",
    since="1.0",
    needs=STATS,
)
def test_stats_never_go_down(driver: ComputeDriver) -> None:
    reads = [driver.host_stats().cpu_ns for _ in range(3)]
    for earlier, later in pairwise(reads):
        assert {name for name, time in earlier.items() if later[name] < time} == set()


@case(
    "host.stats.frozen",
    Level.MUST,
    requirement="The processor times are a reading: they cannot be changed, and a later reading does not change them.",
    source="driver contract: all values are frozen",
    since="1.0",
    needs=STATS,
)
def test_stats_are_a_value(driver: ComputeDriver) -> None:
    first = driver.host_stats().cpu_ns
    kept = dict(first)
    assert not isinstance(first, MutableMapping)
    driver.host_stats()
    assert dict(first) == kept
