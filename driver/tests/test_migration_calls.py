"""What a migration is in libvirt's terms, and what libvirt's statistics say of one."""

from uuid import UUID

import pytest

from virtproof_driver.errors import MigrationFailed, MigrationTimedOut, OperationTimeout
from virtproof_driver.migration import (
    Destination,
    InstanceLocation,
    MigrationMode,
    MigrationOptions,
    MigrationPhase,
    MigrationProgress,
    MigrationResult,
    MigrationStorage,
    OnTimeout,
)
from virtproof_driver.migration_calls import flags_of, params_of, progress_of, result_of
from virtproof_driver.migration_constants import MigrateFlag as F
from virtproof_driver.values import Instance, PowerState

THERE = Destination(uri="qemu+tls://b/system")
MOVE = F.PERSIST_DEST | F.UNDEFINE_SOURCE
LIVE = MOVE | F.LIVE | F.ABORT_ON_ERROR
STATISTICS = {
    "operation": 5,
    "time_elapsed": 700,
    "downtime": 12,
    "memory_total": 100,
    "memory_processed": 80,
    "memory_remaining": 20,
    "memory_iteration": 3,
    "disk_total": 10,
    "disk_processed": 7,
    "disk_remaining": 3,
    "auto_converge_throttle": 20,
}


@pytest.mark.parametrize(
    ("mode", "options", "flags"),
    [
        (MigrationMode.LIVE, MigrationOptions(), LIVE),
        (MigrationMode.PAUSED, MigrationOptions(), MOVE | F.ABORT_ON_ERROR),
        (MigrationMode.OFFLINE, MigrationOptions(), MOVE | F.OFFLINE),
        (MigrationMode.LIVE, MigrationOptions(storage=MigrationStorage.COPIED), LIVE | F.NON_SHARED_DISK),
        (MigrationMode.LIVE, MigrationOptions(auto_converge=True), LIVE | F.AUTO_CONVERGE),
        (MigrationMode.LIVE, MigrationOptions(post_copy=True), LIVE | F.POSTCOPY),
        (MigrationMode.LIVE, MigrationOptions(on_timeout=OnTimeout.POST_COPY), LIVE | F.POSTCOPY),
        (MigrationMode.LIVE, MigrationOptions(on_timeout=OnTimeout.PAUSE), LIVE),
        (MigrationMode.LIVE, MigrationOptions(paused=True), LIVE | F.PAUSED),
        (MigrationMode.LIVE, MigrationOptions(unsafe=True), LIVE | F.UNSAFE),
    ],
)
def test_flags(mode: MigrationMode, options: MigrationOptions, flags: F) -> None:
    assert flags_of(THERE, mode, options) == flags
    peers = Destination(uri=THERE.uri, peer_uri="qemu://b/system")
    assert flags_of(peers, mode, options) == flags | F.PEER2PEER


@pytest.mark.parametrize(
    ("address", "uri"),
    [("b.example", "tcp://b.example"), ("192.0.2.1", "tcp://192.0.2.1"), ("2001:db8::1", "tcp://[2001:db8::1]")],
)
def test_the_address_is_where_memory_goes(address: str, uri: str) -> None:
    assert params_of(Destination(uri=THERE.uri, address=address), MigrationOptions()) == {"migrate_uri": uri}


def test_only_what_is_asked_for_is_a_parameter() -> None:
    assert params_of(THERE, MigrationOptions()) == {}
    asked = MigrationOptions(name="new", bandwidth_mib_s=3, max_downtime_ms=5)
    assert params_of(THERE, asked) == {"destination_name": "new", "bandwidth": 3}


def test_progress_is_read_from_a_jobs_statistics() -> None:
    assert progress_of(MigrationPhase.COPYING, 2, STATISTICS) == MigrationProgress(
        phase=MigrationPhase.COPYING,
        iteration=3,
        elapsed_ms=700,
        memory_total_bytes=100,
        memory_processed_bytes=80,
        memory_remaining_bytes=20,
        disk_total_bytes=10,
        disk_processed_bytes=7,
        disk_remaining_bytes=3,
        throttle_percent=20,
    )


def test_where_nothing_is_told_the_iteration_of_the_events_is_all() -> None:
    assert progress_of(MigrationPhase.FAILED, 2, {}) == MigrationProgress(phase=MigrationPhase.FAILED, iteration=2)


def test_a_result_is_read_from_the_same() -> None:
    instance = Instance(uuid=UUID(int=1), name="a", state=PowerState.RUNNING, reason="migrated")
    assert result_of(instance, 4, STATISTICS, ("x remains",)) == MigrationResult(
        instance=instance,
        total_ms=700,
        downtime_ms=12,
        memory_transferred_bytes=80,
        disk_transferred_bytes=7,
        iterations=4,
        leftovers=("x remains",),
    )


def test_a_failure_says_where_the_instance_is_and_as_what() -> None:
    instance = Instance(uuid=UUID(int=1), name="a", state=PowerState.OFF, reason="crashed")
    error = MigrationTimedOut(instance.uuid, "too slow", 3.0, location=InstanceLocation.SOURCE, instance=instance)
    assert isinstance(error, MigrationFailed)
    assert isinstance(error, OperationTimeout)
    assert str(error) == (
        f"the migration of instance {instance.uuid} was called off at its deadline: too slow; "
        "where it is now: source, shutoff (crashed)"
    )
    assert (error.location, error.instance, error.seconds) == (InstanceLocation.SOURCE, instance, 3.0)
    assert error.awaited == f"end of the migration of instance {instance.uuid}"


def test_no_address_of_a_destination_is_in_its_representation() -> None:
    secret = Destination(uri="qemu+tcp://u:secret@b/system", peer_uri="qemu+tcp://u:secret@b/system")
    assert "secret" not in repr(secret)
