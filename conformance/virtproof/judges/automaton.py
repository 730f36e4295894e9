"""The automaton of a domain: which lifecycle event may follow which, on any hypervisor that was measured.

What belongs here: the activities of a domain, the table of legal steps, and a world (what is possible by the events so far).
What does not: records and rules; those are `events`. The theory: one domain has two independent automata, what it does
(activity) and whether it has a persistent definition. Neither is known when a case begins, and some hypervisors change a
state without an event, so a world is a *set* of possible states: an event is illegal only if it is impossible from each of
them.

The table accepts what was measured on the test driver, QEMU 7.2 to 11.1, LXC and Xen with libvirt 9.0 to 12.8; each odd row
says which.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from virtproof_driver.constants import DomainEvent as E
from virtproof_driver.constants import DomainState

FAILED_DETAIL: Final = 5  # VIR_DOMAIN_EVENT_STOPPED_FAILED
MIGRATED_AWAY: Final = 3  # VIR_DOMAIN_EVENT_STOPPED_MIGRATED
ADDED: Final = 0  # VIR_DOMAIN_EVENT_DEFINED_ADDED


@unique
class Activity(Enum):
    """What a domain does, as far as its events tell."""

    OFF = "off"
    STOPPED = "off, just stopped"  # LXC may add STOPPED_FAILED (8 of 71 destroys, libvirt 9.0.0)
    FAILED = "off after STOPPED_FAILED"  # ... or send it before the real one
    PRELUDE = "starting"  # QEMU sends RESUMED, then STARTED
    LOADED = "started from a saved state"  # RESUMED or SUSPENDED may tell what its processors do; the test driver tells neither
    RUNNING = "running"
    PAUSED = "paused"
    POSTCOPY = "running while its memory arrives"
    SHUTTING = "shutting down"
    ENDING = "being ended by the host"
    CRASHED = "crashed"
    HALTED = "crashed, and told that it does not run"
    PM_SUSPENDED = "suspended by its guest"


A = Activity
OFF: Final = frozenset({A.OFF, A.STOPPED, A.FAILED})
ACTIVE: Final = frozenset(A) - OFF - {A.PRELUDE}
PANICKED: Final = frozenset({A.CRASHED, A.HALTED})

_ENDINGS: Final[Mapping[E, Activity]] = {E.STOPPED: A.STOPPED, E.SHUTDOWN: A.SHUTTING, E.CRASHED: A.CRASHED}
_FROM_OFF: Final[Mapping[E, Activity]] = {E.STARTED: A.RUNNING, E.RESUMED: A.PRELUDE}
_STEPS: Final[Mapping[Activity, Mapping[E, Activity]]] = {
    A.OFF: _FROM_OFF,
    A.STOPPED: _FROM_OFF,
    A.FAILED: _FROM_OFF,
    A.PRELUDE: {E.STARTED: A.RUNNING, E.STOPPED: A.STOPPED, E.SHUTDOWN: A.SHUTTING},
    A.LOADED: {E.RESUMED: A.RUNNING, E.SUSPENDED: A.PAUSED, **_ENDINGS},
    A.RUNNING: {E.SUSPENDED: A.PAUSED, E.PMSUSPENDED: A.PM_SUSPENDED, **_ENDINGS},
    A.PAUSED: {E.RESUMED: A.RUNNING, **_ENDINGS},
    A.POSTCOPY: {E.RESUMED: A.RUNNING, E.SUSPENDED: A.PAUSED, **_ENDINGS},
    A.SHUTTING: {E.STOPPED: A.STOPPED},
    A.ENDING: {E.STOPPED: A.STOPPED},
    **{panicked: {E.RESUMED: A.RUNNING, E.STOPPED: A.STOPPED, E.SHUTDOWN: A.ENDING} for panicked in PANICKED},
    A.PM_SUSPENDED: {E.STARTED: A.RUNNING, E.RESUMED: A.RUNNING, E.STOPPED: A.STOPPED, E.SHUTDOWN: A.SHUTTING},
}
# Rows that the detail decides; they win over the table above.
_DETAILED: Final[Mapping[tuple[Activity, E, int], Activity]] = {
    **{(a, E.STARTED, detail): A.LOADED for a in (*OFF, A.PRELUDE) for detail in (1, 2, 3)},  # migrated, restored, from snapshot
    **{(a, E.RESUMED, 3): A.POSTCOPY for a in (A.PAUSED, A.LOADED)},  # destination of a post-copy migration, then RESUMED again
    **{(a, E.SHUTDOWN, 2): A.ENDING for a in ACTIVE - PANICKED - {A.ENDING}},  # QEMU, before STOPPED of a destroy
    **{(a, E.SHUTDOWN, 2): A.OFF for a in OFF},  # QEMU, of a start that failed after its process ran (11.3.0)
    **{(a, E.STOPPED, FAILED_DETAIL): A.FAILED for a in ACTIVE | {A.PRELUDE}},
    # libvirt tells a panic from a worker thread, and the stop that belongs to it from another: either may be first (QEMU, 11.3.0)
    (A.CRASHED, E.SUSPENDED, 0): A.HALTED,
    (A.PAUSED, E.SUSPENDED, 7): A.PAUSED,  # source of a post-copy migration: MIGRATED, then POSTCOPY
    (A.PAUSED, E.SUSPENDED, 8): A.PAUSED,  # ... and POSTCOPY_FAILED
    (A.STOPPED, E.STOPPED, FAILED_DETAIL): A.OFF,
    **{(A.FAILED, E.STOPPED, detail): A.OFF for detail in range(8) if detail != FAILED_DETAIL},
}
_OF_STATE: Final[Mapping[int, Activity]] = {
    DomainState.RUNNING: A.RUNNING,
    DomainState.BLOCKED: A.RUNNING,
    DomainState.PAUSED: A.PAUSED,
    DomainState.SHUTDOWN: A.SHUTTING,
    DomainState.SHUTOFF: A.OFF,
    DomainState.CRASHED: A.CRASHED,
    DomainState.PMSUSPENDED: A.PM_SUSPENDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is possible of one domain: its activities, and whether it has a persistent definition."""

    activities: frozenset[Activity] = frozenset(A)
    persistent: frozenset[bool] = frozenset({False, True})

    def allowing(self, activity: Activity) -> "World":
        """The world in which this is possible too: somebody saw it, or a call may have caused it in silence."""
        return World(activities=self.activities | {activity}, persistent=self.persistent)


UNKNOWN: Final = World()


def first_world(event: int, detail: int) -> World:
    """The world before the first event of a domain: one that is being added was not there."""
    fresh = event == E.DEFINED and detail == ADDED
    return World(activities=frozenset({A.OFF}), persistent=frozenset({False})) if fresh else UNKNOWN


def step(world: World, event: int, detail: int) -> World | None:
    """The world after a lifecycle event, None when the event is impossible in it. Unknown events change nothing."""
    if event in (E.DEFINED, E.UNDEFINED):
        persistent = frozenset(event == E.DEFINED for before in world.persistent if _definable(event, detail, before=before))
        return World(activities=world.activities, persistent=persistent) if persistent else None
    if event not in frozenset(E):
        return world
    activities = frozenset(after for before in world.activities if (after := _next(before, E(event), detail)) is not None)
    away = event == E.STOPPED and detail == MIGRATED_AWAY  # UNDEFINE_SOURCE removes the definition without an event (QEMU)
    return World(activities=activities, persistent=frozenset({False, True}) if away else world.persistent) if activities else None


def forced(event: int, detail: int) -> World:
    """The world after an event that should not have been: believe it and go on, so that one fault is told once."""
    return step(UNKNOWN, event, detail) or UNKNOWN


def activity_of(state: int | None) -> Activity | None:
    """The activity of a state that was read; a domain that is gone is off, and NOSTATE tells nothing."""
    return A.OFF if state is None else _OF_STATE.get(state)


def only_off(activities: Iterable[Activity]) -> bool:
    """Whether all that is possible is that the domain is off."""
    return OFF.issuperset(activities)


def _next(activity: Activity, event: E, detail: int) -> Activity | None:
    return _DETAILED.get((activity, event, detail)) or _STEPS[activity].get(event)


def _definable(event: int, detail: int, *, before: bool) -> bool:
    if event == E.UNDEFINED:
        return before
    return not before or detail != ADDED
