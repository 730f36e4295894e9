"""Tests of `operations.stopping` on libvirt's test driver: who ended the instance, and what destroy leaves behind."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.errors import InvalidSpec, InvalidState, OperationTimeout
from virtproof_driver.operations import deadlines
from virtproof_driver.spec import Disk, DiskSource, InstanceSpec, NewVolume, PoolSpec, SnapshotSpec, VolumeSource, VolumeSpec
from virtproof_driver.values import PowerState, StopOutcome


@pytest.mark.parametrize("force", [True, False])
def test_a_guest_that_obeys_is_not_forced(driver: LibvirtDriver, small: InstanceSpec, force: bool) -> None:
    driver.spawn(small)
    assert driver.stop(small.uuid, timeout=5, force=force) is StopOutcome.GRACEFUL
    found = driver.instance(small.uuid)
    assert (found.state, found.reason) == (PowerState.OFF, "shutdown")
    assert driver.stop(small.uuid, timeout=5, force=force) is StopOutcome.ALREADY_OFF


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_no_patience_is_force(driver: LibvirtDriver, small: InstanceSpec, timeout: float) -> None:
    driver.spawn(small)
    assert driver.stop(small.uuid, timeout=timeout) is StopOutcome.FORCED
    found = driver.instance(small.uuid)
    assert (found.state, found.reason) == (PowerState.OFF, "destroyed")
    assert driver.stop(small.uuid, timeout=timeout) is StopOutcome.ALREADY_OFF


@pytest.mark.parametrize("timeout", [0, -3, float("nan")])
def test_asking_nobody_and_forcing_nothing_is_no_stop(driver: LibvirtDriver, small: InstanceSpec, timeout: float) -> None:
    driver.spawn(small)
    with pytest.raises(InvalidSpec, match="timeout"):
        driver.stop(small.uuid, timeout=timeout, force=False)
    assert driver.instance(small.uuid).state is PowerState.RUNNING


def test_a_paused_instance_stops(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    driver.pause(small.uuid)
    assert driver.stop(small.uuid, timeout=5) is StopOutcome.GRACEFUL
    assert driver.instance(small.uuid).state is PowerState.OFF


def test_a_transient_instance_that_stops_is_gone(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    driver.link.domain(small.uuid).undefineFlags()
    assert driver.stop(small.uuid, timeout=5) is StopOutcome.GRACEFUL
    assert driver.instances() == ()


def test_a_host_that_keeps_what_it_undefined_is_a_timeout(
    driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.spawn(small)
    call: Callable[..., object] = driver.link.call
    asked: list[str] = []

    def swallow(function: Callable[..., object], *args: object) -> object:
        if "undefineFlags" not in repr(function):
            return call(function, *args)
        asked.append("undefineFlags")
        return 0

    monkeypatch.setattr(deadlines, "UNDEFINE", 0.05)
    monkeypatch.setattr(driver.link, "call", swallow)
    with pytest.raises(OperationTimeout, match="undefined event"):
        driver.destroy(small.uuid)
    assert (asked, driver.instance(small.uuid).state) == (["undefineFlags"], PowerState.OFF)


BEFORE_DESTROY: dict[str, Callable[[LibvirtDriver, UUID], object]] = {
    "running": lambda driver, uuid: driver.instance(uuid),
    "paused": lambda driver, uuid: driver.pause(uuid),
    "off": lambda driver, uuid: driver.stop(uuid, timeout=0),
    "saved": lambda driver, uuid: driver.suspend(uuid),
    "snapshots": lambda driver, uuid: [driver.create_snapshot(uuid, SnapshotSpec(name=name)) for name in "ab"],
    "transient": lambda driver, uuid: driver.link.domain(uuid).undefineFlags(),
}


@pytest.mark.parametrize("before", BEFORE_DESTROY.values(), ids=BEFORE_DESTROY.keys())
def test_destroy_removes_an_instance_in_any_state(
    driver: LibvirtDriver, small: InstanceSpec, before: Callable[[LibvirtDriver, UUID], object]
) -> None:
    driver.spawn(small)
    before(driver, small.uuid)
    driver.destroy(small.uuid)
    assert driver.instances() == ()
    driver.destroy(small.uuid)
    assert driver.instances() == ()


def test_destroy_removes_the_volumes_that_spawn_made_and_no_others(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.create_pool(PoolSpec(name="p", target="/p"))
    driver.create_volume("p", VolumeSpec(name="given", capacity_bytes=4096))
    made = tuple(NewVolume(pool="p", volume=name, capacity_bytes=4096) for name in ("root", "data"))
    sources: tuple[DiskSource, ...] = (*made, VolumeSource(pool="p", volume="given"))
    disks = tuple(Disk(target=f"vd{letter}", source=source) for letter, source in zip("abc", sources, strict=True))
    driver.spawn(replace(small, disks=disks))
    assert [volume.name for volume in driver.volumes("p")] == ["data", "given", "root"]
    driver.destroy(small.uuid)
    assert [volume.name for volume in driver.volumes("p")] == ["given"]


def test_a_volume_that_is_gone_already_does_not_keep_destroy(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.create_pool(PoolSpec(name="p", target="/p"))
    root = NewVolume(pool="p", volume="root", capacity_bytes=4096)
    driver.spawn(replace(small, disks=(Disk(target="vda", source=root),)))
    driver.delete_volume("p", "root")
    driver.destroy(small.uuid)
    assert driver.instances() == ()


def test_volumes_that_cannot_be_deleted_are_named(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.create_pool(PoolSpec(name="p", target="/p"))
    root = NewVolume(pool="p", volume="root", capacity_bytes=4096)
    driver.spawn(replace(small, disks=(Disk(target="vda", source=root),)))
    driver.stop_pool("p")
    with pytest.raises(InvalidState) as caught:
        driver.destroy(small.uuid)
    assert [leftover.partition(" remains")[0] for leftover in caught.value.undone_failures] == [
        "storage volume 'root' of pool 'p'"
    ]
    assert driver.instances() == ()
