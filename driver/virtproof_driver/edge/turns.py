"""Whose turn it is with an instance: changes that read before they write come one after the other.

What belongs here: a lock for each instance that is in use. What does not: which operations need it (`operations`). Only threads
of one driver wait for each other; libvirt has no such lock for its clients.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID


class Turns:
    """Locks by instance, kept for as long as somebody holds or awaits one. Safe from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: set[UUID] = set()

    @contextmanager
    def held(self, uuid: UUID) -> Generator[None]:
        """Hold the instance for as long as the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: uuid not in self._held)
            self._held.add(uuid)
        try:
            yield
        finally:
            with self._changed:
                self._held.discard(uuid)
                self._changed.notify_all()
