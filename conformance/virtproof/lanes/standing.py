"""The connections on which hosts are observed: for a case, and for all cases of a lane.

What belongs here: opening them no earlier than they are needed, and anew when the daemon behind them has ended. What does not:
what is done on them. One that hears events waits for libvirt's event loop: a connection that was opened before the loop was
registered hears nothing for as long as it lives (https://libvirt.org/html/libvirt-libvirt-event.html), and whose loop it is, and
when it begins, is the driver's affair.
"""

import threading
from contextlib import suppress
from typing import Final

from virtproof.lanes.bare import bare_binding, opened
from virtproof_driver.binding import Binding, Connection

LOOP_SECONDS: Final = 0.5
_NEVER: Final = -1


class OnDemand:
    """A connection to one URI, opened when it is first asked for."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._opened: Connection | None = None

    def connection(self) -> Connection:
        """The connection. Raises LaneUnavailable when the host cannot be reached."""
        if self._opened is None:
            self._opened = opened(self._uri)
        return self._opened

    def broken(self) -> bool:
        """Whether it was opened, and the daemon behind it ended since."""
        return self._opened is not None and not self._opened.isAlive()

    def close(self) -> None:
        """Close it, if it was opened; one that broke refuses, and is forgotten. The next question opens another one."""
        connection, self._opened = self._opened, None
        if connection is not None:
            with suppress(bare_binding().libvirtError):
                connection.close()


class Standing:
    """A connection that is kept as long as its lane."""

    def __init__(self, uri: str) -> None:
        self._kept = OnDemand(uri)
        self._hears = False

    def connection(self) -> Connection | None:
        """The connection, alive; None while no event loop runs. Raises LaneUnavailable when the host cannot be reached."""
        if self._kept.broken():
            self._kept.close()
        self._hears = self._hears or loop_runs(bare_binding())
        return self._kept.connection() if self._hears else None

    def close(self) -> None:
        """Close it."""
        self._kept.close()


def loop_runs(binding: Binding, seconds: float = LOOP_SECONDS) -> bool:
    """Whether some thread runs libvirt's event loop: a timer that is due goes off within so many seconds."""
    went_off = threading.Event()
    try:
        timer = binding.virEventAddTimeout(0, lambda _timer, _opaque: went_off.set(), None)
    except binding.libvirtError:
        return False
    try:
        return timer > _NEVER and went_off.wait(seconds)
    finally:
        if timer > _NEVER:
            binding.virEventRemoveTimeout(timer)
