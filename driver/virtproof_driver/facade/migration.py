"""The contract's method about migration: one line an operation, gated by its capabilities.

What belongs here: moving instances to other hosts. What does not: how it is done (`operations`).
"""

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims
from virtproof_driver.contract import InstanceId, Migration
from virtproof_driver.facade.area import Area
from virtproof_driver.migration import Destination, MigrationMode, MigrationOptions
from virtproof_driver.migration_validation import needed_for
from virtproof_driver.operations import migrating
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.operations.moving import Move


class MigrationMethods(Area):
    """Moving instances."""

    # Who moves nothing that runs moves nothing at all, which is known before the arguments are looked at.
    @claims(Capability.MIGRATION_LIVE)
    def migrate(
        self,
        uuid: InstanceId,
        destination: Destination,
        *,
        mode: MigrationMode = MigrationMode.LIVE,
        options: MigrationOptions = MigrationOptions(),  # noqa: B008  # frozen
        timeout: float,
    ) -> Migration:
        """Begin to move the instance to another host, and return once it is under way there.

        A migration is a move: afterwards the instance is defined on the destination and no longer on the source. `timeout` is
        how many seconds it may take until `options.on_timeout` is done. What is refused is refused here, and nothing was changed
        then: InvalidSpec; InvalidState, when the instance is off, or with OFFLINE is not; InstanceExists, when the destination
        has the UUID or the name; HostUnreachable, of the destination; VolumeNotFound, of a disk that is not there;
        MigrationUnsafe; Busy, when it is being moved already; NotSupported. What fails later, wait() raises.
        """
        for capability in needed_for(destination, mode, options):
            self.admit(capability)
        move = Move(destination=destination, mode=MigrationMode(mode), options=options, seconds=timeout)
        return migrating.migrate(self._link, self._migrations, instance_id(uuid), move)
