"""The fixtures: what a case may expect of them, and what its teardown leaves and tells. Each test is a session of its own."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from virtproof.evidence import Kind, Record, read

pytest_plugins = ["pytester"]

HEAD = """
import pytest
from virtproof.cases import Level, case
from virtproof_driver import Capability as C
from virtproof_driver.spec import ForwardMode, NetworkSpec, PoolSpec, VolumeSpec
from virtproof_driver.values import EventKind, PowerState

def a(name, *needs):
    return case("made." + name, Level.MUST, requirement="It is made for this test.", source="none", since="1.0", needs=needs)
"""

GIVEN = (
    HEAD
    + """
@a("names")
def test_names(driver, names, small, world):
    first, second = names("net"), names("net")
    assert first != second
    assert first.startswith(world.prefix) and second.startswith(world.prefix) and world.prefix.startswith("vp-")
    one, two = small(), small(vcpus=2, title="<&>")
    assert (two.vcpus, two.title) == (2, "<&>")
    assert len({one.uuid, two.uuid}) == len({one.name, two.name}) == 2
    assert small("mine").name == "mine"

@a("instances", C.SPAWN, C.DESTROY)
def test_instances(instance, off_instance, world):
    assert (instance.state, off_instance.state) == (PowerState.RUNNING, PowerState.OFF)
    assert set(world.inventory().domains) == {instance.name, off_instance.name}

@a("events", C.SPAWN, C.DESTROY, C.EVENTS_LIFECYCLE)
def test_events(driver, events, small):
    spec = small()
    driver.spawn(spec)
    events.wait(spec.uuid, EventKind.STARTED)
    events.settle()
    assert events.kinds(spec.uuid) == (EventKind.DEFINED, EventKind.STARTED)

@a("makings", C.SPAWN, C.DESTROY, C.STORAGE_POOLS, C.STORAGE_VOLUMES, C.NETWORKS)
def test_makings(driver, names, instance):
    pool = names("pool")
    driver.create_pool(PoolSpec(name=pool, target="/virtproof/pool"))
    driver.create_volume(pool, VolumeSpec(name=names("volume"), capacity_bytes=1 << 20))
    driver.create_network(NetworkSpec(name=names("net"), forward=ForwardMode.ISOLATED))

@a("closed", C.SPAWN, C.DESTROY)
def test_closed_by_the_case(driver, instance):
    driver.close()

@a("several", C.SPAWN, C.DESTROY)
def test_several_drivers(connect, small):
    for _ in range(2):
        connect().spawn(small())
"""
)

DAEMON = (
    HEAD
    + """
@a("daemon", C.SPAWN, C.DESTROY, C.CONNECTION_RECONNECT)
def test_left_frozen(driver, daemon, instance):
    daemon.freeze()
    assert driver is None

@a("restarted", C.SPAWN, C.DESTROY, C.CONNECTION_RECONNECT)
def test_left_down(driver, daemon):
    daemon.stop()

@a("after", C.SPAWN, C.DESTROY)
def test_after(instance):
    assert instance.state is PowerState.RUNNING
"""
)

# A driver that imports libvirt by itself, claims three capabilities, and keeps what the reference driver would not.
FOREIGN = """
import threading
from uuid import UUID
import libvirt
from virtproof_driver import Capability as C
from virtproof_driver.values import Instance, PowerState

class Careless:
    capabilities = frozenset({C.SPAWN, C.DESTROY, C.INVENTORY})

    def __init__(self, uri):
        self.connection = libvirt.open(uri)
        self.kept = threading.Event()
        threading.Thread(target=self.kept.wait, name="careless", daemon=True).start()

    def spawn(self, spec, *, start=True, paused=False):
        domain = self.connection.defineXML(
            f"<domain type='test'><name>{spec.name}</name><uuid>{spec.uuid}</uuid>"
            "<memory>8192</memory><os><type>hvm</type></os></domain>"
        )
        domain.create()
        return Instance(uuid=spec.uuid, name=spec.name, state=PowerState.RUNNING, reason="booted")

    def destroy(self, uuid):
        self.connection.lookupByUUIDString(str(uuid)).destroy()

    def close(self):
        pass

def connect(uri, *, binding=None, auth=None):
    return Careless(uri)
"""


def records(out: Path) -> Iterable[Record]:
    return tuple(read((out / "evidence.jsonl").read_text(encoding="utf-8").splitlines()))


def leftovers(out: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for record in records(out):
        if record.kind is Kind.LEFTOVER:
            found.setdefault(record.case, set()).add(str(record.data["what"]))
    return found


@pytest.mark.parametrize("backend", ["test", "test-rpc"])
def test_cases_get_what_they_ask_for_and_leave_nothing(pytester: pytest.Pytester, backend: str) -> None:
    pytester.makepyfile(GIVEN)
    result = pytester.runpytest_subprocess(f"--virtproof-backend={backend}", "--virtproof-out=out")
    result.assert_outcomes(passed=6)
    assert leftovers(pytester.path / "out") == {}
    undone = [
        str(record.data["method"])
        for record in records(pytester.path / "out")
        if record.kind is Kind.OPERATION_BEGIN and record.case == "made.makings" and str(record.data["method"]).startswith("de")
    ]
    assert undone == ["delete_network", "delete_volume", "delete_pool", "destroy"]


def test_a_daemon_is_put_right_whatever_the_case_did_to_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(DAEMON)
    result = pytester.runpytest_subprocess("--virtproof-backend=test-rpc", "--virtproof-out=out", "--virtproof-case-timeout=30")
    result.assert_outcomes(passed=2, failed=1)
    assert leftovers(pytester.path / "out") == {}


def test_a_driver_that_imports_libvirt_itself_is_recorded_and_its_leavings_are_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(careless=FOREIGN)
    pytester.makepyfile(
        HEAD
        + """
@a("spawns", C.SPAWN, C.DESTROY)
def test_spawns(instance):
    pass

@a("pauses", C.PAUSE)
def test_pauses(driver):
    raise AssertionError("it must not run")
"""
    )
    pytester.syspathinsert()
    result = pytester.runpytest_subprocess("--virtproof-driver=careless:connect", "--virtproof-out=out")
    result.assert_outcomes(failed=1)
    out = pytester.path / "out"
    ends = {record.case: record.data["outcome"] for record in records(out) if record.kind is Kind.CASE_END}
    assert ends == {"made.spawns": "passed", "made.pauses": "unsupported"}
    assert leftovers(out) == {"made.spawns": {"domain", "connection", "thread"}}
    calls = [record.data["method"] for record in records(out) if record.kind is Kind.CALL and record.case]
    assert calls == ["open", "defineXML", "create", "lookupByUUIDString", "destroy"]
