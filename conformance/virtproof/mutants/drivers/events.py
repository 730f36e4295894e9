"""Wrong drivers whose listeners hear something else than what happened.

What belongs here: mistakes in delivery: twice, never, out of order, to the wrong listener, after an outage; and in the books.
"""

from dataclasses import replace

from virtproof.mutants.drivers.base import factory
from virtproof_driver import LibvirtDriver
from virtproof_driver.books import HostBooks, HostEvent
from virtproof_driver.contract import HostListener, InstanceId, Listener, Subscription
from virtproof_driver.link import HostLink
from virtproof_driver.values import EventKind, LifecycleEvent


class _Twisted(LibvirtDriver):
    """Delivers what `twist` makes of each event; the base of those below."""

    def subscribe(self, listener: Listener, *, uuid: InstanceId | None = None) -> Subscription:
        return super().subscribe(self._twist(listener), uuid=uuid)

    def _twist(self, listener: Listener) -> Listener:
        return listener


class _DeliversTwice(_Twisted):
    """Delivers each event twice."""

    def _twist(self, listener: Listener) -> Listener:
        return lambda event: (listener(event), listener(event))


class _DropsPauses(_Twisted):
    """Delivers no paused event."""

    def _twist(self, listener: Listener) -> Listener:
        return lambda event: event.kind is EventKind.PAUSED or listener(event)


class _DeliversOutOfOrder(_Twisted):
    """Delivers each pair of events in the wrong order."""

    def _twist(self, listener: Listener) -> Listener:
        held: list[LifecycleEvent] = []

        def swapped(event: LifecycleEvent) -> None:
            held.append(event)
            if len(held) > 1:
                for each in reversed(held):
                    listener(each)
                held.clear()

        return swapped


class _IgnoresTheFilter(LibvirtDriver):
    """Delivers the events of all instances to a listener that asked for one."""

    def subscribe(self, listener: Listener, *, uuid: InstanceId | None = None) -> Subscription:
        return super().subscribe(listener)


class _OneForAll(LibvirtDriver):
    """Calls all listeners in one loop: the first exception ends it, the slowest holds it up."""

    def __init__(self, link: HostLink) -> None:
        super().__init__(link)
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener, *, uuid: InstanceId | None = None) -> Subscription:
        self._listeners.append(listener)
        loop: Listener = self._call_all if len(self._listeners) == 1 else lambda _event: None
        return super().subscribe(loop, uuid=uuid)

    def _call_all(self, event: LifecycleEvent) -> None:
        for listener in tuple(self._listeners):
            listener(event)


class _MissesOutages(_Twisted):
    """Delivers nothing of what happened while the connection was down."""

    def _twist(self, listener: Listener) -> Listener:
        return lambda event: event.resynced or listener(event)


class _ResyncsTwice(_Twisted):
    """Delivers what it missed in an outage twice."""

    def _twist(self, listener: Listener) -> Listener:
        return lambda event: [listener(event) for _ in range(1 + event.resynced)]


class _ReturnsEarly(LibvirtDriver):
    """Tells a host's return before what was missed."""

    def subscribe_host(self, listener: HostListener) -> Subscription:
        held: list[LifecycleEvent | HostEvent] = []

        def early(event: LifecycleEvent | HostEvent) -> None:
            if isinstance(event, LifecycleEvent) and event.resynced:
                held.append(event)
                return
            listener(event)
            while held:
                listener(held.pop(0))

        return super().subscribe_host(early)


class _ForgetsLostHosts(LibvirtDriver):
    """Has empty books of a host that is lost."""

    def books(self) -> HostBooks:
        books = super().books()
        return books if books.reachable else replace(books, instances=())


class _AsksForItsBooks(LibvirtDriver):
    """Asks the host for its books."""

    def books(self) -> HostBooks:
        self.instances()
        return super().books()


delivers_twice = factory(_DeliversTwice)
drops_pauses = factory(_DropsPauses)
delivers_out_of_order = factory(_DeliversOutOfOrder)
ignores_the_filter = factory(_IgnoresTheFilter)
one_for_all = factory(_OneForAll)
misses_outages = factory(_MissesOutages)
resyncs_twice = factory(_ResyncsTwice)
returns_early = factory(_ReturnsEarly)
forgets_lost_hosts = factory(_ForgetsLostHosts)
asks_for_its_books = factory(_AsksForItsBooks)
