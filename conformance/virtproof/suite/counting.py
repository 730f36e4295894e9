"""Reading how far the guest `counter` has counted: only in its memory, so that a count that goes on proves that memory was kept.

What belongs here: reading the count off the console. What does not: any case.
"""

import re
import time
from typing import Final
from uuid import UUID

from virtproof.suite.common import HEARD
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import OperationTimeout

COUNTED: Final = HEARD | {Capability.GUESTS, Capability.CONSOLE_STREAM}
COUNTER: Final = "counter"
PATIENCE: Final = 15.0
_NUMBER: Final = re.compile(rb"(?<!\d)(\d{5})\r\n")


def next_count(driver: ComputeDriver, uuid: UUID) -> int:
    """The number that the guest says next, 4.5 of them a second. AssertionError, saying what came, when none is within 15 s."""
    came, deadline = bytearray(), time.monotonic() + PATIENCE
    with driver.console(uuid) as console:
        while (number := _NUMBER.search(came)) is None:
            try:
                came += console.read(max(deadline - time.monotonic(), 0))
            except OperationTimeout as late:
                raise AssertionError(f"the guest did not count within {PATIENCE:g} s; it said {bytes(came)!r}") from late
    return int(number.group(1))


def counted_to(driver: ComputeDriver, uuid: UUID, least: int) -> int:
    """Let the guest count to `least` at least; the number it is at then."""
    while (number := next_count(driver, uuid)) < least:
        pass
    return number
