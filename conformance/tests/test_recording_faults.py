"""Faults at the seam: each effect on the real libvirt, each in the evidence, and those that never took effect told."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from virtproof.evidence import Kind
from virtproof.recording.binding import RecordingBinding
from virtproof.recording.faults import Faults
from virtproof.recording.recorder import Recorder

Opened = Callable[[], Any]
STARTED, SUSPENDED, RESUMED = 2, 3, 4
RUNNING, PAUSED = [1, 5], [3, 1]


@pytest.fixture
def faults(recorder: Recorder) -> Faults:
    return Faults(recorder)


@pytest.fixture
def domain(opened: Opened) -> Any:
    return opened().lookupByName("vm")


class Listener:
    def __init__(self, connection: Any) -> None:
        self.told: list[int] = []
        self.changed = threading.Condition()
        self.id = connection.domainEventRegisterAny(None, 0, self.hear, None)

    def hear(self, _connection: object, _domain: object, event: int, _detail: int, _opaque: object) -> None:
        with self.changed:
            self.told.append(event)
            self.changed.notify_all()

    def wait(self, count: int) -> list[int]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.told) >= count, 10)
            return list(self.told)


def effects(recorder: Recorder) -> list[object]:
    return [record.data["fault"] for record in recorder.records(Kind.FAULT)]


def test_a_call_raises_as_libvirt_would_and_does_nothing(
    recorder: Recorder, binding: RecordingBinding, faults: Faults, domain: Any
) -> None:
    faults.raise_on("suspend", 86, 10, "the guest agent is not answering")
    with pytest.raises(binding.libvirtError, match="not answering") as caught:
        domain.suspend()
    error: Any = caught.value
    assert (error.get_error_code(), error.get_error_domain(), error.get_error_level()) == (86, 10, 2)
    assert error.get_error_message() == str(error)
    assert domain.state()[0] == 1
    (raised,) = [record.data for record in recorder.records(Kind.RAISE)]
    assert (raised["code"], raised["domain"]) == (86, 10)
    assert effects(recorder) == ["raise_on(suspend, 86)"]
    assert faults.finish() == ()


def test_the_nth_call_and_as_many_as_asked_for_raise(faults: Faults, domain: Any, binding: RecordingBinding) -> None:
    faults.raise_on("state", 1, nth=2, times=2)
    answers: list[object] = []
    for _ in range(4):
        try:
            answers.append(domain.state())
        except binding.libvirtError as error:
            answers.append(error.get_error_code())
    assert answers == [[1, 0], 1, 1, [1, 0]]


@pytest.mark.parametrize(
    ("asked", "called"), [("destroy", "destroyFlags"), ("destroyFlags", "destroy"), ("Domain.destroy", "destroy")]
)
def test_a_fault_meets_either_spelling(faults: Faults, domain: Any, asked: str, called: str) -> None:
    faults.swallow(asked)
    assert getattr(domain, called)() == 0
    assert domain.state()[0] == 1
    assert faults.finish() == ()


def test_a_fault_of_one_kind_of_object_does_not_meet_another(faults: Faults, domain: Any) -> None:
    faults.swallow("Network.destroy")
    domain.destroy()
    assert domain.state()[0] == 5
    assert faults.finish() == ("the fault swallow(Network.destroy) never took effect",)


def test_an_answer_is_lost_after_the_call_took_effect(faults: Faults, domain: Any, binding: RecordingBinding) -> None:
    faults.raise_after("suspend", 38, 7)
    with pytest.raises(binding.libvirtError):
        domain.suspend()
    assert domain.state() == PAUSED


def test_opening_can_fail(faults: Faults, opened: Opened, binding: RecordingBinding) -> None:
    faults.raise_on("open", 38, 13, "unreachable")
    with pytest.raises(binding.libvirtError, match="unreachable"):
        opened()
    assert binding.tracked() == ()
    assert faults.finish() == ()


def test_a_deferred_call_answers_now_and_happens_later(recorder: Recorder, faults: Faults, domain: Any) -> None:
    faults.defer("suspend", 0.05)
    assert domain.suspend() == 0
    assert domain.state()[0] == 1
    assert recorder.wait_for(lambda events: len(events) == 1, (Kind.EVENT,), 10)
    assert recorder.wait_for(lambda notes: len(notes) == 1, (Kind.NOTE,), 10)
    assert domain.state() == PAUSED
    assert faults.finish() == ()
    (note,) = [str(record.data["text"]) for record in recorder.records(Kind.NOTE)]
    assert note.startswith("deferred suspend of Domain:")
    assert note.endswith("answered 0")


def test_what_is_deferred_past_the_end_is_cancelled(recorder: Recorder, faults: Faults, domain: Any) -> None:
    faults.defer("suspend", 3600)
    domain.suspend()
    assert faults.finish() == ()
    assert domain.state()[0] == 1
    assert str(recorder.records(Kind.NOTE)[0].data["text"]).endswith("was cancelled at the end of the case")


def test_another_client_comes_before_or_after_a_call(faults: Faults, domain: Any, binding: RecordingBinding) -> None:
    bare: Any = binding.bare_connection()
    other = bare.lookupByName("vm")
    faults.before("suspend", other.suspend)
    with pytest.raises(binding.libvirtError):
        domain.suspend()
    faults.after("state", other.resume)
    assert domain.state() == PAUSED
    assert domain.state() == RUNNING
    assert faults.finish() == ()


def test_an_action_that_fails_is_the_cases_mistake(faults: Faults, domain: Any) -> None:
    def action() -> None:
        raise KeyError("no such thing")

    faults.before("state", action)
    assert domain.state() == [1, 0]
    (problem,) = faults.finish()
    assert problem.startswith("the action of before(state) failed")


def test_events_are_dropped_and_doubled_on_their_way_to_the_driver_only(
    recorder: Recorder, faults: Faults, opened: Opened
) -> None:
    connection = opened()
    listener, domain = Listener(connection), connection.lookupByName("vm")
    faults.drop_event(SUSPENDED)
    faults.duplicate_event((RESUMED, 0))
    for _ in range(2):
        domain.suspend()
        domain.resume()
    assert listener.wait(4) == [RESUMED, RESUMED, SUSPENDED, RESUMED]
    assert [record.data["event"] for record in recorder.records(Kind.EVENT)] == [SUSPENDED, RESUMED] * 2
    assert [record.data["event"] for record in recorder.records(Kind.DELIVERY)] == listener.told
    assert effects(recorder) == [f"drop_event({SUSPENDED})", f"duplicate_event(({RESUMED}, 0))"]
    assert faults.finish() == ()


def test_events_are_swapped(faults: Faults, opened: Opened) -> None:
    connection = opened()
    listener, domain = Listener(connection), connection.lookupByName("vm")
    faults.swap_events(SUSPENDED, RESUMED)
    domain.suspend()
    domain.resume()
    domain.suspend()
    assert listener.wait(3) == [RESUMED, SUSPENDED, SUSPENDED]
    assert faults.finish() == ()


def test_an_event_is_late(recorder: Recorder, faults: Faults, opened: Opened) -> None:
    connection = opened()
    listener, domain = Listener(connection), connection.lookupByName("vm")
    faults.delay_event(SUSPENDED, 0.05)
    domain.suspend()
    domain.resume()
    assert listener.wait(2) == [RESUMED, SUSPENDED]
    assert [record.data["event"] for record in recorder.records(Kind.EVENT)] == [SUSPENDED, RESUMED]
    assert faults.finish() == ()


def test_a_late_event_does_not_reach_a_callback_that_is_gone(recorder: Recorder, faults: Faults, opened: Opened) -> None:
    connection = opened()
    listener, domain = Listener(connection), connection.lookupByName("vm")
    faults.delay_event(SUSPENDED, 0.05)
    domain.suspend()
    assert recorder.wait_for(lambda effects: len(effects) == 1, (Kind.FAULT,), 10)
    connection.domainEventDeregisterAny(listener.id)
    assert faults.finish() == ()
    assert listener.told == []


def test_a_case_without_faults_of_its_own_meets_none_of_the_last(recorder: Recorder, faults: Faults, opened: Opened) -> None:
    faults.swallow("suspend")
    recorder.end_case()
    recorder.begin_case("test", "the.next")
    domain = opened().lookupByName("vm")
    domain.suspend()
    assert domain.state() == PAUSED
