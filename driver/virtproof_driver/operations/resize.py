"""Changing an instance's size.

What belongs here: resize and the actions that it takes. What does not: their order (`plans.resize_plan`).
"""

from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

from virtproof_driver.actions import SetMemory, SetVcpus
from virtproof_driver.constants import ErrorCode, MemoryFlag, VcpuFlag
from virtproof_driver.errors import HypervisorError, InvalidSpec
from virtproof_driver.link import Link
from virtproof_driver.markup.domain import parse_domain, with_vcpus
from virtproof_driver.operations.executing import execute, perform
from virtproof_driver.operations.inventory import inactive_xml, instance
from virtproof_driver.plans import resize_plan
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.validation import validate_size
from virtproof_driver.values import Instance

KIB_PER_MIB = 1024


def resize(link: Link, uuid: UUID, *, vcpus: int, memory_mib: int) -> Instance:
    """Change processors and memory (MiB) of the persistent definition; a running instance has them from its next start.

    Where libvirt's driver sets no processors by themselves the domain is defined anew with them, which listeners are told.
    The spec's `max_vcpus` and `max_memory_mib` bound it; where there are none the maximum follows the value.
    """
    validate_size(vcpus, memory_mib)
    old = parse_domain(inactive_xml(link, uuid))
    _check_bounds(old, vcpus, memory_mib)
    execute(link, resize_plan(old, vcpus=vcpus, memory_mib=memory_mib))
    return instance(link, uuid)


def _check_bounds(old: InstanceSpec, vcpus: int, memory_mib: int) -> None:
    for field, value, bound in (("vcpus", vcpus, old.max_vcpus), ("memory_mib", memory_mib, old.max_memory_mib)):
        if bound is not None and value > bound:
            raise InvalidSpec(field, f"{value} is more than the instance's maximum of {bound}; ask for less")


@contextmanager
def _too_much(field: str) -> Generator[None]:
    """Name the field where libvirt says INVALID_ARG: the hypervisor cannot have as much (the test driver of 9.0.0: 32 vcpus)."""
    try:
        yield
    except HypervisorError as error:
        if error.code != ErrorCode.INVALID_ARG:
            raise
        raise InvalidSpec(field, f"the hypervisor cannot: {error.message}") from error


@perform.register
def _set_vcpus(action: SetVcpus, link: Link) -> None:
    if not link.hypervisor.sets_vcpus:
        xml = with_vcpus(inactive_xml(link, action.uuid, secrets=True), action.count, maximum=action.maximum)
        link.remember(action.uuid, link.call(link.connection().defineXML, xml))
        return
    flags = VcpuFlag.CONFIG | VcpuFlag.MAXIMUM if action.maximum else VcpuFlag.CONFIG
    with _too_much("vcpus"):
        link.call(link.domain(action.uuid).setVcpusFlags, action.count, flags)


@perform.register
def _set_memory(action: SetMemory, link: Link) -> None:
    flags = MemoryFlag.CONFIG | MemoryFlag.MAXIMUM if action.maximum else MemoryFlag.CONFIG
    with _too_much("memory_mib"):
        link.call(link.domain(action.uuid).setMemoryFlags, action.mib * KIB_PER_MIB, flags)
