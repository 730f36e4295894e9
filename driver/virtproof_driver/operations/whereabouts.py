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

MOVING = frozenset({"migration", "postcopy"})
"""libvirt's words for why a domain is paused on either host of a migration."""


@unique
class Sight(Enum):
    """How a host has an instance."""

    RUNS = auto()
    """It is active, and not for the migration's sake alone."""
    STANDS = auto()
    """It is paused for the migration: about to leave, or to arrive."""
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


def look_when_settled(destination: Link, uuid: UUID) -> Look:
    """How the destination has an instance once it has let the guest run or has given the arrival up."""
    ends = frozenset({EventKind.STOPPED, EventKind.RESUMED})
    settled = Awaited(kinds=ends, what=f"end of the arrival of instance {uuid}")
    with destination.expect(uuid, settled) as wait:
        found = look(destination, uuid)
        if found.sight is not Sight.STANDS:
            return found
        try:
            wait.until(deadlines.DEPARTURE)
        except OperationTimeout:
            return found
        except DriverError:  # the connection broke
            return Look(sight=Sight.UNSEEN)
    return look(destination, uuid)


def sight_of(found: Instance) -> Sight:
    """How an instance is there."""
    if not found.state.active:
        return Sight.OFF
    return Sight.STANDS if found.state is PowerState.PAUSED and found.reason in MOVING else Sight.RUNS


def _located(source: Sight, destination: Sight) -> InstanceLocation:
    """The first row that fits; a definition on the source alone says that it has not left, for it is undefined when it has."""
    anything = frozenset(Sight)
    rows: tuple[tuple[frozenset[Sight], frozenset[Sight], InstanceLocation], ...] = (
        (frozenset({Sight.RUNS}), frozenset({Sight.RUNS}), InstanceLocation.BOTH),
        (frozenset({Sight.RUNS}), anything, InstanceLocation.SOURCE),
        (anything, frozenset({Sight.RUNS}), InstanceLocation.DESTINATION),
        (frozenset({Sight.ABSENT}), frozenset({Sight.ABSENT}), InstanceLocation.NEITHER),
        (anything, frozenset({Sight.ABSENT}), InstanceLocation.SOURCE),  # it can be nowhere else, also if that one is silent
        (frozenset({Sight.ABSENT}), anything, InstanceLocation.DESTINATION),
        (frozenset({Sight.OFF}), frozenset({Sight.OFF}), InstanceLocation.BOTH),
        (frozenset({Sight.OFF}), anything, InstanceLocation.SOURCE),
        (frozenset({Sight.STANDS}), anything - {Sight.UNSEEN}, InstanceLocation.SOURCE),
        (anything, anything, InstanceLocation.UNKNOWN),
    )
    return next(location for ours, theirs, location in rows if source in ours and destination in theirs)
