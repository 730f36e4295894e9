"""The lane `test-rpc`: a shared daemon a worker, and daemons of their own for cases that break something."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from virtproof.backends import load
from virtproof.errors import LaneUnavailable, SuiteError
from virtproof.lanes import DaemonControl, Lane, Worker, provision
from virtproof.lanes.bare import bare_binding
from virtproof.lanes.folders import make_folder, remove_folder
from virtproof.lanes.model import CaseWorld
from virtproof.lanes.test_rpc import short_base
from virtproof_driver import connect
from virtproof_driver.binding import Binding
from virtproof_driver.edge.event_loop import ensure_running
from virtproof_driver.errors import DriverError, HostUnreachable
from virtproof_driver.values import PowerState

WORKER = Worker(run="0a1b2c", name="gw0", prefix="vp-0a1b2c-gw0-")


@pytest.fixture(scope="module")
def binding() -> Binding:
    """An event loop runs before the first connection is made."""
    ensure_running(bare_binding())
    return bare_binding()


@pytest.fixture(params=["unix", "tcp"])
def lane(request: pytest.FixtureRequest, binding: Binding) -> Iterator[Lane]:
    made = provision(load("test-rpc"), request.param, WORKER)
    yield made
    made.close()


@pytest.fixture
def own(lane: Lane) -> Iterator[CaseWorld]:
    with lane.open_case(exclusive=True) as world:
        yield world


def control(world: CaseWorld) -> DaemonControl:
    assert world.daemon is not None
    return world.daemon


def names(world: CaseWorld) -> list[str]:
    return sorted(each.name() for each in world.observer(None).listAllDomains())


def test_the_lane_says_what_it_is(lane: Lane) -> None:
    assert lane.label == f"test-rpc/{lane.transport}"
    assert {"libvirt", "libvirt-client", "test"} <= lane.versions.keys()
    with lane.open_case(exclusive=False) as world:
        assert world.uri.startswith(f"test+{lane.transport}://")
        assert (world.shared, world.daemon, world.authenticated()) == (True, None, None)


def test_driver_and_observer_see_one_host_and_the_lane_reaps_what_is_left(lane: Lane) -> None:
    with lane.open_case(exclusive=False) as world:
        with connect(world.uri) as driver:
            driver.spawn(world.small(f"{WORKER.prefix}vm", 1))
            assert names(world) == ["test", f"{WORKER.prefix}vm"]
        assert names(world) == ["test", f"{WORKER.prefix}vm"]
        assert lane.reap() == (f"domain {WORKER.prefix}vm",)
        assert names(world) == ["test"]
    assert lane.reap() == ()


@pytest.mark.parametrize("exclusive", [False, True])
def test_an_inhabited_host_is_the_same_one_with_the_instance_running(lane: Lane, exclusive: bool) -> None:
    with lane.open_case(exclusive=exclusive) as world:
        spec = world.small(f"{WORKER.prefix}resident", 1)
        assert world.inhabited(spec) == world.uri
        with connect(world.uri, read_only=True) as driver:
            assert driver.instance(spec.uuid).state is PowerState.RUNNING
    assert lane.reap() == (() if exclusive else (f"domain {WORKER.prefix}resident",))


def test_a_host_of_its_own_is_not_the_workers(lane: Lane, own: CaseWorld) -> None:
    with connect(own.uri) as driver:
        driver.spawn(own.small("vp-own", 1))
    assert names(own) == ["test", "vp-own"]
    with lane.open_case(exclusive=False) as shared:
        assert names(shared) == ["test"]


def test_a_cut_severs_the_driver_and_nothing_else(own: CaseWorld, lane: Lane) -> None:
    daemon = control(own)
    with connect(own.uri) as driver:
        spawned = driver.spawn(own.small("vp-own", 1))
        daemon.cut()
        assert names(own) == ["test", "vp-own"]
        with pytest.raises(lane.binding.libvirtError):
            lane.binding.open(own.uri)
        daemon.cut()
        daemon.mend()
        daemon.mend()
        assert driver.instance(spawned.uuid).name == "vp-own"


def test_a_killed_daemon_refuses_until_it_is_started_and_begins_anew(own: CaseWorld) -> None:
    daemon = control(own)
    with connect(own.uri) as driver:
        driver.spawn(own.small("vp-own", 1))
    for end in (daemon.kill, daemon.stop):
        end()
        end()
        with pytest.raises(HostUnreachable):
            connect(own.uri)
        daemon.mend()
        with pytest.raises(HostUnreachable):
            connect(own.uri)
        daemon.start()
        daemon.start()
        assert names(own) == ["test"]
        with connect(own.uri) as driver:
            assert [each.name for each in driver.instances()] == ["test"]


def test_a_restarted_daemon_answers(own: CaseWorld) -> None:
    before = own.observer(None)
    control(own).restart()
    assert own.observer(None) is not before
    assert names(own) == ["test"]


def test_a_frozen_daemon_answers_once_it_is_thawed(own: CaseWorld, binding: Binding) -> None:
    daemon = control(own)
    with closing(binding.open(own.uri)) as connection:
        connection.setKeepAlive(1, 1)
        daemon.freeze()
        with pytest.raises(binding.libvirtError) as raised:
            connection.listAllDomains()
        assert raised.value.get_error_code() == 1
        daemon.thaw()
        daemon.thaw()
    assert names(own) == ["test"]


def test_a_case_that_leaves_its_daemon_frozen_or_down_is_cleared_away(lane: Lane) -> None:
    with lane.open_case(exclusive=True) as first:
        control(first).freeze()
    with lane.open_case(exclusive=True) as second:
        control(second).kill()
        with pytest.raises(SuiteError, match="start it first"):
            control(second).freeze()
    for uri in (first.uri, second.uri):
        with pytest.raises(DriverError):
            connect(uri)


def test_a_daemon_that_cannot_start_is_told_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(short_base())
    folder.chmod(0o711)  # the daemon's user passes through
    program = folder / "libvirtd"
    program.write_text("#!/bin/sh\necho the disk is full >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr("virtproof.lanes.daemon.libvirtd", lambda: program)
    with pytest.raises(LaneUnavailable, match=r"libvirtd does not start: the disk is full; try it by hand: .*libvirtd --verbose"):
        provision(load("test-rpc"), "unix", WORKER)
    remove_folder(folder)


def test_a_temporary_folder_with_a_long_path_is_not_used_for_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    assert short_base() == Path("/tmp")
