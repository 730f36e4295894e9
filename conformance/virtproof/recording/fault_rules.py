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


@dataclass(frozen=True, slots=True)
class AnyRule:
    """Calls that any of several rules meets: where drivers do one thing by different calls."""

    rules: tuple[MethodRule, ...]

    def meets(self, site: CallSite) -> bool:
        """Whether this call is one of them."""
        return any(rule.meets(site) for rule in self.rules)


def method_rule(name: str) -> AnyRule:
    """The rule of `method` or `Kind.method`, or of several of them with `|` between."""
    parts = (part.rpartition(".") for part in name.split("|"))
    return AnyRule(tuple(MethodRule(kind.lower(), spellings(method)) for kind, _, method in parts))


@dataclass(frozen=True, slots=True)
class EventRule:
    """Events that a fault meets: of one event id, with one event, and with one detail, each as recorded; None stands for any."""

    event: int | str | None
    detail: int | str | None
    id: int = LIFECYCLE

    def meets(self, delivery: Delivery) -> bool:
        """Whether this delivery is one of them."""
        return delivery.id == self.id and self.event in (None, delivery.event) and self.detail in (None, delivery.detail)


Pattern = int | tuple[int, int] | EventRule


def event_rule(pattern: Pattern) -> EventRule:
    """The rule of a lifecycle event's number, or of (event, detail); a rule is itself."""
    if isinstance(pattern, EventRule):
        return pattern
    return EventRule(*pattern) if isinstance(pattern, tuple) else EventRule(pattern, None)


def notice(event_id: int, event: int | str | None = None, detail: int | str | None = None) -> EventRule:
    """The rule of an event that is no change of state: `notice(DomainEventId.DEVICE_REMOVED, "virtio-disk1")`."""
    return EventRule(event, detail, event_id)


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
