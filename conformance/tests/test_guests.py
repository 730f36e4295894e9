"""The guests that ship: sources against bytes, images, and how they get into a pool.

What belongs here: what is true of them without running them. What does not: what they do on a hypervisor; the suite's cases on
the lanes prove that.
"""

import os
import re
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any, cast

import pytest

from virtproof.guests import GUESTS, IMAGE_BYTES, UP_BYTES, Guest, image, upload
from virtproof.guests.catalogue import CONTAINER_GUESTS, SECTOR
from virtproof.guests.machine_code import CODE_BEHIND, MACHINE_CODE
from virtproof.guests.streams import receive, send
from virtproof_driver.binding import Connection, StorageVol
from virtproof_driver.markup.storage import parse_volume

SOURCES = resources.files("virtproof.guests")
EACH = pytest.mark.parametrize("guest", GUESTS.values(), ids=tuple(GUESTS))


def test_each_guest_has_a_source_and_bytes_and_there_are_no_others() -> None:
    sources = {Path(entry.name).stem for entry in SOURCES.iterdir() if entry.name.endswith(".asm")}
    assert sources == set(GUESTS) == set(MACHINE_CODE)
    assert set(CODE_BEHIND) == {"agent"}
    assert set(GUESTS) >= CONTAINER_GUESTS


@EACH
def test_the_bytes_are_what_the_assembler_makes_of_the_source(guest: Guest, tmp_path: Path) -> None:
    made = tmp_path / "sector"
    with resources.as_file(SOURCES) as folder:
        source = folder / f"{guest.name}.asm"
        subprocess.run(["nasm", "-f", "bin", "-w+all", "-w+error", f"-I{folder}/", "-o", made, source], check=True)
    program = made.read_bytes()
    assert program[: SECTOR - 2].rstrip(b"\0").hex() == MACHINE_CODE[guest.name]
    assert program[SECTOR:].rstrip(b"\0").hex() == CODE_BEHIND.get(guest.name, "")
    assert guest.boot_sector == program[:SECTOR]
    assert guest.program.ljust(len(program), b"\0") == program


@EACH
def test_an_image_is_a_program_and_zeros_with_room_for_what_the_guest_reads(guest: Guest) -> None:
    disk = image(guest)
    assert disk[:SECTOR] == guest.boot_sector
    assert disk[SECTOR - 2 : SECTOR] == b"\x55\xaa"
    assert disk[: len(guest.program)] == guest.program
    assert disk[len(guest.program) :] == bytes(IMAGE_BYTES - len(guest.program))
    assert len(disk) == IMAGE_BYTES > UP_BYTES


@EACH
def test_a_program_is_no_longer_than_what_is_read_of_it_when_it_comes_up(guest: Guest) -> None:
    assert SECTOR <= len(guest.program) <= UP_BYTES


@EACH
def test_a_guest_says_its_name(guest: Guest) -> None:
    assert guest.console in guest.boot_sector


def test_only_one_guest_writes_to_its_disk_and_only_the_deaf_one_does_not_obey() -> None:
    assert {guest.name for guest in GUESTS.values() if guest.writes} == {"filler"}
    assert {guest.name for guest in GUESTS.values() if not guest.obeys} == {"deaf"}


@pytest.mark.parametrize("name", sorted(CONTAINER_GUESTS))
def test_the_first_program_of_containers_knows_each_of_their_guests(name: str) -> None:
    init = SOURCES.joinpath("root", "init").read_text(encoding="utf-8")
    assert f"#   {name} " in init
    assert re.search(rf"^  (\w+ \| )?{name}( \| \w+)?\) ", init, re.MULTILINE)


@pytest.mark.parametrize("script", ["init", "dhcp", "make-root"])
def test_scripts_are_sound_to_a_shell(script: str) -> None:
    with resources.as_file(SOURCES.joinpath("root", script)) as path:
        subprocess.run(["sh", "-n", path], check=True)


@pytest.mark.parametrize("loop", ["shells", "counts"])
def test_a_container_whose_console_went_with_its_controller_comes_to_rest(loop: str) -> None:
    init = SOURCES.joinpath("root", "init").read_text(encoding="utf-8")
    (functions,) = re.findall(r"^has_console\(\) .*?^(?=case)", init, re.MULTILINE | re.DOTALL)
    ours, its = os.openpty()  # not the terminal that controls this process: nothing hangs up on it
    program = functions.replace("/dev/console", os.ttyname(its)) + loop
    with subprocess.Popen(["busybox", "sh", "-c", program], stdin=its, stdout=its, stderr=its) as process:
        try:
            os.close(its)
            assert process.poll() is None
            os.close(ours)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()


# --- uploading, over a pool in memory ---------------------------------------------------------------------------------


class Pipe:
    """A stream; what is sent lies in `volume` from its beginning on, in pieces of at most `most` bytes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.volume: Volume | None = None
        self.at = 0
        self.ended = ""

    def send(self, data: bytes) -> int:
        assert self.volume is not None
        taken = data[: self.most]
        self.volume.data[self.at : self.at + len(taken)] = taken
        self.at += len(taken)
        return len(taken)

    def recv(self, nbytes: int) -> bytes:
        assert self.volume is not None
        piece = bytes(self.volume.data[self.at : self.at + min(nbytes, self.most)])
        self.at += len(piece)
        return piece

    def finish(self) -> int:
        self.ended = "finish"
        return 0

    def abort(self) -> int:
        self.ended = "abort"
        return 0


class Volume:
    """A volume; one that refuses raises at the first byte."""

    def __init__(self, name: str, capacity: int, *, refuses: bool = False) -> None:
        self._name = name
        self.data = bytearray(capacity)
        self.refuses = refuses

    def name(self) -> str:
        return self._name

    def upload(self, stream: Pipe, _offset: int, _length: int) -> int:
        if self.refuses:
            raise OSError("refused")
        stream.volume = self
        return 0

    def download(self, stream: Pipe, _offset: int, _length: int) -> int:
        return self.upload(stream, 0, 0)


class Pool:
    """A pool, and the connection to it."""

    def __init__(self) -> None:
        self.volumes: dict[str, Volume] = {}
        self.streams: list[Pipe] = []

    def storagePoolLookupByName(self, _name: str) -> "Pool":
        return self

    def listAllVolumes(self) -> list[Volume]:
        return list(self.volumes.values())

    def createXML(self, xml: str) -> Volume:
        spec = parse_volume(xml)
        assert spec.name not in self.volumes
        self.volumes[spec.name] = Volume(spec.name, spec.capacity_bytes)
        return self.volumes[spec.name]

    def newStream(self) -> Pipe:
        self.streams.append(Pipe(100))
        return self.streams[-1]


@pytest.fixture
def pool() -> Pool:
    """An empty pool."""
    return Pool()


def connected(pool: Pool) -> Connection:
    """The pool as the connection that the seam knows."""
    return cast("Connection", cast("Any", pool))


def test_upload_puts_each_guest_into_the_pool(pool: Pool) -> None:
    upload(connected(pool), "guests")
    assert {name: bytes(volume.data) for name, volume in pool.volumes.items()} == {
        guest.volume: image(guest) for guest in GUESTS.values()
    }
    assert {stream.ended for stream in pool.streams} == {"finish"}


def test_upload_mends_a_guest_that_was_written_by_half(pool: Pool) -> None:
    upload(connected(pool), "guests")
    pool.volumes["deaf.img"].data[100:] = bytes(IMAGE_BYTES - 100)
    upload(connected(pool), "guests")
    assert bytes(pool.volumes["deaf.img"].data) == image(GUESTS["deaf"])
    assert len(pool.volumes) == len(GUESTS)


def test_a_stream_that_is_refused_is_aborted(pool: Pool) -> None:
    volume = cast("StorageVol", cast("Any", Volume("one", 10, refuses=True)))
    with pytest.raises(OSError, match="refused"):
        send(connected(pool), volume, b"data")
    with pytest.raises(OSError, match="refused"):
        receive(connected(pool), volume)
    assert [stream.ended for stream in pool.streams] == ["abort", "abort"]


def test_what_was_sent_is_received(pool: Pool) -> None:
    volume = cast("StorageVol", cast("Any", Volume("one", 1000)))
    send(connected(pool), volume, bytes(range(250)) * 4)
    assert receive(connected(pool), volume) == bytes(range(250)) * 4
