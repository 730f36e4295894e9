"""One opening at a time, on a thread of its own, with everybody who needs it waiting for the same one.

What belongs here: the thread, the sharing and the patience. What does not: what opening is (`opening`) and when it is wanted
(`session`). Why a thread: virConnectOpen has no deadline. A daemon that was stopped (SIGSTOP) accepts on its socket and never
answers, so the caller must be able to give up while the opening goes on (measured on libvirt 9.0.0).
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress

from virtproof_driver.errors import DriverError, HostUnreachable


class Opener:
    """Runs `establish`, which opens and installs a connection or raises a DriverError."""

    def __init__(self, establish: Callable[[], None], address: str) -> None:
        self._establish = establish
        self._address = address
        self._lock = threading.Lock()
        self._current: Future[None] | None = None
        self._thread: threading.Thread | None = None

    def attempt(self, patience: float | None) -> None:
        """Join the opening that is under way or begin one.

        Raises what it raises, and HostUnreachable when patience (seconds) ends.
        """
        future = self._join()
        try:
            future.result(patience)
        except FutureTimeoutError:
            if future.done():  # the opening itself ended with a TimeoutError
                raise
            raise HostUnreachable(self._address, f"no answer within {patience:g} s") from None

    def abandon(self, error: DriverError, seconds: float) -> None:
        """End the waiting of all with this error. The opening has so many seconds to end; later it gives up what it opened."""
        with self._lock:
            future, thread = self._current, self._thread
        if future is not None:
            _settle(future, error)
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)

    def _join(self) -> Future[None]:
        with self._lock:
            if self._current is None:
                self._current = Future()
                self._thread = threading.Thread(target=self._run, args=(self._current,), name="virtproof-opener", daemon=True)
                self._thread.start()
            return self._current

    def _run(self, future: Future[None]) -> None:
        failure: BaseException | None = None
        try:
            self._establish()
        except BaseException as error:  # noqa: BLE001  # raised again in each thread that waits
            failure = error
        with self._lock:
            self._current = None
        _settle(future, failure)


def _settle(future: Future[None], failure: BaseException | None) -> None:
    """Say how the opening ended, unless that was said."""
    with suppress(InvalidStateError):
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
