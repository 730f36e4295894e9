"""Tests of `operations.spawning` and `operations.executing` on libvirt's test driver: all of an instance, or nothing of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

from virtproof_driver.capabilities import Capability
from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.errors import InstanceExists, InvalidSpec, NotSupported, StoragePoolNotFound, VolumeExists, VolumeNotFound
from virtproof_driver.operations.spawning import Reservations
from virtproof_driver.spec import Disk, Graphics, InstanceSpec, Interface, MetadataElement, NewVolume, PoolSpec, VolumeSpec
from virtproof_driver.values import Instance, PowerState


def with_volumes(spec: InstanceSpec, *volumes: NewVolume) -> InstanceSpec:
    disks = tuple(Disk(target=f"vd{letter}", source=volume) for letter, volume in zip("abcdef", volumes, strict=False))
    return replace(spec, disks=disks)


@pytest.mark.parametrize(("start", "state"), [(True, PowerState.RUNNING), (False, PowerState.OFF)])
def test_spawn_makes_what_the_spec_says(driver: LibvirtDriver, small: InstanceSpec, start: bool, state: PowerState) -> None:
    driver.create_pool(PoolSpec(name="p", target="/p"))
    spec = replace(
        with_volumes(small, NewVolume(pool="p", volume="root", capacity_bytes=8192)),
        name="<a>&'b'\"ö",
        max_vcpus=3,
        title="title & <more>",
        description="two\nlines",
        metadata=(MetadataElement(uri="urn:mine", prefix="m", xml='<tag a="1">text</tag>'),),
        interfaces=(Interface(mac="52:54:00:00:00:01", network="default"),),
        graphics=(Graphics(),),
    )
    spawned = driver.spawn(spec, start=start)
    assert (spawned.uuid, spawned.name, spawned.state) == (spec.uuid, spec.name, state)
    assert driver.instances() == (spawned,)
    assert driver.spec(spec.uuid) == spec
    assert [(volume.name, volume.capacity_bytes) for volume in driver.volumes("p")] == [("root", 8192)]


def test_a_volume_can_be_a_clone(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.create_pool(PoolSpec(name="p", target="/p"))
    driver.create_volume("p", VolumeSpec(name="golden", capacity_bytes=4096))
    driver.spawn(with_volumes(small, NewVolume(pool="p", volume="root", capacity_bytes=8192, clone_of="golden")))
    driver.destroy(small.uuid)
    assert [volume.name for volume in driver.volumes("p")] == ["golden"]


@pytest.mark.parametrize("same", ["both", "name", "uuid"])
def test_a_name_or_uuid_that_is_taken_leaves_its_owner_as_it_is(driver: LibvirtDriver, small: InstanceSpec, same: str) -> None:
    spawned = driver.spawn(small)
    other = replace(
        small,
        vcpus=2,
        name=small.name if same != "uuid" else "other",
        uuid=small.uuid if same != "name" else uuid4(),
    )
    with pytest.raises(InstanceExists) as caught:
        driver.spawn(other)
    assert caught.value.key == (small.name if same == "name" else str(small.uuid))
    assert driver.instances() == (spawned,)
    assert driver.spec(small.uuid) == small


GOOD = NewVolume(pool="p", volume="good", capacity_bytes=4096)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (NewVolume(pool="p", volume="taken", capacity_bytes=4096), VolumeExists),
        (NewVolume(pool="p", volume="x", capacity_bytes=4096, clone_of="none"), VolumeNotFound),
        (NewVolume(pool="none", volume="x", capacity_bytes=4096), StoragePoolNotFound),
        (NewVolume(pool="p", volume="x", capacity_bytes=1, clone_of="taken"), InvalidSpec),
    ],
    ids=["taken", "no-source", "no-pool", "too-small"],
)
def test_a_spawn_that_fails_at_a_volume_leaves_nothing(
    driver: LibvirtDriver, small: InstanceSpec, bad: NewVolume, error: type[Exception]
) -> None:
    driver.create_pool(PoolSpec(name="p", target="/p"))
    taken = driver.create_volume("p", VolumeSpec(name="taken", capacity_bytes=4096))
    with pytest.raises(error):
        driver.spawn(with_volumes(small, GOOD, bad))
    assert driver.volumes("p") == (taken,)
    assert driver.instances() == ()


def test_a_spawn_that_fails_at_the_definition_leaves_nothing(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.create_pool(PoolSpec(name="p", target="/p"))
    spawned = driver.spawn(small)
    with pytest.raises(InstanceExists):
        driver.spawn(with_volumes(replace(small, uuid=uuid4()), GOOD))
    assert driver.volumes("p") == ()
    assert driver.instances() == (spawned,)


def test_an_impossible_spec_touches_nothing(driver: LibvirtDriver, small: InstanceSpec) -> None:
    with pytest.raises(InvalidSpec):
        driver.spawn(replace(small, vcpus=0))
    with pytest.raises(InvalidSpec, match="paused"):
        driver.spawn(small, start=False, paused=True)
    with pytest.raises(NotSupported) as caught:
        driver.spawn(small, paused=True)
    assert caught.value.capability is Capability.SPAWN_PAUSED
    assert driver.instances() == ()


def test_of_many_threads_that_spawn_one_instance_one_does(driver: LibvirtDriver, small: InstanceSpec) -> None:
    def attempt(_: int) -> Instance | None:
        try:
            return driver.spawn(small)
        except InstanceExists:
            return None

    with ThreadPoolExecutor(8) as pool:
        spawned = [instance for instance in pool.map(attempt, range(16)) if instance is not None]
    assert driver.instances() == tuple(spawned)
    assert driver.instance(small.uuid).state is PowerState.RUNNING


def test_a_reservation_ends_with_its_spawn(small: InstanceSpec) -> None:
    reservations = Reservations()
    with reservations.hold(small.uuid), pytest.raises(InstanceExists), reservations.hold(small.uuid):
        pass
    with reservations.hold(small.uuid):
        held = True
    assert held
