"""Traffic: what flows between containers on networks, and what does not.

What belongs here: cases whose ids begin with `networks.traffic`. What does not: DHCP (`test_networks_leases`).
"""

import time
from collections.abc import Callable

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.lanes.model import GuestControl
from virtproof.probes.bench import bridge
from virtproof.recording.world import World
from virtproof.suite.common import domain_of, state_of
from virtproof.suite.nets import JOINED, NIC, addressed, isolated, net, nic_of, on, reaches, translated
from virtproof.suite.talk import PATIENCE, Shell, shell
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import NetworkNotFound
from virtproof_driver.markup.domain import interface_targets
from virtproof_driver.spec import ForwardMode, NetworkSpec
from virtproof_driver.values import InterfaceCounters, PowerState

Names = Callable[..., str]
FORMS: dict[str, Callable[[str], NetworkSpec]] = {"isolated": isolated, "nat": translated}
LINE = "what the wire carried"


def counters(driver: ComputeDriver, uuid: object) -> InterfaceCounters:
    """An instance's one interface, as counted now."""
    (found,) = driver.diagnostics(str(uuid)).interfaces
    return found


def device(world: World, uuid: object) -> str:
    """The host's end of an instance's one interface: a veth, or a tap."""
    (target,) = interface_targets(world.xml(str(uuid)))
    return f"/sys/class/net/{target}"


def ends(guests: GuestControl, process: str) -> bool:
    """Whether a process of the host ends soon: libvirt sends dnsmasq a signal and does not wait."""
    deadline = time.monotonic() + PATIENCE
    while guests.exists(process):
        if time.monotonic() > deadline:
            return False
    return True


@case(
    "networks.traffic.same",
    Level.MUST,
    requirement="Two instances on one network reach each other, both ways.",
    source="https://libvirt.org/formatnetwork.html: forward; a bridge of the host joins its guests",
    since="1.0",
    needs=JOINED,
)
@pytest.mark.parametrize("form", FORMS)
def test_same(driver: ComputeDriver, small: Small, names: Names, form: str) -> None:
    network = driver.create_network(FORMS[form](names("net"))).name
    first, second = on(small(guest="obedient", wired=True), network), on(small(guest="obedient", wired=True), network)
    with shell(driver, first) as one, shell(driver, second) as other:
        addressed(one, f"{net(network)}.11")
        addressed(other, f"{net(network)}.12")
        assert reaches(one, f"{net(network)}.12")
        assert reaches(other, f"{net(network)}.11")
        assert not reaches(one, f"{net(network)}.13", tries=1), "nobody has that address"


@case(
    "networks.traffic.bytes",
    Level.MUST,
    requirement="A line that one instance sends over TCP is what the other one receives.",
    source="https://libvirt.org/formatnetwork.html",
    since="1.0",
    needs=JOINED,
)
def test_bytes(driver: ComputeDriver, small: Small, names: Names) -> None:
    network = driver.create_network(isolated(names("net"))).name
    first, second = on(small(guest="obedient", wired=True), network), on(small(guest="obedient", wired=True), network)
    with shell(driver, first) as server, shell(driver, second) as client:
        addressed(server, f"{net(network)}.11")
        addressed(client, f"{net(network)}.12")
        server.begin("timeout 20 nc -l -p 7000")
        sends = f"echo {LINE} | nc -w 2 {net(network)}.11 7000"
        client.output(f"for try in 1 2 3 4 5 6 7 8; do {sends} && break; sleep 0.3; done")
        assert server.result() == (0, f"{LINE}\n")


@case(
    "networks.traffic.host",
    Level.MUST,
    requirement="An instance reaches the host's address on its network, and the host's name server answers there.",
    source="https://libvirt.org/formatnetwork.html#addressing; dnsmasq",
    since="1.0",
    needs=JOINED,
)
def test_host(driver: ComputeDriver, small: Small, names: Names) -> None:
    network = driver.create_network(translated(names("net"))).name
    with shell(driver, on(small(guest="obedient", wired=True), network)) as guest:
        addressed(guest, f"{net(network)}.11")
        assert reaches(guest, f"{net(network)}.1")
        assert guest.run(f"nc -w 2 {net(network)}.1 53 </dev/null")[0] == 0


@case(
    "networks.traffic.two-networks",
    Level.MUST,
    requirement="Instances on two isolated networks do not reach each other, whatever addresses they give themselves.",
    source="https://libvirt.org/formatnetwork.html: a network without <forward> is isolated",
    since="1.0",
    needs=JOINED,
)
def test_two_networks(driver: ComputeDriver, small: Small, names: Names) -> None:
    here, there = (driver.create_network(isolated(names("net"))).name for _ in range(2))
    first, second, control = (on(small(guest="obedient", wired=True), network) for network in (here, there, here))
    with shell(driver, first) as one, shell(driver, second) as other, shell(driver, control) as neighbour:
        for container, last in ((one, 11), (other, 12), (neighbour, 13)):
            addressed(container, f"{net(here)}.{last}")
        assert reaches(one, f"{net(here)}.13"), "the first one's own network carries"
        assert not reaches(one, f"{net(here)}.12", tries=2)
        assert not reaches(other, f"{net(here)}.11", tries=2)


@case(
    "networks.traffic.counted",
    Level.MUST,
    requirement="What an instance sends and receives is in its interface's counters.",
    source="virDomainInterfaceStats",
    since="1.0",
    needs=JOINED | {Capability.DIAGNOSTICS},
)
def test_counted(driver: ComputeDriver, small: Small, names: Names) -> None:
    network = driver.create_network(isolated(names("net"))).name
    first, second = on(small(guest="obedient", wired=True), network), on(small(guest="obedient", wired=True), network)
    with shell(driver, first) as one, shell(driver, second) as other:
        addressed(one, f"{net(network)}.11")
        addressed(other, f"{net(network)}.12")
        before = counters(driver, first.uuid)
        one.output(f"ping -c 4 -A -s 1000 {net(network)}.12")
        after = counters(driver, first.uuid)
    assert after.tx_packets - before.tx_packets >= 4
    assert after.tx_bytes - before.tx_bytes >= 4000
    assert after.rx_bytes - before.rx_bytes >= 4000


@case(
    "networks.traffic.bridge",
    Level.MUST,
    requirement="An instance on a host's bridge, by name or by a network of forward mode bridge, is on what the bridge joins.",
    source="https://libvirt.org/formatnetwork.html#using-an-existing-host-bridge; interface type bridge",
    since="1.0",
    needs=JOINED,
)
@pytest.mark.parametrize("by", ["name", "network"])
def test_bridge(driver: ComputeDriver, small: Small, names: Names, by: str) -> None:
    made = driver.create_network(isolated(names("net")))
    second = on(small(guest="obedient", wired=True), bridge=bridge(made.name))
    if by == "network":
        bridged = NetworkSpec(name=names("bridged"), forward=ForwardMode.BRIDGE, bridge=bridge(made.name))
        second = on(second, _bridged(driver, bridged))
    with shell(driver, on(small(guest="obedient", wired=True), made.name)) as one, shell(driver, second) as other:
        addressed(one, f"{net(made.name)}.11")
        addressed(other, f"{net(made.name)}.12")
        assert reaches(other, f"{net(made.name)}.11")


def _bridged(driver: ComputeDriver, spec: NetworkSpec) -> str:
    return driver.create_network(spec).name


@case(
    "networks.traffic.deleted",
    Level.MUST,
    requirement="A network is deleted under an instance, which runs on, cut off, and starts again once the network is back.",
    source="virNetworkDestroy asks nobody; a start then gives 43/19 (measured on libvirt 9.0.0 and 11.3.0)",
    since="1.0",
    needs=JOINED | {Capability.STOP, Capability.START},
)
def test_deleted(driver: ComputeDriver, small: Small, names: Names, world: World) -> None:
    spec = isolated(names("net"))
    driver.create_network(spec)
    first, second = on(small(guest="obedient", wired=True), spec.name), on(small(guest="obedient", wired=True), spec.name)
    with shell(driver, first) as one, shell(driver, second) as other:
        addressed(one, f"{net(spec.name)}.11")
        addressed(other, f"{net(spec.name)}.12")
        assert reaches(one, f"{net(spec.name)}.12")
        driver.delete_network(spec.name)
        assert not reaches(one, f"{net(spec.name)}.12", tries=2)
    assert world.state(first.uuid) == (DomainState.RUNNING, 1)
    driver.stop(first.uuid, timeout=0)
    with pytest.raises(NetworkNotFound) as refused:
        driver.start(first.uuid)
    assert refused.value.key == spec.name or spec.name in str(refused.value)
    driver.create_network(spec)
    assert driver.start(first.uuid).state is PowerState.RUNNING


@case(
    "networks.traffic.unknown",
    Level.MUST,
    requirement="A spawn on a network that is not there fails by a typed error and leaves nothing.",
    source="libvirt error 43 (VIR_ERR_NO_NETWORK)",
    since="1.0",
    needs=JOINED,
)
def test_unknown_network(driver: ComputeDriver, small: Small, names: Names, world: World) -> None:
    spec = on(small(guest="obedient", wired=True), names("nowhere"))
    with pytest.raises(NetworkNotFound) as failed:
        driver.spawn(spec)
    assert failed.value.undone_failures == ()
    assert world.domain(spec.uuid) is None


@case(
    "networks.traffic.hardware-address",
    Level.MUST,
    requirement="The guest's interface has the hardware address that the spec gave it.",
    source="https://libvirt.org/formatdomain.html#network-interfaces: mac",
    since="1.0",
    needs=JOINED,
)
def test_hardware_address(driver: ComputeDriver, small: Small, names: Names) -> None:
    network = driver.create_network(isolated(names("net"))).name
    spec = on(small(guest="obedient", wired=True), network)
    with shell(driver, spec) as guest:
        assert guest.output(f"cat /sys/class/net/{NIC}/address").strip() == nic_of(spec).mac.lower()


@case(
    "networks.traffic.devices-gone",
    Level.MUST,
    requirement="With an instance goes the host's end of its interface; with a network its bridge and its DHCP server.",
    source="virDomainDestroy, virNetworkDestroy",
    since="1.0",
    needs=JOINED,
)
def test_devices_gone(driver: ComputeDriver, small: Small, names: Names, world: World, guests: GuestControl) -> None:
    network = driver.create_network(translated(names("net"))).name
    spec = on(small(guest="obedient", wired=True), network)
    instance = driver.spawn(spec)
    end, joint = device(world, spec.uuid), f"/sys/class/net/{bridge(network)}"
    server = f"/run/libvirt/network/{network}.pid"
    process = f"/proc/{guests.read(server).decode().strip()}"
    settings = f"/var/lib/libvirt/dnsmasq/{network}.conf"
    assert all(map(guests.exists, (end, joint, process, settings)))
    assert state_of(world, instance) == DomainState.RUNNING
    driver.destroy(spec.uuid)
    assert not guests.exists(end)
    driver.delete_network(network)
    assert not any(map(guests.exists, (joint, settings)))
    assert ends(guests, process), "the DHCP server ran on"


@case(
    "networks.traffic.started-again",
    Level.MUST,
    requirement="A network that was stopped and started carries the traffic of instances that start after it.",
    source="virNetworkDestroy, virNetworkCreate",
    since="1.0",
    needs=JOINED,
)
def test_started_again(driver: ComputeDriver, small: Small, names: Names, world: World) -> None:
    network = driver.create_network(translated(names("net"))).name
    driver.stop_network(network)
    driver.start_network(network)
    spec = on(small(guest="obedient", wired=True), network)
    with shell(driver, spec) as guest:
        _reaches_host(guest, network)
    assert domain_of(world, spec.uuid).isActive() == 1


def _reaches_host(guest: Shell, network: str) -> None:
    addressed(guest, f"{net(network)}.11")
    assert reaches(guest, f"{net(network)}.1")
