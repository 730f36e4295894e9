"""Which operation of the driver a libvirt call belongs to.

What belongs here: the operations that are open, by thread. What does not: opening them (`driver`) and writing records. A call
belongs to the innermost operation open on its own thread; made on another thread while exactly one operation is open, to that
one, since drivers do hand work to threads of their own; else to none.
"""

import threading


class Operations:
    """The operations that are open now. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._open: dict[int, int] = {}

    def begin(self, operation: int) -> None:
        """An operation begins on the calling thread."""
        with self._lock:
            self._open[operation] = threading.get_ident()

    def end(self, operation: int) -> None:
        """An operation ends."""
        with self._lock:
            self._open.pop(operation, None)

    def current(self) -> int | None:
        """The operation that a call of this thread belongs to."""
        here = threading.get_ident()
        with self._lock:
            own = [operation for operation, thread in self._open.items() if thread == here]
            if own:
                return own[-1]
            return next(iter(self._open)) if len(self._open) == 1 else None

    def clear(self) -> None:
        """Forget all; a new case begins."""
        with self._lock:
            self._open.clear()
