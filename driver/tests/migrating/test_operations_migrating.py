"""Moving an instance: what is refused at once, what ends it early, and where the instance is afterwards."""

from typing import TYPE_CHECKING, cast
from uuid import UUID

import pytest

from virtproof_driver.capabilities import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.errors import (
    Busy,
    ConnectionLost,
    DriverError,
    HostUnreachable,
    HypervisorError,
    InstanceExists,
    InvalidSpec,
    InvalidState,
    MigrationAborted,
    MigrationFailed,
    MigrationTimedOut,
    MigrationUnsafe,
    NotSupported,
    OperationTimeout,
)
from virtproof_driver.hypervisors.lxc import LXC
from virtproof_driver.migration import InstanceLocation, MigrationMode, MigrationOptions, MigrationPhase, OnTimeout
from virtproof_driver.values import EventKind, PowerState

if TYPE_CHECKING:
    from tests.migrating.conftest import Pair

PATIENCE = 20.0
UUID_A = UUID(int=10)
RUNNING, PAUSED, SHUTOFF = DomainState.RUNNING, DomainState.PAUSED, DomainState.SHUTOFF


# --- that end well ---------------------------------------------------------------------------------------------------


def test_a_migration_returns_under_way_and_ends_on_the_destination(pair: "Pair") -> None:
    under_way = pair.move(MigrationOptions(name="b", bandwidth_mib_s=3))
    assert (under_way.uuid, under_way.progress.phase) == (UUID_A, MigrationPhase.COPYING)
    assert (under_way.progress.memory_processed_bytes, under_way.progress.iteration) == (40, 2)
    assert not pair.there.closed
    pair.here.leaving.put(None)
    result = under_way.wait(PATIENCE)
    assert (result.instance.state, result.instance.reason) == (PowerState.RUNNING, "migrated")
    assert (result.total_ms, result.downtime_ms, result.memory_transferred_bytes, result.iterations) == (700, 12, 80, 3)
    assert pair.here.calls == [("migrate3", {"destination_name": "b", "bandwidth": 3}, 1 | 8 | 16 | 4096)]
    assert pair.there.calls == [("setAutostart", 1)]
    assert pair.here.looked == [UUID_A]
    assert under_way.progress.phase is MigrationPhase.COMPLETED
    assert pair.over()


def test_two_daemons_do_it_among_themselves(pair: "Pair") -> None:
    under_way = pair.move(peer_uri="qemu+tls://there/system")
    pair.here.leaving.put(None)
    under_way.wait(PATIENCE)
    assert pair.here.calls == [("migrateToURI3", "qemu+tls://there/system", {}, 1 | 2 | 8 | 16 | 4096)]


def test_an_instance_that_is_off_is_there_when_the_call_returns(pair: "Pair") -> None:
    pair.here.state_now, pair.here.tells_begin = (SHUTOFF, 1), False
    pair.here.leaving.put(None)
    under_way = pair.move(mode=MigrationMode.OFFLINE)
    assert under_way.wait(0).total_ms == 0
    assert pair.over()


def test_statistics_whose_event_was_lost_are_asked_of_the_destination(pair: "Pair") -> None:
    pair.here.tells_begin = False
    pair.here.leaving.put(None)
    assert pair.move().wait(PATIENCE).downtime_ms == 99


def test_the_second_migration_of_an_instance_is_refused(pair: "Pair") -> None:
    under_way = pair.move()
    with pytest.raises(Busy, match="is being moved already"):
        pair.move()
    pair.here.leaving.put(None)
    under_way.wait(PATIENCE)
    assert pair.over()


# --- that are refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "raised"),
    [
        (MigrationUnsafe("cached"), MigrationUnsafe),
        (InvalidState("it has snapshots"), InvalidState),
        (ConnectionLost("cannot resolve there"), HostUnreachable),
        (HypervisorError(9, 20, "refused"), HypervisorError),
    ],
)
def test_what_libvirt_refuses_is_raised_at_once(pair: "Pair", refusal: DriverError, raised: type[DriverError]) -> None:
    pair.here.refused["migrate3"] = refusal
    with pytest.raises(raised) as caught:
        pair.move(MigrationOptions(max_downtime_ms=7))
    assert not isinstance(caught.value, MigrationFailed)
    assert pair.here.calls[-1] == ("migrateSetMaxDowntime", 300)
    assert pair.over()


def test_a_kernel_without_post_copy_is_told_as_that(pair: "Pair") -> None:
    pair.here.refused["migrate3"] = HypervisorError(1, 10, "Userfaultfd not available")
    with pytest.raises(NotSupported) as caught:
        pair.move(MigrationOptions(post_copy=True))
    assert caught.value.capability is Capability.MIGRATION_POST_COPY
    assert pair.over()


@pytest.mark.parametrize(
    ("state", "mode"),
    [
        ((SHUTOFF, 1), MigrationMode.LIVE),
        ((SHUTOFF, 1), MigrationMode.PAUSED),
        ((RUNNING, 1), MigrationMode.OFFLINE),
        ((DomainState.CRASHED, 1), MigrationMode.LIVE),
    ],
)
def test_a_state_that_does_not_fit_the_mode_is_refused(pair: "Pair", state: tuple[int, int], mode: MigrationMode) -> None:
    pair.here.state_now = state
    with pytest.raises(InvalidState, match=f"cannot migrate \\({mode}\\)"):
        pair.move(mode=mode)
    assert pair.here.calls == []
    pair.migrations.hold(UUID_A)


def test_a_saved_instance_does_not_lose_its_memory(pair: "Pair") -> None:
    pair.here.state_now = (SHUTOFF, 5)
    pair.here.refused["saved"] = InvalidState("")
    with pytest.raises(InvalidState, match="resume it first"):
        pair.move(mode=MigrationMode.OFFLINE)


def test_a_destination_that_has_the_instance_or_its_name_is_left_as_it_is(pair: "Pair") -> None:
    pair.there.state_now = (SHUTOFF, 1)
    with pytest.raises(InstanceExists, match=str(UUID_A)):
        pair.move()
    pair.there.state_now = None
    pair.there.refused["b"] = InvalidState("")
    with pytest.raises(InstanceExists, match="'b'"):
        pair.move(MigrationOptions(name="b"))
    assert pair.here.calls == []
    assert pair.over()


def test_a_destination_must_be_there_and_of_the_same_kind(pair: "Pair") -> None:
    with pytest.raises(HostUnreachable):
        pair.move(uri="qemu://nowhere/system")
    pair.there.hypervisor = LXC
    with pytest.raises(InvalidSpec, match=r"destination\.uri"):
        pair.move()
    assert pair.here.calls == []
    assert pair.over()


# --- that end early ---------------------------------------------------------------------------------------------------


def test_an_aborted_instance_runs_on_where_it_was(pair: "Pair") -> None:
    under_way = pair.move(MigrationOptions(max_downtime_ms=7))
    under_way.abort()
    error = pair.failed(under_way)
    assert isinstance(error, MigrationAborted)
    assert error.location is InstanceLocation.SOURCE
    assert error.instance is not None
    assert error.instance.state is PowerState.RUNNING
    under_way.abort()
    assert pair.here.calls.count("abortJob") == 1
    assert pair.here.calls[-1] == ("migrateSetMaxDowntime", 300)
    assert under_way.progress.phase is MigrationPhase.FAILED
    assert pair.over()


def test_of_two_daemons_an_abort_may_come_back_as_a_failure(pair: "Pair") -> None:
    under_way = pair.move(peer_uri="qemu://there/system")
    pair.here.aborted = HypervisorError(9, 10, "broken pipe")
    under_way.abort()
    assert isinstance(pair.failed(under_way), MigrationAborted)


def test_waiting_may_end_before_the_migration(pair: "Pair") -> None:
    under_way = pair.move()
    with pytest.raises(OperationTimeout) as caught:
        under_way.wait(0)
    assert not isinstance(caught.value, MigrationFailed)
    pair.here.leaving.put(None)
    assert under_way.wait(PATIENCE).downtime_ms == 12


@pytest.mark.parametrize(
    ("policy", "call"),
    [(OnTimeout.PAUSE, "suspend"), (OnTimeout.POST_COPY, "migrateStartPostCopy")],
)
def test_at_the_deadline_the_policy_is_done_once_and_the_migration_goes_on(pair: "Pair", policy: OnTimeout, call: str) -> None:
    under_way = pair.move(MigrationOptions(on_timeout=policy), seconds=0.001)
    assert pair.here.acted.wait(PATIENCE)
    pair.here.leaving.put(None)
    under_way.wait(PATIENCE)
    assert pair.here.calls.count(call) == 1
    assert "abortJob" not in pair.here.calls


def test_at_the_deadline_it_is_called_off_by_default(pair: "Pair") -> None:
    error = pair.failed(pair.move(seconds=0.001))
    assert isinstance(error, MigrationTimedOut)
    assert (error.location, error.seconds) == (InstanceLocation.SOURCE, 0.001)


def test_a_policy_that_is_refused_calls_it_off(pair: "Pair") -> None:
    pair.here.refused["migrateStartPostCopy"] = HypervisorError(1, 10, "no")
    assert isinstance(pair.failed(pair.move(MigrationOptions(on_timeout=OnTimeout.POST_COPY), seconds=0.001)), MigrationTimedOut)


def test_a_lost_destination_ends_what_this_client_conducts(pair: "Pair") -> None:
    under_way = pair.move()
    pair.there.silent = True
    pair.there.waits.fail(lambda: ConnectionLost("gone"))
    error = pair.failed(under_way)
    assert not isinstance(error, MigrationAborted)
    assert error.location is InstanceLocation.SOURCE
    assert "the connection to qemu://there/system broke" in error.reason


# --- that fail -----------------------------------------------------------------------------------------------------------


def test_a_killed_guest_is_off_where_it_was(pair: "Pair") -> None:
    under_way = pair.move()
    pair.here.state_now = (SHUTOFF, 3)
    pair.here.leaving.put(HypervisorError(9, 10, "domain is not running"))
    error = pair.failed(under_way)
    assert error.location is InstanceLocation.SOURCE
    assert error.instance is not None
    assert (error.instance.state, error.instance.reason) == (PowerState.OFF, "crashed")
    assert "domain is not running" in str(error)
    assert pair.over()


def test_a_source_that_is_silent_has_it_when_the_destination_has_not(pair: "Pair") -> None:
    under_way = pair.move()
    pair.here.silent = True
    pair.here.leaving.put(ConnectionLost("end of file"))
    error = pair.failed(under_way)
    assert (error.location, error.instance) == (InstanceLocation.SOURCE, None)


def test_a_guest_that_libvirt_left_standing_runs_on(pair: "Pair") -> None:
    under_way = pair.move()
    pair.here.state_now = (PAUSED, 2)
    pair.here.leaving.put(HypervisorError(9, 10, "failed"))
    error = pair.failed(under_way)
    assert "resume" in pair.here.calls
    assert error.instance is not None
    assert error.instance.state is PowerState.RUNNING


def test_an_arrival_that_libvirt_left_standing_is_ended(pair: "Pair") -> None:
    under_way = pair.move()
    pair.there.keeps_arrivals = True
    pair.here.leaving.put(HypervisorError(9, 10, "failed"))
    assert pair.failed(under_way).location is InstanceLocation.SOURCE
    assert pair.there.state_now is None
    assert "destroy" in pair.there.calls


# --- while one is under way -----------------------------------------------------------------------------------------------


def test_it_is_steered_while_it_goes_on(pair: "Pair") -> None:
    under_way = pair.move(MigrationOptions(post_copy=True))
    under_way.set_bandwidth(5)
    under_way.set_max_downtime(6)
    under_way.start_post_copy()
    assert pair.here.calls[1:] == [("migrateSetMaxSpeed", 5), ("migrateSetMaxDowntime", 6), "migrateStartPostCopy"]
    with pytest.raises(InvalidSpec):
        under_way.set_bandwidth(0)
    with pytest.raises(InvalidSpec):
        under_way.set_max_downtime(0)
    pair.here.leaving.put(None)
    under_way.wait(PATIENCE)
    with pytest.raises(InvalidState, match="has ended"):
        under_way.set_bandwidth(1)
    with pytest.raises(InvalidState, match="has ended"):
        under_way.start_post_copy()


def test_post_copy_must_have_been_asked_for(pair: "Pair") -> None:
    under_way = pair.move()
    with pytest.raises(InvalidState, match="without post_copy"):
        under_way.start_post_copy()
    pair.here.leaving.put(None)
    under_way.wait(PATIENCE)


def test_post_copy_shows_in_its_phase(pair: "Pair") -> None:
    under_way = pair.move(MigrationOptions(post_copy=True))
    pair.here.tell(EventKind.PAUSED, "postcopy")
    assert under_way.progress.phase is MigrationPhase.POST_COPY
    pair.here.leaving.put(None)
    under_way.wait(PATIENCE)


def test_a_pause_lets_it_rest_and_it_begins_again(pair: "Pair") -> None:
    under_way = pair.move()
    with pair.migrations.resting(pair.here.link, UUID_A, PowerState.PAUSED):
        pair.here.state_now = (PAUSED, 1)
        pair.here.calls.append("paused")
    pair.here.leaving.put(None)
    under_way.wait(PATIENCE)
    names = [call if isinstance(call, str) else call[0] for call in cast("list[str | tuple[str]]", pair.here.calls)]
    assert names == ["migrate3", "abortJob", "paused", "migrate3"]


def test_a_change_that_is_none_lets_it_go_on(pair: "Pair") -> None:
    under_way = pair.move()
    with pair.migrations.resting(pair.here.link, UUID_A, PowerState.RUNNING):
        pass
    assert "abortJob" not in pair.here.calls
    pair.here.leaving.put(None)
    under_way.wait(PATIENCE)
    with pair.migrations.resting(pair.here.link, UUID_A, PowerState.PAUSED):
        pass


def test_the_end_of_the_driver_aborts_what_is_under_way(pair: "Pair") -> None:
    under_way = pair.move()
    pair.migrations.end()
    assert isinstance(pair.failed(under_way), MigrationAborted)
    assert pair.over()
