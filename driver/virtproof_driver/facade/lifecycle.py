"""The contract's methods about lifecycle: one line an operation, gated by its capability.

What belongs here: what brings an instance from one state or size to another. What does not: how it is done (`operations`).
"""

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims, reads
from virtproof_driver.contract import InstanceId
from virtproof_driver.facade.area import Area
from virtproof_driver.operations import lifecycle, metadata, rescue, resize, spawning, stopping
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.spec import InstanceSpec, RescueImage
from virtproof_driver.values import Instance, PowerState, StopOutcome


class LifecycleMethods(Area):
    """Making, running, changing and ending instances."""

    @claims(Capability.SPAWN)
    def spawn(self, spec: InstanceSpec, *, start: bool = True, paused: bool = False) -> Instance:
        """Make the new storage volumes, define the instance, and start it; wait for its event.

        A spawn that fails is undone in reverse; `undone_failures` of the error says what could not be. InstanceExists when the
        name or UUID is taken, VolumeExists when a new volume's is; InvalidSpec before anything is done; OperationTimeout.
        """
        with self._reservations.hold(spec.uuid):
            return spawning.spawn(self._link, spec, start=start, paused=paused)

    @claims(Capability.DESTROY)
    def destroy(self, uuid: InstanceId) -> None:
        """Force the instance off and remove it, its managed save, its snapshots and the volumes that spawn made.

        An instance that is not there is destroyed already. Busy when another client starts it again and again.
        """
        stopping.destroy(self._link, instance_id(uuid))

    @claims(Capability.START)
    def start(self, uuid: InstanceId) -> Instance:
        """Start an instance that is off; a running one is left as it is. InvalidState when it is paused."""
        return lifecycle.start(self._link, instance_id(uuid))

    @claims(Capability.STOP)
    def stop(self, uuid: InstanceId, *, timeout: float, force: bool = True) -> StopOutcome:
        """Ask the guest to shut down, wait `timeout` seconds for it, then force it off; say which it was.

        With `force` False a guest that does not obey runs on: OperationTimeout. A timeout of 0 or less asks nobody.
        """
        return stopping.stop(self._link, instance_id(uuid), timeout=timeout, force=force)

    def reboot(self, uuid: InstanceId, *, hard: bool = False) -> Instance:
        """Ask the guest to restart, or with `hard` force it off and start it.

        InvalidState when it is off, and for the guest's part when it is paused.
        """
        return self._reboot_hard(uuid) if hard else self._reboot(uuid)

    @claims(Capability.REBOOT)
    def _reboot(self, uuid: InstanceId) -> Instance:
        return lifecycle.reboot(self._link, self._staying(uuid))

    @claims(Capability.REBOOT_HARD)
    def _reboot_hard(self, uuid: InstanceId) -> Instance:
        return lifecycle.reboot_hard(self._link, self._staying(uuid))

    @claims(Capability.PAUSE)
    def pause(self, uuid: InstanceId) -> Instance:
        """Stop the instance's processors; a paused one is left as it is. InvalidState when it is off.

        A migration of it that is under way begins again, and the instance arrives paused; Busy once it is in post-copy.
        """
        with self._migrations.resting(self._link, instance_id(uuid), PowerState.PAUSED):
            return lifecycle.pause(self._link, instance_id(uuid))

    @claims(Capability.PAUSE)
    def unpause(self, uuid: InstanceId) -> Instance:
        """Let a paused instance run on; a running one is left as it is. InvalidState when it is off.

        One that the host paused for a disk's error is looked at for 2 s: DiskFault when it was paused for that again. A migration
        of it that is under way begins again.
        """
        with self._migrations.resting(self._link, instance_id(uuid), PowerState.RUNNING):
            return lifecycle.unpause(self._link, instance_id(uuid))

    @claims(Capability.SUSPEND)
    def suspend(self, uuid: InstanceId) -> Instance:
        """Save the instance's memory on the host and stop it; one that is saved is left as it is. InvalidState when it is off."""
        return lifecycle.suspend(self._link, self._staying(uuid))

    @claims(Capability.SUSPEND)
    def resume(self, uuid: InstanceId) -> Instance:
        """Start a suspended instance from its saved memory; a running one is left as it is. InvalidState if none is saved."""
        return lifecycle.resume(self._link, instance_id(uuid))

    @claims(Capability.RESCUE)
    def rescue(self, uuid: InstanceId, image: RescueImage) -> Instance:
        """Start the instance from another image, its own disks beside it. InvalidState when it is rescued or suspended."""
        return rescue.rescue(self._link, self._staying(uuid), image)

    @claims(Capability.RESCUE)
    def unrescue(self, uuid: InstanceId) -> Instance:
        """Start a rescued instance from its own disks again. InvalidState when it is not rescued."""
        return rescue.unrescue(self._link, self._staying(uuid))

    @claims(Capability.RESIZE)
    def resize(self, uuid: InstanceId, *, vcpus: int, memory_mib: int) -> Instance:
        """Change processors and memory (MiB) from the next start on; both or neither. InvalidSpec above the spec's maxima."""
        return resize.resize(self._link, self._staying(uuid), vcpus=vcpus, memory_mib=memory_mib)

    @reads(Capability.AUTOSTART)
    def autostart(self, uuid: InstanceId) -> bool:
        """Read whether the host starts the instance when it boots."""
        return metadata.autostart(self._link, instance_id(uuid))

    @claims(Capability.AUTOSTART)
    def set_autostart(self, uuid: InstanceId, enabled: bool) -> None:
        """Change whether the host starts the instance when it boots."""
        metadata.set_autostart(self._link, instance_id(uuid), enabled=enabled)
