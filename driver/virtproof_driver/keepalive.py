"""How long a silent host is believed in.

What belongs here: the value. What does not: the calls (`edge.opening`). libvirt's keepalive works between client and daemon; a
connection without a daemon has none. Source: https://libvirt.org/html/libvirt-libvirt-host.html#virConnectSetKeepAlive.
"""

from dataclasses import dataclass

from virtproof_driver.errors import InvalidSpec

_OFF_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keepalive:
    """A message after every `interval` seconds of silence; after `count` without an answer the connection is lost.

    An interval of 0 sends none: a host that stops answering is then noticed by nobody.
    """

    interval: int = 5
    count: int = 3

    def __post_init__(self) -> None:
        for field, value in (("keepalive.interval", self.interval), ("keepalive.count", self.count)):
            if value < 0:
                raise InvalidSpec(field, f"{value} is below 0; give whole seconds, or 0 for no keepalive")

    @property
    def patience_seconds(self) -> float:
        """How long a host may take to answer before it counts as lost; while connecting, 30 s where there is no keepalive."""
        return self.interval * (self.count + 1) if self.interval else _OFF_PATIENCE_SECONDS
