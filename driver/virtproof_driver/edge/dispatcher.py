"""One thread that runs small tasks in the order in which they were posted.

What belongs here: the queue and the thread. What does not: what the tasks do. libvirt's callbacks post and return, so that
nothing of ours ever runs on libvirt's thread.
"""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

_log = logging.getLogger(__name__)
Task = Callable[[], object]


class Dispatcher:
    """A queue of tasks and the thread that runs them. A task that raises is logged and counted, and the next one runs."""

    def __init__(self, name: str) -> None:
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._lock = threading.Lock()
        self._stopped = False
        self.failures = 0

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def post(self, task: Task) -> bool:
        """Queue a task and return at once; False when it will never run, as the thread was told to end before."""
        with self._lock:
            if not self._stopped:
                self._tasks.put(task)
            return not self._stopped

    def flush(self, seconds: float) -> bool:
        """Wait until all that was posted before has run; says whether it has, within so many seconds."""
        done = threading.Event()
        return self.post(done.set) and done.wait(seconds)

    def stop(self, seconds: float) -> None:
        """Run what was posted before, then end the thread; waits for it so many seconds, unless called on it."""
        with self._lock:
            self._stopped = True
            self._tasks.put(None)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(seconds)

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except Exception:  # noqa: BLE001  # whatever a task raises, the next one runs
                self.failures += 1
                _log.exception("a task of %s failed", self._thread.name)
