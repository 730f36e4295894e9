"""What a machine keeps beside its disks, and the ways to take it off and on again.

What belongs here: the ways, for cases that ask what outlives them. What does not: any case.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID

from virtproof.suite.common import SPAWNED
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver

KEPT: Final = SPAWNED | {
    *(Capability.GUESTS, Capability.START, Capability.STOP),
    *(Capability.REBOOT_HARD, Capability.RESIZE),
}


def _stopped(driver: ComputeDriver, uuid: UUID) -> None:
    driver.stop(uuid, timeout=0)
    driver.start(uuid)


def _rebooted(driver: ComputeDriver, uuid: UUID) -> None:
    driver.reboot(uuid, hard=True)


def _resized(driver: ComputeDriver, uuid: UUID) -> None:
    driver.stop(uuid, timeout=0)
    driver.resize(uuid, vcpus=1, memory_mib=96)
    driver.start(uuid)


WAYS: Final[Mapping[str, Callable[[ComputeDriver, UUID], None]]] = MappingProxyType(
    {"stop-start": _stopped, "reboot-hard": _rebooted, "resize": _resized}
)
