"""What a case left behind, as LEFTOVER records.

What belongs here: comparing what was there before a case with what is there after it. What does not: what a leftover means
(`judges`) and removing it (the lane's reaper). Objects are looked for before the driver is closed, since a private world ends
with its connection; callbacks, connections and threads after it.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from virtproof.evidence import Kind, on_host
from virtproof.recording.binding import RecordingBinding
from virtproof.recording.later import THREAD_NAME as FAULT_THREAD
from virtproof.recording.recorder import Recorder
from virtproof.recording.world import Inventory, World
from virtproof_driver.edge.event_loop import THREAD_NAME as EVENT_LOOP

PATIENCE: Final = 2.0
# Threads that are no driver's: the process's own event loop (`virtproof_driver.edge.event_loop`), faults, and those of lanes.
OUTLIVING: Final = frozenset({EVENT_LOOP, FAULT_THREAD, "virtproof-lane-open", "virtproof-lane-expired-door"})
_STEP: Final = 0.005


class LeftoverCheck:
    """Made when a case begins; remembers the threads that were alive then."""

    def __init__(self, recorder: Recorder, binding: RecordingBinding) -> None:
        self._recorder = recorder
        self._binding = binding
        self._threads = frozenset(threading.enumerate())

    def objects(self, world: World, before: Inventory | None = None) -> int:
        """Record the objects with the worker's prefix that are there now and were not `before`; how many."""
        known = {(what, name) for what, names in (before or Inventory()).kinds() for name in names}
        found = [(what, name) for what, names in world.inventory().kinds() for name in names if (what, name) not in known]
        for what, name in found:
            self._leftover(what, name, f"on the host {world.host}" if world.host else "", world.host)
        return len(found)

    def after_close(self, patience: float = PATIENCE) -> int:
        """Record threads alive `patience` seconds later, callbacks still registered and connections still open; how many.

        Threads first: one of them may be giving up a connection, such as one whose opening came to an end too late.
        """
        return self._alive(patience) + self._callbacks() + self._connections()

    def _callbacks(self) -> int:
        kept = [tracked for tracked in self._binding.tracked() if not tracked.lost]
        left = [(kind, tracked.number) for tracked in kept for kind, _ in tracked.callbacks]
        for kind, number in left:
            self._leftover("callback", f"{kind} callback", f"registered on connection-{number} and never deregistered")
        return len(left)

    def _connections(self) -> int:
        left = [tracked.number for tracked in self._binding.tracked() if not tracked.closed]
        for number in left:
            self._leftover("connection", f"connection-{number}", "opened and never closed")
        return len(left)

    def _alive(self, patience: float) -> int:
        threads = _ended(self._new_threads, patience)
        for thread in threads:
            self._leftover("thread", thread.name, f"alive {patience:g} s after the driver was closed")
        return len(threads)

    def _new_threads(self) -> list[threading.Thread]:
        loops = self._binding.loops
        return [
            thread
            for thread in threading.enumerate()
            if thread not in self._threads and thread.ident not in loops and thread.name not in OUTLIVING and thread.is_alive()
        ]

    def _leftover(self, what: str, name: str, detail: str, host: str = "") -> None:
        self._recorder.write(Kind.LEFTOVER, what=what, name=name, detail=detail, **on_host(host))


def _ended(alive: Callable[[], list[threading.Thread]], patience: float) -> list[threading.Thread]:
    """The threads that are alive still after `patience` seconds; returns as soon as there are none."""
    deadline = time.monotonic() + patience
    while (threads := alive()) and time.monotonic() < deadline:
        threads[0].join(_STEP)
    return threads
