"""Tests of `driver` and `claiming`: the whole contract in process and over a daemon, and its gates."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from inspect import getmembers, isfunction
from typing import TYPE_CHECKING, cast
from uuid import uuid4

import pytest

from virtproof_driver.binding import Connection
from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import UNCLAIMED
from virtproof_driver.connecting import connect
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.errors import DriverClosed, InstanceExists, InstanceNotFound, InvalidSpec, NotSupported, PermissionDenied
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.migration import Destination
from virtproof_driver.spec import (
    Disk,
    FileSource,
    ForwardMode,
    Graphics,
    InstanceSpec,
    Interface,
    MetadataElement,
    NetworkSpec,
    NewVolume,
    PoolSpec,
    RescueImage,
    SecretSpec,
    SnapshotSpec,
    VolumeSpec,
)
from virtproof_driver.values import LifecycleEvent, PowerState, StopOutcome

if TYPE_CHECKING:
    from tests.conftest import Cable, Daemon

RESCUE_IMAGE = RescueImage(source=FileSource(path="/images/rescue.img"))
STORY_NAME = "<whole> & 'story'"


def contract_methods() -> set[str]:
    return {name for name, _ in getmembers(ComputeDriver, isfunction) if not name.startswith("_")}


def test_the_facade_is_the_contract(driver: LibvirtDriver) -> None:
    as_contract: ComputeDriver = driver  # the type checkers look at this line
    assert contract_methods() <= {name for name in dir(as_contract) if callable(getattr(as_contract, name))}
    assert all(getattr(LibvirtDriver, name).__doc__ for name in contract_methods() | UNCLAIMED.keys())


def test_capabilities_are_what_the_hypervisor_does_not_refuse(driver: LibvirtDriver) -> None:
    assert driver.capabilities == frozenset(Capability) - TEST.refusals(remote=False).keys()
    assert isinstance(driver.capabilities, frozenset)
    assert "test://" in repr(driver)


@pytest.mark.parametrize(("name", "capability"), UNCLAIMED.items(), ids=UNCLAIMED.keys())
def test_what_is_not_claimed_says_why(driver: LibvirtDriver, name: str, capability: Capability) -> None:
    with pytest.raises(NotSupported) as caught:
        getattr(driver, name)("whatever", 1, key="word")
    assert (caught.value.capability, caught.value.reason) == (capability, TEST.unsupported[capability])


CALLS: dict[str, Callable[[LibvirtDriver, InstanceSpec], object]] = {
    "host": lambda driver, _: driver.host(),
    "instances": lambda driver, _: driver.instances(),
    "spawn": lambda driver, spec: driver.spawn(spec),
    "destroy": lambda driver, spec: driver.destroy(spec.uuid),
    "reboot": lambda driver, spec: driver.reboot(spec.uuid),
    "reboot hard": lambda driver, spec: driver.reboot(spec.uuid, hard=True),
    "pools": lambda driver, _: driver.pools(),
    "subscribe": lambda driver, _: driver.subscribe(print),
    "unclaimed": lambda driver, _: driver.resize_volume("p", "v", 1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_closed_driver_says_that_it_is_closed(
    driver: LibvirtDriver, small: InstanceSpec, call: Callable[[LibvirtDriver, InstanceSpec], object]
) -> None:
    driver.close()
    driver.close()
    with pytest.raises(DriverClosed, match="make a new one"):
        call(driver, small)
    assert driver.capabilities


@pytest.mark.parametrize("uuid", ["", "small", "7bb357f3", 7], ids=repr)
def test_what_is_no_uuid_is_invalid(driver: LibvirtDriver, uuid: str) -> None:
    with pytest.raises(InvalidSpec, match="uuid"):
        driver.instance(uuid)


def test_a_uuid_may_be_a_string(driver: LibvirtDriver, small: InstanceSpec) -> None:
    spawned = driver.spawn(small)
    assert driver.instance(str(small.uuid)) == driver.instance(small.uuid.hex.upper()) == spawned


def test_a_read_only_connection_reads_and_changes_nothing(node_uri: str, small: InstanceSpec) -> None:
    with connect(node_uri, read_only=True) as driver:
        assert driver.instances() == ()
        assert driver.host().hypervisor == "TEST"
        with pytest.raises(PermissionDenied):
            driver.spawn(small)
        with pytest.raises(PermissionDenied):
            driver.create_network(NetworkSpec(name="n", forward=ForwardMode.ISOLATED))
        assert driver.networks() == ()


@pytest.fixture(params=["in-process", "daemon"])
def anywhere(request: pytest.FixtureRequest) -> Iterator[LibvirtDriver]:
    """The driver in process and over a private daemon."""
    uri = request.getfixturevalue("node_uri") if request.param == "in-process" else request.getfixturevalue("daemon").unix_uri
    with connect(uri) as driver:
        yield driver


def duck(value: object) -> object:
    """A value that passes everything on, so that no type says what it is."""
    return value


class Traced:
    """A driver that notes which of its methods were called."""

    def __init__(self, driver: LibvirtDriver) -> None:
        self._driver = driver
        self.called: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.called.add(name)
        return getattr(self._driver, name)


def test_the_whole_contract_works(anywhere: LibvirtDriver) -> None:
    traced = Traced(anywhere)
    driver = cast("ComputeDriver", duck(traced))
    tell_storage(driver)
    tell_networks(driver)
    spec = story_spec()
    tell_lifecycle(driver, spec)
    tell_description(driver, spec)
    tell_guest(driver, spec)
    hear_the_host(driver)
    driver.destroy(spec.uuid)
    assert [volume.name for volume in driver.volumes("story")] == ["golden"]
    driver.delete_network("story")
    driver.delete_volume("story", "golden")
    driver.delete_pool("story")
    refuse_the_rest(driver, spec)
    driver.close()
    assert contract_methods() - traced.called == set()


def hear_the_host(driver: ComputeDriver) -> None:
    if Capability.EVENTS_HOST in driver.capabilities:
        driver.subscribe_host(lambda _event: None).close()
    else:
        with pytest.raises(NotSupported, match="cannot be lost"):
            driver.subscribe_host(lambda _event: None)


def refuse_the_rest(driver: ComputeDriver, spec: InstanceSpec) -> None:
    lacking: dict[str, tuple[object, ...]] = {
        "attach_volume": (spec.uuid, spec.disks[0]),
        "detach_volume": (spec.uuid, "vda"),
        "extend_volume": (spec.uuid, "vda", 4096),
        "attach_interface": (spec.uuid, spec.interfaces[0]),
        "detach_interface": (spec.uuid, spec.interfaces[0].mac),
        "leases": ("story",),
        **dict.fromkeys(("console", "console_output"), (spec.uuid,)),
        "resize_volume": ("story", "golden", 1),
        "upload_volume": ("story", "golden", b""),
        "download_volume": ("story", "golden", print),
        "capture_image": (spec.uuid, print),
        "create_secret": (SecretSpec(uuid=spec.uuid), b"value"),
        "secrets": (),
        "delete_secret": (spec.uuid,),
    }
    for name, arguments in lacking.items():
        with pytest.raises(NotSupported, match="libvirt's test driver"):
            getattr(driver, name)(*arguments)
    with pytest.raises(NotSupported, match="libvirt's test driver"):
        driver.migrate(spec.uuid, Destination(uri="test:///default"), timeout=1)


def story_spec() -> InstanceSpec:
    return InstanceSpec(
        uuid=uuid4(),
        name=STORY_NAME,
        vcpus=1,
        memory_mib=32,
        disks=(Disk(target="vda", source=NewVolume(pool="story", volume="root", capacity_bytes=8192, clone_of="golden")),),
        interfaces=(Interface(mac="52:54:00:00:00:01", network="story"),),
        graphics=(Graphics(),),
    )


def tell_storage(driver: ComputeDriver) -> None:
    made = driver.create_pool(PoolSpec(name="story", target="/story"), autostart=True)
    assert (made.active, made.autostart, made.persistent) == (True, True, True)
    assert not driver.stop_pool("story").active
    assert driver.start_pool("story").active
    assert driver.refresh_pool("story") == driver.pool("story")
    assert driver.pool("story") in driver.pools()
    driver.create_volume("story", VolumeSpec(name="golden", capacity_bytes=4096))
    clone = driver.clone_volume("story", "golden", VolumeSpec(name="copy", capacity_bytes=4096))
    assert driver.volume("story", "copy") == clone
    driver.delete_volume("story", "copy")


def tell_networks(driver: ComputeDriver) -> None:
    spec = NetworkSpec(name="story", uuid=uuid4(), forward=ForwardMode.ISOLATED, bridge="virbr77")
    made = driver.create_network(spec, autostart=True)
    assert (made.active, made.autostart, made.bridge) == (True, True, "virbr77")
    assert not driver.stop_network("story").active
    assert driver.start_network("story") == driver.network("story")
    assert driver.network("story") in driver.networks()
    assert driver.network_spec("story") == spec


def tell_lifecycle(driver: ComputeDriver, spec: InstanceSpec) -> None:
    heard: list[LifecycleEvent] = []
    with driver.subscribe(heard.append, uuid=spec.uuid):
        spawned = driver.spawn(spec)
        assert spawned in driver.instances()
        assert spec.uuid in {each.uuid for each in driver.books().instances}
        states = [
            move(spec.uuid).state
            for move in (
                driver.pause,
                driver.unpause,
                driver.suspend,
                driver.resume,
                driver.reboot,
                driver.start,
                driver.instance,
            )
        ]
        assert driver.stop(spec.uuid, timeout=10) is StopOutcome.GRACEFUL
        driver.start(spec.uuid)
    running = PowerState.RUNNING
    assert states == [PowerState.PAUSED, running, PowerState.OFF, running, running, running, running]
    assert {event.name for event in heard} <= {STORY_NAME}
    assert driver.spec(spec.uuid) == spec
    driver.resize(spec.uuid, vcpus=2, memory_mib=64)
    assert driver.spec(spec.uuid) == replace(spec, vcpus=2, memory_mib=64)


def tell_description(driver: ComputeDriver, spec: InstanceSpec) -> None:
    driver.set_title(spec.uuid, "title <&>")
    driver.set_description(spec.uuid, "two\nlines")
    driver.set_metadata(spec.uuid, MetadataElement(uri="urn:story", prefix="s", xml="<tag>&amp;</tag>"))
    assert driver.metadata(spec.uuid, "urn:story") == "<tag>&amp;</tag>"
    described = driver.spec(spec.uuid)
    assert (described.title, described.description) == ("title <&>", "two\nlines")
    driver.remove_metadata(spec.uuid, "urn:story")
    driver.set_autostart(spec.uuid, True)
    assert driver.autostart(spec.uuid)


def tell_guest(driver: ComputeDriver, spec: InstanceSpec) -> None:
    assert driver.rescue(spec.uuid, RESCUE_IMAGE).state is PowerState.RUNNING
    assert driver.spec(spec.uuid).disks == spec.disks
    assert driver.unrescue(spec.uuid).state is PowerState.RUNNING
    made = driver.create_snapshot(spec.uuid, SnapshotSpec(name="s", description="d"))
    assert driver.snapshots(spec.uuid) == (made,)
    driver.pause(spec.uuid)
    assert driver.revert_snapshot(spec.uuid, "s").state is PowerState.RUNNING
    driver.delete_snapshot(spec.uuid, "s")
    pieces: list[bytes] = []
    assert driver.screenshot(spec.uuid, pieces.append).size_bytes == len(b"".join(pieces))
    assert [endpoint.kind for endpoint in driver.graphics(spec.uuid)] == ["vnc"]
    assert len(driver.diagnostics(spec.uuid).blocks) == 1
    driver.set_admin_password(spec.uuid, "root", "secret")
    assert driver.quiesce(spec.uuid) == driver.unquiesce(spec.uuid) > 0
    assert driver.host().hypervisor == "TEST"
    assert driver.host_stats().cpu_ns


# --- others on the same host -------------------------------------------------------------------------------


def test_many_threads_may_ask_for_the_same(anywhere: LibvirtDriver, small: InstanceSpec) -> None:
    anywhere.spawn(small)
    with ThreadPoolExecutor(8) as pool:
        paused = list(pool.map(anywhere.pause, [small.uuid] * 16))
        running = list(pool.map(anywhere.unpause, [small.uuid] * 16))
        stopped = list(pool.map(partial(anywhere.stop, timeout=10), [small.uuid] * 16))
        anywhere.start(small.uuid)
        list(pool.map(anywhere.destroy, [small.uuid] * 16))
    assert {instance.state for instance in paused} == {PowerState.PAUSED}
    assert {instance.state for instance in running} == {PowerState.RUNNING}
    assert StopOutcome.GRACEFUL in stopped
    assert set(stopped) <= {StopOutcome.GRACEFUL, StopOutcome.ALREADY_OFF}
    assert small.uuid not in {instance.uuid for instance in anywhere.instances()}


def test_two_drivers_of_one_host_work_on_one_instance(daemon: "Daemon", small: InstanceSpec) -> None:
    with connect(daemon.unix_uri) as one, connect(daemon.tcp_uri) as other:
        one.spawn(small)
        assert other.pause(small.uuid) == one.instance(small.uuid)
        assert one.unpause(small.uuid) == other.instance(small.uuid)
        with pytest.raises(InstanceExists):
            other.spawn(small)
        other.destroy(small.uuid)
        one.destroy(small.uuid)
        with pytest.raises(InstanceNotFound):
            one.instance(small.uuid)
        assert one.spawn(small) == other.instance(small.uuid)


def test_a_read_is_made_again_on_a_new_connection(cable: "Cable", anchor: Connection) -> None:
    assert anchor.isAlive()
    with connect(cable.uri) as driver:
        before = driver.instances()
        cable.cut()
        cable.mend()
        assert driver.instances() == before
