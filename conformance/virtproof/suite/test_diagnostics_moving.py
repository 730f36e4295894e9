"""Counters of guests that work: they move with what the guest does, and begin anew with each run.

What belongs here: cases whose ids begin with `diagnostics.moving`. What does not: counters as such (`test_diagnostics`).
"""

import time
from collections.abc import Callable
from threading import Event

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.guests.catalogue import UP_BYTES
from virtproof.guests.coming_up import await_up
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.values import Diagnostics, Instance

RUN = SPAWNED | {Capability.GUESTS, Capability.DIAGNOSTICS}
# Only machines read their disks through something that counts; they are those that have a firmware.
COUNTED = RUN | {Capability.FIRMWARE_EFI}
PATIENCE = 15.0


def moved(driver: ComputeDriver, instance: Instance, holds: Callable[[Diagnostics], bool]) -> Diagnostics:
    """The first reading of which something holds; AssertionError, with the last one, when none comes within 15 s.

    Counters cause no events, so that they are read again and again.
    """
    deadline = time.monotonic() + PATIENCE
    while not holds(read := driver.diagnostics(instance.uuid)):
        assert time.monotonic() < deadline, f"the counters did not move: {read}"
        Event().wait(0.05)
    return read


@case(
    "diagnostics.moving.processor",
    Level.MUST,
    requirement="Processor time grows while the guest works.",
    source="virDomainGetInfo: cpuTime",
    since="1.0",
    needs=RUN,
)
def test_processor(driver: ComputeDriver, small: Small) -> None:
    instance = driver.spawn(small(guest="counter"))
    before = driver.diagnostics(instance.uuid).cpu_time_ns
    assert moved(driver, instance, lambda read: read.cpu_time_ns > before).cpu_time_ns > before > 0


@case(
    "diagnostics.moving.reads",
    Level.MUST,
    requirement="What the guest reads of its disk is counted: as much as it takes to come up.",
    source="virDomainBlockStats",
    since="1.0",
    needs=COUNTED,
)
def test_reads(driver: ComputeDriver, small: Small, world: World) -> None:
    instance = driver.spawn(small())
    await_up(domain_of(world, instance.uuid))
    (disk,) = driver.diagnostics(instance.uuid).blocks
    assert disk.read_bytes >= UP_BYTES
    assert disk.read_requests >= 2
    assert (disk.write_requests, disk.write_bytes) == (0, 0)


@case(
    "diagnostics.moving.writes",
    Level.MUST,
    requirement="What the guest writes to its disk is counted, and grows until it rests.",
    source="virDomainBlockStats",
    since="1.0",
    needs=COUNTED | {Capability.STORAGE_CLONE},
)
def test_writes(driver: ComputeDriver, small: Small) -> None:
    instance = driver.spawn(small(guest="filler"))
    first = moved(driver, instance, lambda read: read.blocks[0].write_bytes > 0).blocks[0]
    later = moved(driver, instance, lambda read: read.blocks[0].write_bytes > first.write_bytes).blocks[0]
    assert later.write_requests > first.write_requests > 0


@case(
    "diagnostics.moving.paused",
    Level.MUST,
    requirement="A paused guest neither reads nor writes: its disk's counters stand still.",
    source="virDomainSuspend",
    since="1.0",
    needs=COUNTED | {Capability.STORAGE_CLONE, Capability.PAUSE},
)
def test_paused(driver: ComputeDriver, small: Small) -> None:
    instance = driver.spawn(small(guest="filler"))
    moved(driver, instance, lambda read: read.blocks[0].write_bytes > 0)
    driver.pause(instance.uuid)
    assert len({driver.diagnostics(instance.uuid).blocks for _ in range(5)}) == 1


@case(
    "diagnostics.moving.another-run",
    Level.MUST,
    requirement="The counters of a disk begin anew with each run of the instance.",
    source="values.BlockCounters: since the instance started",
    since="1.0",
    needs=COUNTED | {Capability.REBOOT_HARD, Capability.STORAGE_CLONE},
)
def test_another_run(driver: ComputeDriver, small: Small) -> None:
    instance = driver.spawn(small(guest="filler"))
    first = moved(driver, instance, lambda read: read.blocks[0].write_bytes > 1 << 20).blocks[0]
    driver.reboot(instance.uuid, hard=True)
    assert driver.diagnostics(instance.uuid).blocks[0].write_bytes < first.write_bytes


@case(
    "diagnostics.moving.memory",
    Level.MUST,
    requirement="Memory statistics of a guest that runs say what its process has of the host: some, and in KiB.",
    source="virDomainMemoryStats: VIR_DOMAIN_MEMORY_STAT_RSS",
    since="1.0",
    needs=RUN,
)
def test_memory(driver: ComputeDriver, small: Small) -> None:
    read = driver.diagnostics(driver.spawn(small()).uuid)
    assert read.memory_stats_kib["rss"] > 0
    assert read.memory_stats_kib["actual"] == read.memory_kib


@case(
    "diagnostics.moving.interface",
    Level.MUST,
    requirement="Each interface of a running instance has counters, by the name of its device on the host.",
    source="virDomainInterfaceStats",
    since="1.0",
    needs=RUN,
)
def test_interface(driver: ComputeDriver, small: Small, world: World) -> None:
    instance = driver.spawn(small(wired=True))
    (nic,) = driver.diagnostics(instance.uuid).interfaces
    domain = domain_of(world, instance.uuid)
    assert f"dev='{nic.target}'" in domain.XMLDesc(0).replace('"', "'")
    assert min(nic.rx_bytes, nic.rx_packets, nic.tx_bytes, nic.tx_packets) >= 0
