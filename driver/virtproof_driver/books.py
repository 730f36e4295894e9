"""What is known of a host without asking it: its instances as last heard of, and its losses and returns.

What belongs here: these values. What does not: what a host answers when it is asked (`values`), and how the books are kept
(`events.world`, `edge.feed`).
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from uuid import UUID

from virtproof_driver.values import PowerState


@unique
class HostEventKind(StrEnum):
    """What became of the connection to a host."""

    LOST = "lost"
    """It broke, or the host did not answer within the keepalive time. Instances may run on."""
    RETURNED = "returned"
    """There is a connection again, and all that was missed has been told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEvent:
    """A host was lost, or is back; `stamp` is the monotonic clock in seconds at which the driver found out."""

    kind: HostEventKind
    stamp: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownInstance:
    """An instance as the driver last heard of it: by an event, or by a reading of the host.

    `state` is one of running, paused, off, crashed and pmsuspended; `persistent` says whether the host keeps its definition.
    """

    uuid: UUID
    name: str
    state: PowerState
    persistent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBooks:
    """What the driver holds of a host's instances without asking it, ordered by name.

    `lost_since` is the monotonic clock in seconds at which the host was found to be lost, None while there is a connection. What
    became of the instances since then is not known.
    """

    instances: tuple[KnownInstance, ...]
    lost_since: float | None

    @property
    def reachable(self) -> bool:
        """Whether there is a connection, as far as was noticed."""
        return self.lost_since is None
