"""What a backend declares, as values: its lanes, its manifest and its known bugs.

What belongs here: the values. What does not: reading them from TOML (`backends.loading`), any backend (`<name>.toml`), and
provisioning (`lanes`). A backend that ships and one that a user wrote are the same kind of file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique

from virtproof.backends.predicates import holds
from virtproof_driver import Capability


@unique
class Basis(StrEnum):
    """How real a lane is; printed beside every verdict."""

    REAL = "real"
    SIMULATED = "simulated"
    MOCK = "mock"
    FAKE = "fake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """A capability that the lane does not have, why, and for which versions ("libvirt < 10.0"); always when `when` is empty."""

    capability: Capability
    reason: str
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBug:
    """A case that is declared to fail; strict: passing is a failure. `case` is an id, with its parameter if it has one."""

    case: str
    reason: str
    link: str
    when: str = ""

    def is_of(self, case: str, base: str) -> bool:
        """Whether it is this case's: by its id, or by its id without the parameter."""
        return self.case in (case, base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A kind of hypervisor as the suite reaches it.

    `provisioner` names an entry of `lanes.PROVISIONERS`; the empty one means `uri` is a host of the user's. `transports` are
    those it can be provisioned over, the first by default. `suite` is the suite of Debian whose libvirt and hypervisors its
    containers have, the recipe's own when empty. `origin` is the file it came from, for messages.
    """

    name: str
    basis: Basis
    uri: str
    origin: str
    provisioner: str = ""
    suite: str = ""
    transports: tuple[str, ...] = ("direct",)
    unsupported: tuple[Unsupported, ...] = ()
    known_bugs: tuple[KnownBug, ...] = ()

    def refusals(self, versions: Mapping[str, str]) -> Mapping[Capability, str]:
        """The reason for each capability that is declared unsupported at these versions."""
        return {entry.capability: entry.reason for entry in self.unsupported if holds(entry.when, versions)}

    def bugs(self, versions: Mapping[str, str]) -> tuple[KnownBug, ...]:
        """The known bugs that are declared for these versions."""
        return tuple(bug for bug in self.known_bugs if holds(bug.when, versions))
