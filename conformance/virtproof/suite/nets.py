"""Networks of containers: specs whose addresses and bridges no other case has, and containers on them.

What belongs here: the vocabulary of cases about traffic and leases. What does not: any case, and networks that nobody is on
(`test_networks`).
"""

import hashlib
from dataclasses import replace
from typing import Final

from virtproof.probes.bench import bridge
from virtproof.suite.talk import SHELL, Shell
from virtproof_driver import Capability
from virtproof_driver.spec import DhcpHost, DhcpRange, ForwardMode, InstanceSpec, Interface, NetworkSpec, Subnet

JOINED: Final = SHELL | {Capability.NETWORKS}
NIC: Final = "eth0"


def net(name: str) -> str:
    """The first three numbers of a network's addresses: 198.18.0.0/15 is kept for benchmarks (RFC 2544)."""
    first, second = hashlib.sha256(name.encode()).digest()[:2]
    return f"198.{18 + first % 2}.{second}"


def isolated(name: str) -> NetworkSpec:
    """A network without a way out, and without an address of the host."""
    return NetworkSpec(name=name, forward=ForwardMode.ISOLATED, bridge=bridge(name))


def translated(name: str, *, fixed: tuple[DhcpHost, ...] = ()) -> NetworkSpec:
    """A network with addresses from DHCP, behind the host's own."""
    ranges = (DhcpRange(start=f"{net(name)}.100", end=f"{net(name)}.109"),)
    served = Subnet(address=f"{net(name)}.1", prefix=24, ranges=ranges, hosts=fixed)
    return NetworkSpec(name=name, forward=ForwardMode.NAT, bridge=bridge(name), subnets=(served,))


def on(spec: InstanceSpec, network: str | None = None, *, bridge: str | None = None) -> InstanceSpec:
    """The same container with its one interface there."""
    (nic,) = spec.interfaces
    return replace(spec, interfaces=(replace(nic, network=network, bridge=bridge),))


def nic_of(spec: InstanceSpec) -> Interface:
    """A container's one interface."""
    (nic,) = spec.interfaces
    return nic


def addressed(shell: Shell, address: str) -> None:
    """Give the container an address, /24, by hand."""
    shell.output(f"ip link set {NIC} up && ip address add {address}/24 dev {NIC}")


def reaches(shell: Shell, address: str, *, tries: int = 5) -> bool:
    """Whether an address answers; each try waits a second."""
    return shell.run(f"ping -c {tries} -W 1 -A {address} >/dev/null")[0] == 0
