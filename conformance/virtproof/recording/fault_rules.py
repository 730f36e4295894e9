"""Which calls and which events a fault meets, as values.

What belongs here: the spellings of a method, the matching, the counting. What does not: effects (`faults`). A fault names a
method as libvirt-python does, in either spelling, and the object's kind before a dot where the name alone would not tell
("Network.create").
"""

import threading
from dataclasses import dataclass
from typing import Final

from virtproof.recording.recorder import CallSite, Delivery

# Spellings of one thing; a driver may use either, so a fault meets all of them.
SPELLINGS: Final[tuple[frozenset[str], ...]] = (
    frozenset({"open", "openAuth", "openReadOnly"}),
    frozenset({"defineXML", "defineXMLFlags"}),
    frozenset({"create", "createWithFlags", "createWithFiles"}),
    frozenset({"shutdown", "shutdownFlags"}),
    frozenset({"destroy", "destroyFlags"}),
    frozenset({"undefine", "undefineFlags"}),
    frozenset({"attachDevice", "attachDeviceFlags"}),
    frozenset({"detachDevice", "detachDeviceFlags", "detachDeviceAlias"}),
    frozenset({"setVcpus", "setVcpusFlags"}),
    frozenset({"setMemory", "setMemoryFlags", "setMaxMemory"}),
    frozenset({"lookupByUUIDString", "lookupByUUID"}),
    frozenset({"listAllDomains", "getAllDomainStats", "listDomainsID", "listDefinedDomains"}),
    frozenset({"networkDefineXML", "networkDefineXMLFlags"}),
    frozenset({"domainEventRegisterAny", "domainEventRegister"}),
)
LIFECYCLE: Final = 0

Pattern = int | tuple[int, int]


def spellings(method: str) -> frozenset[str]:
    """Every name of the method."""
    return next((names for names in SPELLINGS if method in names), frozenset({method}))


@dataclass(frozen=True, slots=True)
class MethodRule:
    """Calls that a fault meets: any spelling of the method, on objects of `kind` when it is not empty."""

    kind: str
    methods: frozenset[str]

    def meets(self, site: CallSite) -> bool:
        """Whether this call is one of them."""
        return site.method in self.methods and self.kind in ("", site.object.lower())


def method_rule(name: str) -> MethodRule:
    """The rule of `method` or `Kind.method`."""
    kind, _, method = name.rpartition(".")
    return MethodRule(kind.lower(), spellings(method))


@dataclass(frozen=True, slots=True)
class EventRule:
    """Lifecycle events that a fault meets: an event, or an event with one detail."""

    event: int
    detail: int | None

    def meets(self, delivery: Delivery) -> bool:
        """Whether this delivery is one of them."""
        return delivery.id == LIFECYCLE and delivery.event == self.event and self.detail in (None, delivery.detail)


def event_rule(pattern: Pattern) -> EventRule:
    """The rule of an event's number, or of (event, detail)."""
    return EventRule(*pattern) if isinstance(pattern, tuple) else EventRule(pattern, None)


class Window:
    """Lets through the `nth` match and the `times - 1` after it. Thread-safe."""

    def __init__(self, nth: int, times: int) -> None:
        self._lock = threading.Lock()
        self._first = nth
        self._last = nth + times - 1
        self._seen = 0

    def hit(self) -> bool:
        """Count a match; whether the fault takes effect on it."""
        with self._lock:
            self._seen += 1
            return self._first <= self._seen <= self._last
