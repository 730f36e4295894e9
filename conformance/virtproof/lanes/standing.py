"""The connections on which hosts are observed: for a case, and for all cases of a lane.

What belongs here: opening them no earlier than they are needed, and anew when the daemon behind them has ended. What does not:
what is done on them.
"""

from contextlib import suppress

from virtproof.lanes.bare import bare_binding, opened
from virtproof_driver.binding import Connection


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

    def connection(self) -> Connection:
        """The connection, alive. Raises LaneUnavailable when the host cannot be reached."""
        if self._kept.broken():
            self._kept.close()
        return self._kept.connection()

    def close(self) -> None:
        """Close it."""
        self._kept.close()
