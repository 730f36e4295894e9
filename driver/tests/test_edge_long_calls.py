"""A long call is called off once it is under way, keeps its deadline, rests for a change, and is concluded once."""

import threading
from queue import SimpleQueue

import pytest

from virtproof_driver.edge import long_calls
from virtproof_driver.edge.long_calls import LongCall
from virtproof_driver.errors import Busy, DriverError, HypervisorError, InvalidState, OperationTimeout
from virtproof_driver.link import Attempt

LONG = 1000.0
PATIENCE = 20.0
CALLED_OFF = HypervisorError(78, 10, "aborted")
REFUSED = InvalidState("nothing to abort")


class Job:
    """A call that blocks until a test, or calling it off, ends it. `told` is what happened, in order."""

    what = "end of the job"

    def __init__(self, *, begins: bool = True, refusal: DriverError | None = None) -> None:
        self.told: list[str] = []
        self.ends: SimpleQueue[DriverError | None] = SimpleQueue()
        self.begun = threading.Event()
        self.handle: Attempt | None = None
        self._begins = begins
        self._refusal = refusal

    def attempt(self, attempt: Attempt) -> None:
        self.told.append("attempt")
        self.handle = attempt
        if self._begins:
            attempt.under_way()
        self.begun.set()
        failure: DriverError | None = self.ends.get(timeout=PATIENCE)
        if failure is not None:
            raise failure

    def call_off(self) -> None:
        self.told.append("call off")
        if self._refusal is not None:
            raise self._refusal
        self.ends.put(CALLED_OFF)

    def was_called_off(self, failure: DriverError) -> bool:
        return failure is CALLED_OFF

    def deadline_passed(self) -> None:
        self.told.append("deadline")
        if self._refusal is not None:
            raise self._refusal
        self.ends.put(CALLED_OFF)

    def conclude(self, failure: DriverError | None) -> str:
        self.told.append("conclude")
        if failure is not None:
            raise failure
        return "done"


def begun(job: Job, seconds: float = LONG) -> LongCall[str]:
    call = LongCall(job, seconds)
    call.start()
    return call


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal to be called off is believed at once."""
    monkeypatch.setattr(long_calls, "ENDING_SECONDS", 0.0)


def test_its_end_is_its_conclusion() -> None:
    job = Job()
    call = begun(job)
    with pytest.raises(OperationTimeout, match="no end of the job within 0 s"):
        call.until(0)
    job.ends.put(None)
    assert call.until(PATIENCE) == call.until(0) == "done"
    assert job.told == ["attempt", "conclude"]


def test_it_is_called_off_only_once_it_is_under_way() -> None:
    job = Job(begins=False)
    call = begun(job)
    off = threading.Thread(target=call.call_off)
    off.start()
    assert job.begun.wait(PATIENCE)
    assert job.told == ["attempt"]
    assert job.handle is not None
    job.handle.under_way()
    off.join(PATIENCE)
    with pytest.raises(HypervisorError):
        call.until(PATIENCE)
    assert job.told == ["attempt", "call off", "conclude"]


def test_calling_off_what_is_over_changes_nothing() -> None:
    job = Job()
    call = begun(job)
    job.ends.put(None)
    assert call.until(PATIENCE) == "done"
    call.call_off()
    assert job.told == ["attempt", "conclude"]


def test_what_cannot_be_called_off_says_so_and_goes_on() -> None:
    job = Job(refusal=REFUSED)
    call = begun(job)
    with pytest.raises(InvalidState):
        call.call_off()
    job.ends.put(None)
    assert call.until(PATIENCE) == "done"


def test_what_is_doomed_is_called_off_by_another_thread() -> None:
    job = Job()
    call = begun(job)
    assert job.begun.wait(PATIENCE)
    assert job.handle is not None
    job.handle.doomed()
    with pytest.raises(HypervisorError):
        call.until(PATIENCE)


def test_the_deadline_is_told_though_nobody_waits() -> None:
    job = Job()
    call = begun(job, 0.0)
    with pytest.raises(HypervisorError):
        call.until(PATIENCE)
    assert job.told == ["attempt", "deadline", "conclude"]


def test_a_deadline_that_is_refused_calls_off() -> None:
    job = Job()
    job.deadline_passed = Job(refusal=REFUSED).deadline_passed  # type: ignore[method-assign]
    call = begun(job, 0.0)
    with pytest.raises(HypervisorError):
        call.until(PATIENCE)
    assert job.told == ["attempt", "call off", "conclude"]


def test_an_interruption_lets_it_rest_and_begin_again() -> None:
    job = Job()
    call = begun(job)
    with call.interrupted():
        job.told.append("change")
    call.await_start()
    job.ends.put(None)
    assert call.until(PATIENCE) == "done"
    assert job.told == ["attempt", "call off", "change", "attempt", "conclude"]


def test_it_begins_again_though_the_change_failed() -> None:
    job = Job()
    call = begun(job)
    with pytest.raises(Busy, match="later"), call.interrupted():
        raise Busy("later")
    job.ends.put(None)
    assert call.until(PATIENCE) == "done"
    assert job.told == ["attempt", "call off", "attempt", "conclude"]


def test_an_interruption_of_what_cannot_be_called_off_is_refused_and_changes_nothing() -> None:
    job = Job(refusal=REFUSED)
    call = begun(job)
    with pytest.raises(Busy, match="the end of the job must come first"), call.interrupted():
        job.told.append("change")
    job.ends.put(None)
    assert call.until(PATIENCE) == "done"
    assert job.told == ["attempt", "call off", "conclude"]


def test_an_interruption_of_what_is_over_changes_what_is_there() -> None:
    job = Job()
    call = begun(job)
    job.ends.put(None)
    assert call.until(PATIENCE) == "done"
    with call.interrupted():
        job.told.append("change")
    assert job.told == ["attempt", "conclude", "change"]


def test_a_failure_of_its_own_ends_it_though_it_was_to_rest() -> None:
    job = Job()
    call = begun(job)
    own = HypervisorError(9, 10, "the guest was killed")
    job.call_off = lambda: job.ends.put(own)  # type: ignore[method-assign]
    with call.interrupted():
        job.told.append("change")
    with pytest.raises(HypervisorError, match="killed"):
        call.until(PATIENCE)
    assert job.told.count("attempt") == 1
