"""Tests of `operations.lifecycle` and `operations.resize` on the test driver: legal, second and illegal moves."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.errors import InstanceNotFound, InvalidSpec, InvalidState
from virtproof_driver.spec import InstanceSpec, SnapshotSpec
from virtproof_driver.values import Instance, PowerState, StopOutcome

Operation = Callable[[LibvirtDriver, UUID], object]
Move = Callable[[LibvirtDriver, UUID], Instance]

RUNNING = (PowerState.RUNNING, "booted")
PAUSED = (PowerState.PAUSED, "user")
SAVED = (PowerState.OFF, "saved")
OFF = (PowerState.OFF, "destroyed")

REACH: dict[str, tuple[Operation, ...]] = {
    "running": (),
    "paused": (LibvirtDriver.pause,),
    "saved": (LibvirtDriver.suspend,),
    "off": (lambda driver, uuid: driver.stop(uuid, timeout=0),),
}


def state_of(instance: Instance) -> tuple[PowerState, str]:
    return instance.state, instance.reason


LEGAL: list[tuple[str, Move, tuple[PowerState, str]]] = [
    ("running", LibvirtDriver.start, RUNNING),
    ("running", LibvirtDriver.pause, PAUSED),
    ("running", LibvirtDriver.unpause, RUNNING),
    ("running", LibvirtDriver.suspend, SAVED),
    ("running", LibvirtDriver.resume, RUNNING),
    ("running", LibvirtDriver.reboot, RUNNING),
    ("running", lambda driver, uuid: driver.reboot(uuid, hard=True), RUNNING),
    ("paused", LibvirtDriver.pause, PAUSED),
    ("paused", LibvirtDriver.unpause, (PowerState.RUNNING, "unpaused")),
    ("paused", LibvirtDriver.suspend, SAVED),
    ("paused", lambda driver, uuid: driver.reboot(uuid, hard=True), RUNNING),
    ("saved", LibvirtDriver.suspend, SAVED),
    ("saved", LibvirtDriver.resume, RUNNING),
    ("saved", LibvirtDriver.start, RUNNING),
    ("off", LibvirtDriver.start, RUNNING),
]


@pytest.mark.parametrize(("start", "operation", "expected"), LEGAL)
def test_a_legal_move_ends_where_it_should(
    driver: LibvirtDriver, small: InstanceSpec, start: str, operation: Move, expected: object
) -> None:
    driver.spawn(small)
    for reach in REACH[start]:
        reach(driver, small.uuid)
    moved = operation(driver, small.uuid)
    assert state_of(moved) == expected
    assert driver.instances() == (moved,)


ILLEGAL: list[tuple[str, Operation, str]] = [
    ("paused", LibvirtDriver.start, "cannot start instance 'small' .*: it is paused .*, not shutoff"),
    ("off", LibvirtDriver.pause, "it is shutoff .*, not blocked or running"),
    ("off", LibvirtDriver.unpause, "it is shutoff .*, not paused"),
    ("off", LibvirtDriver.suspend, "it is shutoff"),
    ("off", LibvirtDriver.resume, "no managed save; start it instead"),
    ("paused", LibvirtDriver.resume, "no managed save; unpause it instead"),
    ("off", LibvirtDriver.reboot, "cannot reboot .*: it is shutoff"),
    ("paused", LibvirtDriver.reboot, "cannot reboot .*: it is paused"),
    ("off", lambda driver, uuid: driver.reboot(uuid, hard=True), "cannot reboot .*: it is shutoff"),
    ("saved", LibvirtDriver.pause, "it is shutoff"),
]


@pytest.mark.parametrize(("start", "operation", "words"), ILLEGAL)
def test_an_illegal_move_changes_nothing_and_names_the_state(
    driver: LibvirtDriver, small: InstanceSpec, start: str, operation: Operation, words: str
) -> None:
    driver.spawn(small)
    for reach in REACH[start]:
        reach(driver, small.uuid)
    before = driver.instances()
    with pytest.raises(InvalidState, match=words):
        operation(driver, small.uuid)
    assert driver.instances() == before


ABSENT: list[Operation] = [
    LibvirtDriver.start,
    LibvirtDriver.pause,
    LibvirtDriver.unpause,
    LibvirtDriver.suspend,
    LibvirtDriver.resume,
    LibvirtDriver.reboot,
    LibvirtDriver.unrescue,
    LibvirtDriver.instance,
    LibvirtDriver.spec,
    LibvirtDriver.diagnostics,
    LibvirtDriver.snapshots,
    LibvirtDriver.autostart,
    LibvirtDriver.graphics,
    lambda driver, uuid: driver.reboot(uuid, hard=True),
    lambda driver, uuid: driver.stop(uuid, timeout=1),
    lambda driver, uuid: driver.stop(uuid, timeout=0),
    lambda driver, uuid: driver.resize(uuid, vcpus=1, memory_mib=1),
    lambda driver, uuid: driver.set_title(uuid, "t"),
    lambda driver, uuid: driver.metadata(uuid, "urn:x"),
    lambda driver, uuid: driver.screenshot(uuid, lambda _: None),
    lambda driver, uuid: driver.create_snapshot(uuid, SnapshotSpec(name="s")),
    lambda driver, uuid: driver.quiesce(uuid),
]


@pytest.mark.parametrize("operation", ABSENT)
def test_an_instance_that_is_not_there_is_named(driver: LibvirtDriver, small: InstanceSpec, operation: Operation) -> None:
    with pytest.raises(InstanceNotFound) as never:
        operation(driver, small.uuid)
    driver.spawn(small)
    driver.destroy(small.uuid)
    with pytest.raises(InstanceNotFound) as gone:
        operation(driver, small.uuid)
    assert [never.value.key, gone.value.key] == [str(small.uuid)] * 2


def test_a_hard_reboot_of_a_transient_instance_is_refused(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    driver.link.domain(small.uuid).undefineFlags()
    with pytest.raises(InvalidState, match="transient"):
        driver.reboot(small.uuid, hard=True)
    assert driver.instance(small.uuid).state is PowerState.RUNNING


def test_an_instance_that_somebody_else_moved_is_taken_as_it_is(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    domain = driver.link.domain(small.uuid)
    domain.suspend()
    assert driver.pause(small.uuid).state is PowerState.PAUSED
    domain.resume()
    assert driver.unpause(small.uuid).state is PowerState.RUNNING
    domain.destroy()
    assert driver.stop(small.uuid, timeout=1) is StopOutcome.ALREADY_OFF
    domain.create()
    assert driver.start(small.uuid).state is PowerState.RUNNING


@pytest.mark.parametrize("running", [True, False], ids=["running", "off"])
def test_a_resize_is_there_after_the_next_start(driver: LibvirtDriver, small: InstanceSpec, running: bool) -> None:
    driver.spawn(small, start=running)
    driver.resize(small.uuid, vcpus=4, memory_mib=64)
    assert driver.spec(small.uuid) == replace(small, vcpus=4, memory_mib=64)
    driver.resize(small.uuid, vcpus=2, memory_mib=32)
    assert driver.spec(small.uuid) == replace(small, vcpus=2, memory_mib=32)
    driver.stop(small.uuid, timeout=0)
    driver.start(small.uuid)
    counters = driver.diagnostics(small.uuid)
    assert (counters.vcpus, counters.memory_kib) == (2, 32 * 1024)


@pytest.mark.parametrize(
    ("vcpus", "memory_mib", "field"),
    [(5, 32, "vcpus"), (2, 65, "memory_mib"), (0, 32, "vcpus"), (1, 0, "memory_mib"), (-1, 32, "vcpus")],
)
def test_a_resize_out_of_bounds_changes_nothing(
    driver: LibvirtDriver, small: InstanceSpec, vcpus: int, memory_mib: int, field: str
) -> None:
    spec = replace(small, max_vcpus=4, max_memory_mib=64)
    driver.spawn(spec)
    with pytest.raises(InvalidSpec) as caught:
        driver.resize(spec.uuid, vcpus=vcpus, memory_mib=memory_mib)
    assert caught.value.field == field
    assert driver.spec(spec.uuid) == spec


def test_a_resize_that_the_hypervisor_cannot_do_is_undone(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    with pytest.raises(InvalidSpec, match="vcpus: the hypervisor cannot"):
        driver.resize(small.uuid, vcpus=33, memory_mib=64)  # the test driver has 32 (libvirt 9.0.0)
    assert driver.spec(small.uuid) == small
