"""Limits: what an instance may use of its host's processors and memory.

What belongs here: cases whose ids begin with `limits`. What does not: changing a size (`test_lifecycle_resize`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of
from virtproof.suite.talk import SHELL, shell
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InvalidSpec
from virtproof_driver.spec import InstanceSpec, Limits

LIMITED = SPAWNED | {Capability.LIMITS}
BOUNDED = SHELL | {Capability.LIMITS}
KIB_IN_MIB = 1024
FULL = Limits(cpu_shares=300, cpu_quota_us=20_000, memory_hard_mib=48)
SHARE = 0.2  # of a processor: the quota over its period of 100 ms
NONE_US = -1  # libvirt's word for no quota
IMPOSSIBLE = {
    "shares-low": Limits(cpu_shares=1),
    "shares-high": Limits(cpu_shares=262_145),
    "quota-low": Limits(cpu_quota_us=999),
    "memory-none": Limits(memory_hard_mib=0),
    "memory-negative": Limits(memory_hard_mib=-1),
}


def scheduled(world: World, spec: InstanceSpec) -> Mapping[str, int]:
    """How the host shares out its processors to a running instance: libvirt reads it from the control group."""
    return cast("Mapping[str, int]", cast("Any", domain_of(world, spec.uuid)).schedulerParameters())


def bounded_kib(world: World, spec: InstanceSpec) -> int:
    """The host's bound of a running instance's memory, likewise."""
    found = cast("Mapping[str, int]", cast("Any", domain_of(world, spec.uuid)).memoryParameters())
    return found["hard_limit"]


@case(
    "limits.cpu.shares",
    Level.MUST,
    requirement="The weight of an instance's processors is in force on the host.",
    source="https://libvirt.org/formatdomain.html#cpu-tuning: shares; virDomainGetSchedulerParameters",
    since="1.0",
    needs=LIMITED,
)
@pytest.mark.parametrize("shares", [2, 300, 4096])
def test_shares(driver: ComputeDriver, small: Small, world: World, shares: int) -> None:
    spec = replace(small(), limits=Limits(cpu_shares=shares))
    driver.spawn(spec)
    assert scheduled(world, spec)["cpu_shares"] == shares


@case(
    "limits.cpu.quota",
    Level.MUST,
    requirement="The quota of an instance's processors is in force on the host, over a period of 100 ms.",
    source="https://libvirt.org/formatdomain.html#cpu-tuning: period and quota; virDomainGetSchedulerParameters",
    since="1.0",
    needs=LIMITED,
)
@pytest.mark.parametrize("quota", [1000, 20_000, 250_000])
def test_quota(driver: ComputeDriver, small: Small, world: World, quota: int) -> None:
    spec = replace(small(), limits=Limits(cpu_quota_us=quota))
    driver.spawn(spec)
    found = scheduled(world, spec)
    assert (found["vcpu_period"], found["vcpu_quota"]) == (100_000, quota)


@case(
    "limits.memory.hard",
    Level.MUST,
    requirement="The hard limit of an instance's memory is in force on the host.",
    source="https://libvirt.org/formatdomain.html#memory-tuning: hard_limit; virDomainGetMemoryParameters",
    since="1.0",
    needs=LIMITED,
)
@pytest.mark.parametrize("mib", [32, 48, 1000])
def test_memory(driver: ComputeDriver, small: Small, world: World, mib: int) -> None:
    spec = replace(small(), limits=Limits(memory_hard_mib=mib))
    driver.spawn(spec)
    assert bounded_kib(world, spec) == mib * KIB_IN_MIB


@case(
    "limits.none",
    Level.MUST,
    requirement="An instance without limits has no quota, and the weight that every other one has.",
    source="cgroups(7): cpu.shares is 1024 unless it is set",
    since="1.0",
    needs=LIMITED,
)
def test_no_limits(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = replace(small(), limits=None)
    driver.spawn(spec)
    found = scheduled(world, spec)
    assert (found["cpu_shares"], found["vcpu_quota"]) == (1024, NONE_US)


@case(
    "limits.started-again",
    Level.MUST,
    requirement="Limits are in force after a hard reboot as before it.",
    source="https://libvirt.org/formatdomain.html#cpu-tuning; the limits are in the definition",
    since="1.0",
    needs=LIMITED | {Capability.REBOOT_HARD},
)
def test_started_again(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = replace(small(), limits=FULL)
    driver.spawn(spec)
    before = (scheduled(world, spec), bounded_kib(world, spec))
    driver.reboot(spec.uuid, hard=True)
    assert (scheduled(world, spec), bounded_kib(world, spec)) == before


@case(
    "limits.spec",
    Level.MUST,
    requirement="spec() gives the limits that the instance was spawned with, each of them and none.",
    source="driver contract: spec",
    since="1.0",
    needs=LIMITED,
)
@pytest.mark.parametrize(
    "limits",
    [FULL, Limits(cpu_shares=300), Limits(cpu_quota_us=20_000), Limits(memory_hard_mib=48), None],
    ids=["all", "shares", "quota", "memory", "none"],
)
def test_spec(driver: ComputeDriver, small: Small, limits: Limits | None) -> None:
    spec = replace(small(), limits=limits)
    driver.spawn(spec)
    assert driver.spec(spec.uuid).limits == limits
    driver.stop(spec.uuid, timeout=0)
    assert driver.spec(spec.uuid).limits == limits


@case(
    "limits.impossible",
    Level.MUST,
    requirement="A limit that cannot be is InvalidSpec, which names the field, and nothing is made.",
    source="cgroups(7); https://libvirt.org/formatdomain.html#cpu-tuning: ranges",
    since="1.0",
    needs=LIMITED,
)
@pytest.mark.parametrize("wrong", IMPOSSIBLE)
def test_impossible(driver: ComputeDriver, small: Small, world: World, wrong: str) -> None:
    spec = replace(small(), limits=IMPOSSIBLE[wrong])
    with pytest.raises(InvalidSpec) as refused:
        driver.spawn(spec)
    assert refused.value.field.startswith("limits.")
    assert world.domain(spec.uuid) is None


@case(
    "limits.memory.enforced",
    Level.MUST,
    requirement="A program of the guest that wants more memory than the limit gets it not, and the guest runs on.",
    source="cgroups(7): the kernel kills what goes beyond memory.limit_in_bytes",
    since="1.0",
    needs=BOUNDED,
)
def test_memory_enforced(driver: ComputeDriver, small: Small) -> None:
    wants = "dd if=/dev/zero of=/dev/null bs={mib}M count=1 2>/dev/null"
    with shell(driver, replace(small(guest="obedient"), limits=Limits(memory_hard_mib=40))) as guest:
        assert guest.run(wants.format(mib=8))[0] == 0
        assert guest.run(wants.format(mib=120))[0] != 0
        assert guest.output("echo still here") == "still here\n"


@case(
    "limits.cpu.enforced",
    Level.MUST,
    requirement="A guest that computes all the time uses no more of the processors than its quota.",
    source="cgroups(7): cpu.cfs_quota_us; virDomainGetInfo: cpuTime",
    since="1.0",
    needs=BOUNDED | {Capability.DIAGNOSTICS},
)
def test_quota_enforced(driver: ComputeDriver, small: Small) -> None:
    spec = replace(small(guest="obedient"), limits=Limits(cpu_quota_us=int(SHARE * 100_000)))
    with shell(driver, spec) as guest:
        before = driver.diagnostics(spec.uuid).cpu_time_ns
        guest.output("timeout 1.5 sh -c 'while :; do :; done'; true")
        used = driver.diagnostics(spec.uuid).cpu_time_ns - before
    # one-sided, so that a busy host changes nothing: what two seconds and two periods may give at most, and that it ran at all
    assert 0 < used < (2.2 * SHARE) * 1e9
