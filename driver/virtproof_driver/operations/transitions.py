"""How an instance is brought from one state to another: the table of transitions, and the one function that walks it.

What belongs here: for each transition the call, where it may start from, what it reaches, and the event that ends its wait.
What does not: what an operation does around it (`lifecycle`, `stopping`, `spawning`).
Theory of operation. The wait is armed, then libvirt is called, then the wait ends by its event, then the state is read once: no
state is read while waiting. A state that is known to be the target already is confirmed by a read and nothing is done. When
libvirt refuses, the state says whether the target was reached by someone else, whether the start was wrong (InvalidState), or
whether the host failed (libvirt's own error). The refusal's code and message are not looked at, because libvirt's test driver
answers 1 where QEMU's answers 55 (measured on libvirt 9.0.0), but for the words of the races that a hypervisor's value names. At
the deadline one read tells a lost event from a lost cause.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from virtproof_driver.binding import Domain
from virtproof_driver.constants import StartFlag
from virtproof_driver.errors import DriverError, HypervisorError, InvalidState, OperationTimeout
from virtproof_driver.link import Awaited, Link, Wait
from virtproof_driver.operations import deadlines
from virtproof_driver.operations.inventory import instance
from virtproof_driver.values import EventKind, Instance, LifecycleEvent, PowerState

RUNNING = frozenset({PowerState.RUNNING, PowerState.BLOCKED})
PAUSED = frozenset({PowerState.PAUSED})
OFF = frozenset({PowerState.OFF})
ACTIVE = frozenset(state for state in PowerState if state.active)
SAVED_REASON = "saved"
RACES = 5
"""How many races one start may lose. A start takes 50 ms, and is in the way of others for less than one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One row, by the name that errors use.

    `act` picks the domain's call. It is legal in `sources` and leads to `targets` (for `reason`, if any) by an event of `awaits`;
    `cause` is what that event says of the call, where the host has no word for it.
    """

    name: str
    act: Callable[[Domain], Callable[[], object]]
    sources: frozenset[PowerState]
    targets: frozenset[PowerState]
    awaits: frozenset[EventKind]
    seconds: float
    reason: str | None = None
    cause: str | None = None

    def reached(self, found: Instance) -> bool:
        """Whether the instance is where this leads."""
        return found.state in self.targets and self.reason in (None, found.reason)


START = Transition(
    name="start",
    act=lambda domain: domain.create,
    sources=OFF,
    targets=RUNNING,
    awaits=frozenset({EventKind.STARTED}),
    seconds=deadlines.START,
)
START_PAUSED = Transition(
    name="start paused",
    act=lambda domain: partial(domain.createWithFlags, StartFlag.PAUSED),
    sources=OFF,
    targets=PAUSED,
    awaits=frozenset({EventKind.PAUSED}),
    seconds=deadlines.START,
)
PAUSE = Transition(
    name="pause",
    act=lambda domain: domain.suspend,
    sources=RUNNING,
    targets=PAUSED,
    awaits=frozenset({EventKind.PAUSED}),
    seconds=deadlines.PAUSE,
)
UNPAUSE = Transition(
    name="unpause",
    act=lambda domain: domain.resume,
    sources=PAUSED,
    targets=RUNNING,
    awaits=frozenset({EventKind.RESUMED}),
    seconds=deadlines.UNPAUSE,
)
SUSPEND = Transition(
    name="suspend",
    act=lambda domain: domain.managedSave,
    sources=RUNNING | PAUSED,
    targets=OFF,
    awaits=frozenset({EventKind.STOPPED}),
    seconds=deadlines.SUSPEND,
    reason=SAVED_REASON,
)
RESTORE = Transition(
    name="resume",
    act=lambda domain: domain.create,
    sources=OFF,
    targets=RUNNING | PAUSED,  # saved while paused, a domain is restored paused by QEMU's driver and running by the test driver
    awaits=frozenset({EventKind.STARTED}),
    seconds=deadlines.RESTORE,
)
FORCE_OFF = Transition(
    name="force off",
    act=lambda domain: domain.destroy,
    sources=ACTIVE,
    targets=OFF,
    awaits=frozenset({EventKind.STOPPED}),
    seconds=deadlines.FORCE_OFF,
    cause="destroyed",
)


def transition(link: Link, uuid: UUID, row: Transition) -> Instance:
    """Bring an instance to the row's target and return it as then read; where it is there already nothing is done.

    Raises InstanceNotFound, InvalidState, OperationTimeout, and what libvirt's refusal was when the state explains nothing.
    """
    known = link.known_state(uuid)
    if known is None or known in row.targets:
        found = instance(link, uuid)
        if row.reached(found):
            return found
    return attempt(link, uuid, row) or instance(link, uuid)


def attempt(link: Link, uuid: UUID, row: Transition, *, races: int = RACES) -> Instance | None:
    """Make the change, whatever state is known; None when it was made, else the instance, as read, that was there already.

    A start that lost a race with another start is made again at once, `races` times at most.
    """
    try:
        return drive(link, uuid, row)
    except (InvalidState, HypervisorError) as refusal:
        if races and _lost_race(link, refusal):
            return attempt(link, uuid, row, races=races - 1)
        return _after_refusal(link, uuid, row, refusal)


def _lost_race(link: Link, refusal: DriverError) -> bool:
    """Whether the hypervisor is known to refuse so what it would do a moment later; libvirt has no code for that."""
    return isinstance(refusal, HypervisorError) and any(words in refusal.message for words in link.hypervisor.start_races)


def drive(link: Link, uuid: UUID, row: Transition) -> Instance | None:
    """Arm, call, wait. The instance where it had to be read; None where the event said it all. A refusal is raised as it is.

    What was delivered before the call, and is told after it, says that events had told too little: the state may have been there,
    and then libvirt did nothing and sends nothing (QEMU's suspend). One read decides, as it does at the deadline.
    """
    domain = link.domain(uuid)
    try:
        with link.expect(uuid, replace(awaited(uuid, row), cause=row.cause, late_too=True)) as wait:
            link.call(row.act(domain))
            while wait.until(row.seconds).stamp < wait.since:
                found = instance(link, uuid)
                if row.reached(found):
                    return found
    except OperationTimeout as late:
        return _after_deadline(link, uuid, row, late)
    return None


def awaited(uuid: UUID, row: Transition) -> Awaited:
    """What a wait of this row is for."""
    return Awaited(kinds=row.awaits, what=f"{' or '.join(sorted(row.awaits))} event of instance {uuid}")


def wrong_state(found: Instance, verb: str, sources: frozenset[PowerState]) -> InvalidState:
    """The error that names the state found, and those that would do."""
    is_not = f"it is {found.state} ({found.reason}), not {' or '.join(sorted(sources))}"
    return InvalidState(f"cannot {verb} instance {found.name!r} ({found.uuid}): {is_not}")


def _after_refusal(link: Link, uuid: UUID, row: Transition, refusal: DriverError) -> Instance:
    with link.expect(uuid, awaited(uuid, row)) as wait:
        found = instance(link, uuid)
        if row.reached(found):
            _tell_if_lost(link, found, row, wait)
            return found
    if found.state in row.sources:  # the state allowed it: the host's own trouble, told in its own words
        raise refusal
    raise wrong_state(found, row.name, row.sources) from refusal


def _tell_if_lost(link: Link, found: Instance, row: Transition, wait: Wait[LifecycleEvent]) -> None:
    """The call was made because events had told otherwise: the one that is missing is on its way, or else it was lost.

    Threads that pause and unpause one instance against each other meet the first often. To tell what is on its way would tell
    it twice, when a second thread has seen the opposite before it comes.
    """
    if link.known_state(found.uuid) in (None, *row.targets):
        return
    try:
        wait.until(deadlines.ON_ITS_WAY)
    except OperationTimeout:
        link.observe(found.uuid, found.state, found.reason)


def _after_deadline(link: Link, uuid: UUID, row: Transition, late: OperationTimeout) -> Instance:
    found = instance(link, uuid)
    if not row.reached(found):
        raise late
    link.observe(uuid, found.state, found.reason)
    return found
