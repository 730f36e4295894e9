"""How an instance is brought from one state to another: the table of transitions, and the one function that walks it.

What belongs here: for each transition the call, where it may start from, what it reaches, and the event that ends its wait.
What does not: what an operation does around it (`lifecycle`, `stopping`, `spawning`).
Theory of operation. The wait is armed, then libvirt is called, then the wait ends by its event, then the state is read once: no
state is read while waiting. A state that is known to be the target already is confirmed by a read and nothing is done. When
libvirt refuses, the state says whether the target was reached by someone else, whether the start was wrong (InvalidState), or
whether the host failed (libvirt's own error); neither message nor code of an error is looked at, because libvirt's test driver
answers 1 where QEMU's answers 55 (measured on libvirt 9.0.0). At the deadline one read tells a lost event from a lost cause.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from types import MappingProxyType
from uuid import UUID

from virtproof_driver.binding import Domain
from virtproof_driver.constants import StartFlag
from virtproof_driver.errors import DriverError, HypervisorError, InvalidState, OperationTimeout
from virtproof_driver.link import Awaited, Link
from virtproof_driver.operations import deadlines
from virtproof_driver.operations.inventory import instance
from virtproof_driver.values import EventKind, Instance, PowerState

RUNNING = frozenset({PowerState.RUNNING, PowerState.BLOCKED})
PAUSED = frozenset({PowerState.PAUSED})
OFF = frozenset({PowerState.OFF})
ACTIVE = frozenset(state for state in PowerState if state.active)
SAVED_REASON = "saved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One row: `act` is legal in `sources` and leads to `targets` (for `reason`, if any) by one of `awaits` within `seconds`."""

    act: Callable[[Domain], object]
    sources: frozenset[PowerState]
    targets: frozenset[PowerState]
    awaits: frozenset[EventKind]
    seconds: float
    reason: str | None = None

    def reached(self, found: Instance) -> bool:
        """Whether the instance is where this leads."""
        return found.state in self.targets and self.reason in (None, found.reason)


@unique
class Move(StrEnum):
    """The rows' names, as errors spell them."""

    START = "start"
    START_PAUSED = "start paused"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    SUSPEND = "suspend"
    RESTORE = "resume"
    FORCE_OFF = "force off"
    REBOOT = "reboot"


TRANSITIONS: Mapping[Move, Transition] = MappingProxyType(
    {
        Move.START: Transition(
            act=lambda domain: domain.create(),
            sources=OFF,
            targets=RUNNING,
            awaits=frozenset({EventKind.STARTED}),
            seconds=deadlines.START,
        ),
        Move.START_PAUSED: Transition(
            act=lambda domain: domain.createWithFlags(StartFlag.PAUSED),
            sources=OFF,
            targets=PAUSED,
            awaits=frozenset({EventKind.PAUSED}),
            seconds=deadlines.START,
        ),
        Move.PAUSE: Transition(
            act=lambda domain: domain.suspend(),
            sources=RUNNING,
            targets=PAUSED,
            awaits=frozenset({EventKind.PAUSED}),
            seconds=deadlines.PAUSE,
        ),
        Move.UNPAUSE: Transition(
            act=lambda domain: domain.resume(),
            sources=PAUSED,
            targets=RUNNING,
            awaits=frozenset({EventKind.RESUMED}),
            seconds=deadlines.UNPAUSE,
        ),
        Move.SUSPEND: Transition(
            act=lambda domain: domain.managedSave(),
            sources=RUNNING | PAUSED,
            targets=OFF,
            awaits=frozenset({EventKind.STOPPED}),
            seconds=deadlines.SUSPEND,
            reason=SAVED_REASON,
        ),
        # A domain that was saved while paused is restored paused by QEMU and running by the test driver.
        Move.RESTORE: Transition(
            act=lambda domain: domain.create(),
            sources=OFF,
            targets=RUNNING | PAUSED,
            awaits=frozenset({EventKind.STARTED}),
            seconds=deadlines.RESTORE,
        ),
        Move.FORCE_OFF: Transition(
            act=lambda domain: domain.destroy(),
            sources=ACTIVE,
            targets=OFF,
            awaits=frozenset({EventKind.STOPPED}),
            seconds=deadlines.FORCE_OFF,
        ),
        Move.REBOOT: Transition(
            act=lambda domain: domain.reboot(),
            sources=RUNNING,
            targets=RUNNING,
            awaits=frozenset({EventKind.REBOOTED}),
            seconds=deadlines.REBOOT,
        ),
    }
)


def transition(link: Link, uuid: UUID, move: Move) -> Instance:
    """Bring an instance to the move's target and return it as then read; where it is there already nothing is done.

    Raises InstanceNotFound, InvalidState, OperationTimeout, and what libvirt's refusal was when the state explains nothing.
    """
    known = link.known_state(uuid)
    if known is None or known in TRANSITIONS[move].targets:
        found = instance(link, uuid)
        if TRANSITIONS[move].reached(found):
            return found
    return attempt(link, uuid, move) or instance(link, uuid)


def attempt(link: Link, uuid: UUID, move: Move) -> Instance | None:
    """Make the move, whatever state is known; None when it was made, else the instance, as read, that was there already."""
    row = TRANSITIONS[move]
    domain = link.domain(uuid)
    try:
        with link.expect(uuid, awaited(uuid, row)) as wait:
            link.call(row.act, domain)
            wait.until(row.seconds)
    except (InvalidState, HypervisorError) as refusal:
        return _after_refusal(link, uuid, move, refusal)
    except OperationTimeout as late:
        _after_deadline(link, uuid, row, late)
    return None


def awaited(uuid: UUID, row: Transition) -> Awaited:
    """What a wait of this row is for."""
    return Awaited(kinds=row.awaits, what=f"{' or '.join(sorted(row.awaits))} event of instance {uuid}")


def wrong_state(found: Instance, move: str, sources: frozenset[PowerState]) -> InvalidState:
    """The error that names the state found, and those that the move starts from."""
    is_not = f"it is {found.state} ({found.reason}), not {' or '.join(sorted(sources))}"
    return InvalidState(f"cannot {move} instance {found.name!r} ({found.uuid}): {is_not}")


def _after_refusal(link: Link, uuid: UUID, move: Move, refusal: DriverError) -> Instance:
    row, found = TRANSITIONS[move], instance(link, uuid)
    if row.reached(found):
        return found
    if found.state in row.sources:  # the state allowed it: the host's own trouble, told in its own words
        raise refusal
    raise wrong_state(found, move, row.sources) from refusal


def _after_deadline(link: Link, uuid: UUID, row: Transition, late: OperationTimeout) -> None:
    found = instance(link, uuid)
    if not row.reached(found):
        raise late
    link.observe(uuid, found.state, found.reason)
