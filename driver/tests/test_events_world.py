"""All domains together, and the promise over any outage: legal, complete, and each change that could be seen exactly once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from virtproof_driver.events import Found, RawChange, Reading, World
from virtproof_driver.events.fold import NEWS_IN, STATE_AFTER
from virtproof_driver.values import EventKind, LifecycleEvent, PowerState

UUID_A, UUID_B = UUID(int=10), UUID(int=11)


def change(kind: EventKind, stamp: float, uuid: UUID = UUID_A, *, reason: str = "r", domain_id: int | None = None) -> RawChange:
    return RawChange(uuid=uuid, name="a", kind=kind, reason=reason, stamp=stamp, domain_id=domain_id)


def off(name: str = "a") -> Found:
    return Found(name=name, state=PowerState.OFF, reason="unknown", persistent=True)


def told(events: tuple[LifecycleEvent, ...]) -> list[tuple[UUID, EventKind, bool]]:
    return [(event.uuid, event.kind, event.resynced) for event in events]


def test_of_an_arrival_the_books_say_nothing_until_the_guest_is_there() -> None:
    world = World()
    world.apply(change(EventKind.STARTED, 1, reason="migrated"))
    assert world.instances() == ()
    world.apply(change(EventKind.RESUMED, 2, reason="migrated"))
    assert [(each.uuid, each.state, each.persistent) for each in world.instances()] == [(UUID_A, PowerState.RUNNING, False)]


def test_a_domain_is_known_from_its_definition_to_its_end() -> None:
    world = World()
    assert world.known_state(UUID_A) is None
    world.apply(change(EventKind.DEFINED, 1))
    assert world.known_state(UUID_A) is PowerState.OFF
    world.apply(change(EventKind.STARTED, 2))
    assert world.known_state(UUID_A) is PowerState.RUNNING
    world.apply(change(EventKind.UNDEFINED, 3))
    assert world.known_state(UUID_A) is PowerState.RUNNING
    world.apply(change(EventKind.STOPPED, 4))
    assert world.known_state(UUID_A) is None


def test_what_is_gone_is_not_kept() -> None:
    world = World()
    for kind in (EventKind.DEFINED, EventKind.UNDEFINED):
        world.apply(change(kind, 1))
    assert world._domains == {}


def test_a_comparison_tells_what_was_missed_domain_by_domain() -> None:
    world = World()
    world.apply(change(EventKind.STARTED, 1, UUID_A))
    events = world.compare_all({UUID_B: off("b")}, Reading(since=2, stamp=3))
    assert told(events) == [(UUID_A, EventKind.STOPPED, True), (UUID_B, EventKind.DEFINED, True)]
    assert world.compare_all({UUID_B: off("b")}, Reading(since=4, stamp=5)) == ()


def test_a_domain_that_went_away_while_it_was_read_does_not_come_back() -> None:
    world = World()
    world.apply(change(EventKind.DEFINED, 1))
    world.begin_reading()
    world.apply(change(EventKind.UNDEFINED, 3))
    assert world.compare_all({UUID_A: off()}, Reading(since=2, stamp=4)) == ()
    assert world.known_state(UUID_A) is None
    assert world._domains == {}


def test_a_state_read_tells_a_change_whose_event_was_lost_and_the_late_event_nothing() -> None:
    world = World()
    world.apply(change(EventKind.DEFINED, 1))
    events = world.compare_state(UUID_A, PowerState.RUNNING, "booted", Reading(since=2, stamp=3))
    assert told(events) == [(UUID_A, EventKind.STARTED, True)]
    assert world.apply(change(EventKind.STARTED, 4)) == ()


def test_a_state_read_that_an_event_overtook_tells_nothing() -> None:
    world = World()
    world.apply(change(EventKind.DEFINED, 1))
    world.apply(change(EventKind.STARTED, 3))
    assert world.compare_state(UUID_A, PowerState.OFF, "unknown", Reading(since=2, stamp=4)) == ()
    assert world.known_state(UUID_A) is PowerState.RUNNING


def test_a_state_read_of_an_unknown_domain_tells_nothing() -> None:
    world = World()
    assert world.compare_state(UUID_A, PowerState.RUNNING, "booted", Reading(since=2, stamp=3)) == ()
    assert world.known_state(UUID_A) is None


# --- any history, any outage ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Truth:
    """A domain as a host has it."""

    state: PowerState = PowerState.OFF
    persistent: bool = False
    runs: int = 0

    @property
    def found(self) -> Found | None:
        if self.state is PowerState.OFF and not self.persistent:
            return None
        domain_id = None if self.state is PowerState.OFF else self.runs
        return Found(name="a", state=self.state, reason="r", persistent=self.persistent, domain_id=domain_id)


def after(truth: Truth, kind: EventKind) -> Truth | None:
    """The host after an operation, None where the host refuses it."""
    if kind is EventKind.DEFINED:
        return None if truth.persistent else replace(truth, persistent=True)
    if kind is EventKind.UNDEFINED:
        return replace(truth, persistent=False) if truth.persistent else None
    if truth.state not in NEWS_IN[kind]:
        return None
    return replace(truth, state=STATE_AFTER[kind], runs=truth.runs + (kind is EventKind.STARTED))


def history(wanted: list[EventKind]) -> list[tuple[EventKind, Truth]]:
    """The operations that the host did, and what it was after each."""
    done: list[tuple[EventKind, Truth]] = []
    truth = Truth()
    for kind in wanted:
        now = after(truth, kind)
        if now is not None:
            truth = now
            done.append((kind, truth))
    return done


OPERATIONS = st.lists(st.sampled_from([EventKind.DEFINED, EventKind.UNDEFINED, *STATE_AFTER]), max_size=30)


@st.composite
def outages(draw: st.DrawFn) -> tuple[list[tuple[EventKind, Truth]], list[int]]:
    """A history, and in it where the connection breaks, is back, where the host is read, and where what was read is compared.

    Events lag behind what a read finds, so that the comparison may come before events of changes that were read.
    """
    done = history(draw(OPERATIONS))
    lost, back, read = sorted(draw(st.tuples(*[st.integers(0, len(done))] * 3)))
    return done, [lost, back, read, draw(st.integers(back, len(done)))]


def heard(
    done: list[tuple[EventKind, Truth]], lost: int, back: int, read: int, compared: int
) -> Iterator[tuple[LifecycleEvent, int]]:
    """What a listener hears, each with the number of the operation that it came with; -1 for the comparison."""
    world = World()

    def apply(numbers: range) -> Iterator[tuple[LifecycleEvent, int]]:
        for number in numbers:
            kind, truth = done[number]
            found = truth.found
            for event in world.apply(change(kind, float(number), domain_id=found.domain_id if found else None)):
                yield event, number

    yield from apply(range(lost))
    world.begin_reading()
    yield from apply(range(back, compared))
    found = done[read - 1][1].found if read else None
    reading = Reading(since=back - 0.5, stamp=compared - 0.5)
    for event in world.compare_all({UUID_A: found} if found else {}, reading):
        yield event, -1
    yield from apply(range(compared, len(done)))
    last = done[-1][1].found if done else None
    assert world.known_state(UUID_A) is (last.state if last else None)


@given(outages())
def test_over_any_outage_what_is_heard_is_a_life(outage: tuple[list[tuple[EventKind, Truth]], list[int]]) -> None:
    done, moments = outage
    truth = Truth()
    for event, _ in heard(done, *moments):
        now = after(truth, event.kind)
        assert now is not None
        truth = now
    end = done[-1][1] if done else Truth()
    assert (truth.state, truth.persistent) == (end.state, end.persistent)


@given(outages())
def test_over_any_outage_each_later_change_is_heard_once_as_itself(
    outage: tuple[list[tuple[EventKind, Truth]], list[int]],
) -> None:
    done, moments = outage
    plain = [number for event, number in heard(done, *moments) if not event.resynced]
    before, read, compared = moments[0], moments[2], moments[3]
    certain = [*range(before), *range(max(read, compared), len(done))]
    assert [number for number in plain if number < before or number >= max(read, compared)] == certain
    assert len(plain) == len(set(plain))


@given(outages())
def test_an_outage_in_which_nothing_happened_is_not_heard(outage: tuple[list[tuple[EventKind, Truth]], list[int]]) -> None:
    done, (lost, *_) = outage
    assert [(event.kind, event.resynced) for event, _ in heard(done, lost, lost, lost, lost)] == [
        (kind, False) for kind, _ in done
    ]
