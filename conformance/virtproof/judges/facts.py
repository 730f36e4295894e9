"""What a judge may know of a lane beside the evidence.

What belongs here: the value, and how it is made of a backend's manifest. What does not: anything measured during the run; that
is evidence. A judge given no facts judges everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from virtproof.backends.model import Backend
from virtproof_driver import Capability

ALL: Final = frozenset(Capability)
HYPERVISORS: Final = ("qemu", "lxc", "test")
"""Products of a lane's versions that are hypervisors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`supported` is what the lane has by its manifest, less what the driver under test does not claim.

    `hypervisor` is what virConnectGetType calls it, in lower case; empty where it is not one whose manners are known. `versions`
    are the lane's by product; without them it is taken for the newest.
    """

    supported: frozenset[Capability] = ALL
    hypervisor: str = ""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def has_events(self) -> bool:
        """Whether the host tells of each change, so that silence proves something."""
        return Capability.EVENTS_LIFECYCLE in self.supported

    @property
    def has_reboot_events(self) -> bool:
        """Whether a guest's reboot is told."""
        return Capability.EVENTS_REBOOT in self.supported


def facts_of(backend: Backend, versions: Mapping[str, str], unclaimed: frozenset[Capability] = frozenset()) -> Facts:
    """The facts of a lane: its manifest at these versions, less what the driver does not claim."""
    hypervisor = next((name for name in HYPERVISORS if name in versions), "")
    supported = ALL - backend.refusals(versions).keys() - unclaimed
    return Facts(supported=supported, hypervisor=hypervisor, versions=versions)
