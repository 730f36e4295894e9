"""A migration that cannot be is refused by the field that is wrong, before any host is asked."""

import pytest

from virtproof_driver.capabilities import Capability
from virtproof_driver.errors import InvalidSpec
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.migration import Destination, MigrationMode, MigrationOptions, MigrationStorage, OnTimeout
from virtproof_driver.migration_validation import needed_for, validate_migration

THERE = Destination(uri="qemu://b/system")
LIVE, PAUSED, OFFLINE = MigrationMode.LIVE, MigrationMode.PAUSED, MigrationMode.OFFLINE


def refused(
    destination: Destination = THERE,
    mode: MigrationMode = LIVE,
    options: MigrationOptions = MigrationOptions(),  # noqa: B008  # frozen
    timeout: float = 1.0,
) -> str | None:
    try:
        validate_migration(destination, mode, options, timeout, QEMU)
    except InvalidSpec as error:
        return error.field
    return None


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan")])
def test_a_deadline_is_in_the_future(timeout: float) -> None:
    assert refused(timeout=timeout) == "timeout"


@pytest.mark.parametrize(
    ("destination", "field"),
    [
        (Destination(uri=""), "destination.uri"),
        (Destination(uri="qemu://b/\n"), "destination.uri"),
        (Destination(uri="qemu://b", peer_uri=""), "destination.peer_uri"),
        (Destination(uri="qemu://b", address="b:49152"), "destination.address"),
        (Destination(uri="qemu://b", address="tcp://b"), "destination.address"),
        (Destination(uri="qemu://b", address=""), "destination.address"),
    ],
)
def test_destinations_that_cannot_be(destination: Destination, field: str) -> None:
    assert refused(destination) == field


@pytest.mark.parametrize("address", ["b", "b-1.example", "192.0.2.1", "2001:db8::1"])
def test_addresses_that_can_be(address: str) -> None:
    assert refused(Destination(uri="qemu://b", address=address)) is None


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (MigrationOptions(bandwidth_mib_s=0), "options.bandwidth_mib_s"),
        (MigrationOptions(bandwidth_mib_s=2**43), "options.bandwidth_mib_s"),
        (MigrationOptions(max_downtime_ms=0), "options.max_downtime_ms"),
        (MigrationOptions(max_downtime_ms=2_000_001), "options.max_downtime_ms"),
        (MigrationOptions(name="a/b"), "options.name"),
        (MigrationOptions(name=""), "options.name"),
        (MigrationOptions(paused=True, post_copy=True), "options.paused"),
        (MigrationOptions(paused=True, on_timeout=OnTimeout.POST_COPY), "options.paused"),
    ],
)
def test_options_that_cannot_be(options: MigrationOptions, field: str) -> None:
    assert refused(options=options) == field


@pytest.mark.parametrize(
    ("mode", "options", "field"),
    [
        (OFFLINE, MigrationOptions(storage=MigrationStorage.COPIED), "options.storage"),
        (OFFLINE, MigrationOptions(bandwidth_mib_s=1), "options.bandwidth_mib_s"),
        (OFFLINE, MigrationOptions(max_downtime_ms=1), "options.max_downtime_ms"),
        (OFFLINE, MigrationOptions(auto_converge=True), "options.auto_converge"),
        (OFFLINE, MigrationOptions(post_copy=True), "options.post_copy"),
        (OFFLINE, MigrationOptions(paused=True), "options.paused"),
        (OFFLINE, MigrationOptions(on_timeout=OnTimeout.PAUSE), "options.on_timeout"),
        (PAUSED, MigrationOptions(auto_converge=True), "options.auto_converge"),
        (PAUSED, MigrationOptions(post_copy=True), "options.post_copy"),
        (PAUSED, MigrationOptions(on_timeout=OnTimeout.POST_COPY), "options.on_timeout"),
    ],
)
def test_what_a_mode_leaves_no_room_for(mode: MigrationMode, options: MigrationOptions, field: str) -> None:
    assert refused(mode=mode, options=options) == field


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        (OFFLINE, MigrationOptions(name="b", unsafe=True)),
        (PAUSED, MigrationOptions(storage=MigrationStorage.COPIED, bandwidth_mib_s=1, paused=True, max_downtime_ms=1)),
        (LIVE, MigrationOptions(auto_converge=True, post_copy=True, on_timeout=OnTimeout.PAUSE, bandwidth_mib_s=2**43 - 1)),
    ],
)
def test_what_goes_together(mode: MigrationMode, options: MigrationOptions) -> None:
    assert refused(mode=mode, options=options) is None


@pytest.mark.parametrize(
    ("mode", "options", "needed"),
    [
        (LIVE, MigrationOptions(), {Capability.MIGRATION_LIVE}),
        (PAUSED, MigrationOptions(), {Capability.MIGRATION_PAUSED}),
        (OFFLINE, MigrationOptions(), {Capability.MIGRATION_OFFLINE}),
        (
            LIVE,
            MigrationOptions(storage=MigrationStorage.COPIED, auto_converge=True, on_timeout=OnTimeout.POST_COPY),
            {
                Capability.MIGRATION_LIVE,
                Capability.MIGRATION_STORAGE,
                Capability.MIGRATION_AUTO_CONVERGE,
                Capability.MIGRATION_POST_COPY,
            },
        ),
    ],
)
def test_what_a_migration_needs(mode: MigrationMode, options: MigrationOptions, needed: set[Capability]) -> None:
    assert set(needed_for(THERE, mode, options)) == needed
    peers = Destination(uri=THERE.uri, peer_uri=THERE.uri)
    assert set(needed_for(peers, mode, options)) == {*needed, Capability.MIGRATION_PEER_TO_PEER}
