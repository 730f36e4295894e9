"""Judge of completeness: evidence that was cut off, or does not fit together, proves nothing.

What belongs here: beginnings without ends and names of what never began. What does not: lines that are no records at all
(`evidence.read` refuses them) and cases of which there is no evidence (`judging`).
"""

from virtproof.evidence import Kind, Record
from virtproof.judges.facts import Facts
from virtproof.judges.reading import CaseEvidence, number, text
from virtproof.judges.rules import violation
from virtproof.verdicts import Violation


def judge(case: CaseEvidence, _facts: Facts) -> tuple[Violation, ...]:
    """Violations of the `complete` rules."""
    return (*_case(case), *_operations(case), *_calls(case), *_unknown(case))


def _case(case: CaseEvidence) -> tuple[Violation, ...]:
    begins, ends = case.of(Kind.CASE_BEGIN), case.of(Kind.CASE_END)
    if len(begins) == len(ends) == 1 and case.records[0] is begins[0] and case.records[-1] is ends[0]:
        return ()
    message = f"the case has {len(begins)} beginnings and {len(ends)} ends, or they are not its first and last line"
    return (violation("complete.unfinished-case", message, case.records[0], case.records[-1]),) if case.records else ()


def _operations(case: CaseEvidence) -> tuple[Violation, ...]:
    return tuple(
        violation("complete.unfinished-operation", f"{operation.method}() never ended", operation.begin)
        for operation in case.operations
        if operation.end is None
    )


def _calls(case: CaseEvidence) -> tuple[Violation, ...]:
    return tuple(
        violation("complete.unfinished-call", f"{call.method}() of {call.key or 'libvirt'} never returned", call.begin)
        for call in case.calls
        if call.end is None
    )


def _unknown(case: CaseEvidence) -> tuple[Violation, ...]:
    operations = {operation.number for operation in case.operations}
    calls = {number(call.begin, "call") for call in case.calls}
    return tuple(
        violation("complete.unknown-operation", f"the {record.kind} record names what never began", record)
        for record in case.records
        if _dangling(record, operations, calls)
    )


def _dangling(record: Record, operations: set[int], calls: set[int | None]) -> bool:
    if record.kind in (Kind.RETURN, Kind.RAISE):
        return number(record, "call") not in calls
    names = record.kind in (Kind.CALL, Kind.OPERATION_END) and text(record, "operation") != ""
    return names and number(record, "operation") not in operations
