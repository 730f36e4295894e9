"""Whether a migration that a caller asks for can be: the rules by field, and the abilities that it needs.

What belongs here: what can be told without asking a host. What does not: the single rules (`checks`), and what the hosts say
(`operations.migrating`).
"""

from virtproof_driver.capabilities import Capability
from virtproof_driver.migration import Destination, MigrationMode, MigrationOptions, MigrationStorage, OnTimeout

_OF_MODE = {
    MigrationMode.LIVE: Capability.MIGRATION_LIVE,
    MigrationMode.PAUSED: Capability.MIGRATION_PAUSED,
    MigrationMode.OFFLINE: Capability.MIGRATION_OFFLINE,
}


def needed_for(destination: Destination, mode: MigrationMode, options: MigrationOptions) -> tuple[Capability, ...]:
    """The capabilities that such a migration needs."""
    asked = (
        (True, _OF_MODE[mode]),
        (destination.peer_uri is not None, Capability.MIGRATION_PEER_TO_PEER),
        (options.storage is MigrationStorage.COPIED, Capability.MIGRATION_STORAGE),
        (options.auto_converge, Capability.MIGRATION_AUTO_CONVERGE),
        (options.post_copy or options.on_timeout is OnTimeout.POST_COPY, Capability.MIGRATION_POST_COPY),
    )
    return tuple(capability for wanted, capability in asked if wanted)
