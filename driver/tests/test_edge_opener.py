"""One opening at a time, shared by all who need it, and never longer waited for than one can."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

import pytest

from virtproof_driver.edge.opener import Opener
from virtproof_driver.errors import DriverClosed, HostUnreachable

PATIENCE_SECONDS = 20.0


class Gate:
    """An opening that goes on until it is let go."""

    def __init__(self) -> None:
        self.begun: SimpleQueue[None] = SimpleQueue()
        self.release = threading.Event()
        self.runs = 0

    def __call__(self) -> None:
        self.runs += 1
        self.begun.put(None)
        self.release.wait(PATIENCE_SECONDS)


def in_thread(function: Callable[[], object]) -> Callable[[], Exception | None]:
    """Run it on a thread; the result waits for its end and returns what it raised."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            function()
        except Exception as error:  # noqa: BLE001  # the test looks at it
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def outcome() -> Exception | None:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
        return raised[0] if raised else None

    return outcome


def test_all_wait_for_the_same_opening() -> None:
    gate = Gate()
    opener = Opener(gate, "test:///x")
    first = in_thread(lambda: opener.attempt(PATIENCE_SECONDS))
    gate.begun.get(timeout=PATIENCE_SECONDS)
    with pytest.raises(HostUnreachable):
        opener.attempt(0)
    gate.release.set()
    assert first() is None
    assert gate.runs == 1


def test_the_next_attempt_after_one_that_ended_is_a_new_one() -> None:
    gate = Gate()
    gate.release.set()
    opener = Opener(gate, "test:///x")
    opener.attempt(PATIENCE_SECONDS)
    opener.attempt(PATIENCE_SECONDS)
    assert gate.runs == 2


def test_what_the_opening_raises_is_raised_and_the_next_attempt_may_succeed() -> None:
    outcomes: list[Exception | None] = [HostUnreachable("test:///x", "refused"), TimeoutError("its own"), None]

    def establish() -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    opener = Opener(establish, "test:///x")
    with pytest.raises(HostUnreachable, match="refused"):
        opener.attempt(PATIENCE_SECONDS)
    with pytest.raises(TimeoutError, match="its own"):
        opener.attempt(PATIENCE_SECONDS)
    opener.attempt(PATIENCE_SECONDS)
    assert outcomes == []


def test_patience_ends_before_an_opening_that_never_does() -> None:
    gate = Gate()
    opener = Opener(gate, "test:///x")
    with pytest.raises(HostUnreachable, match=r"cannot reach test:///x: no answer within 0\.01 s"):
        opener.attempt(0.01)
    gate.release.set()


def test_abandoning_ends_all_waiting_at_once() -> None:
    gate = Gate()
    opener = Opener(gate, "test:///x")
    waiting = in_thread(lambda: opener.attempt(None))
    gate.begun.get(timeout=PATIENCE_SECONDS)
    closed = DriverClosed("closed")
    opener.abandon(closed, 0)
    assert waiting() is closed
    gate.release.set()
    opener.abandon(closed, PATIENCE_SECONDS)
    assert opener._current is None
