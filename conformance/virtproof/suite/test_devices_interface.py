"""Devices: network interfaces of an instance.

What belongs here: cases whose ids begin with `devices.interface`. What does not: the networks (`test_networks`), and guests that
do not answer (`test_devices_removal`).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.foreign import foreign_domain
from virtproof.probes.bench import bridge
from virtproof.reachable import spawn_up
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, NO_SUCH_NAME, SPAWNED, domain_of
from virtproof.suite.places import RELEASER, Names, places, power_cycle, xmls
from virtproof.suite.together import together
from virtproof_driver import Capability
from virtproof_driver.constants import Affect, ErrorCode
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    DeviceExists,
    DeviceNotFound,
    HypervisorError,
    InstanceNotFound,
    InvalidSpec,
    NetworkNotFound,
)
from virtproof_driver.markup.attached import device_xml
from virtproof_driver.spec import ForwardMode, Interface, NetworkSpec
from virtproof_driver.values import Instance

# Interfaces of a running machine leave it only when its guest lets go.
PLUGGED = SPAWNED | {Capability.INTERFACE_ATTACH, Capability.INTERFACE_DETACH, Capability.GUESTS}
CYCLED = PLUGGED | {Capability.STOP, Capability.START}
STATES = pytest.mark.parametrize("state", ["running", "off"])
NOT_A_NIC: dict[str, tuple[str, Callable[[Interface], Interface]]] = {
    "mac": ("nic.mac", lambda nic: replace(nic, mac="52:54:00:00:00")),
    "multicast": ("nic.mac", lambda nic: replace(nic, mac="53:54:00:00:00:01")),
    "nowhere": ("nic", lambda nic: replace(nic, network=None, bridge=None)),
    "both": ("nic", lambda nic: replace(nic, network="one", bridge="two")),
    "bridge": ("nic.bridge", lambda nic: replace(nic, network=None, bridge="no bridge")),
    "target": ("nic.target", lambda nic: replace(nic, target="vnet7")),
}


@pytest.fixture
def host_nic(small: Small) -> Interface:
    """An interface as the lane's instances have one, with an address of its own."""
    return small(wired=True).interfaces[0]


def spawned(driver: ComputeDriver, small: Small, world: World, state: str = "running") -> Instance:
    """An instance in this state, which lets go of its devices when it runs."""
    if state == "running":
        return spawn_up(driver, partial(small, guest=RELEASER, wired=True), world)
    return driver.spawn(small(guest=RELEASER, wired=True), start=False)


@case(
    "devices.interface.attach",
    Level.MUST,
    requirement="attach_interface() gives the interface to the running instance and the definition, of one that is off to that.",
    source="virDomainAttachDeviceFlags: LIVE of a domain that is off is error 55",
    since="1.0",
    needs=PLUGGED,
)
@STATES
def test_attach(driver: ComputeDriver, small: Small, world: World, host_nic: Interface, state: str) -> None:
    instance = spawned(driver, small, world, state)
    before = driver.spec(instance.uuid)
    driver.attach_interface(instance.uuid, host_nic)
    assert places(world, instance.uuid).have(host_nic.mac) == (state == "running", True)
    assert driver.spec(instance.uuid) == replace(before, interfaces=(*before.interfaces, host_nic))


@case(
    "devices.interface.detach",
    Level.MUST,
    requirement="detach_interface() takes the interface from the running instance and its definition, and from one that is off.",
    source="virDomainDetachDeviceFlags; its end is told by DEVICE_REMOVED where the hypervisor has it",
    since="1.0",
    needs=PLUGGED,
)
@STATES
@pytest.mark.parametrize("spelt", [str.lower, str.upper], ids=["lower", "upper"])
def test_detach(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, small: Small, world: World, host_nic: Interface, state: str, spelt: Callable[[str], str]
) -> None:
    instance = spawned(driver, small, world, state)
    before = driver.spec(instance.uuid)
    driver.attach_interface(instance.uuid, host_nic)
    driver.detach_interface(instance.uuid, spelt(host_nic.mac))
    assert not any(places(world, instance.uuid).have(host_nic.mac))
    assert driver.spec(instance.uuid) == before


@case(
    "devices.interface.first",
    Level.MUST,
    requirement="The interface that spawn() gave can be detached, and its like attached again.",
    source="driver contract: an interface is told by its hardware address",
    since="1.0",
    needs=PLUGGED,
)
@STATES
def test_detach_the_first(driver: ComputeDriver, small: Small, world: World, state: str) -> None:
    instance = spawned(driver, small, world, state)
    before = driver.spec(instance.uuid)
    nic = before.interfaces[0]
    driver.detach_interface(instance.uuid, nic.mac)
    assert driver.spec(instance.uuid).interfaces == ()
    driver.attach_interface(instance.uuid, nic)
    assert driver.spec(instance.uuid) == before
    assert places(world, instance.uuid).have(nic.mac) == (state == "running", True)


@case(
    "devices.interface.survives",
    Level.MUST,
    requirement="An attached interface is there after the instance was switched off and on, a detached one is not.",
    source="virDomainAttachDeviceFlags: only CONFIG lasts beyond the run",
    since="1.0",
    needs=CYCLED,
)
def test_survives(driver: ComputeDriver, small: Small, world: World, host_nic: Interface) -> None:
    instance = spawned(driver, small, world)
    driver.attach_interface(instance.uuid, host_nic)
    power_cycle(driver, instance.uuid)
    assert places(world, instance.uuid).have(host_nic.mac) == (True, True)
    driver.detach_interface(instance.uuid, host_nic.mac)
    power_cycle(driver, instance.uuid)
    assert places(world, instance.uuid).have(host_nic.mac) == (False, False)


@case(
    "devices.interface.transient",
    Level.MUST,
    requirement="A transient instance gets and loses interfaces for as long as it runs.",
    source="virDomainAttachDeviceFlags: CONFIG of a transient domain is error 55 (libvirt 11.3.0)",
    since="1.0",
    needs=PLUGGED,
)
def test_transient(driver: ComputeDriver, small: Small, world: World, host_nic: Interface) -> None:
    spec = small(guest=RELEASER)
    with foreign_domain(world, spec, transient=True):
        driver.attach_interface(spec.uuid, host_nic)
        assert places(world, spec.uuid).have(host_nic.mac)[0]
        driver.detach_interface(spec.uuid, host_nic.mac)
        assert not places(world, spec.uuid).have(host_nic.mac)[0]


@case(
    "devices.interface.taken",
    Level.MUST,
    requirement="A hardware address that the instance has, in whatever spelling, is DeviceExists, and nothing changes.",
    source="libvirt takes a second one, and then cannot tell which to detach (error 9, QEMU and LXC, 11.3.0)",
    since="1.0",
    needs=PLUGGED,
)
@STATES
@pytest.mark.parametrize("spelt", [str.lower, str.upper], ids=["lower", "upper"])
def test_taken(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, small: Small, world: World, host_nic: Interface, state: str, spelt: Callable[[str], str]
) -> None:
    instance = spawned(driver, small, world, state)
    driver.attach_interface(instance.uuid, host_nic)
    before = xmls(world, instance.uuid)
    with pytest.raises(DeviceExists) as taken:
        driver.attach_interface(instance.uuid, replace(host_nic, mac=spelt(host_nic.mac)))
    assert taken.value.key == host_nic.mac
    assert xmls(world, instance.uuid) == before


@case(
    "devices.interface.missing",
    Level.MUST,
    requirement="Detaching an interface that the instance has not is DeviceNotFound, also the second time.",
    source="libvirt error 99 (QEMU and LXC, 11.3.0)",
    since="1.0",
    needs=PLUGGED,
)
@STATES
def test_missing(driver: ComputeDriver, small: Small, world: World, host_nic: Interface, state: str) -> None:
    instance = spawned(driver, small, world, state)
    driver.attach_interface(instance.uuid, host_nic)
    driver.detach_interface(instance.uuid, host_nic.mac)
    before = xmls(world, instance.uuid)
    with pytest.raises(DeviceNotFound) as missing:
        driver.detach_interface(instance.uuid, host_nic.mac)
    assert missing.value.key == host_nic.mac
    assert xmls(world, instance.uuid) == before


@case(
    "devices.interface.no-network",
    Level.MUST,
    requirement="An interface on a network that is not there is NetworkNotFound, running or off, and nothing changes.",
    source="libvirt error 43 of a running domain; a definition takes any name (11.3.0)",
    since="1.0",
    needs=PLUGGED,
)
@STATES
def test_no_network(driver: ComputeDriver, small: Small, world: World, host_nic: Interface, state: str) -> None:
    instance = spawned(driver, small, world, state)
    before = xmls(world, instance.uuid)
    with pytest.raises(NetworkNotFound) as missing:
        driver.attach_interface(instance.uuid, replace(host_nic, network=NO_SUCH_NAME))
    assert missing.value.key == NO_SUCH_NAME
    assert xmls(world, instance.uuid) == before


@case(
    "devices.interface.no-bridge",
    Level.MUST,
    requirement="An interface on a bridge that is not there is the host's error of a running instance, which stays as it is.",
    source="libvirt error 38 (QEMU and LXC, 11.3.0)",
    since="1.0",
    needs=PLUGGED,
)
def test_no_bridge(driver: ComputeDriver, small: Small, world: World, host_nic: Interface) -> None:
    instance = spawned(driver, small, world)
    before = driver.spec(instance.uuid), places(world, instance.uuid)
    with pytest.raises(HypervisorError) as refused:
        driver.attach_interface(instance.uuid, replace(host_nic, network=None, bridge="vp-no-bridge"))
    assert (refused.value.code, refused.value.undone_failures) == (ErrorCode.SYSTEM_ERROR, ())
    assert (driver.spec(instance.uuid), places(world, instance.uuid)) == before


@case(
    "devices.interface.invalid",
    Level.MUST,
    requirement="An interface that cannot be is InvalidSpec naming the field, before anything is done.",
    source="driver contract: InvalidSpec",
    since="1.0",
    needs=PLUGGED,
)
@pytest.mark.parametrize("what", NOT_A_NIC)
def test_invalid(driver: ComputeDriver, off_instance: Instance, world: World, host_nic: Interface, what: str) -> None:
    field, spoil = NOT_A_NIC[what]
    before = xmls(world, off_instance.uuid)
    with pytest.raises(InvalidSpec) as refused:
        driver.attach_interface(off_instance.uuid, spoil(host_nic))
    assert refused.value.field == field
    assert xmls(world, off_instance.uuid) == before


@case(
    "devices.interface.no-address",
    Level.MUST,
    requirement="Detaching by what is no hardware address is InvalidSpec.",
    source="driver contract: InvalidSpec",
    since="1.0",
    needs=PLUGGED,
)
@pytest.mark.parametrize("mac", ["", "eth0", "52:54:00:00:00:zz"], ids=["empty", "name", "digits"])
def test_detach_by_no_address(driver: ComputeDriver, off_instance: Instance, mac: str) -> None:
    with pytest.raises(InvalidSpec):
        driver.detach_interface(off_instance.uuid, mac)


@case(
    "devices.interface.unknown",
    Level.MUST,
    requirement="Attaching to and detaching from an instance that is not there is InstanceNotFound.",
    source="libvirt error 42",
    since="1.0",
    needs=PLUGGED,
)
def test_unknown(driver: ComputeDriver, host_nic: Interface) -> None:
    with pytest.raises(InstanceNotFound):
        driver.attach_interface(NO_SUCH, host_nic)
    with pytest.raises(InstanceNotFound):
        driver.detach_interface(NO_SUCH, host_nic.mac)


@case(
    "devices.interface.one-place",
    Level.MUST,
    requirement="An interface that only the running instance has, or only its definition, is detached from there.",
    source="libvirt error 99 for both at once (11.3.0)",
    since="1.0",
    needs=PLUGGED,
)
@pytest.mark.parametrize("place", [pytest.param(Affect.LIVE, id="running"), pytest.param(Affect.CONFIG, id="definition")])
def test_one_place(driver: ComputeDriver, small: Small, world: World, host_nic: Interface, place: Affect) -> None:
    instance = spawned(driver, small, world)
    driver.attach_interface(instance.uuid, small(wired=True).interfaces[0])  # LXC refuses the first for a moment after the start
    domain_of(world, instance.uuid).attachDeviceFlags(device_xml(host_nic), place)
    driver.detach_interface(instance.uuid, host_nic.mac)
    assert places(world, instance.uuid).have(host_nic.mac) == (False, False)


@case(
    "devices.interface.undone",
    Level.MUST,
    requirement="An attach_interface() that fails changes nothing.",
    source="driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=PLUGGED,
)
def test_failed_attach(driver: ComputeDriver, small: Small, world: World, host_nic: Interface, faults: Faults) -> None:
    instance = spawned(driver, small, world)
    before = driver.spec(instance.uuid), places(world, instance.uuid)
    faults.raise_on("Domain.attachDevice", ErrorCode.INTERNAL_ERROR, 10, "the monitor refused")
    with pytest.raises(HypervisorError, match="refused") as failed:
        driver.attach_interface(instance.uuid, host_nic)
    assert failed.value.undone_failures == ()
    assert (driver.spec(instance.uuid), places(world, instance.uuid)) == before


@case(
    "devices.interface.several",
    Level.MUST,
    requirement="Several interfaces can be attached and detached, and spec() tells the ones that are there in their order.",
    source="driver contract: attach_interface()",
    since="1.0",
    needs=PLUGGED,
)
def test_several(driver: ComputeDriver, small: Small, world: World) -> None:
    instance = spawned(driver, small, world)
    first = driver.spec(instance.uuid).interfaces
    nics = tuple(small(wired=True).interfaces[0] for _ in range(4))
    for nic in nics:
        driver.attach_interface(instance.uuid, nic)
    assert driver.spec(instance.uuid).interfaces == (*first, *nics)
    for nic in (nics[1], nics[3]):
        driver.detach_interface(instance.uuid, nic.mac)
    assert driver.spec(instance.uuid).interfaces == (*first, nics[0], nics[2])


@case(
    "devices.interface.at-once",
    Level.MUST,
    requirement="Of threads that attach one address at once one succeeds; those with addresses of their own all do.",
    source="libvirt refuses no second interface of one address (11.3.0), so that the driver has to",
    since="1.0",
    needs=PLUGGED,
)
def test_at_once(driver: ComputeDriver, small: Small, world: World, host_nic: Interface) -> None:
    instance = spawned(driver, small, world)
    own = [small(wired=True).interfaces[0] for _ in range(2)]
    outcomes = together([partial(driver.attach_interface, instance.uuid, nic) for nic in (host_nic, host_nic, *own)])
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [DeviceExists]
    live = places(world, instance.uuid).live or ()
    assert [live.count(nic.mac) for nic in (host_nic, *own)] == [1, 1, 1]
    assert {nic.mac for nic in (host_nic, *own)} <= {nic.mac for nic in driver.spec(instance.uuid).interfaces}


@case(
    "devices.interface.left-open",
    Level.MUST,
    requirement="What the caller left to the host, model and device name, reads back as left.",
    source="libvirt fills in both; driver contract: spec() is what would spawn the instance again",
    since="1.0",
    needs=PLUGGED,
)
@STATES
def test_left_to_the_host(driver: ComputeDriver, small: Small, world: World, host_nic: Interface, state: str) -> None:
    instance = spawned(driver, small, world, state)
    nic = replace(host_nic, model=None, target=None)
    driver.attach_interface(instance.uuid, nic)
    assert driver.spec(instance.uuid).interfaces[-1] == nic


@case(
    "devices.interface.escaped",
    Level.MUST,
    requirement="The characters of a network's name reach the host as they were given.",
    source="XML 1.0: markup is escaped",
    since="1.0",
    needs=PLUGGED | {Capability.NETWORKS},
)
def test_escaped(driver: ComputeDriver, small: Small, world: World, names: Names, host_nic: Interface) -> None:
    name = names("a<b>&'\"é")
    network = driver.create_network(NetworkSpec(name=name, forward=ForwardMode.ISOLATED, bridge=bridge(name)))
    nic = replace(host_nic, network=network.name)
    instance = spawned(driver, small, world)
    driver.attach_interface(instance.uuid, nic)
    assert driver.spec(instance.uuid).interfaces[-1] == nic
    driver.detach_interface(instance.uuid, nic.mac)
    assert nic not in driver.spec(instance.uuid).interfaces
