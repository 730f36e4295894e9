"""Wrong drivers that wait wrongly: they poll, do not wait, or wait too long.

What belongs here: mistakes around stop(), the operation that has to wait for a guest.
"""

import time

from virtproof.mutants.drivers.base import factory
from virtproof_driver import LibvirtDriver
from virtproof_driver.contract import InstanceId
from virtproof_driver.errors import DriverError
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.values import PowerState, StopOutcome


class _Polls(LibvirtDriver):
    """Asks for a graceful stop and then reads the state in a loop."""

    def stop(self, uuid: InstanceId, *, timeout: float, force: bool = True) -> StopOutcome:
        self.link.call(self.link.domain(instance_id(uuid)).shutdown)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.instance(uuid).state is PowerState.OFF:
                return StopOutcome.GRACEFUL
            time.sleep(0.05)
        return super().stop(uuid, timeout=0, force=force)


class _AnswersEarly(LibvirtDriver):
    """Reports a graceful stop as soon as libvirt accepted the request."""

    def stop(self, uuid: InstanceId, *, timeout: float, force: bool = True) -> StopOutcome:
        self.link.call(self.link.domain(instance_id(uuid)).shutdown)
        return StopOutcome.GRACEFUL


class _IgnoresItsDeadline(LibvirtDriver):
    """Waits for the guest long past the caller's timeout."""

    def stop(self, uuid: InstanceId, *, timeout: float, force: bool = True) -> StopOutcome:
        return super().stop(uuid, timeout=timeout + 8, force=force)


class _CallsForceGraceful(LibvirtDriver):
    """Says that the guest obeyed when it was forced off."""

    def stop(self, uuid: InstanceId, *, timeout: float, force: bool = True) -> StopOutcome:
        outcome = super().stop(uuid, timeout=timeout, force=force)
        return StopOutcome.GRACEFUL if outcome is StopOutcome.FORCED else outcome


class _NeverForces(LibvirtDriver):
    """Gives up on a guest that does not obey, and reports it stopped."""

    def stop(self, uuid: InstanceId, *, timeout: float, force: bool = True) -> StopOutcome:
        try:
            return super().stop(uuid, timeout=timeout, force=False)
        except DriverError:
            return StopOutcome.FORCED


polls = factory(_Polls)
answers_early = factory(_AnswersEarly)
ignores_its_deadline = factory(_IgnoresItsDeadline)
calls_force_graceful = factory(_CallsForceGraceful)
never_forces = factory(_NeverForces)
