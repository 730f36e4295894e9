"""Networks: the host's virtual networks.

What belongs here: cases whose ids begin with `networks`. What does not: their names' characters (`test_escaping`).
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.foreign import foreign_network
from virtproof.probes.bench import bridge
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH_NAME, SPAWNED
from virtproof.suite.nets import net
from virtproof_driver import Capability
from virtproof_driver.constants import ErrorCode
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import HypervisorError, InvalidSpec, NetworkExists, NetworkNotFound
from virtproof_driver.spec import DhcpHost, DhcpRange, ForwardMode, Interface, NetworkSpec, Subnet
from virtproof_driver.values import NetworkInfo

NETWORKS = frozenset({Capability.NETWORKS})
ON_A_NETWORK = NETWORKS | SPAWNED
MAC = "52:54:00:76:70:01"
OTHER_MAC = "52:54:00:76:70:02"

Names = Callable[..., str]
Make = Callable[[str], NetworkSpec]


def subnet(name: str, *, ranges: tuple[DhcpRange, ...] = (), hosts: tuple[DhcpHost, ...] = ()) -> Subnet:
    """A subnet of 198.18.0.0/15, kept for benchmarks (RFC 2544), by the network's name, so that cases at one time differ."""
    return Subnet(address=f"{net(name)}.1", prefix=24, ranges=ranges, hosts=hosts)


def isolated(name: str) -> NetworkSpec:
    """A network that leads nowhere."""
    return NetworkSpec(name=name, forward=ForwardMode.ISOLATED, bridge=bridge(name))


FORMS: dict[str, Make] = {
    "isolated": isolated,
    "nat": lambda name: NetworkSpec(name=name, forward=ForwardMode.NAT, bridge=bridge(name), subnets=(subnet(name),)),
    "route": lambda name: NetworkSpec(name=name, forward=ForwardMode.ROUTE, bridge=bridge(name), subnets=(subnet(name),)),
    "bridge-chosen": lambda name: replace(isolated(name), bridge=None),
    "range": lambda name: replace(
        isolated(name), subnets=(subnet(name, ranges=(DhcpRange(start=f"{net(name)}.10", end=f"{net(name)}.99"),)),)
    ),
    "hosts": lambda name: replace(
        isolated(name),
        subnets=(
            subnet(
                name,
                hosts=(
                    DhcpHost(mac=MAC, ip=f"{net(name)}.101", name="one"),
                    DhcpHost(mac=OTHER_MAC, ip=f"{net(name)}.102"),
                ),
            ),
        ),
    ),
    "two-families": lambda name: replace(isolated(name), subnets=(subnet(name), Subnet(address="2001:db8:7670::1", prefix=64))),
}
IMPOSSIBLE: dict[str, tuple[str, Make]] = {
    "no-name": ("name", lambda name: replace(isolated(name), name="")),
    "slash": ("name", lambda name: replace(isolated(name), name=f"{name}/x")),
    "long-bridge": ("bridge", lambda name: replace(isolated(name), bridge="b" * 16)),
    "no-address": ("subnets[0].address", lambda name: replace(isolated(name), subnets=(Subnet(address="198.18.0", prefix=24),))),
    "prefix": ("subnets[0].prefix", lambda name: replace(isolated(name), subnets=(replace(subnet(name), prefix=33),))),
    "outside": (
        "subnets[0].hosts[0].ip",
        lambda name: replace(isolated(name), subnets=(subnet(name, hosts=(DhcpHost(mac=MAC, ip="192.0.2.1"),)),)),
    ),
    "backwards": (
        "subnets[0].ranges[0].end",
        lambda name: replace(
            isolated(name), subnets=(subnet(name, ranges=(DhcpRange(start=f"{net(name)}.9", end=f"{net(name)}.8"),)),)
        ),
    ),
}
ON_ONE: dict[str, Callable[[ComputeDriver], object]] = {
    "read": lambda driver: driver.network(NO_SUCH_NAME),
    "spec": lambda driver: driver.network_spec(NO_SUCH_NAME),
    "start": lambda driver: driver.start_network(NO_SUCH_NAME),
    "stop": lambda driver: driver.stop_network(NO_SUCH_NAME),
    "delete": lambda driver: driver.delete_network(NO_SUCH_NAME),
}


@pytest.fixture
def network(driver: ComputeDriver, names: Names) -> NetworkInfo:
    """An isolated network that is active."""
    return driver.create_network(isolated(names("net")))


def own(driver: ComputeDriver, world: World) -> list[NetworkInfo]:
    """The driver's list, as far as it is the worker's own: on a shared host those of other workers come and go meanwhile."""
    return [one for one in driver.networks() if one.name.startswith(world.prefix)]


@case(
    "networks.create",
    Level.MUST,
    requirement="create_network() gives a network that is active, persistent, listed, and started at boot only if asked for.",
    source="virNetworkDefineXML, virNetworkCreate, virNetworkSetAutostart",
    since="1.0",
    needs=NETWORKS,
)
@pytest.mark.parametrize("autostart", ["autostart", "by-hand"])
def test_create(driver: ComputeDriver, names: Names, world: World, autostart: str) -> None:
    name = names("net")
    made = driver.create_network(isolated(name), autostart=autostart == "autostart")
    assert (made.name, made.active, made.persistent, made.autostart) == (name, True, True, autostart == "autostart")
    assert driver.network(name) == made
    assert made in driver.networks()
    assert world.inventory().networks == (name,)


@case(
    "networks.spec.round-trip",
    Level.MUST,
    requirement="network_spec() gives what the network was made from, with the UUID and bridge that the host chose.",
    source="https://libvirt.org/formatnetwork.html",
    since="1.0",
    needs=NETWORKS,
)
@pytest.mark.parametrize("form", FORMS)
def test_spec_is_what_was_made(driver: ComputeDriver, names: Names, form: str) -> None:
    spec = FORMS[form](names("net"))
    made = driver.create_network(spec)
    assert driver.network_spec(spec.name) == replace(spec, uuid=made.uuid, bridge=made.bridge)
    assert made.bridge == (spec.bridge or made.bridge)


@case(
    "networks.uuid",
    Level.MUST,
    requirement="A network gets the UUID that its spec has.",
    source="https://libvirt.org/formatnetwork.html: uuid",
    since="1.0",
    needs=NETWORKS,
)
def test_uuid(driver: ComputeDriver, names: Names, small: Small) -> None:
    uuid = small().uuid
    assert driver.create_network(replace(isolated(names("net")), uuid=uuid)).uuid == uuid


@case(
    "networks.restart",
    Level.MUST,
    requirement="A stopped network stays defined, and started again it is the network that it was.",
    source="virNetworkDestroy: stops an active network; virNetworkCreate starts a defined one",
    since="1.0",
    needs=NETWORKS,
)
def test_restart(driver: ComputeDriver, network: NetworkInfo, world: World) -> None:
    spec = driver.network_spec(network.name)
    stopped = driver.stop_network(network.name)
    assert stopped == replace(network, active=False) == driver.network(network.name)
    assert world.inventory().networks == (network.name,)
    assert driver.start_network(network.name) == network
    assert driver.network_spec(network.name) == spec


@case(
    "networks.idempotent",
    Level.MUST,
    requirement="Starting a network that is active and stopping one that is not change nothing.",
    source="virNetworkCreate and virNetworkDestroy answer 55 then (libvirt 9.0.0)",
    since="1.0",
    needs=NETWORKS,
)
def test_start_and_stop_twice(driver: ComputeDriver, network: NetworkInfo) -> None:
    assert driver.start_network(network.name) == network
    stopped = driver.stop_network(network.name)
    assert driver.stop_network(network.name) == stopped == driver.network(network.name)


@case(
    "networks.delete",
    Level.MUST,
    requirement="delete_network() stops and removes a network, whether it is active or not; the others stay as they were.",
    source="virNetworkUndefine: an active network becomes transient, and is gone when it stops",
    since="1.0",
    needs=NETWORKS,
)
@pytest.mark.parametrize("state", ["active", "stopped"])
def test_delete(driver: ComputeDriver, names: Names, world: World, state: str) -> None:
    before = own(driver, world)
    doomed = driver.create_network(isolated(names("net")))
    if state == "stopped":
        driver.stop_network(doomed.name)
    driver.delete_network(doomed.name)
    assert own(driver, world) == before
    assert world.inventory().networks == ()
    with pytest.raises(NetworkNotFound):
        driver.network(doomed.name)


@case(
    "networks.duplicate",
    Level.MUST,
    requirement="A name, UUID or bridge that a network has is NetworkExists, which names it, and that network stays as it was.",
    source="virNetworkDefineXML: a network of the same name and UUID is redefined silently (libvirt 9.0.0)",
    since="1.0",
    needs=NETWORKS,
)
@pytest.mark.parametrize("same", ["name", "uuid", "name-and-uuid", "bridge"])
def test_duplicate(driver: ComputeDriver, names: Names, world: World, same: str) -> None:
    name, other = names("net"), isolated(names("net"))
    original = driver.create_network(isolated(name))
    spec = driver.network_spec(name)
    taken = {
        "name": replace(other, name=name),
        "uuid": replace(other, uuid=original.uuid),
        "name-and-uuid": replace(other, name=name, uuid=original.uuid, forward=ForwardMode.NAT),
        "bridge": replace(other, bridge=original.bridge),
    }[same]
    with pytest.raises(NetworkExists) as refused:
        driver.create_network(taken)
    assert refused.value.key in (name, str(original.uuid), original.bridge)
    assert (driver.network(name), driver.network_spec(name)) == (original, spec)
    assert world.inventory().networks == (name,)


@case(
    "networks.unknown",
    Level.MUST,
    requirement="A network that the host has not is NetworkNotFound, which names it.",
    source="libvirt error 43 (VIR_ERR_NO_NETWORK)",
    since="1.0",
    needs=NETWORKS,
)
@pytest.mark.parametrize("operation", ON_ONE)
def test_unknown(driver: ComputeDriver, operation: str) -> None:
    with pytest.raises(NetworkNotFound) as refused:
        ON_ONE[operation](driver)
    assert refused.value.key == NO_SUCH_NAME


@case(
    "networks.invalid",
    Level.MUST,
    requirement="A network that cannot be is InvalidSpec, which names the field, before anything is made.",
    source="driver contract: InvalidSpec is the caller's fault; libvirt's test driver takes 198.18 for an address (9.0.0)",
    since="1.0",
    needs=NETWORKS,
)
@pytest.mark.parametrize("problem", IMPOSSIBLE)
def test_invalid(driver: ComputeDriver, names: Names, world: World, problem: str) -> None:
    field, make = IMPOSSIBLE[problem]
    with pytest.raises(InvalidSpec) as refused:
        driver.create_network(make(names("net")))
    assert refused.value.field == field
    assert world.inventory().networks == ()


@case(
    "networks.undone",
    Level.MUST,
    requirement="A network that cannot be started is not left defined, and the error is the host's.",
    source="virNetworkCreate fails where the address is in use: 1 or 38; driver contract: a failure leaves nothing behind",
    since="1.0",
    needs=NETWORKS,
)
def test_failed_start_leaves_no_network(driver: ComputeDriver, names: Names, world: World, faults: Faults) -> None:
    faults.raise_on("Network.create", ErrorCode.SYSTEM_ERROR, message="the address is in use")
    with pytest.raises(HypervisorError) as failed:
        driver.create_network(isolated(names("net")))
    assert (failed.value.code, failed.value.undone_failures) == (ErrorCode.SYSTEM_ERROR, ())
    assert world.inventory().networks == ()


@case(
    "networks.list",
    Level.MUST,
    requirement="networks() lists every network of the host, also one that another client made, each as network() gives it.",
    source="virConnectListAllNetworks; virNetworkCreateXML makes transient ones",
    since="1.0",
    needs=NETWORKS,
)
@pytest.mark.parametrize("kind", ["persistent", "transient"])
def test_list(driver: ComputeDriver, names: Names, world: World, network: NetworkInfo, kind: str) -> None:
    foreign = isolated(names("net"))
    with foreign_network(world, foreign, transient=kind == "transient"):
        listed = {one.name: one for one in driver.networks()}
        assert {one.name for one in own(driver, world)} == set(world.inventory().networks)
        assert (listed[network.name], listed[foreign.name]) == (network, driver.network(foreign.name))
        assert (listed[foreign.name].active, listed[foreign.name].persistent) == (True, kind == "persistent")
    assert foreign.name not in {one.name for one in driver.networks()}


@case(
    "networks.transient",
    Level.MUST,
    requirement="delete_network() of a transient network ends it.",
    source="virNetworkDestroy: a transient network is gone when it stops; undefine answers 55 or 43 then",
    since="1.0",
    needs=NETWORKS,
)
def test_delete_transient(driver: ComputeDriver, names: Names, world: World) -> None:
    foreign = isolated(names("net"))
    with foreign_network(world, foreign, transient=True):
        driver.delete_network(foreign.name)
        assert world.inventory().networks == ()


@case(
    "networks.instance",
    Level.MUST,
    requirement="An instance can be on a network that the driver made; destroying it leaves the network as it was.",
    source="https://libvirt.org/formatdomain.html#virtual-network",
    since="1.0",
    needs=ON_A_NETWORK,
)
def test_an_instance_on_the_network(driver: ComputeDriver, small: Small, network: NetworkInfo) -> None:
    spec = small()
    device = spec.interfaces[0] if spec.interfaces else Interface(mac=MAC)
    spec = replace(spec, interfaces=(replace(device, network=network.name, bridge=None),))
    driver.spawn(spec)
    assert driver.spec(spec.uuid).interfaces == spec.interfaces
    driver.destroy(spec.uuid)
    assert driver.network(network.name) == network


@case(
    "networks.create.others-go",
    Level.MUST,
    requirement="A network is made also while another client's network goes, after it was listed and before it was looked at.",
    source="driver contract: create_network; libvirt error 43 (VIR_ERR_NO_NETWORK)",
    since="1.0",
    needs=NETWORKS,
)
def test_others_go(driver: ComputeDriver, names: Names, world: World, faults: Faults) -> None:
    other = isolated(names("other"))
    spec = isolated(names("net"))
    with foreign_network(world, other, transient=True) as going:
        faults.before("Network.bridgeName", going.destroy)
        assert driver.create_network(spec).active
