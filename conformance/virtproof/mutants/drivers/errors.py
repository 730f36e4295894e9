"""Wrong drivers whose errors mislead: swallowed, retried, untyped, or raised where nothing is wrong.

What belongs here: mistakes in what is raised and what is not.
"""

from virtproof.mutants.drivers.base import factory
from virtproof_driver import LibvirtDriver
from virtproof_driver.contract import InstanceId
from virtproof_driver.errors import ConnectionLost, DriverError, HypervisorError, InstanceNotFound, InvalidState
from virtproof_driver.values import Instance, PowerState


class _SwallowsErrors(LibvirtDriver):
    """Reports an instance destroyed whatever libvirt said."""

    def destroy(self, uuid: InstanceId) -> None:
        try:
            super().destroy(uuid)
        except DriverError:
            return


class _RetriesChanges(LibvirtDriver):
    """Makes a change again when the connection broke under it."""

    def pause(self, uuid: InstanceId) -> Instance:
        try:
            return super().pause(uuid)
        except ConnectionLost:
            return super().pause(uuid)


class _UntypedErrors(LibvirtDriver):
    """Tells an unknown instance by libvirt's number and not by a class."""

    def instance(self, uuid: InstanceId) -> Instance:
        try:
            return super().instance(uuid)
        except InstanceNotFound as error:
            raise HypervisorError(42, 10, str(error)) from error


class _DestroyMisses(LibvirtDriver):
    """Fails to destroy what is gone already."""

    def destroy(self, uuid: InstanceId) -> None:
        self.instance(uuid)
        super().destroy(uuid)


class _PauseOnce(LibvirtDriver):
    """Refuses to pause a paused instance."""

    def pause(self, uuid: InstanceId) -> Instance:
        if self.instance(uuid).state is PowerState.PAUSED:
            raise InvalidState("already paused")
        return super().pause(uuid)


swallows_errors = factory(_SwallowsErrors)
retries_changes = factory(_RetriesChanges)
untyped_errors = factory(_UntypedErrors)
destroy_misses = factory(_DestroyMisses)
pause_once = factory(_PauseOnce)
