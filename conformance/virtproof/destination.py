"""The second host of a case that moves instances, as the case sees it.

What belongs here: the value that the fixture `destination` gives, and the ways there as a driver takes them. What does not: the
host itself (`lanes.model.SecondHost`), and what is done with it.
"""

from dataclasses import dataclass
from typing import Final

from virtproof.lanes.model import DaemonControl, GuestControl, SecondHost
from virtproof.recording.recorder import Recorder
from virtproof.recording.world import World
from virtproof_driver.markup.storage import parse_pool
from virtproof_driver.migration import Destination

NAME: Final = "destination"
"""What evidence calls the second host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationHost:
    """A host to move instances to. `world` observes it past every driver, and `source` the case's first host.

    `recorder` is the case's, for listeners of the destination's own.
    """

    host: SecondHost
    recorder: Recorder
    world: World
    source: World

    @property
    def uri(self) -> str:
        """As drivers under test reach it; `connect(destination.uri)` drives it."""
        return self.host.uri

    @property
    def managed(self) -> Destination:
        """The driver manages the migration: the daemons do not talk to each other."""
        return Destination(uri=self.host.uri, address=self.host.address)

    @property
    def by_peers(self) -> Destination:
        """The daemon of the source manages it, and talks to the destination's."""
        return Destination(uri=self.host.uri, peer_uri=self.host.peer_uri, address=self.host.address)

    @property
    def pool(self) -> str:
        """The storage pool that both hosts have on one storage."""
        return self.host.pool

    @property
    def folder(self) -> str:
        """The path of the shared pool, the same on both hosts."""
        return parse_pool(self.world.connection.storagePoolLookupByName(self.pool).XMLDesc()).target

    @property
    def daemon(self) -> DaemonControl:
        """Power over its daemon."""
        return self.host.daemon

    @property
    def guests(self) -> GuestControl:
        """Power over its guests past libvirt, and a look at its files."""
        return self.host.guests

    def refresh(self) -> None:
        """Have both hosts' shared pool look at what is there, which the other host may have changed."""
        for world in (self.source, self.world):
            world.connection.storagePoolLookupByName(self.pool).refresh(0)
