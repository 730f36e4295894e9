"""Waiting until a guest is up, on a stub of a domain: what a host counts of its disk is all that is seen of it."""

from collections.abc import Sequence
from itertools import chain, repeat
from typing import TYPE_CHECKING, cast

import pytest

from virtproof.guests import UP_BYTES
from virtproof.guests.coming_up import await_up

if TYPE_CHECKING:
    from virtproof_driver.binding import Domain

DISK = "<domain><devices><disk><target dev='vda'/></disk></devices></domain>"


class Booting:
    """A domain whose guest has read so many bytes of its disk, look by look; the last figure stays."""

    def __init__(self, *read: int, xml: str = DISK) -> None:
        self._read = chain(read, repeat(read[-1] if read else 0))
        self._xml = xml
        self.looks = 0

    def XMLDesc(self, flags: int) -> str:
        assert flags == 0
        return self._xml

    def name(self) -> str:
        return "vm"

    def blockStats(self, path: str) -> Sequence[int]:
        assert path == "vda"
        self.looks += 1
        return [0, next(self._read), 0, 0, -1]


def waited(domain: Booting, *, boots: int = 1, timeout: float = 10) -> int:
    await_up(cast("Domain", cast("object", domain)), boots=boots, timeout=timeout)
    return domain.looks


def test_a_guest_is_up_when_it_has_read_what_it_reads_at_a_boot() -> None:
    assert waited(Booting(0, 512, UP_BYTES - 1, UP_BYTES)) == 4


def test_a_guest_that_is_up_again_has_read_as_much_again() -> None:
    assert waited(Booting(UP_BYTES, 2 * UP_BYTES), boots=2) == 2


def test_a_domain_without_a_disk_is_not_waited_for() -> None:
    assert waited(Booting(xml="<domain><devices/></domain>")) == 0


def test_a_guest_that_does_not_come_up_is_told_with_what_it_read() -> None:
    with pytest.raises(AssertionError, match="vm did not come up 1 times within 0 s: it read 512 B"):
        waited(Booting(512), timeout=0)
