"""What there is on this machine that a run could have left: a finder a kind, each giving lines of text.

What belongs here: reading the machine. What does not: whose a thing is (`marks`), and the engine's own things (`engine`). Other
runs live on the machine meanwhile, so that nothing is counted: a line is a run's when it mentions something that only that run
has, such as its temporary folder or the id of one of its containers.
"""

import fcntl
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from virtproof.lanes.folders import MARKER, PREFIX, places

PROCESS: Final = "process"
_LOOP_GET_STATUS64: Final = 0x4C05  # linux/loop.h; the answer begins with the device that the file lies on
_LOOP_INFO_BYTES: Final = 232
_LISTENING: Final = "0A"  # TCP_LISTEN in /proc/net/tcp


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Trace:
    """A thing on this machine: its kind, and a text in which what it belongs to is mentioned."""

    kind: str
    text: str


def process_text(pid: int) -> str:
    """A process's number, words, folder, control group and environment; empty for one that is gone or a zombie."""
    folder = Path(f"/proc/{pid}")
    parts: list[str] = []
    for name in ("cmdline", "cgroup", "environ"):
        with suppress(OSError):  # a process of another user keeps its environment to itself
            parts.append((folder / name).read_bytes().replace(b"\0", b" ").decode(errors="replace").strip())
    with suppress(OSError):
        parts.append(str((folder / "cwd").readlink()))
    return f"{pid}: {' '.join(parts)}" if parts and parts[0] else ""


def _processes() -> Iterator[str]:
    """All but this one, whose words may mention anything."""
    yield from (text for pid in pids() if pid != os.getpid() and (text := process_text(pid)))


def pids() -> Iterator[int]:
    """The processes of this machine."""
    yield from (int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit())


def _mounts() -> Iterator[str]:
    yield from Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()


def _interfaces() -> Iterator[str]:
    for each in Path("/sys/class/net").iterdir():
        with suppress(OSError):
            yield f"{index_word((each / 'ifindex').read_text(encoding='ascii').strip())}{each.name}"


def index_word(index: str) -> str:
    """How an interface is mentioned; the kernel gives no index twice."""
    return f"ifindex={index} "


def _loops() -> Iterator[str]:
    for each in Path("/sys/block").glob("loop*/loop/backing_file"):
        name = each.parts[-3]
        with suppress(OSError), Path("/dev", name).open("rb") as device:
            answer = fcntl.ioctl(device, _LOOP_GET_STATUS64, bytes(_LOOP_INFO_BYTES))
            yield f"{device_word(struct.unpack_from('=Q', answer)[0])}{name} {each.read_text(encoding='utf-8').strip()}"


def device_word(number: int) -> str:
    """How the file system that a loop device's file lies on is mentioned."""
    return f"device={number} "


def _ports() -> Iterator[str]:
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        if state == _LISTENING:
            yield port_word(int(local.rpartition(":")[2], 16))


def port_word(port: int) -> str:
    """How a port that listens is mentioned."""
    return f"port={port} "


def _sockets() -> Iterator[str]:
    yield from Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines()[1:]


def _files() -> Iterator[str]:
    """All in the temporary folder that runs were given, and folders of ours elsewhere with whose they are."""
    given, *elsewhere = places()
    yield from (str(each) for each in given.iterdir())
    for place in elsewhere:
        for each in place.glob(f"{PREFIX}*"):
            with suppress(OSError):
                yield f"{each} {(each / MARKER).readlink()}"


def owner_word(pid: int) -> str:
    """How a folder's marker mentions who made it."""
    return f'"pid": {pid}, '


FINDERS: Final[Mapping[str, Callable[[], Iterator[str]]]] = MappingProxyType(
    {
        PROCESS: _processes,
        "temporary file": _files,
        "mount": _mounts,
        "interface": _interfaces,
        "loop device": _loops,
        "port": _ports,
        "socket": _sockets,
    }
)


def on_machine() -> frozenset[Trace]:
    """Everything that the finders find now."""
    return frozenset(Trace(kind=kind, text=text) for kind, find in FINDERS.items() for text in find())
