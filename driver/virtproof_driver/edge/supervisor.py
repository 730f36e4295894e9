"""Trying again until the host is back, or the driver is closed.

What belongs here: the thread and the delays. What does not: the opening (`opener`).
"""

import logging
import threading
from collections.abc import Callable, Iterator

from virtproof_driver.errors import DriverError

_log = logging.getLogger(__name__)
FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 10.0
_GROWTH = 2.0


def delays() -> Iterator[float]:
    """Seconds before each attempt, without end: they double from 0.1 to 10 and stay there."""
    delay = FIRST_DELAY_SECONDS
    while True:
        yield delay
        delay = min(delay * _GROWTH, LONGEST_DELAY_SECONDS)


class Supervisor:
    """Brings a lost connection back on a thread of its own. `reopen` returns when there is a connection, whoever made it."""

    def __init__(self, reopen: Callable[[], object], ending: threading.Event) -> None:
        self._reopen = reopen
        self._ending = ending
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def lost(self, give_up: Callable[[], object]) -> None:
        """Give the lost connection up and begin to try.

        Threads of earlier losses end by themselves, as there was a connection since.
        """
        thread = threading.Thread(target=self._run, args=(give_up,), name="virtproof-supervisor", daemon=True)
        thread.start()
        with self._lock:
            self._threads = [thread, *(earlier for earlier in self._threads if earlier.is_alive())]

    def wait_ended(self, seconds: float) -> None:
        """Join the threads, so many seconds each; `ending` must be set."""
        with self._lock:
            threads = self._threads
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(seconds)

    def _run(self, give_up: Callable[[], object]) -> None:
        give_up()
        for delay in delays():
            if self._ending.wait(delay):
                return
            try:
                self._reopen()
            except DriverError as error:
                _log.info("the host is not back: %s", error)
            except Exception:  # noqa: BLE001  # nobody would see it; the host may still come back
                _log.exception("reconnecting failed unexpectedly; it is tried again")
            else:
                return
