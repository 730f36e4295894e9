"""Where an instance is after a failed migration follows from what both hosts answer, each asked once it has settled."""

from typing import TYPE_CHECKING, cast
from uuid import UUID

import pytest

from virtproof_driver.edge.waits import Waits
from virtproof_driver.errors import ConnectionLost, HostUnreachable, InstanceNotFound
from virtproof_driver.migration import InstanceLocation
from virtproof_driver.operations.whereabouts import Look, Sight, look_when_settled, may_run_on, sight_of, whereabouts
from virtproof_driver.values import EventKind, Instance, LifecycleEvent, PowerState

if TYPE_CHECKING:
    from collections.abc import Callable

    from virtproof_driver.link import Link

UUID_A = UUID(int=10)
RUNS, STANDS, ENDS, OFF, ABSENT, UNSEEN = Sight.RUNS, Sight.STANDS, Sight.ENDS, Sight.OFF, Sight.ABSENT, Sight.UNSEEN
SOURCE, DESTINATION, BOTH, NEITHER, UNKNOWN = InstanceLocation


def instance(state: PowerState, reason: str = "r") -> Instance:
    return Instance(uuid=UUID_A, name="a", state=state, reason=reason)


@pytest.mark.parametrize(
    ("source", "destination", "location"),
    [
        (RUNS, ABSENT, SOURCE),
        (RUNS, UNSEEN, SOURCE),
        (RUNS, STANDS, SOURCE),
        (RUNS, RUNS, BOTH),
        (ABSENT, RUNS, DESTINATION),
        (UNSEEN, RUNS, DESTINATION),
        (STANDS, RUNS, DESTINATION),
        (OFF, RUNS, DESTINATION),
        (UNSEEN, ABSENT, SOURCE),
        (STANDS, ABSENT, SOURCE),
        (OFF, ABSENT, SOURCE),
        (OFF, UNSEEN, SOURCE),
        (ENDS, STANDS, SOURCE),
        (STANDS, STANDS, SOURCE),
        (ABSENT, OFF, DESTINATION),
        (ABSENT, UNSEEN, DESTINATION),
        (OFF, OFF, BOTH),
        (ABSENT, ABSENT, NEITHER),
        (STANDS, UNSEEN, UNKNOWN),
        (UNSEEN, UNSEEN, UNKNOWN),
        (UNSEEN, STANDS, UNKNOWN),
        (UNSEEN, OFF, UNKNOWN),
    ],
)
def test_where_it_is(source: Sight, destination: Sight, location: InstanceLocation) -> None:
    here, there = instance(PowerState.RUNNING, "here"), instance(PowerState.RUNNING, "there")
    found = whereabouts(Look(sight=source, instance=here), Look(sight=destination, instance=there))
    assert found.location is location
    assert found.instance == {SOURCE: here, DESTINATION: there}.get(location)


@pytest.mark.parametrize("source", Sight)
@pytest.mark.parametrize("destination", Sight)
def test_it_is_somewhere_whatever_is_answered(source: Sight, destination: Sight) -> None:
    assert whereabouts(Look(sight=source), Look(sight=destination)).location in InstanceLocation


@pytest.mark.parametrize(
    ("state", "reason", "sight"),
    [
        (PowerState.RUNNING, "booted", RUNS),
        (PowerState.PAUSED, "user", RUNS),
        (PowerState.PAUSED, "migration", STANDS),
        (PowerState.PAUSED, "postcopy", STANDS),
        (PowerState.PAUSED, "postcopy-failed", STANDS),
        (PowerState.SHUTTING_DOWN, "unknown", ENDS),
        (PowerState.OFF, "crashed", OFF),
    ],
)
def test_how_a_host_has_it(state: PowerState, reason: str, sight: Sight) -> None:
    assert sight_of(instance(state, reason)) is sight


class Host:
    """A link whose answers are given one after the other; each is preceded by what happens just then."""

    def __init__(self, *answers: Instance | Exception) -> None:
        self.answers = list(answers)
        self.waits = Waits(lambda: 0.0)
        self.expect = self.waits.armed
        self.then: list[Callable[[], object]] = []

    def read(self, _function: object) -> Instance:
        answer = self.answers.pop(0)
        if self.then:
            self.then.pop(0)()
        if isinstance(answer, Exception):
            raise answer
        return answer


def settled(host: Host, *passing: Sight) -> Look:
    return look_when_settled(cast("Link", cast("object", host)), UUID_A, frozenset(passing))


def stopped() -> LifecycleEvent:
    return LifecycleEvent(uuid=UUID_A, name="a", kind=EventKind.STOPPED, reason="failed", stamp=1.0)


def test_a_host_that_has_settled_is_asked_once() -> None:
    host = Host(instance(PowerState.RUNNING))
    assert settled(host, STANDS) == Look(sight=RUNS, instance=instance(PowerState.RUNNING))
    assert host.answers == []


def test_what_passes_is_waited_for_by_its_event_and_asked_again() -> None:
    host = Host(instance(PowerState.PAUSED, "migration"), InstanceNotFound("a"))
    host.then = [lambda: host.waits.tell(stopped())]
    assert settled(host, STANDS) == Look(sight=ABSENT)


def test_a_connection_that_breaks_while_it_settles_has_seen_nothing() -> None:
    host = Host(instance(PowerState.PAUSED, "migration"))
    host.then = [lambda: host.waits.fail(lambda: ConnectionLost("gone"))]
    assert settled(host, STANDS) == Look(sight=UNSEEN)


def test_what_does_not_pass_by_itself_is_told_as_it_is() -> None:
    found = instance(PowerState.PAUSED, "migration")
    assert settled(Host(found), ENDS) == Look(sight=STANDS, instance=found)


def test_a_host_that_does_not_answer_is_told_from_one_that_has_none() -> None:
    assert settled(Host(HostUnreachable("b", "silent")), STANDS) == Look(sight=UNSEEN)
    assert settled(Host(InstanceNotFound("a")), STANDS) == Look(sight=ABSENT)


@pytest.mark.parametrize(
    ("sight", "reason", "may"),
    [
        (STANDS, "migration", True),
        (STANDS, "postcopy", False),
        (STANDS, "postcopy-failed", False),
        (RUNS, "migration", False),
    ],
)
def test_a_guest_that_has_run_on_the_destination_does_not_run_on_at_its_source(sight: Sight, reason: str, *, may: bool) -> None:
    assert may_run_on(Look(sight=sight, instance=instance(PowerState.PAUSED, reason))) is may
    assert not may_run_on(Look(sight=sight))
