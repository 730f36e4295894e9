"""The permanent ids of the rules, and how a judge says that one was broken.

What belongs here: each id with the sentence it stands for, and the helper that makes a violation of two records. What does not:
how a breach is found. An id never changes its meaning; `leak.<what>` takes its last word from the evidence.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from virtproof.evidence import Record
from virtproof.verdicts import Violation

RULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "events.illegal-transition": "The host sent an event that cannot follow the ones before it.",
        "events.missing": "A change took place and the host sent no event for it.",
        "events.duplicate": "The host sent one event twice.",
        "events.stray": "The host sent an event of a domain that was off.",
        "events.order": "The host sent two events in the wrong order.",
        "events.late": "The host sent an event long after the change.",
        "delivery.missing": "The driver did not deliver a change that the host told it.",
        "delivery.duplicate": "The driver delivered one change twice.",
        "delivery.order": "The driver delivered changes in another order than the host told them.",
        "delivery.stray": "The driver delivered a change that the host did not tell.",
        "operation.early": "An operation reported success before the state it promises was reached.",
        "operation.swallowed-error": "An operation reported success though a change it made failed.",
        "polling.state-read-while-waiting": "An operation read a state again and again while it waited.",
        "polling.repeated-read": "An operation repeated the same read with nothing but reads in between.",
        "polling.while-migrating": "The state of a migration was read again and again while it was under way.",
        "polling.look": "One look at the progress of a migration read more than once.",
        "connection.descriptor": "A descriptor was handed over on a connection that carries none.",
        "leak.domain": "A domain was left behind.",
        "leak.snapshot": "A snapshot was left behind.",
        "leak.network": "A virtual network was left behind.",
        "leak.pool": "A storage pool was left behind.",
        "leak.volume": "A storage volume was left behind.",
        "leak.callback": "An event callback was not deregistered.",
        "leak.connection": "A connection was not closed.",
        "leak.thread": "A thread outlived the driver.",
        "leak.process": "A process was left behind.",
        "leak.file": "A file was left behind.",
        "complete.unfinished-case": "The evidence of a case has no end.",
        "complete.unfinished-operation": "An operation never ended.",
        "complete.unfinished-call": "A libvirt call never returned.",
        "complete.unknown-operation": "The evidence names an operation that never began.",
    }
)


def violation(rule: str, message: str, first: Record, last: Record | None = None) -> Violation:
    """A broken rule, shown by the lines from one record to another, in either order."""
    lines = sorted((first.line, (last or first).line))
    return Violation(rule=rule, message=message, evidence=(lines[0], lines[1]))
