"""Evidence written by hand, one line a thing that happened: what judges are developed and tested with.

What belongs here: a builder of one case's records in the shape that the recorder gives them. What does not: recording
(`recording`) and judging. Time stands still unless `wait` moves it; each record is 1 ms after the one before. Everything is
about one domain unless said.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from virtproof.evidence import Kind, Record

DOMAIN: Final = "6b1c6b0e-3c1f-4f5e-9d0a-0d3f6f0e1a01"
TICK: Final = 0.001


@dataclass(slots=True, kw_only=True)
class Tape:
    """One case's records as they are written. A new tape has begun its case; `done` ends it."""

    case: str = "lifecycle.case"
    lane: str = "test"
    first_line: int = 1
    records: list[Record] = field(default_factory=list[Record])
    _now: float = 100.0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _operation: int | None = None

    def __post_init__(self) -> None:
        self.write(Kind.CASE_BEGIN, where="test_lifecycle.py:1")

    def write(self, kind: Kind, /, **data: object) -> Record:
        """Any record, now."""
        self._now += TICK
        line = self.first_line + len(self.records)
        record = Record(worker="w0", lane=self.lane, case=self.case, t=self._now, kind=kind, data=data, line=line)
        self.records.append(record)
        return record

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self._now += seconds

    @contextmanager
    def operation(self, method: str, error: str | None = None, result: object = None, **arguments: object) -> Generator[None]:
        """An operation of the driver on the domain, around what happens in it."""
        number = next(self._numbers)
        self.write(
            Kind.OPERATION_BEGIN, operation=number, method=method, arguments={"uuid": DOMAIN} | arguments, thread="MainThread"
        )
        self._operation = number
        yield
        self._operation = None
        self.write(Kind.OPERATION_END, operation=number, method=method, result=result, error=error)

    def call(
        self, method: str, *arguments: object, value: object = 0, raises: tuple[int, int] | None = None, fault: str = ""
    ) -> Record:
        """A call of the domain's that returns `value`, or raises (code, domain), perhaps by a fault."""
        return self._call("Domain", DOMAIN, method, arguments, (value, raises, fault))

    def connection_call(
        self, method: str, *arguments: object, value: object = 0, raises: tuple[int, int] | None = None
    ) -> Record:
        """A call of the connection's."""
        return self._call("Connection", "connection-1", method, arguments, (value, raises, ""))

    def _call(
        self,
        kind: str,
        key: str,
        method: str,
        arguments: tuple[object, ...],
        answer: tuple[object, tuple[int, int] | None, str],
    ) -> Record:
        value, raises, fault = answer
        number = next(self._numbers)
        data = {"object": kind, "key": key, "method": method, "arguments": list(arguments), "operation": self._operation}
        begin = self.write(Kind.CALL, call=number, thread="MainThread", **data)
        if fault:
            self.write(Kind.FAULT, fault=f"{fault}({method})", method=method, key=key, call=number)
        if raises is None:
            self.write(Kind.RETURN, call=number, value=value)
        else:
            self.write(Kind.RAISE, call=number, code=raises[0], domain=raises[1], message="refused")
        return begin

    def event(self, event: int, detail: int = 0, *, uuid: str = DOMAIN) -> Record:
        """A lifecycle event of the host's."""
        return self.write(Kind.EVENT, uuid=uuid, name="vm", id=0, event=event, detail=detail)

    def events(self, *pairs: tuple[int, int]) -> None:
        """Several lifecycle events, in order."""
        for event, detail in pairs:
            self.event(event, detail)

    def reboot(self) -> Record:
        """A REBOOT event of the host's."""
        return self.write(Kind.EVENT, uuid=DOMAIN, name="vm", id=1, event=None, detail=None)

    def heard(self, *kinds: str, resynced: bool = False, uuid: str = DOMAIN, listener: int = 1, only: str | None = None) -> None:
        """What the driver delivered to a listener of the suite."""
        for kind in kinds:
            self.write(
                Kind.DRIVER_EVENT,
                uuid=uuid,
                name="vm",
                kind=kind,
                reason="unknown",
                resynced=resynced,
                listener=listener,
                only=only,
            )

    def state(self, state: int | None, reason: int | None = 1) -> Record:
        """A state that the suite read past the driver; None for a domain that is gone."""
        return self.write(Kind.STATE, uuid=DOMAIN, name="vm", state=state, reason=reason if state is not None else None)

    def running(self) -> None:
        """The domain is defined and started, and the evidence says so."""
        self.events((0, 0), (2, 0))

    def done(self, outcome: str = "passed", message: str = "") -> tuple[Record, ...]:
        """All records, with the end of the case."""
        self.write(Kind.CASE_END, outcome=outcome, message=message, seconds=round(self._now - 100.0, 6))
        return tuple(self.records)
