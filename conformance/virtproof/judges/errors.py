"""Judge of hidden failures: a change that failed in an operation that reported success.

What belongs here: which refusals a driver may absorb, as a table, and what answers a failure. What does not: failures that an
operation reports; those are the cases' matter. A driver may absorb the refusal of what was done already, and go another way
after a refusal; whether the promised state was reached is `operations`' question.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from virtproof.judges.facts import Facts
from virtproof.judges.reading import Call, CaseEvidence, Operation, text
from virtproof.judges.rules import violation
from virtproof.verdicts import Violation
from virtproof_driver.constants import ErrorCode, ErrorDomain

Refusal = tuple[int, int | None]

# "It is in that state already": 55, and on the test driver 1 (libvirt 9.0.0).
_ALREADY: Final[frozenset[Refusal]] = frozenset(
    {(ErrorCode.OPERATION_INVALID, None), (ErrorCode.INTERNAL_ERROR, ErrorDomain.TEST)}
)
# "It is gone already."
_GONE: Final[frozenset[Refusal]] = frozenset(
    (code, None)
    for code in (
        ErrorCode.NO_DOMAIN,
        ErrorCode.NO_NETWORK,
        ErrorCode.NO_STORAGE_POOL,
        ErrorCode.NO_STORAGE_VOL,
        ErrorCode.NO_NWFILTER,
        ErrorCode.NO_DOMAIN_SNAPSHOT,
    )
)
# What each family's failure may be absorbed for; any other failure needs an answer.
ABSORBED: Final[Mapping[str, frozenset[Refusal]]] = {
    "create": _ALREADY,
    "suspend": _ALREADY,
    "resume": _ALREADY,
    "shutdown": _ALREADY,
    "managedSave": _ALREADY,
    "destroy": _ALREADY | _GONE,
    "undefine": _GONE,
    "delete": _GONE,
    # The domain is off or gone, or has no such device: it has released it.
    "detachDevice": _GONE | {(ErrorCode.OPERATION_INVALID, None), (ErrorCode.DEVICE_MISSING, None)},
    # The job that was to end has ended.
    "abortJob": _GONE | {(ErrorCode.OPERATION_INVALID, None)},
    # None there: 38 from QEMU (libvirt 9.0.0).
    "managedSaveRemove": _ALREADY | _GONE | {(ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU)},
}
# Another way to the same end: a later call of one of these families on the same object answers the failure.
OTHER_WAYS: Final[Mapping[str, frozenset[str]]] = {"shutdown": frozenset({"destroy"}), "reboot": frozenset({"destroy", "reset"})}


def judge(case: CaseEvidence, _facts: Facts) -> tuple[Violation, ...]:
    """Violations of `operation.swallowed-error`."""
    succeeded = (operation for operation in case.operations if operation.succeeded)
    return tuple(found for operation in succeeded for found in _judge(operation, case.calls_in(operation)))


def _judge(operation: Operation, calls: Sequence[Call]) -> list[Violation]:
    return [
        violation("operation.swallowed-error", _message(operation, call), call.begin, operation.end)
        for index, call in enumerate(calls)
        if call.mutating and call.error is not None and not _outlives(call, operation)
        if not _absorbed(call) and not _answered(call, calls[index + 1 :])
    ]


def _outlives(call: Call, operation: Operation) -> bool:
    """Whether the call failed after the operation had ended, which began what goes on by itself, such as a migration."""
    return call.end is not None and operation.end is not None and call.end.line > operation.end.line


def _absorbed(call: Call) -> bool:
    code, domain = call.error or (0, 0)
    allowed = ABSORBED.get(call.family, frozenset())
    return (code, None) in allowed or (code, domain) in allowed


def _answered(call: Call, later: Sequence[Call]) -> bool:
    families = OTHER_WAYS.get(call.family, frozenset()) | {call.family}
    return any(other.key == call.key and other.family in families and (other.succeeded or _absorbed(other)) for other in later)


def _message(operation: Operation, call: Call) -> str:
    code, domain = call.error or (0, 0)
    said = "" if call.end is None else text(call.end, "message")
    return (
        f"{operation.method}() reported success though {call.method}() of {call.key} failed with {code} (domain {domain}): {said}"
    )
