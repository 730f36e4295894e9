"""A case's evidence, read: records paired into calls and operations, with typed access to their data.

What belongs here: values made of records without judging them. What does not: rules. Everything here tolerates evidence that is
cut off or odd, because the judge of completeness has to see it; a field that is missing reads as its type's nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, cast

from virtproof.evidence import Kind, Record
from virtproof.judges.calls import MUTATING, family

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Faults by which a call returns success before, or without, having its effect (`recording.faults`).
_WITHOUT_EFFECT: Final = frozenset({"swallow", "defer"})
# Codes of a connection that is no more: VIR_ERR_SYSTEM_ERROR or VIR_ERR_INTERNAL_ERROR of VIR_FROM_RPC or VIR_FROM_REMOTE.
_LOST: Final = frozenset((code, domain) for code in (1, 38) for domain in (7, 13))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A libvirt call of the driver: where it began, and its return or raise. `faulted`: answered without its effect."""

    method: str
    family: str
    key: str
    arguments: str
    operation: int | None
    begin: Record
    end: Record | None
    faulted: bool = False

    @property
    def shown(self) -> tuple[object, ...]:
        """The arguments as recorded."""
        return items(self.begin.data.get("arguments"))

    @property
    def succeeded(self) -> bool:
        """Whether it returned, and to a driver's best knowledge took effect."""
        return self.end is not None and self.end.kind is Kind.RETURN

    @property
    def error(self) -> tuple[int, int] | None:
        """The and domain of libvirt's error, when it raised."""
        if self.end is None or self.end.kind is not Kind.RAISE:
            return None
        return number(self.end, "code") or 0, number(self.end, "domain") or 0

    @property
    def lost_connection(self) -> bool:
        """Whether it failed because the connection is gone."""
        return self.error in _LOST

    @property
    def mutating(self) -> bool:
        """Whether it changes something."""
        return self.family in MUTATING


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method of the driver's contract, as the case called it. `uuid` is the instance it is about, empty when there is none."""

    number: int
    method: str
    uuid: str
    begin: Record
    end: Record | None

    @property
    def succeeded(self) -> bool:
        """Whether it ended without an error."""
        return self.end is not None and not self.end.data.get("error")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseEvidence:
    """All of one case on one lane, in the order of its lines; equal to itself only, so that what is made of it can be kept."""

    records: tuple[Record, ...]
    calls: tuple[Call, ...] = field(default=())
    operations: tuple[Operation, ...] = field(default=())

    def of(self, *kinds: Kind) -> tuple[Record, ...]:
        """The records of these kinds."""
        return tuple(record for record in self.records if record.kind in kinds)

    def calls_in(self, operation: Operation) -> tuple[Call, ...]:
        """The calls that the operation made, in order."""
        return tuple(call for call in self.calls if call.operation == operation.number)

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last line."""
        return (self.records[0].line, self.records[-1].line) if self.records else (0, 0)


def read_case(records: Sequence[Record]) -> CaseEvidence:
    """Pair a case's records. Records that have no line yet are numbered from 1."""
    numbered = tuple(records) if all(record.line for record in records) else _numbered(records)
    return CaseEvidence(records=numbered, calls=_calls(numbered), operations=_operations(numbered))


def text(record: Record, name: str) -> str:
    """A field as text; empty when it is missing or null."""
    value = record.data.get(name)
    return "" if value is None else str(value)


def number(record: Record, name: str) -> int | None:
    """A field as a whole number; None when it is none."""
    value = record.data.get(name)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def items(value: object) -> tuple[object, ...]:
    """The items of a list, nothing of anything else."""
    return tuple(cast("list[object]", value)) if isinstance(value, list) else ()


def fault_name(fault: Record) -> str:
    """What kind of fault took effect: `swallow` of `swallow(shutdown)`."""
    return text(fault, "fault").partition("(")[0]


def uuid_in(*values: object) -> str:
    """The first UUID in the text of these values, in lower case; empty when there is none."""
    found = (_UUID.search(str(value)) for value in values)
    return next((match.group().lower() for match in found if match), "")


def _numbered(records: Sequence[Record]) -> tuple[Record, ...]:
    return tuple(replace(record, line=line) for line, record in enumerate(records, 1))


def _calls(records: Iterable[Record]) -> tuple[Call, ...]:
    kept = tuple(records)
    ends = {number(record, "call"): record for record in kept if record.kind in (Kind.RETURN, Kind.RAISE)}
    struck = {number(record, "call") for record in kept if record.kind is Kind.FAULT and fault_name(record) in _WITHOUT_EFFECT}
    begins = ((record, number(record, "call")) for record in kept if record.kind is Kind.CALL)
    return tuple(_call(begin, ends.get(key), faulted=key in struck) for begin, key in begins)


def _call(begin: Record, end: Record | None, *, faulted: bool) -> Call:
    return Call(
        method=text(begin, "method"),
        family=family(text(begin, "method")),
        key=text(begin, "key"),
        arguments=str(begin.data.get("arguments")),
        operation=number(begin, "operation"),
        begin=begin,
        end=end,
        faulted=faulted,
    )


def _operations(records: Iterable[Record]) -> tuple[Operation, ...]:
    begins: dict[int | None, Record] = {}
    ends: dict[int | None, Record] = {}
    for record in records:
        if record.kind is Kind.OPERATION_BEGIN:
            begins.setdefault(number(record, "operation"), record)
        elif record.kind is Kind.OPERATION_END:
            ends.setdefault(number(record, "operation"), record)
    return tuple(_operation(begin, ends.get(key)) for key, begin in begins.items() if key is not None)


def _operation(begin: Record, end: Record | None) -> Operation:
    result: Mapping[str, object] = end.data if end else {}
    uuid = uuid_in(begin.data.get("arguments"), result.get("result"))
    return Operation(number=number(begin, "operation") or 0, method=text(begin, "method"), uuid=uuid, begin=begin, end=end)
