"""Diagnostics: the counters of an instance.

What belongs here: cases whose ids begin with `diagnostics`. What does not: counters of the host (`test_host`).
"""

from dataclasses import fields
from xml.etree.ElementTree import fromstring

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InstanceNotFound, InvalidState
from virtproof_driver.values import BlockCounters, Diagnostics, Instance, InterfaceCounters

COUNTED = frozenset({Capability.DIAGNOSTICS, Capability.SPAWN, Capability.DESTROY})
KIB_PER_MIB = 1024
NOT_COUNTED = -1


def counters(read: Diagnostics) -> list[int]:
    """Every cumulative number of a reading, in one order."""
    rows: tuple[BlockCounters | InterfaceCounters, ...] = (*read.blocks, *read.interfaces)
    return [read.cpu_time_ns, *(getattr(row, field.name) for row in rows for field in fields(row) if field.name != "target")]


@case(
    "diagnostics.size",
    Level.MUST,
    requirement="diagnostics() gives the processors and the memory, in KiB, that the running instance has.",
    source="virDomainGetInfo: memory and maxMem in KiB",
    since="1.0",
    needs=COUNTED,
)
def test_size(driver: ComputeDriver, small: Small) -> None:
    spec = small(vcpus=2)
    driver.spawn(spec)
    read = driver.diagnostics(spec.uuid)
    assert (read.uuid, read.vcpus) == (spec.uuid, 2)
    assert read.max_memory_kib == spec.memory_mib * KIB_PER_MIB
    assert 0 < read.memory_kib <= read.max_memory_kib


@case(
    "diagnostics.devices",
    Level.MUST,
    requirement="diagnostics() has a row for each disk and interface that the running instance has, under its target's name.",
    source="virDomainBlockStats and virDomainInterfaceStats take the device's target",
    since="1.0",
    needs=COUNTED,
)
def test_a_row_for_each_device(driver: ComputeDriver, small: Small, world: World) -> None:
    instance = driver.spawn(small(wired=True))
    devices = fromstring(world.xml(instance.uuid))
    read = driver.diagnostics(instance.uuid)
    assert [row.target for row in read.blocks] == [target.get("dev") for target in devices.iterfind("devices/disk/target")]
    assert [row.target for row in read.interfaces] == [
        target.get("dev") for target in devices.iterfind("devices/interface/target")
    ]


@case(
    "diagnostics.cumulative",
    Level.MUST,
    requirement="Processor time and devices' counters never go down while the instance runs; -1 says that one is not counted.",
    source="virDomainBlockStats: -1 where the hypervisor does not count; virDomainGetInfo: cpuTime in nanoseconds",
    since="1.0",
    needs=COUNTED,
)
def test_counters_never_go_down(driver: ComputeDriver, small: Small) -> None:
    instance = driver.spawn(small(wired=True))
    reads = [counters(driver.diagnostics(instance.uuid)) for _ in range(3)]
    assert all(number >= NOT_COUNTED for number in reads[0])
    assert [max(numbers) for numbers in zip(*reads, strict=True)] == reads[-1]


@case(
    "diagnostics.paused",
    Level.MUST,
    requirement="A paused instance is active, so its counters can be read, and reading does not let it run on.",
    source="virDomainGetInfo of a paused domain; measured, libvirt 9.0.0",
    since="1.0",
    needs=COUNTED | {Capability.PAUSE},
)
def test_paused(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.pause(instance.uuid)
    assert driver.diagnostics(instance.uuid).uuid == instance.uuid
    state = world.state(instance.uuid)
    assert state is not None
    assert state[0] == DomainState.PAUSED


@case(
    "diagnostics.off",
    Level.MUST,
    requirement="Counters of an instance that is off are InvalidState, and it stays off.",
    source="virDomainBlockStats of a domain that is off: error 55 (libvirt 9.0.0)",
    since="1.0",
    needs=COUNTED,
)
def test_off(driver: ComputeDriver, off_instance: Instance, world: World) -> None:
    before = world.state(off_instance.uuid)
    with pytest.raises(InvalidState) as refused:
        driver.diagnostics(off_instance.uuid)
    assert str(off_instance.uuid) in str(refused.value)
    assert world.state(off_instance.uuid) == before


@case(
    "diagnostics.unknown",
    Level.MUST,
    requirement="Counters of an unknown UUID are InstanceNotFound, which names it.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs={Capability.DIAGNOSTICS},
)
def test_unknown(driver: ComputeDriver) -> None:
    with pytest.raises(InstanceNotFound) as refused:
        driver.diagnostics(NO_SUCH)
    assert refused.value.key == NO_SUCH


@case(
    "diagnostics.own",
    Level.MUST,
    requirement="Counters are those of the instance asked for, whatever else runs on the host.",
    source="driver contract: diagnostics(uuid)",
    since="1.0",
    needs=COUNTED,
)
def test_each_instance_has_its_own(driver: ComputeDriver, small: Small) -> None:
    specs = [small(vcpus=vcpus) for vcpus in (1, 2)]
    for spec in specs:
        driver.spawn(spec)
    read = [driver.diagnostics(spec.uuid) for spec in specs]
    assert [(one.uuid, one.vcpus) for one in read] == [(spec.uuid, spec.vcpus) for spec in specs]
