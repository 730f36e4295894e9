"""Waiting until the first program of a container hears signals: it says its name on the console when it does.

What belongs here: reading that line past every driver, and its deadline. What does not: machines, whose disks tell (`coming_up`).
A line that was read is on no console that is opened later. So what was read is kept here, by domain id, which is a new one
each time that a container starts or restarts (measured on libvirt 11.3.0); a second wait for the same start is over at once.
"""

import time
from contextlib import suppress
from threading import Event
from typing import Any, Final, cast

from virtproof.lanes.bare import bare_binding
from virtproof_driver.binding import Connection, Domain
from virtproof_driver.constants import StreamFlag

_BETWEEN: Final = 0.01  # seconds
_SAID: Final[dict[str, set[int]]] = {}  # domain ids whose line was read, by UUID


def await_line(domain: Domain, *, boots: int, timeout: float) -> None:
    """Return once the container that runs now has said its name, and `boots` of its starts have been seen to.

    Raises AssertionError when `timeout` seconds pass first.
    """
    connection: Connection = cast("Any", domain).connect()
    uuid, deadline = domain.UUIDString(), time.monotonic() + timeout
    said = _SAID.setdefault(uuid, set())
    while (number := connection.lookupByUUIDString(uuid).ID()) not in said or len(said) < boots:
        if number not in said and _says(connection, uuid, deadline):
            said.add(number)
        elif time.monotonic() > deadline:
            raise AssertionError(f"the container {domain.name()} did not say {boots} times within {timeout:g} s that it is up")
        else:
            Event().wait(_BETWEEN)


def _says(connection: Connection, uuid: str, deadline: float) -> bool:
    """Whether a line comes on the console before the deadline; not when the console ends first, as it does in a restart."""
    stream = connection.newStream(StreamFlag.NONBLOCK)
    try:
        connection.lookupByUUIDString(uuid).openConsole(None, stream)
        return _has_line(stream.recv, deadline)
    except bare_binding().libvirtError:
        return False
    finally:
        with suppress(bare_binding().libvirtError):  # no console was opened, or it ended
            stream.abort()


def _has_line(receive: Any, deadline: float) -> bool:
    heard = b""
    while b"\n" not in heard and time.monotonic() < deadline:
        piece = receive(1024)
        if piece == b"":
            return False
        if isinstance(piece, bytes):
            heard += piece
        else:  # -2: nothing there yet
            Event().wait(_BETWEEN)
    return b"\n" in heard
