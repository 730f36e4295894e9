"""Leases: what a network's DHCP server gave out, and to whom.

What belongs here: cases whose ids begin with `networks.leases`. What does not: traffic (`test_networks_traffic`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.suite.nets import JOINED, NIC, isolated, net, nic_of, on, reaches, translated
from virtproof.suite.talk import PATIENCE, Shell, shell
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import NetworkNotFound
from virtproof_driver.spec import DhcpHost, InstanceSpec
from virtproof_driver.values import Lease

LEASED = JOINED | {Capability.NETWORK_LEASES}
LISTED = {Capability.NETWORKS, Capability.NETWORK_LEASES}
SOON, LATE = 60, 48 * 3600  # seconds; a lease of libvirt's dnsmasq is an hour's unless the network says otherwise
Names = Callable[..., str]


def asked(guest: Shell) -> str:
    """Let the container ask for an address, and give it to its interface; what it got."""
    guest.output(f"ip link set {NIC} up && udhcpc -i {NIC} -n -q -t 12 -T 1")
    return guest.output(f"ip -4 -o address show {NIC} | sed 's/.*inet //; s/ .*//'").strip()


def fixed(spec: InstanceSpec, network: str) -> DhcpHost:
    """A fixed lease for the container."""
    return DhcpHost(mac=nic_of(spec).mac, ip=f"{net(network)}.50", name="fixed")


def told(driver: ComputeDriver, network: str, count: int) -> Sequence[Lease]:
    """A network's leases once there are so many: dnsmasq's helper writes one down a little after the guest has got it."""
    deadline = time.monotonic() + PATIENCE
    while len(found := driver.leases(network)) < count:
        assert time.monotonic() < deadline, f"{network} has {len(found)} leases, not {count}"
        Event().wait(0.02)
    return found


@case(
    "networks.leases.fixed",
    Level.MUST,
    requirement="A guest with a fixed lease gets its address, and leases() tells it with the host's name and an end to come.",
    source="https://libvirt.org/formatnetwork.html#addressing: dhcp host; virNetworkGetDHCPLeases",
    since="1.0",
    needs=LEASED,
)
def test_fixed(driver: ComputeDriver, small: Small, names: Names) -> None:
    name = names("net")
    spec = on(small(guest="obedient", wired=True), name)
    host = fixed(spec, name)
    driver.create_network(translated(name, fixed=(host,)))
    assert list(driver.leases(name)) == []
    with shell(driver, spec) as guest:
        assert asked(guest) == f"{host.ip}/24"
        assert reaches(guest, f"{net(name)}.1")
    (lease,) = told(driver, name, 1)
    assert (lease.mac, lease.ip, lease.prefix, lease.hostname) == (host.mac.lower(), host.ip, 24, "fixed")
    assert time.time() + SOON < lease.expires < time.time() + LATE


@case(
    "networks.leases.range",
    Level.MUST,
    requirement="A guest without a fixed lease gets an address of the range, and leases() tells which.",
    source="https://libvirt.org/formatnetwork.html#addressing: dhcp range; dnsmasq asks for three seconds whether it is free",
    since="1.0",
    needs=LEASED,
)
def test_range(driver: ComputeDriver, small: Small, names: Names) -> None:
    name = names("net")
    driver.create_network(translated(name))
    spec = on(small(guest="obedient", wired=True), name)
    with shell(driver, spec) as guest:
        address, _, prefix = asked(guest).partition("/")
    (lease,) = told(driver, name, 1)
    assert (lease.mac, lease.ip, str(lease.prefix)) == (nic_of(spec).mac.lower(), address, prefix)
    assert lease.ip in [f"{net(name)}.{last}" for last in range(100, 110)]


@case(
    "networks.leases.two",
    Level.MUST,
    requirement="leases() lists each guest's lease once, ordered by hardware address, and none of another network's.",
    source="virNetworkGetDHCPLeases",
    since="1.0",
    needs=LEASED,
)
def test_two(driver: ComputeDriver, small: Small, names: Names) -> None:
    name, other = names("net"), names("net")
    first, second = on(small(guest="obedient", wired=True), name), on(small(guest="obedient", wired=True), name)
    hosts = (fixed(first, name), replace(fixed(second, name), ip=f"{net(name)}.51", name="second"))
    driver.create_network(translated(name, fixed=hosts))
    driver.create_network(translated(other))
    with shell(driver, first) as one, shell(driver, second) as two:
        for guest in (one, two, one):
            asked(guest)
    assert [(lease.mac, lease.ip) for lease in told(driver, name, 2)] == sorted((host.mac.lower(), host.ip) for host in hosts)
    assert list(driver.leases(other)) == []


@case(
    "networks.leases.no-server",
    Level.MUST,
    requirement="A network without DHCP, and one that is not active, has no leases.",
    source="virNetworkGetDHCPLeases",
    since="1.0",
    needs=LISTED,
)
@pytest.mark.parametrize("form", ["isolated", "stopped"])
def test_no_server(driver: ComputeDriver, names: Names, form: str) -> None:
    name = names("net")
    driver.create_network(isolated(name) if form == "isolated" else translated(name))
    if form == "stopped":
        driver.stop_network(name)
    assert list(driver.leases(name)) == []


@case(
    "networks.leases.unknown",
    Level.MUST,
    requirement="The leases of an unknown network are NetworkNotFound, which names it.",
    source="libvirt error 43 (VIR_ERR_NO_NETWORK)",
    since="1.0",
    needs=LISTED,
)
def test_unknown(driver: ComputeDriver, names: Names) -> None:
    name = names("nowhere")
    with pytest.raises(NetworkNotFound) as refused:
        driver.leases(name)
    assert refused.value.key == name


@case(
    "networks.leases.deleted",
    Level.MUST,
    requirement="A network that was deleted and made again knows no lease of its former life.",
    source="virNetworkUndefine removes the status file of dnsmasq (measured on libvirt 11.3.0)",
    since="1.0",
    needs=LEASED,
)
def test_deleted(driver: ComputeDriver, small: Small, names: Names) -> None:
    name = names("net")
    spec = on(small(guest="obedient", wired=True), name)
    made = translated(name, fixed=(fixed(spec, name),))
    driver.create_network(made)
    with shell(driver, spec) as guest:
        asked(guest)
    assert len(told(driver, name, 1)) == 1
    driver.destroy(spec.uuid)
    driver.delete_network(name)
    driver.create_network(made)
    assert list(driver.leases(name)) == []
