"""The recorder: where records get their worker, lane, case and time, and wait until the case ends.

What belongs here: buffering, time and the case that is open. What does not: what is recorded (`binding`, `driver`, `world`,
`collector`, `faults` call `write`) and the shape of a line (`evidence`). One recorder a worker: drivers keep one event loop a
binding, so binding and recorder outlive a case. What comes late from an earlier case (a leaked thread, an event of a
connection left open) is dropped by its generation: the leak is told of its own case, and must not colour the next one.
"""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from virtproof.evidence import Kind, Record, to_line
from virtproof.recording.operations import Operations

Clock = Callable[[], float]
Sink = Callable[[Sequence[Record]], object]

FAMILY: Final = "vp-"
"""How the names begin of all that any worker of any run makes."""

WAKING: Final = frozenset({Kind.EVENT, Kind.DRIVER_EVENT, Kind.DELIVERY, Kind.STATE, Kind.FAULT, Kind.NOTE})


class Interceptor(Protocol):
    """What may stand between a recorded call or delivery and its effect; `faults.Faults` is the one there is."""

    def around(self, site: "CallSite", proceed: Callable[[], object]) -> object:
        """Make the call, or do something else in its place."""
        ...

    def deliver(self, delivery: "Delivery", proceed: Callable[[], object]) -> None:
        """Hand an event to the driver's callback, or do something else in its place."""
        ...


class CallSite(Protocol):
    """A recorded call that is about to be made; `key` tells the object, `call` is its number in the evidence."""

    @property
    def object(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def call(self) -> int: ...
    @property
    def libvirt_error(self) -> type[Exception]: ...


class Delivery(Protocol):
    """An event on its way to a callback of the driver; `event` and `detail` as in the EVENT record."""

    @property
    def uuid(self) -> str: ...
    @property
    def id(self) -> int: ...
    @property
    def event(self) -> int | str | None: ...
    @property
    def detail(self) -> int | str | None: ...


class EvidenceFile:
    """A sink that appends a case's lines to a file at once, so that a crash loses at most the case that was open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def __call__(self, records: Sequence[Record]) -> None:
        text = "".join(to_line(record) + "\n" for record in records)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text)


def _nowhere(_records: Sequence[Record]) -> None:
    """Keep nothing; for cases that are judged from memory alone."""


class Recorder:
    """Collects a worker's records. Every method may be called from any thread."""

    def __init__(self, *, worker: str, sink: Sink = _nowhere, clock: Clock = time.monotonic, prefix: str = "") -> None:
        self.worker = worker
        self._prefix = prefix
        self._case_prefix = ""
        self.interceptor: Interceptor | None = None
        self.operations = Operations()
        self._sink = sink
        self._clock = clock
        self._changed = threading.Condition()
        self._records: list[Record] = []
        self._lane = ""
        self._case = ""
        self._generation = 0
        self._numbers = itertools.count(1)

    @property
    def lane(self) -> str:
        """The label of the lane whose case is open, empty outside cases."""
        return self._lane

    @property
    def case(self) -> str:
        """The id of the case that is open, empty outside cases."""
        return self._case

    @property
    def generation(self) -> int:
        """A number that changes when a case begins and when it ends."""
        return self._generation

    def concerns(self, name: str) -> bool:
        """Whether a domain of this name is this case's affair: on a host that workers share, another one's domains are not.

        What a case sees of them depends on what the others do at the time, and so would verdicts, were it evidence. Nor are those
        of this worker's earlier cases: a last event of theirs may come late.
        """
        return not self._prefix or not name.startswith(FAMILY) or name.startswith(self._case_prefix or self._prefix)

    def narrow(self, prefix: str) -> None:
        """The names of all that the case makes begin so; until it ends."""
        self._case_prefix = prefix

    def number(self) -> int:
        """A number that is used once: for calls, operations, callbacks."""
        return next(self._numbers)

    def write(self, kind: Kind, generation: int | None = None, /, **data: object) -> None:
        """Record something now; dropped when `generation` is given and that case has ended."""
        with self._changed:
            if generation is not None and generation != self._generation:
                return
            self._append(kind, data)
            if kind in WAKING:
                self._changed.notify_all()

    def begin_case(self, lane: str, case: str, /, **data: object) -> None:
        """Open a case; what was recorded outside cases before is flushed. `data` is CASE_BEGIN's."""
        with self._changed:
            self._flush()
            self._lane, self._case = lane, case
            self._generation += 1
            self.operations.clear()
            self._append(Kind.CASE_BEGIN, data)

    def end_case(self, **data: object) -> tuple[Record, ...]:
        """Close the case with CASE_END (`data` is its), flush it, and return its records."""
        with self._changed:
            self._append(Kind.CASE_END, data)
            records = tuple(self._records)
            self._flush()
            self._lane = self._case = self._case_prefix = ""
            self._generation += 1
            self.interceptor = None
        return records

    def as_ended(self, **data: object) -> tuple[Record, ...]:
        """The case's records as `end_case` would return them now; the case stays open."""
        with self._changed:
            return (*self._records, self._record(Kind.CASE_END, data, self._lane))

    def write_lane(self, lane: str, /, **data: object) -> None:
        """Record the lane as it was found, outside cases, and flush it."""
        with self._changed:
            self._records.append(self._record(Kind.LANE, data, lane))
            if not self._case:
                self._flush()

    def records(self, *kinds: Kind) -> tuple[Record, ...]:
        """The records of the open case so far, of these kinds only when any is given."""
        with self._changed:
            return tuple(record for record in self._records if not kinds or record.kind in kinds)

    def wait_for(self, found: Callable[[tuple[Record, ...]], bool], kinds: Sequence[Kind], timeout: float) -> bool:
        """Wait until `found` holds of the case's records of these kinds; False when `timeout` seconds pass first.

        Only the kinds of WAKING wake a wait.
        """
        with self._changed:
            return self._changed.wait_for(lambda: found(self.records(*kinds)), timeout)

    def _append(self, kind: Kind, data: dict[str, object]) -> None:
        self._records.append(self._record(kind, data, self._lane))

    def _record(self, kind: Kind, data: dict[str, object], lane: str) -> Record:
        return Record(worker=self.worker, lane=lane, case=self._case, t=self._clock(), kind=kind, data=data)

    def _flush(self) -> None:
        if self._records:
            self._sink(self._records)
        self._records = []
