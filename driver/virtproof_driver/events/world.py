"""What is known of all domains of a host, and the one place where it changes.

What belongs here: the mapping of domains, and forgetting those that are gone. What does not: the rules (`fold`, `resync`),
threads and clocks (`edge.feed`). Not safe for several writers: one thread changes it. Readers of single domains need no lock.
"""

from collections.abc import Mapping
from uuid import UUID

from virtproof_driver.books import KnownInstance
from virtproof_driver.events.fold import IMPLIED, IMPLIED_AFTER_OUTAGE, Known, fold
from virtproof_driver.events.resync import Found, Reading, compare
from virtproof_driver.events.table import RawChange
from virtproof_driver.values import LifecycleEvent, PowerState


class World:
    """The domains that listeners were told of, and their states."""

    def __init__(self) -> None:
        self._domains: dict[UUID, Known] = {}
        self._reading = False

    def known(self, uuid: UUID) -> Known | None:
        """What is known of a domain; None when the host has none, as far as was told."""
        known = self._domains.get(uuid)
        return known if known is not None and known.exists else None

    def known_state(self, uuid: UUID) -> PowerState | None:
        """The state that was last told."""
        known = self.known(uuid)
        return None if known is None else known.state

    def instances(self) -> tuple[KnownInstance, ...]:
        """Every domain that listeners know of, by name. From any thread: a copy is taken in one step."""
        known = {uuid: each for uuid, each in self._domains.copy().items() if each.heard_of}
        found = (
            KnownInstance(uuid=uuid, name=each.name, state=each.state, persistent=each.persistent) for uuid, each in known.items()
        )
        return tuple(sorted(found, key=lambda instance: (instance.name, instance.uuid)))

    def apply(self, change: RawChange) -> tuple[LifecycleEvent, ...]:
        """Fold a change; the result is what listeners hear, in order."""
        known, events = fold(self._domains.get(change.uuid), change, IMPLIED_AFTER_OUTAGE if self._reading else IMPLIED)
        self._keep(change.uuid, known)
        return events

    def begin_reading(self) -> None:
        """Say that a reading of the host begins, after the start or after an outage.

        Until it is compared, domains that go away are remembered: one that the reading saw, and that an event removed before the
        comparison, would be told as new otherwise. And an event may follow on changes that were missed.
        """
        self._reading = True

    def compare_all(self, found: Mapping[UUID, Found], reading: Reading) -> tuple[LifecycleEvent, ...]:
        """Compare with a reading of all domains; the result is what was missed."""
        self._reading = False
        events: list[LifecycleEvent] = []
        for uuid in dict.fromkeys((*self._domains, *found)):
            events += self.compare_one(uuid, found.get(uuid), reading)
        return tuple(events)

    def compare_state(self, uuid: UUID, state: PowerState, reason: str, reading: Reading) -> tuple[LifecycleEvent, ...]:
        """Compare with a reading of one domain's state, which says nothing of its definition."""
        known = self._domains.get(uuid)
        if known is None:
            return ()
        found = Found(name=known.name, state=state, reason=reason, persistent=known.persistent, domain_id=known.domain_id)
        return self.compare_one(uuid, found, reading)

    def compare_one(self, uuid: UUID, found: Found | None, reading: Reading) -> tuple[LifecycleEvent, ...]:
        """Compare with a reading of one domain; None: the host has none."""
        known, events = compare(uuid, self._domains.get(uuid), found, reading)
        self._keep(uuid, known)
        return events

    def _keep(self, uuid: UUID, known: Known) -> None:
        if known.exists or self._reading:
            self._domains[uuid] = known
        else:
            self._domains.pop(uuid, None)
