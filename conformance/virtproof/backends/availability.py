"""Which backends there are, and whether each could be used here: what `virtproof backends` shows.

What belongs here: the list, shipped and added by packages. What does not: showing it (`cli`), and provisioning (`lanes`).
"""

from dataclasses import dataclass

from virtproof.backends.loading import load, names
from virtproof.backends.model import Basis
from virtproof.errors import UsageError
from virtproof.lanes.provisioning import why_unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """A backend by name. `reason` says why it is not available here, with the remedy; empty when it is.

    `basis` is None, and `transports` empty, when its file cannot be read.
    """

    name: str
    basis: Basis | None
    transports: tuple[str, ...]
    origin: str
    reason: str

    @property
    def available(self) -> bool:
        """Whether a run could use it now."""
        return not self.reason


def discover() -> tuple[Availability, ...]:
    """Every backend that can be named, those that ship first."""
    return tuple(_look(name) for name in names())


def _look(name: str) -> Availability:
    try:
        backend = load(name)
    except UsageError as error:
        return Availability(name=name, basis=None, transports=(), origin="", reason=str(error))
    reason = why_unavailable(backend)
    return Availability(name=name, basis=backend.basis, transports=backend.transports, origin=backend.origin, reason=reason)
