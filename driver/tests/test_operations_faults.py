"""Tests of operations when the host does not play along: refusals, lost events, other clients, and undoing that fails.

The host is libvirt's test driver; a `Script` stands between a real session and it, and lets single calls go wrong.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from uuid import UUID

import pytest

from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.errors import (
    Busy,
    ConnectionLost,
    DriverError,
    HypervisorError,
    InvalidState,
    OperationTimeout,
    PermissionDenied,
)
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.link import Expectation, Wait
from virtproof_driver.spec import (
    Disk,
    FileSource,
    ForwardMode,
    InstanceSpec,
    NetworkSpec,
    NewVolume,
    PoolSpec,
    RescueImage,
    SnapshotSpec,
)
from virtproof_driver.values import EventKind, LifecycleEvent, PowerState, StopOutcome

Turn = Callable[[Callable[[], object]], object]


def broken() -> HypervisorError:
    return HypervisorError(1, 10, "the host is broken")


def fails(error: BaseException) -> Turn:
    """The call is not made; the error comes."""

    def turn(_call: Callable[[], object]) -> object:
        raise error

    return turn


def done_but(error: BaseException) -> Turn:
    """The call is made; the error comes all the same."""

    def turn(call: Callable[[], object]) -> object:
        call()
        raise error

    return turn


def after(first: Callable[[], object]) -> Turn:
    """Somebody else does something just before the call."""

    def turn(call: Callable[[], object]) -> object:
        first()
        return call()

    return turn


def nothing(_call: Callable[[], object]) -> object:
    """The call answers success, and nothing happens."""
    return 0


class Script:
    """What happens to the calls of each name, in turn; calls without a turn go through."""

    def __init__(self, driver: LibvirtDriver, monkeypatch: pytest.MonkeyPatch) -> None:
        self._turns: dict[str, list[Turn]] = {}
        self._call: Callable[..., object] = driver.link.call
        self.names: list[str] = []
        monkeypatch.setattr(driver.link, "call", self._intercept)

    def add(self, name: str, *turns: Turn) -> None:
        self._turns.setdefault(name, []).extend(turns)

    def _intercept(self, function: Callable[..., object], /, *args: object) -> object:
        name = str(getattr(function, "__name__", "") or getattr(getattr(function, "func", None), "__name__", ""))
        self.names.append(name)
        turns = self._turns.get(name)
        call = partial(self._call, function, *args)
        return turns.pop(0)(call) if turns else call()


@pytest.fixture
def script(driver: LibvirtDriver, monkeypatch: pytest.MonkeyPatch) -> Script:
    return Script(driver, monkeypatch)


class Late:  # a wait whose event never comes, and whose deadline is now
    since = 0.0

    def until(self, seconds: float) -> LifecycleEvent:
        raise OperationTimeout("event", seconds)


def lose_events(driver: LibvirtDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every wait reach its deadline at once."""

    @contextmanager
    def expect(_uuid: UUID, _awaited: Expectation[LifecycleEvent]) -> Generator[Wait[LifecycleEvent]]:
        yield Late()

    monkeypatch.setattr(driver.link, "expect", expect)


# --- refusals ------------------------------------------------------------------------------------------


def test_a_refusal_because_somebody_else_was_first_is_success(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.spawn(small)
    script.add("suspend", after(driver.link.domain(small.uuid).suspend))
    assert driver.pause(small.uuid).state is PowerState.PAUSED


def test_the_hosts_own_trouble_is_told_as_it_is(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.spawn(small, start=False)
    trouble = broken()
    script.add("create", fails(trouble))
    with pytest.raises(HypervisorError) as caught:
        driver.start(small.uuid)
    assert caught.value is trouble
    assert driver.instance(small.uuid).state is PowerState.OFF


def test_a_refusal_is_no_success_where_the_state_is_no_proof(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.spawn(small)
    driver.create_snapshot(small.uuid, SnapshotSpec(name="s"))
    script.add("reboot", fails(broken()))
    script.add("revertToSnapshot", fails(broken()))
    with pytest.raises(HypervisorError, match="the host is broken"):
        driver.reboot(small.uuid)
    with pytest.raises(HypervisorError, match="the host is broken"):
        driver.revert_snapshot(small.uuid, "s")


# --- lost events -----------------------------------------------------------------------------------------


def test_a_lost_event_is_made_up_for_by_one_read(
    driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.spawn(small)
    heard: SimpleQueue[EventKind] = SimpleQueue()
    with driver.subscribe(lambda event: heard.put(event.kind)):
        lose_events(driver, monkeypatch)
        assert driver.pause(small.uuid).state is PowerState.PAUSED
        monkeypatch.undo()
        driver.destroy(small.uuid)
        told = [heard.get(timeout=20) for _ in range(3)]
    assert told == [EventKind.PAUSED, EventKind.STOPPED, EventKind.UNDEFINED]


def test_a_change_that_did_not_happen_is_a_timeout(
    driver: LibvirtDriver, small: InstanceSpec, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.spawn(small)
    lose_events(driver, monkeypatch)
    script.add("suspend", nothing)
    with pytest.raises(OperationTimeout):
        driver.pause(small.uuid)
    assert driver.instance(small.uuid).state is PowerState.RUNNING


def test_a_guest_that_does_not_reboot_is_a_timeout(
    driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.spawn(small)
    lose_events(driver, monkeypatch)
    monkeypatch.setattr(type(driver.link), "hypervisor", replace(TEST, reboot_emits=True))
    with pytest.raises(OperationTimeout):
        driver.reboot(small.uuid)
    assert driver.instance(small.uuid).state is PowerState.RUNNING


# --- stop ------------------------------------------------------------------------------------------------


def test_a_deaf_guest_is_forced_off_or_left_running(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.spawn(small)
    script.add("shutdown", nothing, nothing)
    with pytest.raises(OperationTimeout) as caught:
        driver.stop(small.uuid, timeout=0.05, force=False)
    assert caught.value.seconds == 0.05
    assert driver.instance(small.uuid).state is PowerState.RUNNING
    assert driver.stop(small.uuid, timeout=0.05) is StopOutcome.FORCED
    assert driver.instance(small.uuid).state is PowerState.OFF


def test_an_error_of_the_request_does_not_keep_from_forcing(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.spawn(small)
    script.add("shutdown", fails(broken()), fails(Busy("another job holds it")))
    with pytest.raises(HypervisorError):
        driver.stop(small.uuid, timeout=5, force=False)
    assert driver.instance(small.uuid).state is PowerState.RUNNING
    assert driver.stop(small.uuid, timeout=5) is StopOutcome.FORCED


def test_a_request_that_may_not_be_made_forces_nothing(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.spawn(small)
    script.add("shutdown", fails(PermissionDenied("read only")))
    with pytest.raises(PermissionDenied):
        driver.stop(small.uuid, timeout=5)
    assert driver.instance(small.uuid).state is PowerState.RUNNING


def test_a_guest_that_ends_just_before_the_force_was_graceful(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.spawn(small)
    script.add("shutdown", nothing)
    script.add("destroy", after(driver.link.domain(small.uuid).shutdown))
    assert driver.stop(small.uuid, timeout=0.05) is StopOutcome.GRACEFUL


def test_a_guest_that_somebody_else_ends_was_off(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.spawn(small)
    script.add("shutdown", after(driver.link.domain(small.uuid).destroy))
    assert driver.stop(small.uuid, timeout=5) is StopOutcome.ALREADY_OFF


def test_a_lost_stopped_event_is_made_up_for(driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    driver.spawn(small)
    lose_events(driver, monkeypatch)
    assert driver.stop(small.uuid, timeout=5, force=False) is StopOutcome.GRACEFUL
    assert driver.instance(small.uuid).state is PowerState.OFF


# --- destroy ----------------------------------------------------------------------------------------------


def test_an_instance_that_is_started_while_it_is_removed_goes_all_the_same(
    driver: LibvirtDriver, small: InstanceSpec, script: Script
) -> None:
    driver.spawn(small)
    script.add("undefineFlags", after(driver.link.domain(small.uuid).create))
    driver.destroy(small.uuid)
    assert driver.instances() == ()


def test_an_instance_that_comes_back_each_time_is_busy(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.spawn(small)
    start = driver.link.domain(small.uuid).create

    def comes_back(_call: Callable[[], object]) -> object:
        start()
        raise InvalidState("some hypervisors undefine nothing that runs")

    script.add("undefineFlags", comes_back, comes_back, comes_back)
    with pytest.raises(Busy, match="started again 3 times"):
        driver.destroy(small.uuid)
    driver.destroy(small.uuid)
    assert driver.instances() == ()


def test_what_is_in_use_is_not_released(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.create_pool(PoolSpec(name="p", target="/p"))
    root = NewVolume(pool="p", volume="root", capacity_bytes=4096)
    driver.spawn(replace(small, disks=(Disk(target="vda", source=root),)))
    script.add("destroy", fails(broken()))
    with pytest.raises(HypervisorError):
        driver.destroy(small.uuid)
    assert driver.instance(small.uuid).state is PowerState.RUNNING
    assert [volume.name for volume in driver.volumes("p")] == ["root"]


def test_a_lost_event_of_destroy_is_made_up_for(
    driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.spawn(small)
    lose_events(driver, monkeypatch)
    driver.destroy(small.uuid)
    assert driver.instances() == ()


# --- spawn ------------------------------------------------------------------------------------------------


@pytest.fixture
def with_volume(driver: LibvirtDriver, small: InstanceSpec) -> InstanceSpec:
    driver.create_pool(PoolSpec(name="p", target="/p"))
    root = NewVolume(pool="p", volume="root", capacity_bytes=4096)
    return replace(small, disks=(Disk(target="vda", source=root),))


FAILURES: dict[str, Callable[[], BaseException]] = {"lost": partial(ConnectionLost, "gone"), "interrupt": KeyboardInterrupt}
FAILURES["fails"] = broken


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("name", ["defineXML", "create"])
def test_a_spawn_that_fails_leaves_nothing(
    driver: LibvirtDriver, with_volume: InstanceSpec, script: Script, name: str, failure: Callable[[], BaseException]
) -> None:
    error = failure()
    script.add(name, done_but(error) if isinstance(error, ConnectionLost) else fails(error))
    with pytest.raises((DriverError, KeyboardInterrupt)) as caught:
        driver.spawn(with_volume)
    assert getattr(caught.value, "undone_failures", ()) == ()
    assert driver.instances() == ()
    assert driver.volumes("p") == ()


def test_a_spawn_says_what_it_could_not_undo(driver: LibvirtDriver, with_volume: InstanceSpec, script: Script) -> None:
    script.add("create", fails(broken()))
    script.add("undefineFlags", fails(InvalidState("stuck")))
    script.add("delete", fails(Busy("in use")))
    with pytest.raises(HypervisorError) as caught:
        driver.spawn(with_volume)
    assert caught.value.undone_failures == (
        f"remove instance {with_volume.uuid}: stuck",
        "delete storage volume 'root' of pool 'p': in use",
    )


def test_a_volume_that_may_be_there_is_left_and_named(driver: LibvirtDriver, with_volume: InstanceSpec, script: Script) -> None:
    script.add("createXML", done_but(ConnectionLost("gone")))
    with pytest.raises(ConnectionLost) as caught:
        driver.spawn(with_volume)
    assert caught.value.undone_failures == ("make storage volume 'root' in pool 'p': it may have been done, and was left",)
    assert [volume.name for volume in driver.volumes("p")] == ["root"]


# --- resize, rescue, networks, pools, hard reboot ----------------------------------------------------------


def test_a_resize_is_both_or_neither(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.spawn(small)
    script.add("setMemoryFlags", fails(broken()))
    with pytest.raises(HypervisorError):
        driver.resize(small.uuid, vcpus=4, memory_mib=64)
    assert driver.spec(small.uuid) == small


@pytest.mark.parametrize("name", ["defineXML", "create"])
def test_a_rescue_that_fails_leaves_the_instance_as_it_was(
    driver: LibvirtDriver, small: InstanceSpec, script: Script, name: str
) -> None:
    spec = replace(small, disks=(Disk(target="vda", source=FileSource(path="/images/own.img")),))
    driver.spawn(spec)
    script.add(name, fails(broken()))
    with pytest.raises(HypervisorError) as caught:
        driver.rescue(spec.uuid, RescueImage(source=FileSource(path="/images/rescue.img")))
    assert caught.value.undone_failures == ()
    assert driver.spec(spec.uuid) == spec
    assert driver.instance(spec.uuid).state is PowerState.RUNNING


def test_a_hard_reboot_that_cannot_start_says_so(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.spawn(small)
    script.add("create", fails(broken()))
    with pytest.raises(HypervisorError) as caught:
        driver.reboot(small.uuid, hard=True)
    assert caught.value.undone_failures == (f"instance 'small' ({small.uuid}) was forced off and is not running again",)
    assert driver.instance(small.uuid).state is PowerState.OFF


@pytest.mark.parametrize("name", ["build", "create", "setAutostart"])
def test_a_pool_or_network_that_does_not_start_is_removed(driver: LibvirtDriver, script: Script, name: str) -> None:
    script.add(name, fails(broken()))
    with pytest.raises(HypervisorError):
        driver.create_pool(PoolSpec(name="p", target="/p"), autostart=True)
    script.add(name if name != "build" else "create", fails(broken()))
    with pytest.raises(HypervisorError):
        driver.create_network(NetworkSpec(name="n", forward=ForwardMode.ISOLATED), autostart=True)
    assert (driver.networks(), driver.pools()) == ((), ())


def test_metadata_follows_an_instance_that_stops_meanwhile(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    driver.spawn(small)
    script.add("setMetadata", after(driver.link.domain(small.uuid).destroy))
    driver.set_title(small.uuid, "late")
    assert driver.spec(small.uuid).title == "late"


def test_a_screenshot_whose_sink_raises_ends_its_stream(driver: LibvirtDriver, small: InstanceSpec, script: Script) -> None:
    class Full(Exception):
        pass

    def sink(_piece: bytes) -> None:
        raise Full

    driver.spawn(small)
    with pytest.raises(Full):
        driver.screenshot(small.uuid, sink)
    assert script.names[-1] == "abort"
