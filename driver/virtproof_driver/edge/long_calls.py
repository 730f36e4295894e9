"""A call into libvirt that blocks for as long as a job takes, on a thread of its own, with a deadline.

What belongs here: the threads, and the stages of such a call. What does not: which call it is, how it is called off and what
comes of it; that is `link.Work`, which operations write.

Theory of operation. A call is STARTING until its work says that it is under way, and can be called off only then: libvirt refuses
before. A timer tells the work that the deadline has passed. An interruption calls it off, lets its caller change the
instance, and has it begin again: the stage is RESTING meanwhile. Interruptions, the deadline and calling off take turns. When
the call is OVER, the work concludes on the same thread, and what that returns or raises is the end.
"""

import logging
import threading
from collections.abc import Generator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager, suppress
from enum import Enum, auto
from typing import Generic, TypeVar

from virtproof_driver.edge.waits import waitable
from virtproof_driver.errors import Busy, DriverError, OperationTimeout
from virtproof_driver.link import Work

T = TypeVar("T")
_log = logging.getLogger(__name__)
ENDING_SECONDS = 1.0
"""How long a call that refuses to be called off may take to end by itself; it was about to."""


class _Stage(Enum):
    STARTING = auto()
    UNDER_WAY = auto()
    RESTING = auto()
    OVER = auto()


class LongCall(Generic[T]):
    """Implements `link.Call` and `link.Attempt`. Safe from any thread."""

    def __init__(self, work: Work[T], seconds: float) -> None:
        self._work = work
        self._future: Future[T] = Future()
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._stage = _Stage.STARTING
        self._interrupting = False
        self._thread = threading.Thread(target=self._run, name="virtproof-migration", daemon=True)
        self._timer = threading.Timer(waitable(seconds), self._late)
        self._timer.name, self._timer.daemon = "virtproof-deadline", True

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()
        self._timer.start()

    def under_way(self) -> None:
        """See `link.Attempt`."""
        with self._changed:
            if self._stage is _Stage.STARTING:
                self._become(_Stage.UNDER_WAY)

    def doomed(self) -> None:
        """See `link.Attempt`."""
        threading.Thread(target=self._end_quietly, name="virtproof-doomed", daemon=True).start()

    def await_start(self) -> None:
        """See `link.Call`."""
        with self._changed:
            self._changed.wait_for(lambda: self._stage is not _Stage.STARTING)

    def until(self, seconds: float | None) -> T:
        """See `link.Call`."""
        try:
            return self._future.result(None if seconds is None else waitable(seconds))
        except FutureTimeoutError:
            if self._future.done():  # the end itself is a TimeoutError
                raise
            raise OperationTimeout(self._work.what, seconds or 0) from None

    def call_off(self) -> None:
        """See `link.Call`."""
        with self._turn:
            self.await_start()
            if self._stage is not _Stage.OVER:
                self._attempt_to_end(_Stage.OVER)

    @contextmanager
    def interrupted(self) -> Generator[None]:
        """See `link.Call`."""
        with self._turn:
            self.await_start()
            self._stop()
            try:
                yield
            finally:
                self._go_on()

    def _stop(self) -> None:
        with self._changed:
            self._interrupting = self._stage is _Stage.UNDER_WAY
        if not self._interrupting:
            return
        try:
            self._attempt_to_end(_Stage.RESTING, _Stage.OVER)
        except DriverError as refusal:
            self._interrupting = False
            raise Busy(f"the {self._work.what} must come first: {refusal}") from refusal

    def _attempt_to_end(self, *stages: _Stage) -> None:
        try:
            self._work.call_off()
        except DriverError:
            if not self._reaches(stages, ENDING_SECONDS):
                raise
        else:
            if _Stage.RESTING in stages:
                self._reaches(stages, None)

    def _reaches(self, stages: tuple[_Stage, ...], seconds: float | None) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._stage in stages, seconds)

    def _go_on(self) -> None:
        with self._changed:
            self._interrupting = False
            if self._stage is _Stage.RESTING:
                self._become(_Stage.STARTING)

    def _become(self, stage: _Stage) -> None:
        self._stage = stage
        self._changed.notify_all()

    # --- on threads of its own -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._future.set_result(self._conducted())
        except BaseException as error:  # noqa: BLE001  # raised again to who waits
            self._future.set_exception(error)

    def _conducted(self) -> T:
        failure = self._attempted()
        while self._rested(failure):
            failure = self._attempted()
        self._timer.cancel()
        return self._work.conclude(failure)

    def _attempted(self) -> DriverError | None:
        try:
            self._work.attempt(self)
        except DriverError as error:
            return error
        return None

    def _rested(self, failure: DriverError | None) -> bool:
        """Whether the call ended because it was interrupted, and may go on now."""
        with self._changed:
            if not (self._interrupting and failure is not None and self._work.was_called_off(failure)):
                self._become(_Stage.OVER)
                return False
            self._become(_Stage.RESTING)
            return self._changed.wait_for(lambda: self._stage is _Stage.STARTING)

    def _end_quietly(self) -> None:
        with suppress(DriverError):
            self.call_off()

    def _late(self) -> None:
        with self._turn:
            self.await_start()
            if self._stage is _Stage.OVER:
                return
            try:
                self._work.deadline_passed()
            except DriverError as refusal:
                if not self._reaches((_Stage.OVER,), ENDING_SECONDS):
                    _log.warning("at the deadline of the %s: %s; it is called off", self._work.what, refusal)
                    with suppress(DriverError):
                        self._work.call_off()
