"""What a migration is in libvirt's terms, and what libvirt tells of one in ours: flags, parameters, statistics.

What belongs here: pure builders and readers. What does not: making the call (`operations.migrating`).
Source: https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainMigrateFlags and what follows it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from virtproof_driver.migration import (
    Destination,
    MigrationMode,
    MigrationOptions,
    MigrationPhase,
    MigrationProgress,
    MigrationResult,
    MigrationStorage,
    OnTimeout,
)
from virtproof_driver.migration_constants import JobField, MigrateFlag, MigrateParam
from virtproof_driver.values import Instance

_MODES: Mapping[MigrationMode, MigrateFlag] = {
    MigrationMode.LIVE: MigrateFlag.LIVE | MigrateFlag.ABORT_ON_ERROR,
    MigrationMode.PAUSED: MigrateFlag.ABORT_ON_ERROR,
    MigrationMode.OFFLINE: MigrateFlag.OFFLINE,
}
_MOVE = MigrateFlag.PERSIST_DEST | MigrateFlag.UNDEFINE_SOURCE


def flags_of(destination: Destination, mode: MigrationMode, options: MigrationOptions) -> MigrateFlag:
    """The flags of virDomainMigrate3 and virDomainMigrateToURI3. A migration is a move, so the definition goes with it."""
    asked = (
        (destination.peer_uri is not None, MigrateFlag.PEER2PEER),
        (options.storage is MigrationStorage.COPIED, MigrateFlag.NON_SHARED_DISK),
        (options.auto_converge, MigrateFlag.AUTO_CONVERGE),
        (has_post_copy(options), MigrateFlag.POSTCOPY),
        (options.paused, MigrateFlag.PAUSED),
        (options.unsafe, MigrateFlag.UNSAFE),
    )
    flags = _MODES[mode] | _MOVE
    for wanted, flag in asked:
        flags |= flag if wanted else 0
    return flags


def params_of(destination: Destination, options: MigrationOptions) -> dict[str, str | int]:
    """The typed parameters of the same calls, by libvirt's names."""
    asked: tuple[tuple[MigrateParam, str | int | None], ...] = (
        (MigrateParam.URI, None if destination.address is None else f"tcp://{_host(destination.address)}"),
        (MigrateParam.DEST_NAME, options.name),
        (MigrateParam.BANDWIDTH, options.bandwidth_mib_s),
    )
    return {param.value: value for param, value in asked if value is not None}


def has_post_copy(options: MigrationOptions) -> bool:
    """Whether post-copy may be started during the migration."""
    return options.post_copy or options.on_timeout is OnTimeout.POST_COPY


def numbers_in(statistics: Mapping[str, Any]) -> Mapping[str, int]:
    """What a job's statistics say in numbers; an error's message, which is among them, is none."""
    return MappingProxyType({name: value for name, value in statistics.items() if isinstance(value, int)})


def progress_of(phase: MigrationPhase, iteration: int, statistics: Mapping[str, int]) -> MigrationProgress:
    """What a job's statistics say of a migration; the iteration is the newer of theirs and that of the events."""

    def told(field: JobField) -> int:
        return int(statistics.get(field, 0))

    return MigrationProgress(
        phase=phase,
        iteration=max(iteration, told(JobField.MEMORY_ITERATION)),
        elapsed_ms=told(JobField.TIME_ELAPSED),
        memory_total_bytes=told(JobField.MEMORY_TOTAL),
        memory_processed_bytes=told(JobField.MEMORY_PROCESSED),
        memory_remaining_bytes=told(JobField.MEMORY_REMAINING),
        disk_total_bytes=told(JobField.DISK_TOTAL),
        disk_processed_bytes=told(JobField.DISK_PROCESSED),
        disk_remaining_bytes=told(JobField.DISK_REMAINING),
        throttle_percent=told(JobField.AUTO_CONVERGE_THROTTLE),
    )


def result_of(instance: Instance, iteration: int, statistics: Mapping[str, int], leftovers: tuple[str, ...]) -> MigrationResult:
    """The end of a migration, from the statistics of its job; a host that tells none gives zeros."""
    progress = progress_of(MigrationPhase.COMPLETED, iteration, statistics)
    return MigrationResult(
        instance=instance,
        total_ms=progress.elapsed_ms,
        downtime_ms=int(statistics.get(JobField.DOWNTIME, 0)),
        memory_transferred_bytes=progress.memory_processed_bytes,
        disk_transferred_bytes=progress.disk_processed_bytes,
        iterations=progress.iteration,
        leftovers=leftovers,
    )


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
