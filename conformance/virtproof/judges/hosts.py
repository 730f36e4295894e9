"""The evidence of a case that has two hosts, taken apart: what each of them told, with the calls and operations made there.

What belongs here: the parts. What does not: any rule. An instance that moves has a life on each host, with events of its own
that are possible in an order of their own; so judges of events and of what a driver makes of them see one host at a time. What is
of no host, such as a fault, is in each part.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from virtproof.evidence import HOST, Kind, Record
from virtproof.judges.reading import CaseEvidence, number, read_case, text

_TOLD: Final = frozenset({Kind.CALL, Kind.OPERATION_BEGIN, Kind.EVENT, Kind.DELIVERY, Kind.DRIVER_EVENT, Kind.STATE})
_ENDS: Final[Mapping[Kind, str]] = {Kind.RETURN: "call", Kind.RAISE: "call", Kind.OPERATION_END: "operation"}


@lru_cache(maxsize=1)
def by_host(case: CaseEvidence) -> tuple[CaseEvidence, ...]:
    """A part for each host; the case itself where it has one only."""
    hosts = dict.fromkeys(text(record, HOST) for record in case.records if record.kind in _TOLD)
    if len(hosts) < 2:  # noqa: PLR2004 - a second host
        return (case,)
    return tuple(_part(case, host) for host in hosts)


def _part(case: CaseEvidence, host: str) -> CaseEvidence:
    begun = {
        (name, number(record, name)): text(record, HOST)
        for record in case.of(Kind.CALL, Kind.OPERATION_BEGIN)
        for name in (_NUMBERED[record.kind],)
    }
    return read_case([record for record in case.records if _is_of(record, host, begun)])


_NUMBERED: Final[Mapping[Kind, str]] = {Kind.CALL: "call", Kind.OPERATION_BEGIN: "operation"}


def _is_of(record: Record, host: str, begun: Mapping[tuple[str, int | None], str]) -> bool:
    if record.kind in _ENDS:
        name = _ENDS[record.kind]
        return begun.get((name, number(record, name)), host) == host
    return record.kind not in _TOLD or text(record, HOST) == host
