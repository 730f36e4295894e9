"""How each hypervisor tells a change: what the automaton, which is of all of them, lets pass and this one never does.

What belongs here: the tables, by what virConnectGetType calls the hypervisor, and the rule that reads them. What does not:
what is possible on any hypervisor (`automaton`). A row is here only when all that was measured kept it; what came and went
(the SHUTDOWN before a STOPPED of a save or a crash) is not. Measured on libvirt 11.3.0 with QEMU 10.0: each of 2,100 starts
told RESUMED before STARTED, or was held and told SUSPENDED after it; each of 34 guests that ended told SHUTDOWN before STOPPED.
Of 25 containers that were destroyed after a new libvirtd had found them running, 3 told STOPPED (5,0) beside (5,1), before it or
after it: the daemon forgets over its restart why it would be told of a container's end.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from virtproof.backends.predicates import holds
from virtproof.judges.automaton import UNKNOWN, only_off
from virtproof.judges.facts import Facts
from virtproof.judges.host_events import HostEvent
from virtproof.judges.rules import violation
from virtproof.verdicts import Violation
from virtproof_driver.constants import DomainEvent as E

Pair = tuple[int, int]
Pairs = frozenset[Pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """What a change is told with: directly after one of these, or directly before one of those."""

    after: Pairs = frozenset()
    before: Pairs = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """`never` are events that the hypervisor does not send; `resumes_first` says whether a start tells RESUMED before STARTED.

    `told_twice` are two events of which either may tell, beside the other, one end of a domain that ran through an outage.
    """

    never: frozenset[E] = frozenset()
    resumes_first: bool = False
    told_twice: Pairs = frozenset()
    company: Mapping[Pair, Company] = field(default_factory=dict[Pair, Company])


_GUEST_ONLY: Final = frozenset({E.SHUTDOWN, E.PMSUSPENDED, E.CRASHED})
_QEMU_COMPANY: Final[Mapping[Pair, Company]] = MappingProxyType(
    {
        (E.STARTED, 0): Company(after=frozenset({(E.RESUMED, 0)}), before=frozenset({(E.SUSPENDED, 0)})),
        (E.STARTED, 2): Company(before=frozenset({(E.RESUMED, 2), (E.SUSPENDED, 4)})),
        (E.STARTED, 3): Company(before=frozenset({(E.RESUMED, 2), (E.SUSPENDED, 5)})),
        (E.STOPPED, 0): Company(after=frozenset((E.SHUTDOWN, detail) for detail in range(3))),
    }
)
_QEMU: Final = Manner(resumes_first=True, company=_QEMU_COMPANY)
MANNERS: Final[Mapping[str, Manner]] = MappingProxyType(
    {
        "qemu": _QEMU,
        "lxc": Manner(never=_GUEST_ONLY, told_twice=frozenset({(E.STOPPED, 0), (E.STOPPED, 1)})),
        "test": Manner(never=_GUEST_ONLY),
    }
)
# What was otherwise in older releases, by version predicate. libvirt 7.0.0 told a start from a snapshot as any other.
_OF_SNAPSHOT: Final = Company(after=frozenset({(E.RESUMED, 2)}), before=frozenset({(E.SUSPENDED, 5)}))
_OLDER: Final[Mapping[str, tuple[str, Manner]]] = MappingProxyType(
    {"qemu": ("libvirt < 9.0", replace(_QEMU, company={**_QEMU_COMPANY, (E.STARTED, 3): _OF_SNAPSHOT}))}
)


def manner_of(facts: Facts) -> Manner | None:
    """How the lane's hypervisor tells changes in its release; None for one that was not measured."""
    when, older = _OLDER.get(facts.hypervisor, ("", None))
    return older if older is not None and holds(when, facts.versions) else MANNERS.get(facts.hypervisor)


def breaches(events: Sequence[HostEvent], facts: Facts) -> Iterator[Violation]:
    """What of one domain's events its hypervisor never tells so; nothing of a hypervisor that was not measured."""
    manner = manner_of(facts)
    told = [event for event in events if event.lifecycle and event.event not in (E.DEFINED, E.UNDEFINED)]
    for index, event in enumerate(told if manner is not None else ()):
        previous = told[index - 1] if index else None
        following = told[index + 1] if index + 1 < len(told) else None
        if manner is not None and event.after is not None and not _kept(manner, event, previous, following):
            message = f"{facts.hypervisor} never tells {event} between {previous or 'nothing'} and {following or 'nothing'}"
            yield violation("events.illegal-transition", message, (previous or event).record, event.record)


def is_retold(event: HostEvent, previous: HostEvent | None, hypervisor: str) -> bool:
    """Whether an event tells an end that the one before it has told, as this hypervisor may of what ran through an outage."""
    manner = MANNERS.get(hypervisor)
    return manner is not None and previous is not None and frozenset((previous.pair, event.pair)) == manner.told_twice


def _kept(manner: Manner, event: HostEvent, previous: HostEvent | None, following: HostEvent | None) -> bool:
    if event.event in manner.never:
        return False
    if event.event == E.RESUMED and only_off(event.before.activities):
        return manner.resumes_first
    company = manner.company.get(event.pair)
    if company is None or _unknown(event) or (following is not None and _unknown(following)):
        return True
    follows = previous is not None and previous.pair in company.after
    return follows or (bool(company.before) and (following is None or following.pair in company.before))


def _unknown(event: HostEvent) -> bool:
    """Whether the events before it may not have been heard, or not in their order."""
    return event.before.activities == UNKNOWN.activities
