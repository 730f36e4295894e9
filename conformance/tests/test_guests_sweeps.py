"""What the guest that sweeps its memory tells, read off a host."""

from typing import Any, cast

import pytest

from virtproof.guests.sweeps import STATUS, Sweeps, await_sweeps, sweeps
from virtproof_driver.binding import Domain


class Swept:
    """A domain whose guest finishes a sweep at each look."""

    def __init__(self, finished: int, wrong: int) -> None:
        self.finished = finished
        self.wrong = wrong

    def name(self) -> str:
        return "vm"

    def memoryPeek(self, start: int, size: int, flags: int) -> bytes:
        assert (start, size, flags) == (STATUS, 8, 2)
        self.finished += 1
        return self.finished.to_bytes(4, "little") + self.wrong.to_bytes(4, "little")


def domain(finished: int = 0, wrong: int = 0) -> Domain:
    return cast("Domain", cast("Any", Swept(finished, wrong)))


def test_both_numbers_are_little_endian() -> None:
    assert sweeps(domain(0x01020303, 0x0A000001)) == Sweeps(finished=0x01020304, wrong=0x0A000001)


def test_sweeps_are_waited_for() -> None:
    assert await_sweeps(domain(3), 6) == Sweeps(finished=6, wrong=0)


def test_a_guest_that_stands_is_not_waited_for_for_ever() -> None:
    with pytest.raises(AssertionError, match="finished 3 sweeps within 0 s, not 9"):
        await_sweeps(domain(2), 9, 0)
