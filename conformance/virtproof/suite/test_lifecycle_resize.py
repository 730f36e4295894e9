"""Lifecycle, resize: processors and memory of the definition change together or not at all.

What belongs here: cases whose ids begin with `lifecycle.resize`. What does not: sizes given to spawn (`test_lifecycle_spawn`).
"""

from uuid import UUID
from xml.etree.ElementTree import fromstring

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED
from virtproof_driver import Capability
from virtproof_driver.constants import ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import HypervisorError, InvalidSpec
from virtproof_driver.values import Instance

RESIZED = SPAWNED | {Capability.RESIZE}
KIB_PER_MIB = 1024


def size_of(world: World, uuid: UUID, *, inactive: bool = True) -> tuple[int, int]:
    """(processors, MiB) of the persistent definition, or of the run."""
    root = fromstring(world.xml(uuid, inactive=inactive))
    vcpu = root.find("vcpu")
    assert vcpu is not None
    memory = root.findtext("currentMemory") or root.findtext("memory") or ""  # libvirt gives both in KiB, whatever was defined
    return int(vcpu.get("current") or vcpu.text or ""), int(memory) // KIB_PER_MIB


@case(
    "lifecycle.resize.definition",
    Level.MUST,
    requirement="resize() changes processors and memory of the persistent definition, up and down, of instances on and off.",
    source="virDomainSetVcpusFlags and virDomainSetMemoryFlags with VIR_DOMAIN_AFFECT_CONFIG; memory is KiB there, MiB here",
    since="1.0",
    needs=RESIZED,
)
@pytest.mark.parametrize("state", ["running", "off"])
@pytest.mark.parametrize("direction", ["grow", "shrink"])
def test_resize_changes_the_definition(driver: ComputeDriver, small: Small, world: World, direction: str, state: str) -> None:
    spec = small()
    little, much = (spec.vcpus, spec.memory_mib), (spec.vcpus + 1, 2 * spec.memory_mib)
    old, new = (little, much) if direction == "grow" else (much, little)
    instance = driver.spawn(small(vcpus=old[0], memory_mib=old[1]), start=state == "running")
    resized = driver.resize(instance.uuid, vcpus=new[0], memory_mib=new[1])
    assert resized.state is instance.state
    assert size_of(world, instance.uuid) == new
    found = driver.spec(instance.uuid)
    assert (found.vcpus, found.memory_mib) == new


@case(
    "lifecycle.resize.next-start",
    Level.MUST,
    requirement="A resized instance has its new size from its next start on.",
    source="virDomainSetVcpusFlags: VIR_DOMAIN_AFFECT_CONFIG affects the next boot",
    since="1.0",
    needs=RESIZED | {Capability.START, Capability.STOP},
)
def test_resize_applies_at_the_next_start(driver: ComputeDriver, instance: Instance, world: World) -> None:
    vcpus, memory_mib = size_of(world, instance.uuid)
    new = (vcpus + 1, 2 * memory_mib)
    driver.resize(instance.uuid, vcpus=new[0], memory_mib=new[1])
    driver.stop(instance.uuid, timeout=0)
    driver.start(instance.uuid)
    assert size_of(world, instance.uuid, inactive=False) == new


@case(
    "lifecycle.resize.invalid",
    Level.MUST,
    requirement="A size that cannot be is InvalidSpec naming the field, and the definition stays as it is.",
    source="driver contract: max_vcpus bounds a later resize; what is wrong with a value is InvalidSpec",
    since="1.0",
    needs=RESIZED,
)
@pytest.mark.parametrize(
    ("vcpus", "memory_mib", "field"),
    [
        pytest.param(0, 8, "vcpus", id="no-vcpus"),
        pytest.param(1, 0, "memory_mib", id="no-memory"),
        pytest.param(-1, 8, "vcpus", id="negative"),
        pytest.param(3, 8, "vcpus", id="above-maximum"),
    ],
)
def test_resize_to_the_impossible(  # noqa: PLR0913, PLR0917 - three fixtures and three parameters
    driver: ComputeDriver, small: Small, world: World, vcpus: int, memory_mib: int, field: str
) -> None:
    instance = driver.spawn(small(max_vcpus=2), start=False)
    before = world.xml(instance.uuid, inactive=True)
    with pytest.raises(InvalidSpec) as refused:
        driver.resize(instance.uuid, vcpus=vcpus, memory_mib=memory_mib)
    assert refused.value.field == field
    assert world.xml(instance.uuid, inactive=True) == before


@case(
    "lifecycle.resize.all-or-nothing",
    Level.MUST,
    requirement="When one half of a resize fails, the other is undone: the definition is as it was.",
    source="driver contract: an operation that fails leaves nothing behind; processors and memory are two calls of libvirt",
    since="1.0",
    needs=RESIZED,
)
@pytest.mark.parametrize(
    "half",
    [pytest.param("Domain.setVcpus|Connection.defineXML", id="setVcpus"), pytest.param("Domain.setMemory", id="setMemory")],
)
def test_resize_is_all_or_nothing(driver: ComputeDriver, off_instance: Instance, world: World, faults: Faults, half: str) -> None:
    before = size_of(world, off_instance.uuid)
    faults.raise_on(half, ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU)
    with pytest.raises(HypervisorError):
        driver.resize(off_instance.uuid, vcpus=before[0] + 1, memory_mib=2 * before[1])
    assert size_of(world, off_instance.uuid) == before
