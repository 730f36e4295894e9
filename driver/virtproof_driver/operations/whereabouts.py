"""On which of two hosts an instance is, after a migration that did not end well.

What belongs here: looking at both, and what follows from what was found, by table. What does not: the migration (`migrating`).

Theory of operation. Neither libvirt's error nor its events tell: SUSPENDED and STOPPED come with the same details from a guest
that left and from one that did not. So both hosts are asked once, as soon as the destination has given the arrival up, which its
event tells. A host that does not answer is told from one that has no such instance.
"""

from dataclasses import dataclass
from enum import Enum, auto, unique
from functools import partial
from uuid import UUID

from virtproof_driver.errors import DriverError, InstanceNotFound, OperationTimeout
from virtproof_driver.link import Awaited, Link
from virtproof_driver.migration import InstanceLocation
from virtproof_driver.operations import deadlines
from virtproof_driver.operations.inventory import looked_up
from virtproof_driver.values import EventKind, Instance, PowerState

_WHOLE = "migration"
MOVING = frozenset({_WHOLE, "postcopy", "postcopy-failed"})
"""libvirt's words for why a domain is paused on either host of a migration."""


@unique
class Sight(Enum):
    """How a host has an instance."""

    RUNS = auto()
    """It is active, and not for the migration's sake alone."""
    STANDS = auto()
    """It is paused for the migration: about to leave, or to arrive."""
    ENDS = auto()
    """Its guest has ended, and the host has not cleared it away yet."""
    OFF = auto()
    """It is defined."""
    ABSENT = auto()
    UNSEEN = auto()
    """The host does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where an instance is, and as what it was read there."""

    location: InstanceLocation
    instance: Instance | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a host answered."""

    sight: Sight
    instance: Instance | None = None


def whereabouts(source: Look, destination: Look) -> Whereabouts:
    """Where an instance is by what both hosts answered."""
    location = _located(source.sight, destination.sight)
    there = {InstanceLocation.SOURCE: source, InstanceLocation.DESTINATION: destination}.get(location)
    return Whereabouts(location=location, instance=None if there is None else there.instance)


def look(link: Link, uuid: UUID) -> Look:
    """How a host has an instance now."""
    try:
        found = link.read(partial(looked_up, link, uuid))
    except InstanceNotFound:
        return Look(sight=Sight.ABSENT)
    except DriverError:
        return Look(sight=Sight.UNSEEN)
    return Look(sight=sight_of(found), instance=found)


def look_when_settled(link: Link, uuid: UUID, passing: frozenset[Sight], seconds: float | None = None) -> Look:
    """How a host has an instance, once that is none of what passes by itself; an event tells when it has.

    After `seconds` it is as it is then; that is a departure's deadline when it is not given. A guest that is let run where it
    came to is told as started, since listeners have heard nothing of its arrival.
    """
    ends = frozenset({EventKind.STOPPED, EventKind.RESUMED, EventKind.STARTED})
    settled = Awaited(kinds=ends, what=f"end of the arrival or departure of instance {uuid}")
    with link.expect(uuid, settled) as wait:
        found = look(link, uuid)
        if found.sight not in passing:
            return found
        try:
            wait.until(deadlines.DEPARTURE if seconds is None else seconds)
        except OperationTimeout:
            return found
        except DriverError:  # the connection broke
            return Look(sight=Sight.UNSEEN)
    return look(link, uuid)


def sight_of(found: Instance) -> Sight:
    """How an instance is there."""
    if found.state is PowerState.PAUSED and found.reason in MOVING:
        return Sight.STANDS
    if found.state is PowerState.SHUTTING_DOWN:
        return Sight.ENDS
    return Sight.RUNS if found.state.active else Sight.OFF


def may_run_on(found: Look) -> bool:
    """Whether a guest that stands still for its migration can go on where it is.

    Once it has run on the destination (post-copy) it cannot: its newest memory and what it wrote since then are there
    (https://libvirt.org/kbase/internals/migration.html, post-copy recovery).
    """
    return found.sight is Sight.STANDS and found.instance is not None and found.instance.reason == _WHOLE


def _located(source: Sight, destination: Sight) -> InstanceLocation:
    """The first row that fits; a definition on the source alone says that it has not left, for it is undefined when it has."""
    anything, over = frozenset(Sight), frozenset({Sight.OFF, Sight.ENDS})
    rows: tuple[tuple[frozenset[Sight], frozenset[Sight], InstanceLocation], ...] = (
        (frozenset({Sight.RUNS}), frozenset({Sight.RUNS}), InstanceLocation.BOTH),
        (frozenset({Sight.RUNS}), anything, InstanceLocation.SOURCE),
        (anything, frozenset({Sight.RUNS}), InstanceLocation.DESTINATION),
        (frozenset({Sight.ABSENT}), frozenset({Sight.ABSENT}), InstanceLocation.NEITHER),
        (anything, frozenset({Sight.ABSENT}), InstanceLocation.SOURCE),  # it can be nowhere else, also if that one is silent
        (frozenset({Sight.ABSENT}), anything, InstanceLocation.DESTINATION),
        (over, over, InstanceLocation.BOTH),
        (over, anything, InstanceLocation.SOURCE),
        (frozenset({Sight.STANDS}), anything - {Sight.UNSEEN}, InstanceLocation.SOURCE),
        (anything, anything, InstanceLocation.UNKNOWN),
    )
    return next(location for ours, theirs, location in rows if source in ours and destination in theirs)
