"""Whether a migration that a caller asks for can be: the rules by field, and the abilities that it needs.

What belongs here: what can be told without asking a host. What does not: the single rules (`checks`), and what the hosts say
(`operations.migrating`).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from virtproof_driver import checks
from virtproof_driver.capabilities import Capability
from virtproof_driver.errors import InvalidSpec
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.migration import Destination, MigrationMode, MigrationOptions, MigrationStorage, OnTimeout
from virtproof_driver.migration_calls import has_post_copy

MOST_DOWNTIME_MS = 2_000_000  # QEMU's MAX_MIGRATE_DOWNTIME
MOST_BANDWIDTH_MIB_S = 2**43 - 1  # libvirt refuses what is more than 2**63 - 1 bytes a second with 8

_ADDRESS = re.compile(r"[A-Za-z0-9._-]+|(?=.*:.*:)[0-9A-Fa-f:.]+")  # the address of IPv6 has two colons at least

_OF_MODE: Mapping[MigrationMode, Capability] = MappingProxyType(
    {
        MigrationMode.LIVE: Capability.MIGRATION_LIVE,
        MigrationMode.PAUSED: Capability.MIGRATION_PAUSED,
        MigrationMode.OFFLINE: Capability.MIGRATION_OFFLINE,
    }
)


def needed_for(destination: Destination, mode: MigrationMode, options: MigrationOptions) -> tuple[Capability, ...]:
    """The capabilities that such a migration needs."""
    asked = (
        (True, _OF_MODE[MigrationMode(mode)]),
        (destination.peer_uri is not None, Capability.MIGRATION_PEER_TO_PEER),
        (options.storage is MigrationStorage.COPIED, Capability.MIGRATION_STORAGE),
        (options.auto_converge, Capability.MIGRATION_AUTO_CONVERGE),
        (has_post_copy(options), Capability.MIGRATION_POST_COPY),
    )
    return tuple(capability for wanted, capability in asked if wanted)


def validate_migration(
    destination: Destination, mode: MigrationMode, options: MigrationOptions, timeout: float, hypervisor: Hypervisor
) -> None:
    """What a caller asks for. Raises InvalidSpec."""
    if not timeout > 0:
        raise InvalidSpec("timeout", f"is {timeout:g} s; give a migration more than none")
    _validate_destination(destination)
    if options.bandwidth_mib_s is not None:
        validate_bandwidth(options.bandwidth_mib_s, "options.bandwidth_mib_s")
    if options.max_downtime_ms is not None:
        validate_downtime(options.max_downtime_ms, "options.max_downtime_ms")
    if options.name is not None:
        checks.name("options.name", options.name, hypervisor.longest_name)
    _validate_combination(mode, options)


def validate_bandwidth(mib_s: int, field: str = "mib_s") -> None:
    """How much is sent, in MiB/s. None stands for no bound, and 0 would be taken for it."""
    checks.within(field, mib_s, 1, MOST_BANDWIDTH_MIB_S)


def validate_downtime(milliseconds: int, field: str = "milliseconds") -> None:
    """How long a guest may stand still, in milliseconds."""
    checks.within(field, milliseconds, 1, MOST_DOWNTIME_MS)


def _validate_destination(destination: Destination) -> None:
    checks.line("destination.uri", destination.uri)
    if destination.peer_uri is not None:
        checks.line("destination.peer_uri", destination.peer_uri)
    if destination.address is not None:
        checks.pattern("destination.address", destination.address, _ADDRESS, "a host name or an IP address, without a port")


def _validate_combination(mode: MigrationMode, options: MigrationOptions) -> None:
    """What makes no sense together; libvirt passes over some of it, and refuses the rest with codes that say little."""
    post_copy = has_post_copy(options)
    off = mode is MigrationMode.OFFLINE
    stands = mode is MigrationMode.PAUSED
    running_only = "is for instances that run; leave it out, or choose another mode"
    rules = (
        (
            "options.storage",
            off and options.storage is MigrationStorage.COPIED,
            f"COPIED {running_only}; copy volumes by yourself",
        ),
        ("options.bandwidth_mib_s", off and options.bandwidth_mib_s is not None, running_only),
        ("options.max_downtime_ms", off and options.max_downtime_ms is not None, running_only),
        ("options.auto_converge", (off or stands) and options.auto_converge, running_only),
        ("options.post_copy", (off or stands) and options.post_copy, running_only),
        ("options.paused", off and options.paused, running_only),
        ("options.on_timeout", (off or stands) and options.on_timeout is not OnTimeout.ABORT, running_only),
        ("options.paused", post_copy and options.paused, "a guest that arrives paused cannot fetch what remains of its memory"),
    )
    for field, broken, problem in rules:
        if broken:
            raise InvalidSpec(field, problem)
