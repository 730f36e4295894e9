"""Waiting for guests: machines by what is read of their disks, containers by the line on their console."""

from itertools import count
from typing import Any, cast

import pytest

from virtproof.guests.catalogue import UP_BYTES
from virtproof.guests.coming_up import await_up
from virtproof_driver.binding import Domain

MACHINE = "<domain><devices><disk><target dev='vda'/></disk></devices></domain>"
CONTAINER = "<domain><os><init>/sbin/init</init></os><devices/></domain>"
NUMBERS = count(1)


class Guest:
    """A domain, its connection and its console. Each look reads a sector more, each start says a line on a console of its own."""

    def __init__(self, xml: str, lines: dict[int, list[bytes | int]] | None = None) -> None:
        self.xml = xml
        self.uuid = f"guest {next(NUMBERS)}"
        self.lines = lines or {}
        self.number = 1
        self.read = 0

    def XMLDesc(self, _flags: int) -> str:
        return self.xml

    def blockStats(self, target: str) -> tuple[int, int]:
        assert target == "vda"
        self.read += 512
        return 0, self.read

    def connect(self) -> "Guest":
        return self

    def lookupByUUIDString(self, uuid: str) -> "Guest":
        assert uuid == self.uuid
        return self

    def UUIDString(self) -> str:
        return self.uuid

    def name(self) -> str:
        return self.uuid

    def ID(self) -> int:
        return self.number

    def newStream(self, flags: int) -> "Guest":
        assert flags == 1
        return self

    def openConsole(self, _device: None, _stream: "Guest") -> int:
        return 0

    def recv(self, _nbytes: int) -> bytes | int:
        """What is next on the console of this start; its end brings the next start about."""
        left = self.lines.get(self.number, [])
        piece = left.pop(0) if left else -2
        self.number += piece == b""
        return piece

    def abort(self) -> int:
        return 0


def domain(guest: Guest) -> Domain:
    """The guest as the seam's domain."""
    return cast("Domain", cast("Any", guest))


@pytest.mark.parametrize("boots", [1, 2])
def test_a_machine_is_up_when_so_much_was_read_for_each_boot(boots: int) -> None:
    guest = Guest(MACHINE)
    await_up(domain(guest), boots=boots)
    assert guest.read == boots * UP_BYTES


def test_a_machine_that_does_not_come_up_is_told_with_what_it_read() -> None:
    with pytest.raises(AssertionError, match=r"did not come up 1 times within 0 s: it read 512 B"):
        await_up(domain(Guest(MACHINE)), timeout=0)


def test_a_domain_without_disk_has_nothing_to_wait_for() -> None:
    await_up(domain(Guest("<domain/>")), timeout=0)


def test_a_container_is_up_when_its_line_has_come_and_stays_so() -> None:
    guest = Guest(CONTAINER, {1: [b"virtproof", -2, b" obedient\r\n"]})
    await_up(domain(guest))
    await_up(domain(guest), timeout=0)
    assert guest.lines == {1: []}


def test_each_start_of_a_container_says_a_line() -> None:
    guest = Guest(CONTAINER, {1: [b"virtproof reset\r\n"], 2: [-2, b"virtproof reset\r\n"]})
    await_up(domain(guest))
    guest.number = 2
    await_up(domain(guest), boots=2)
    assert guest.lines == {1: [], 2: []}


def test_a_console_that_ends_before_its_line_is_followed_by_the_next_starts() -> None:
    guest = Guest(CONTAINER, {1: [b"virt", b""], 2: [b"virtproof obedient\r\n"]})
    await_up(domain(guest))
    assert (guest.number, guest.lines[2]) == (2, [])


def test_a_container_that_says_nothing_is_told() -> None:
    with pytest.raises(AssertionError, match=r"did not say 1 times within 0\.1 s"):
        await_up(domain(Guest(CONTAINER)), timeout=0.1)
