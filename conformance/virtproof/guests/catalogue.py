"""The boot-sector guests: what each does, what that brings about on its host, and its disk image.

What belongs here: the values. What does not: their sources (`<name>.asm`), the assembled bytes (`machine_code`), and bringing
them to a host (`upload`). Each runs on QEMU's machines `pc` and `q35` with SeaBIOS, as the first disk, and is
content with 16 MiB of memory. Only `filler` writes to its disk; the others' images can be shared, read-only.

Measured on libvirt 11.3.0 with QEMU 10.0 under TCG on a machine of two cores: a guest is up 0.2 s after its start returned;
eight idle ones took no processor time in ten seconds; the power button ends one in 0.2 s, which is a pause of libvirt's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from virtproof.guests.machine_code import CODE_BEHIND, MACHINE_CODE
from virtproof_driver.values import EventKind

SECTOR: Final = 512  # bytes
IMAGE_BYTES: Final = 1 << 20  # SeaBIOS boots from no disk that is a sector only
UP_BYTES: Final = 4608
"""How much is read of a guest's disk at each boot, in bytes: one sector by the BIOS, eight by the guest when it is up.

A program is no longer than that.
"""

_MARK: Final = b"\x55\xaa"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A boot-sector guest.

    `does` says it in a sentence; `brings` are the events that its own doing brings about, in order, where what follows
    power off, reset and crash is left to libvirt. `obeys` says whether it switches off when the power button is pressed, `writes`
    whether it writes to its disk, `panics` whether it needs a panic device, `answers` whether it needs a channel for a guest
    agent; `machine` is the machine that it needs, None any.
    """

    name: str
    does: str
    brings: tuple[EventKind, ...] = ()
    obeys: bool = True
    writes: bool = False
    panics: bool = False
    answers: bool = False
    machine: str | None = None

    @property
    def console(self) -> bytes:
        """The line that it writes on its first serial port when it starts, which is just before it is up."""
        return f"virtproof {self.name}\r\n".encode()

    @property
    def boot_sector(self) -> bytes:
        """The beginning of its program, as one sector that a BIOS boots from."""
        return bytes.fromhex(MACHINE_CODE[self.name]).ljust(SECTOR - len(_MARK), b"\0") + _MARK

    @property
    def program(self) -> bytes:
        """Its whole program, from the disk's beginning on: the boot sector, and what lies behind it."""
        return self.boot_sector + bytes.fromhex(CODE_BEHIND.get(self.name, ""))

    @property
    def volume(self) -> str:
        """What its image is called in a pool."""
        return f"{self.name}.img"


OBEDIENT: Final = Guest(name="obedient", does="switches the machine off when the power button is pressed, and else rests")
DEAF: Final = Guest(name="deaf", does="rests, and hears neither the power button nor a device that is to leave", obeys=False)
POWEROFF: Final = Guest(name="poweroff", does="switches its machine off a second after it came up", brings=(EventKind.STOPPED,))
RESET: Final = Guest(
    name="reset",
    does="resets its machine a second after it came up, once in the machine's life, and then rests",
    brings=(EventKind.REBOOTED,),
)
TALKER: Final = Guest(name="talker", does="sends back on its first serial port each byte that comes in there")
RELEASER: Final = Guest(name="releaser", does="lets go of each PCI device that is to leave, on machine `pc`", machine="pc")
FILLER: Final = Guest(
    name="filler",
    does="writes its own disk full, from 1 MiB on; on a host whose storage ends first it is paused with an I/O error",
    brings=(EventKind.PAUSED,),
    writes=True,
)
COUNTER: Final = Guest(name="counter", does="counts in memory, and writes each number as five digits on a line, 4.5 a second")
SWEEPER: Final = Guest(
    name="sweeper",
    does="writes 12 MiB of memory again at each timer tick, and counts the pages in which it does not find what it wrote",
)
PANICKER: Final = Guest(
    name="panicker",
    does="tells its panic device, a second after it came up, that it crashed, and hears nothing any more",
    brings=(EventKind.CRASHED, EventKind.STOPPED),
    panics=True,
)
AGENT: Final = Guest(
    name="agent",
    does="answers on its channel as the QEMU guest agent does, and says on its first serial port what it did, on machine `pc`",
    answers=True,
    machine="pc",
)

GUESTS: Final[Mapping[str, Guest]] = MappingProxyType(
    {
        guest.name: guest
        for guest in (OBEDIENT, DEAF, POWEROFF, RESET, TALKER, RELEASER, FILLER, COUNTER, SWEEPER, PANICKER, AGENT)
    }
)


CONTAINER_GUESTS: Final = frozenset({"obedient", "deaf", "poweroff", "reset", "talker", "counter", "releaser"})
"""The guests that the first program of a container (`root/init`) can be too, obeying signals in place of a power button.

`releaser` is `obedient` there: the host's kernel moves a container's devices, and asks nobody.
"""


def image(guest: Guest) -> bytes:
    """The guest's disk, raw, with all that a BIOS wants of one: 1 MiB."""
    return guest.program.ljust(IMAGE_BYTES, b"\0")
