"""From libvirt's callback to waits and listeners: the way of an event.

What belongs here: which task is posted for what, on the one dispatcher thread of a connection. What does not: the rules
(`events`) and the connection (`session`). The world changes on the dispatcher thread alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from uuid import UUID

from virtproof_driver.books import HostBooks, HostEvent, HostEventKind
from virtproof_driver.edge.dispatcher import Dispatcher
from virtproof_driver.edge.subscriptions import Subscriptions
from virtproof_driver.edge.waits import Waits
from virtproof_driver.events import Found, RawChange, RawEvent, RawNotice, Reading, World, change_of, notice_of
from virtproof_driver.events.fold import MIGRATED, event_of
from virtproof_driver.values import EventKind, LifecycleEvent, PowerState

FLUSH_SECONDS = 10.0
FAILED = "failed"
LEFT = (EventKind.STOPPED, MIGRATED)


class Feed:
    """The stream of changes of one host, over all connections that were made to it.

    `on_gone` is told each domain that is gone or renamed, on the dispatcher thread: handles to it are no longer worth keeping.
    `on_left` is told, there too, each domain that has moved to another host and whose definition may have gone with it.
    """

    def __init__(self, on_gone: Callable[[UUID], None], on_left: Callable[[UUID], None]) -> None:
        self.waits = Waits()
        self.subscriptions = Subscriptions()
        self.dispatcher = Dispatcher("virtproof-dispatcher")
        self._on_gone = on_gone
        self._on_left = on_left
        self._world = World()
        self._epoch = 0
        self._lost_since: float | None = None

    def books(self) -> HostBooks:
        """The instances as they were last told, and since when the host is lost, with all that came before this call."""
        self.dispatcher.flush(FLUSH_SECONDS)
        return HostBooks(instances=self._world.instances(), lost_since=self._lost_since)

    def known_state(self, uuid: UUID) -> PowerState | None:
        """The state that was last told."""
        return self._world.known_state(uuid)

    def arrived(self, epoch: int, raw: RawEvent) -> None:
        """Take an event from libvirt's thread; returns at once."""
        self.dispatcher.post(partial(self._apply, epoch, raw))

    def noticed(self, epoch: int, raw: RawNotice) -> None:
        """Take what is no change of state from libvirt's thread, in one order with the changes; returns at once."""
        self.dispatcher.post(partial(self._tell, epoch, raw))

    def lost(self, stamp: float) -> None:
        """Say that the connection is lost; what it brought before is told first."""
        self.dispatcher.post(partial(self._lose, stamp))

    def began(self, epoch: int) -> None:
        """Say that callbacks of a new connection are about to be registered, and a reading will follow."""
        self.dispatcher.post(partial(self._begin, epoch))

    def read(self, epoch: int, found: Mapping[UUID, Found], reading: Reading) -> None:
        """Compare with a reading of all domains; the first one is where listening begins, and tells nobody anything.

        Returns when that is done and what was missed is on its way to the listeners.
        """
        self.dispatcher.post(partial(self._compare_all, epoch, found, reading))
        self.dispatcher.flush(FLUSH_SECONDS)

    def observed(self, uuid: UUID, state: PowerState, reason: str, reading: Reading) -> None:
        """Compare with a reading of one domain's state."""
        self.dispatcher.post(partial(self._compare_state, uuid, state, reason, reading))

    def looked(self, uuid: UUID, found: Found | None, reading: Reading) -> None:
        """Compare with a look at one domain; None: the host has none."""
        self.dispatcher.post(partial(self._compare_one, uuid, found, reading))

    def _lose(self, stamp: float) -> None:
        self._lost_since = stamp
        self.subscriptions.publish(HostEvent(kind=HostEventKind.LOST, stamp=stamp))

    def _begin(self, epoch: int) -> None:
        self._epoch = epoch
        self._world.begin_reading()

    def _apply(self, epoch: int, raw: RawEvent) -> None:
        change = change_of(raw) if epoch == self._epoch else None  # the comparison tells what an older connection still delivers
        if change is None:
            return
        change = self._explained(change)
        events = self._world.apply(change)
        if change.reason == "renamed" or self._world.known(change.uuid) is None:
            self._on_gone(change.uuid)
        elif (change.kind, change.reason) == LEFT:
            self._on_left(change.uuid)
        self._publish(events)
        if not events and change.kind is not EventKind.REBOOTED:
            # A wait is armed because its caller holds the state to be another: a change that was folded away ends it all the
            # same, and the caller reads the state. Only a burst of reboots carries on beyond the wait that its first one ended.
            self.waits.tell(event_of(change, change.kind, change.reason))

    def _explained(self, change: RawChange) -> RawChange:
        """A failure that one of our own calls brought about, in that call's word; a reboot that one waits for, as such."""
        if change.kind is EventKind.REBOOTED:
            return replace(change, awaited=self.waits.awaits(event_of(change, change.kind, change.reason)))
        cause = self.waits.cause(change.uuid) if change.kind is EventKind.STOPPED and change.reason == FAILED else None
        return change if cause is None else replace(change, reason=cause)

    def _tell(self, epoch: int, raw: RawNotice) -> None:
        notice = notice_of(raw) if epoch == self._epoch else None
        if notice is not None:
            self.waits.tell(notice)

    def _compare_all(self, epoch: int, found: Mapping[UUID, Found], reading: Reading) -> None:
        events = self._world.compare_all(found, reading)
        if epoch == 1:
            return
        self._lost_since = None
        self._publish(events)
        self.subscriptions.publish(HostEvent(kind=HostEventKind.RETURNED, stamp=reading.stamp))

    def _compare_state(self, uuid: UUID, state: PowerState, reason: str, reading: Reading) -> None:
        self._publish(self._world.compare_state(uuid, state, reason, reading))

    def _compare_one(self, uuid: UUID, found: Found | None, reading: Reading) -> None:
        self._publish(self._world.compare_one(uuid, found, reading))

    def _publish(self, events: tuple[LifecycleEvent, ...]) -> None:
        for event in events:
            self.waits.tell(event)
            self.subscriptions.publish(event)
