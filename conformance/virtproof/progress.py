"""How far a run is, told while it works: one line rewritten on a terminal, a line every few seconds otherwise.

What belongs here: counting reports and writing the line. What does not: verdicts; the counts are of outcomes as the session saw
them, before judging the whole, where a failure that is declared is a known bug. The object is a pytest plug-in of the process
that reads the user's terminal.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self, TextIO

import pytest

from virtproof.outcomes import DECLARED, OUTCOME, Outcome
from virtproof.verdicts import Verdict

EVERY: Final = 5.0
_KNOWN_BUG: Final = Verdict.KNOWN_BUG.value
_WORST_FIRST: Final = (Outcome.ERROR, Outcome.FAILED, _KNOWN_BUG, Outcome.UNSUPPORTED, Outcome.PASSED)


class Progress:
    """Counts cases as they end. `interval` is the time in seconds between lines where `stream` is no terminal."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic, interval: float = EVERY) -> None:
        self._stream = stream
        self._clock = clock
        self._interval = interval if not stream.isatty() else 0.1
        self._terminal = stream.isatty()
        self._worst: dict[str, str] = {}
        self._total = 0
        self._started = self._written = clock()

    def __enter__(self) -> Self:
        """Start counting the time."""
        self._started = self._written = self._clock()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Write the last line, unless no case was found."""
        if not self._total:
            return
        self._write()
        if self._terminal:
            self._stream.write("\n")
        self._stream.flush()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The cases of a session without workers are known."""
        self._total = max(self._total, len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """The cases of a session with workers are known; each worker collects all."""
        self._total = max(self._total, len(ids))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a case ended, here or in a worker."""
        outcome = getattr(report, OUTCOME, None)
        if outcome is None:
            return
        declared = outcome == Outcome.FAILED and getattr(report, DECLARED, False)
        self._worst[report.nodeid] = _KNOWN_BUG if declared else outcome
        if self._clock() - self._written >= self._interval:
            self._write()

    def _write(self) -> None:
        text = line(Counter(self._worst.values()), self._total, self._clock() - self._started)
        self._stream.write(f"\r\x1b[K{text}" if self._terminal else f"{text}\n")
        self._stream.flush()
        self._written = self._clock()


def line(counts: Mapping[str, int], total: int, seconds: float) -> str:
    """`120/243 cases, 2 failed, 8 unsupported, 110 passed, 14 s`: outcomes that occurred, the worst first."""
    parts = [f"{counts[outcome]} {outcome}" for outcome in _WORST_FIRST if counts.get(outcome)]
    return ", ".join([f"{sum(counts.values())}/{total} cases", *parts, f"{seconds:.0f} s"])
