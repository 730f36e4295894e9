"""Work of faults that is done some time later, each piece on its own thread.

What belongs here: starting, cancelling and joining it. What does not: what is done. A piece whose time has not come when the
case ends is cancelled: the guest it was for is gone by then.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from virtproof.evidence import Kind
from virtproof.recording.objects import raised
from virtproof.recording.recorder import Recorder

THREAD_NAME: Final = "virtproof-fault"


class Later:
    """The pieces of one case."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._generation = recorder.generation
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def run(self, seconds: float, work: Callable[[], object], what: str) -> None:
        """Do `work` after `seconds`, and note what it answered."""
        thread = threading.Thread(target=self._wait_and_run, args=(seconds, work, what), name=THREAD_NAME, daemon=True)
        with self._lock:
            thread.start()
            self._threads.append(thread)

    def finish(self, timeout: float) -> tuple[str, ...]:
        """Cancel what has not begun and join the rest within `timeout` seconds; a sentence for each that does not end."""
        self._ended.set()
        deadline = time.monotonic() + timeout
        with self._lock:
            threads = tuple(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return tuple("a deferred call did not end" for thread in threads if thread.is_alive())

    def _wait_and_run(self, seconds: float, work: Callable[[], object], what: str) -> None:
        if self._ended.wait(seconds):
            self._note(f"{what} was cancelled at the end of the case")
            return
        try:
            answer = work()
        except Exception as error:  # noqa: BLE001 - whatever libvirt answers now, it answers nobody
            self._note(f"{what} raised {raised(error)}")
        else:
            self._note(f"{what} answered {answer!r}")

    def _note(self, text: str) -> None:
        self._recorder.write(Kind.NOTE, self._generation, text=text)
