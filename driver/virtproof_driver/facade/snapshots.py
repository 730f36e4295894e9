"""The contract's methods about snapshots: one line an operation, gated by its capability.

What belongs here: making, listing, reverting to and deleting them. What does not: how it is done (`operations`).
"""

from collections.abc import Sequence

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims, reads
from virtproof_driver.contract import InstanceId
from virtproof_driver.facade.area import Area
from virtproof_driver.operations import snapshots
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.spec import SnapshotSpec
from virtproof_driver.values import Instance, Snapshot


class SnapshotMethods(Area):
    """Snapshots of instances."""

    @claims(Capability.SNAPSHOT_INTERNAL)
    def create_snapshot(self, uuid: InstanceId, snapshot: SnapshotSpec) -> Snapshot:
        """Make a snapshot. SnapshotExists; Busy while another job holds a disk; NotSupported for a disk that can hold none."""
        return snapshots.create_snapshot(self._link, self._staying(uuid), snapshot)

    @reads(Capability.SNAPSHOT_INTERNAL)
    def snapshots(self, uuid: InstanceId) -> Sequence[Snapshot]:
        """List the snapshots, the oldest first."""
        return snapshots.snapshots(self._link, instance_id(uuid))

    @claims(Capability.SNAPSHOT_INTERNAL)
    def revert_snapshot(self, uuid: InstanceId, name: str) -> Instance:
        """Take the instance back to a snapshot, and to the state that it had then. SnapshotNotFound.

        An external snapshot holds no memory: the instance is off afterwards. Where a revert fails the host may have stopped the
        instance already, and `undone_failures` of the error says so.
        """
        return snapshots.revert_snapshot(self._link, self._staying(uuid), name)

    @claims(Capability.SNAPSHOT_INTERNAL)
    def delete_snapshot(self, uuid: InstanceId, name: str) -> None:
        """Delete a snapshot, an external one by merging its overlays; those made after it stay. SnapshotNotFound, Busy."""
        snapshots.delete_snapshot(self._link, self._staying(uuid), name)
