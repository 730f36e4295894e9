"""What the guest `sweeper` tells of its memory, read past every driver while it runs.

What belongs here: reading its two numbers off the host, and waiting for them. What does not: what the guest does (`sweeper.asm`),
and what a case makes of it. Each is written by one instruction, so that it is never seen by half.
"""

import time
from dataclasses import dataclass
from threading import Event
from typing import Any, Final, cast

from virtproof_driver.binding import Domain

STATUS: Final = 0x9000  # as the guest's source has it
PAGES: Final = 3072
_BYTES: Final = 8
_BETWEEN: Final = 0.03  # seconds; a sweep takes 0.055
_PHYSICAL: Final = 2  # VIR_MEMORY_PHYSICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeps:
    """How many sweeps over its pages the guest has finished, and in how many pages it did not find what it had written."""

    finished: int
    wrong: int


def sweeps(domain: Domain) -> Sweeps:
    """The guest's numbers now; raises libvirt's error when the domain does not run."""
    read: bytes = cast("Any", domain).memoryPeek(STATUS, _BYTES, _PHYSICAL)
    return Sweeps(finished=int.from_bytes(read[:4], "little"), wrong=int.from_bytes(read[4:], "little"))


def await_sweeps(domain: Domain, number: int, seconds: float = 30) -> Sweeps:
    """Wait until the guest has finished so many sweeps. AssertionError when it has not within so many seconds."""
    deadline = time.monotonic() + seconds
    while (now := sweeps(domain)).finished < number:
        if time.monotonic() > deadline:
            raise AssertionError(
                f"the guest of {domain.name()} finished {now.finished} sweeps within {seconds:g} s, not {number}"
            )
        Event().wait(_BETWEEN)
    return now
