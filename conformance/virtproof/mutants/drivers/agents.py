"""Wrong drivers that get guest agents wrong: asked nobody, hid a refusal, or left a guest frozen.

What belongs here: mistakes that only a guest with an agent shows.
"""

from collections.abc import Iterable
from dataclasses import replace

from virtproof.mutants.drivers.base import factory
from virtproof_driver import LibvirtDriver
from virtproof_driver.constants import ErrorDomain
from virtproof_driver.contract import InstanceId
from virtproof_driver.errors import AgentNotConfigured, AgentRefused, HypervisorError
from virtproof_driver.spec import SnapshotSpec
from virtproof_driver.values import Snapshot

_UNSUPPORTED = 74
_ALL = 2  # the file systems of the guest `agent`


class _HidesTheAgent(LibvirtDriver):
    """Tells that there is no guest agent by a number."""

    def set_admin_password(self, uuid: InstanceId, user: str, password: str) -> None:
        try:
            super().set_admin_password(uuid, user, password)
        except AgentNotConfigured as error:
            raise HypervisorError(_UNSUPPORTED, ErrorDomain.QEMU, str(error)) from error


class _QuiescesNobody(LibvirtDriver):
    """Says that it froze and thawed the guest, and asks nobody."""

    def quiesce(self, uuid: InstanceId, mountpoints: Iterable[str] = ()) -> int:
        self.instance(uuid)
        return len(list(mountpoints)) or _ALL

    def unquiesce(self, uuid: InstanceId, mountpoints: Iterable[str] = ()) -> int:
        return self.quiesce(uuid, mountpoints)


class _HidesRefusals(LibvirtDriver):
    """Calls a password set that the agent refused."""

    def set_admin_password(self, uuid: InstanceId, user: str, password: str) -> None:
        try:
            super().set_admin_password(uuid, user, password)
        except AgentRefused:
            return


class _LeavesItFrozen(LibvirtDriver):
    """Freezes the guest for a snapshot, and thaws it when the snapshot was made."""

    def create_snapshot(self, uuid: InstanceId, snapshot: SnapshotSpec) -> Snapshot:
        if not snapshot.quiesce:
            return super().create_snapshot(uuid, snapshot)
        self.quiesce(uuid)
        made = super().create_snapshot(uuid, replace(snapshot, quiesce=False))
        self.unquiesce(uuid)
        return made


class _FreezesNobody(LibvirtDriver):
    """Makes a snapshot that was to be quiesced of a guest that goes on writing."""

    def create_snapshot(self, uuid: InstanceId, snapshot: SnapshotSpec) -> Snapshot:
        return super().create_snapshot(uuid, replace(snapshot, quiesce=False))


hides_the_agent = factory(_HidesTheAgent)
quiesces_nobody = factory(_QuiescesNobody)
hides_refusals = factory(_HidesRefusals)
leaves_it_frozen = factory(_LeavesItFrozen)
freezes_nobody = factory(_FreezesNobody)
