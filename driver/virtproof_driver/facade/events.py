"""The contract's methods about events: one line an operation, gated by its capability.

What belongs here: subscribing. What does not: how it is done (`operations`).
"""

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims
from virtproof_driver.contract import HostListener, InstanceId, Listener, Subscription
from virtproof_driver.facade.area import Area
from virtproof_driver.operations.identity import instance_id


class EventMethods(Area):
    """Hearing of changes."""

    @claims(Capability.EVENTS_LIFECYCLE)
    def subscribe(self, listener: Listener, *, uuid: InstanceId | None = None) -> Subscription:
        """Deliver each change of one instance, or of all, once and in order, on a thread of the listener's own."""
        return self._link.subscribe(listener, None if uuid is None else instance_id(uuid))

    @claims(Capability.EVENTS_HOST)
    def subscribe_host(self, listener: HostListener) -> Subscription:
        """Deliver what `subscribe` delivers of all instances, and between it that the host was lost and is back; in one order.

        What was missed during an outage comes before the host's return: at that moment the listener is up to date.
        """
        return self._link.subscribe_host(listener)
