"""A wait is armed before the call, and ended by its event, by a loss, or by the deadline."""

import threading
from uuid import UUID

import pytest

from virtproof_driver.edge.waits import Waits
from virtproof_driver.errors import ConnectionLost, OperationTimeout
from virtproof_driver.link import Awaited, AwaitedBlockJob, AwaitedDevice, AwaitedEither, AwaitedJob, Told
from virtproof_driver.values import (
    BlockJob,
    BlockJobEvent,
    BlockJobStatus,
    DeviceEvent,
    DeviceEventKind,
    EventKind,
    JobEvent,
    LifecycleEvent,
)

UUID_A, UUID_B = UUID(int=10), UUID(int=11)
PATIENCE_SECONDS = 20.0
STARTED = Awaited(kinds=frozenset({EventKind.STARTED}), what="started event of a")


def clock() -> float:
    """The moment at which each wait of these tests is armed; events come a second later."""
    return 0.0


def event(kind: EventKind, uuid: UUID = UUID_A) -> LifecycleEvent:
    return LifecycleEvent(uuid=uuid, name="a", kind=kind, reason="r", stamp=1.0)


def test_an_event_that_came_before_the_wait_began_to_block_ends_it() -> None:
    waits = Waits(clock)
    with waits.armed(UUID_A, STARTED) as wait:
        waits.tell(event(EventKind.STARTED))
        assert wait.until(0) == event(EventKind.STARTED)


def test_what_was_delivered_before_the_wait_ends_those_that_ask_for_it() -> None:
    waits = Waits(lambda: 2.0)
    asking = Awaited(kinds=frozenset({EventKind.STARTED}), what="started event", late_too=True)
    with waits.armed(UUID_A, STARTED) as deaf, waits.armed(UUID_A, asking) as hearing:
        waits.tell(event(EventKind.STARTED))
        found = hearing.until(0)
        assert (found, found.stamp < hearing.since) == (event(EventKind.STARTED), True)
        with pytest.raises(OperationTimeout):
            deaf.until(0)


def test_it_is_known_whether_an_event_is_waited_for() -> None:
    waits = Waits(clock)
    with waits.armed(UUID_A, STARTED), waits.heard(UUID_B, list[Told]().append, list[str]().clear):
        assert waits.awaits(event(EventKind.STARTED))
        assert not waits.awaits(event(EventKind.STOPPED))
        assert not waits.awaits(event(EventKind.STARTED, UUID_B))
    assert not waits.awaits(event(EventKind.STARTED))


def test_an_event_that_comes_later_ends_it() -> None:
    waits = Waits(clock)
    with waits.armed(UUID_A, STARTED) as wait:
        threading.Thread(target=waits.tell, args=(event(EventKind.STARTED),)).start()
        assert wait.until(PATIENCE_SECONDS) == event(EventKind.STARTED)


def test_all_that_is_told_of_a_domain_is_passed_on_while_it_is_heard() -> None:
    waits, told, broke = Waits(), list[Told](), list[str]()
    with waits.heard(UUID_A, told.append, lambda: broke.append("broke")):
        waits.tell(event(EventKind.STARTED))
        waits.tell(event(EventKind.STARTED, UUID_B))
        waits.fail(lambda: ConnectionLost("gone"))
    waits.tell(event(EventKind.STOPPED))
    waits.fail(lambda: ConnectionLost("gone"))
    assert (told, broke) == ([event(EventKind.STARTED)], ["broke"])


def test_only_what_is_awaited_ends_it() -> None:
    waits = Waits(clock)
    with waits.armed(UUID_A, STARTED) as wait:
        waits.tell(event(EventKind.DEFINED))
        waits.tell(event(EventKind.STARTED, UUID_B))
        with pytest.raises(OperationTimeout) as caught:
            wait.until(0)
    assert (caught.value.awaited, caught.value.seconds) == ("started event of a", 0)


def test_an_event_that_was_delivered_before_it_was_armed_and_is_told_after_does_not_count() -> None:
    waits = Waits(lambda: 1.5)
    with waits.armed(UUID_A, STARTED) as wait:
        waits.tell(event(EventKind.STARTED))
        with pytest.raises(OperationTimeout):
            wait.until(0)


def test_an_event_before_it_was_armed_does_not_count() -> None:
    waits = Waits(clock)
    waits.tell(event(EventKind.STARTED))
    with waits.armed(UUID_A, STARTED) as wait, pytest.raises(OperationTimeout):
        wait.until(0)


def test_a_second_wait_is_for_the_next_event() -> None:
    waits = Waits(clock)
    with waits.armed(UUID_A, STARTED) as wait:
        waits.tell(event(EventKind.STARTED))
        wait.until(0)
        with pytest.raises(OperationTimeout):
            wait.until(0)


def test_several_waits_end_by_one_event_and_each_by_an_error_of_its_own() -> None:
    waits = Waits(clock)
    with waits.armed(UUID_A, STARTED) as one, waits.armed(UUID_A, STARTED) as other:
        waits.tell(event(EventKind.STARTED))
        assert one.until(0) == other.until(0) == event(EventKind.STARTED)
        waits.fail(lambda: ConnectionLost("gone"))
        errors: list[ConnectionLost] = []
        for wait in (one, other):
            with pytest.raises(ConnectionLost) as caught:
                wait.until(0)
            errors.append(caught.value)
    assert errors[0] is not errors[1]


def test_nothing_is_kept_of_a_wait_that_is_over() -> None:
    waits = Waits(clock)
    with pytest.raises(ZeroDivisionError), waits.armed(UUID_A, STARTED):
        raise ZeroDivisionError
    assert waits._armed == {}


def test_a_deadline_may_be_beyond_what_a_lock_can_wait() -> None:
    waits = Waits(clock)
    with waits.armed(UUID_A, STARTED) as wait:
        waits.tell(event(EventKind.STARTED))
        assert wait.until(float("inf")) == event(EventKind.STARTED)


def removed(alias: str) -> DeviceEvent:
    return DeviceEvent(uuid=UUID_A, name="a", alias=alias, kind=DeviceEventKind.REMOVED, stamp=1.0)


REMOVED = AwaitedDevice(alias="net0", kinds=frozenset({DeviceEventKind.REMOVED}), what="removal of net0")


def test_a_wait_for_a_device_ends_by_its_alias_and_kind_alone() -> None:
    waits = Waits(clock)
    with waits.armed(UUID_A, REMOVED) as wait:
        waits.tell(removed("net1"))
        waits.tell(event(EventKind.STARTED))
        waits.tell(DeviceEvent(uuid=UUID_A, name="a", alias="net0", kind=DeviceEventKind.ADDED, stamp=1.0))
        waits.tell(removed("net0"))
        assert wait.until(0) == removed("net0")
        with pytest.raises(OperationTimeout, match="removal of net0"):
            wait.until(0)


def test_a_wait_for_a_job_ends_by_its_target_kind_and_status_alone() -> None:
    def job(target: str, status: BlockJobStatus, kind: BlockJob = BlockJob.COMMIT) -> BlockJobEvent:
        return BlockJobEvent(uuid=UUID_A, name="a", target=target, job=kind, status=status, stamp=1.0)

    completed = frozenset({BlockJobStatus.COMPLETED})
    ended = AwaitedBlockJob(target="vda", job=BlockJob.COMMIT, statuses=completed, what="end of the job on vda")
    waits = Waits(clock)
    with waits.armed(UUID_A, ended) as wait:
        waits.tell(job("vdb", BlockJobStatus.COMPLETED))
        waits.tell(job("vda", BlockJobStatus.COMPLETED, BlockJob.COPY))
        waits.tell(job("vda", BlockJobStatus.READY))
        waits.tell(event(EventKind.STARTED))
        waits.tell(job("vda", BlockJobStatus.COMPLETED))
        assert wait.until(0) == job("vda", BlockJobStatus.COMPLETED)


def test_a_wait_for_a_job_of_the_instance_ends_by_its_operation() -> None:
    def job(operation: str) -> JobEvent:
        return JobEvent(uuid=UUID_A, name="a", operation=operation, stamp=1.0)

    waits = Waits(clock)
    with waits.armed(UUID_A, AwaitedJob(operations=frozenset({"dump"}), what="end of the dump")) as wait:
        waits.tell(job("save"))
        waits.tell(removed("net0"))
        waits.tell(job("dump"))
        assert wait.until(0) == job("dump")


@pytest.mark.parametrize("told", [removed("net0"), event(EventKind.STARTED)], ids=["first", "second"])
def test_a_wait_for_either_ends_by_whichever_comes(told: "LifecycleEvent | DeviceEvent") -> None:
    waits = Waits(clock)
    with waits.armed(UUID_A, AwaitedEither(first=REMOVED, second=STARTED, what="either")) as wait:
        waits.tell(event(EventKind.PAUSED))
        waits.tell(told)
        assert wait.until(0) == told


def test_a_wait_may_know_the_cause_of_what_it_awaits() -> None:
    waits = Waits(clock)
    forced = Awaited(kinds=frozenset({EventKind.STOPPED}), what="stopped event", cause="destroyed")
    asked = Awaited(kinds=frozenset({EventKind.STOPPED}), what="stopped event")
    assert waits.cause(UUID(int=1)) is None
    with waits.armed(UUID(int=1), asked), waits.armed(UUID(int=1), forced):
        assert waits.cause(UUID(int=1)) == "destroyed"
        assert waits.cause(UUID(int=2)) is None
    assert waits.cause(UUID(int=1)) is None
