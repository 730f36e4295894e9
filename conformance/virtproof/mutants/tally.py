"""How far the mutants are, told while they run: one line rewritten on a terminal, a line every few seconds otherwise.

What belongs here: counting and writing the line. What does not: the table at the end (`runner`).
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

from virtproof.mutants.model import Finding

EVERY: Final = 5.0


class Tally:
    """Counts findings as they come, from any thread. `interval` is the time in seconds between lines off a terminal.

    The first finding is told at once: it shows that the runs work.
    """

    def __init__(
        self, stream: TextIO, total: int, *, clock: Callable[[], float] = time.monotonic, interval: float = EVERY
    ) -> None:
        self._stream = stream
        self._total = total
        self._clock = clock
        self._interval = 0.0 if stream.isatty() else interval
        self._lock = threading.Lock()
        self._found: list[Finding] = []
        self._started = self._written = clock()

    def __enter__(self) -> Self:
        """Say that it begins."""
        self._write()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Leave the last line standing."""
        self._write()
        if self._stream.isatty():
            self._stream.write("\n")
        self._stream.flush()

    def add(self, found: Finding) -> None:
        """A mutant's run ended. A miss is told at once."""
        with self._lock:
            self._found.append(found)
            first = len(self._found) == 1
            if first or not found.caught or self._clock() - self._written >= self._interval:
                self._write()

    def _write(self) -> None:
        text = line(self._found, self._total, self._clock() - self._started)
        self._stream.write(f"\r\x1b[K{text}" if self._stream.isatty() else f"{text}\n")
        self._stream.flush()
        self._written = self._clock()


def line(found: list[Finding], total: int, seconds: float) -> str:
    """`12/58 mutants, 11 caught, missed polls, 14 s`."""
    missed = [each.mutant.name for each in found if not each.caught]
    parts = [f"{len(found)}/{total} mutants", f"{len(found) - len(missed)} caught"]
    return ", ".join([*parts, *([f"missed {' '.join(missed)}"] if missed else []), f"{seconds:.0f} s"])
