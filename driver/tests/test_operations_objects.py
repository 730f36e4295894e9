"""Tests of `operations`' pools, volumes, networks, snapshots, metadata and rescue, on libvirt's test driver."""

from dataclasses import replace
from uuid import uuid4

import pytest

from virtproof_driver.capabilities import Capability
from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.errors import (
    InvalidSpec,
    InvalidState,
    MetadataNotFound,
    NetworkExists,
    NetworkNotFound,
    NotSupported,
    SnapshotExists,
    SnapshotNotFound,
    StoragePoolExists,
    StoragePoolNotFound,
    VolumeExists,
    VolumeNotFound,
)
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.markup.names import INSTANCE_NS
from virtproof_driver.operations import snapshots
from virtproof_driver.operations.transitions import Transition
from virtproof_driver.spec import (
    ForwardMode,
    InstanceSpec,
    MetadataElement,
    NetworkSpec,
    PoolSpec,
    RescueImage,
    SnapshotSpec,
    Subnet,
    VolumeSource,
    VolumeSpec,
)
from virtproof_driver.values import PowerState, VolumeInfo

POOL = PoolSpec(name="p", target="/p")
NETWORK = NetworkSpec(name="n", forward=ForwardMode.ISOLATED, bridge="virbr7")

# --- pools ------------------------------------------------------------------------------------------------


def test_a_pool_comes_and_goes(driver: LibvirtDriver) -> None:
    made = driver.create_pool(POOL)
    assert (made.name, made.active, made.persistent, made.autostart) == ("p", True, True, False)
    assert made.capacity_bytes == made.available_bytes > 0
    assert driver.pools() == (made,)
    stopped = driver.stop_pool("p")
    assert stopped == replace(made, active=False, capacity_bytes=0, available_bytes=0)
    assert driver.stop_pool("p") == stopped
    assert driver.start_pool("p") == driver.start_pool("p") == driver.refresh_pool("p") == made
    driver.delete_pool("p")
    assert driver.pools() == ()


@pytest.mark.parametrize("same", ["name", "uuid", "both"])
def test_a_pool_that_exists_stays_as_it_is(driver: LibvirtDriver, same: str) -> None:
    uuid = uuid4()
    made = driver.create_pool(replace(POOL, uuid=uuid))
    other = PoolSpec(name="p" if same != "uuid" else "q", uuid=uuid if same != "name" else uuid4(), target="/q")
    with pytest.raises(StoragePoolExists):
        driver.create_pool(other)
    assert driver.pools() == (made,)


def test_a_pool_that_is_not_there_is_named(driver: LibvirtDriver) -> None:
    for ask in (driver.pool, driver.start_pool, driver.stop_pool, driver.refresh_pool, driver.delete_pool, driver.volumes):
        with pytest.raises(StoragePoolNotFound) as caught:
            ask("none")
        assert caught.value.key == "none"


def test_a_pool_that_is_off_has_no_volumes_to_tell(driver: LibvirtDriver) -> None:
    driver.create_pool(POOL)
    driver.stop_pool("p")
    with pytest.raises(InvalidState):
        driver.volumes("p")
    with pytest.raises(InvalidState):
        driver.refresh_pool("p")
    with pytest.raises(InvalidState):
        driver.create_volume("p", VolumeSpec(name="v", capacity_bytes=4096))


# --- volumes ----------------------------------------------------------------------------------------------


def test_a_volume_comes_and_goes(driver: LibvirtDriver) -> None:
    driver.create_pool(POOL)
    made = driver.create_volume("p", VolumeSpec(name="v", capacity_bytes=4096))
    assert made == VolumeInfo(pool="p", name="v", path="/p/v", capacity_bytes=4096, allocation_bytes=0)
    clone = driver.clone_volume("p", "v", VolumeSpec(name="c", capacity_bytes=8192))
    assert (clone.name, clone.capacity_bytes) == ("c", 8192)
    assert driver.volumes("p") == (clone, made)
    assert driver.volume("p", "v") == made
    driver.delete_volume("p", "v")
    assert driver.volumes("p") == (clone,)


def test_a_volume_that_exists_stays_as_it_is(driver: LibvirtDriver) -> None:
    driver.create_pool(POOL)
    made = driver.create_volume("p", VolumeSpec(name="v", capacity_bytes=4096))
    with pytest.raises(VolumeExists) as created:
        driver.create_volume("p", VolumeSpec(name="v", capacity_bytes=1))
    with pytest.raises(VolumeExists) as cloned:
        driver.clone_volume("p", "v", VolumeSpec(name="v", capacity_bytes=4096))
    assert (created.value.key, cloned.value.key) == ("v", "v")
    assert driver.volumes("p") == (made,)


def test_a_volume_that_is_not_there_is_named(driver: LibvirtDriver) -> None:
    driver.create_pool(POOL)
    for ask in (driver.volume, driver.delete_volume):
        with pytest.raises(VolumeNotFound) as caught:
            ask("p", "none")
        assert caught.value.key == "none"
    with pytest.raises(VolumeNotFound):
        driver.clone_volume("p", "none", VolumeSpec(name="c", capacity_bytes=1))


def test_a_clone_is_not_cut_off(driver: LibvirtDriver) -> None:
    driver.create_pool(POOL)
    made = driver.create_volume("p", VolumeSpec(name="v", capacity_bytes=4096))
    with pytest.raises(InvalidSpec, match="capacity_bytes"):
        driver.clone_volume("p", "v", VolumeSpec(name="c", capacity_bytes=4095))
    assert driver.volumes("p") == (made,)


# --- networks ---------------------------------------------------------------------------------------------


def test_a_network_comes_and_goes(driver: LibvirtDriver) -> None:
    spec = replace(NETWORK, uuid=uuid4(), subnets=(Subnet(address="10.9.0.1", prefix=24),))
    made = driver.create_network(spec)
    assert (made.uuid, made.active, made.persistent, made.autostart, made.bridge) == (spec.uuid, True, True, False, "virbr7")
    assert driver.networks() == (made,)
    assert driver.network_spec("n") == spec
    stopped = driver.stop_network("n")
    assert stopped == driver.stop_network("n") == replace(made, active=False)
    assert driver.start_network("n") == driver.start_network("n") == driver.network("n") == made
    driver.delete_network("n")
    assert driver.networks() == ()


@pytest.mark.parametrize("same", ["name", "uuid", "bridge"])
def test_a_network_that_exists_stays_as_it_is(driver: LibvirtDriver, same: str) -> None:
    uuid = uuid4()
    made = driver.create_network(replace(NETWORK, uuid=uuid))
    other = replace(
        NETWORK,
        name="n" if same == "name" else "m",
        uuid=uuid if same == "uuid" else uuid4(),
        bridge="virbr7" if same == "bridge" else "virbr8",
    )
    with pytest.raises(NetworkExists) as caught:
        driver.create_network(other)
    assert caught.value.key == {"name": "n", "uuid": str(uuid), "bridge": "virbr7"}[same]
    assert driver.networks() == (made,)


def test_a_network_without_a_bridge_is_told_so(driver: LibvirtDriver) -> None:
    assert driver.create_network(replace(NETWORK, bridge=None)).bridge is None
    assert [network.bridge for network in driver.networks()] == [None]


def test_a_network_that_is_not_there_is_named(driver: LibvirtDriver) -> None:
    for ask in (driver.network, driver.network_spec, driver.start_network, driver.stop_network, driver.delete_network):
        with pytest.raises(NetworkNotFound) as caught:
            ask("none")
        assert caught.value.key == "none"


# --- snapshots --------------------------------------------------------------------------------------------


def test_snapshots_are_listed_with_the_current_one(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    first = driver.create_snapshot(small.uuid, SnapshotSpec(name="<1>", description="d & e"))
    assert (first.spec, first.state, first.parent, first.current) == (
        SnapshotSpec(name="<1>", description="d & e"),
        "running",
        None,
        True,
    )
    second = driver.create_snapshot(small.uuid, SnapshotSpec(name="<2>"))
    assert (second.parent, second.current) == ("<1>", True)
    assert driver.snapshots(small.uuid) == (replace(first, current=False), second)
    driver.delete_snapshot(small.uuid, "<1>")
    assert [(snapshot.name, snapshot.parent) for snapshot in driver.snapshots(small.uuid)] == [("<2>", None)]


def reach(driver: LibvirtDriver, small: InstanceSpec, state: PowerState) -> None:
    """Bring the instance to a state, from any."""
    driver.stop(small.uuid, timeout=0)
    if state is not PowerState.OFF:
        driver.start(small.uuid)
    if state is PowerState.PAUSED:
        driver.pause(small.uuid)


STATES = (PowerState.RUNNING, PowerState.PAUSED, PowerState.OFF)


@pytest.mark.parametrize("now", STATES)
@pytest.mark.parametrize("then", STATES)
def test_a_revert_brings_the_state_back(driver: LibvirtDriver, small: InstanceSpec, then: PowerState, now: PowerState) -> None:
    driver.spawn(small)
    reach(driver, small, then)
    driver.create_snapshot(small.uuid, SnapshotSpec(name="s"))
    reach(driver, small, now)
    reverted = driver.revert_snapshot(small.uuid, "s")
    assert reverted.state is then
    assert driver.instances() == (reverted,)
    driver.destroy(small.uuid)
    assert driver.instances() == ()


def test_a_revert_that_nothing_tells_is_not_waited_for(
    driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[str] = []

    def drive(_link: object, _uuid: object, row: Transition) -> None:
        waited.append(row.name)

    monkeypatch.setattr(snapshots, "drive", drive)
    monkeypatch.setattr(type(driver.link), "hypervisor", TEST.at(7_000_000))
    driver.spawn(small)
    reach(driver, small, PowerState.PAUSED)
    driver.create_snapshot(small.uuid, SnapshotSpec(name="s"))
    assert driver.revert_snapshot(small.uuid, "s").state is PowerState.PAUSED
    assert waited == []
    driver.unpause(small.uuid)
    driver.revert_snapshot(small.uuid, "s")
    assert waited == ["revert"]


def test_a_snapshot_that_exists_stays_and_one_that_does_not_is_named(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    made = driver.create_snapshot(small.uuid, SnapshotSpec(name="s"))
    with pytest.raises(SnapshotExists) as exists:
        driver.create_snapshot(small.uuid, SnapshotSpec(name="s", description="other"))
    assert exists.value.key == "s"
    assert driver.snapshots(small.uuid) == (made,)
    for ask in (driver.revert_snapshot, driver.delete_snapshot):
        with pytest.raises(SnapshotNotFound) as missing:
            ask(small.uuid, "none")
        assert missing.value.key == "none"


def test_an_external_snapshot_is_not_supported_and_makes_none(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    with pytest.raises(NotSupported) as caught:
        driver.create_snapshot(small.uuid, SnapshotSpec(name="s", external=True))
    assert caught.value.capability is Capability.SNAPSHOT_EXTERNAL
    assert driver.snapshots(small.uuid) == ()


# --- metadata and rescue ----------------------------------------------------------------------------------

ELEMENT = MetadataElement(uri="urn:mine", prefix="m", xml='<tag a="&lt;"><inner/></tag>')


@pytest.mark.parametrize("running", [True, False], ids=["running", "off"])
def test_what_describes_an_instance_is_kept(driver: LibvirtDriver, small: InstanceSpec, running: bool) -> None:
    driver.spawn(small, start=running)
    driver.set_title(small.uuid, "t <&>")
    driver.set_description(small.uuid, "one\ntwo")
    driver.set_metadata(small.uuid, ELEMENT)
    described = replace(small, title="t <&>", description="one\ntwo", metadata=(ELEMENT,))
    assert driver.spec(small.uuid) == described
    assert driver.metadata(small.uuid, "urn:mine").startswith('<tag a="&lt;">')
    driver.set_metadata(small.uuid, replace(ELEMENT, xml="<other/>"))
    assert driver.metadata(small.uuid, "urn:mine") == "<other/>"
    driver.set_title(small.uuid, None)
    driver.set_description(small.uuid, None)
    driver.remove_metadata(small.uuid, "urn:mine")
    assert driver.spec(small.uuid) == small


def test_metadata_that_is_not_there_is_named(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    for ask in (driver.metadata, driver.remove_metadata):
        with pytest.raises(MetadataNotFound) as caught:
            ask(small.uuid, "urn:none")
        assert caught.value.key == "urn:none"


def test_the_drivers_own_notes_are_not_the_callers(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    with pytest.raises(InvalidSpec):
        driver.set_metadata(small.uuid, replace(ELEMENT, uri=INSTANCE_NS))
    with pytest.raises(InvalidSpec):
        driver.remove_metadata(small.uuid, INSTANCE_NS)
    assert driver.spec(small.uuid) == small


def test_autostart_is_set_and_unset(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    told = [driver.autostart(small.uuid)]
    for enabled in (True, True, False):
        driver.set_autostart(small.uuid, enabled)
        told.append(driver.autostart(small.uuid))
    assert told == [False, True, True, False]


def test_a_rescued_instance_keeps_its_snapshots_and_takes_none(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.create_pool(PoolSpec(name="p", target="/virtproof/p"))
    driver.create_volume("p", VolumeSpec(name="rescue", capacity_bytes=4096))
    driver.spawn(small)
    made = driver.create_snapshot(small.uuid, SnapshotSpec(name="s"))
    driver.rescue(small.uuid, RescueImage(source=VolumeSource(pool="p", volume="rescue")))
    with pytest.raises(InvalidState, match="unrescue it first"):
        driver.create_snapshot(small.uuid, SnapshotSpec(name="t"))
    with pytest.raises(InvalidState, match="unrescue it first"):
        driver.delete_snapshot(small.uuid, "s")
    assert driver.snapshots(small.uuid) == (made,)


def test_a_rescue_is_made_once_and_undone_once(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.create_pool(POOL)
    driver.create_volume("p", VolumeSpec(name="rescue", capacity_bytes=4096))
    image = RescueImage(source=VolumeSource(pool="p", volume="rescue"))
    driver.spawn(small, start=False)
    with pytest.raises(InvalidState, match="not rescued"):
        driver.unrescue(small.uuid)
    assert driver.rescue(small.uuid, image).state is PowerState.RUNNING
    with pytest.raises(InvalidState, match="rescued already"):
        driver.rescue(small.uuid, image)
    assert driver.spec(small.uuid) == small
    assert driver.unrescue(small.uuid).state is PowerState.RUNNING
    assert driver.spec(small.uuid) == small


def test_a_suspended_instance_is_not_rescued(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    driver.suspend(small.uuid)
    with pytest.raises(InvalidState, match="managed save"):
        driver.rescue(small.uuid, RescueImage(source=VolumeSource(pool="p", volume="rescue")))
    assert driver.instance(small.uuid).reason == "saved"
