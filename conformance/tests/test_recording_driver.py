"""The driver under test as cases see it, its events, and what a case leaves."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from virtproof.evidence import Kind, read
from virtproof.recording.binding import RecordingBinding
from virtproof.recording.collector import EventCollector
from virtproof.recording.driver import recorded
from virtproof.recording.leftovers import LeftoverCheck
from virtproof.recording.recorder import EvidenceFile, Recorder
from virtproof.recording.world import Inventory, World
from virtproof_driver.connecting import connect
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.errors import InstanceNotFound
from virtproof_driver.values import EventKind, PowerState

Opened = Callable[[], Any]
Past = Callable[[], World]
NOBODY = UUID(int=7)


@pytest.fixture
def driver(recorder: Recorder, binding: RecordingBinding, uri: str) -> ComputeDriver:
    return recorded(connect(uri, binding=binding), recorder)


def operations(recorder: Recorder, kind: Kind) -> list[dict[str, Any]]:
    return [dict(record.data) for record in recorder.records(kind)]


def leftovers(recorder: Recorder) -> list[tuple[object, object]]:
    return [(data["what"], data["name"]) for data in operations(recorder, Kind.LEFTOVER)]


def test_an_operation_is_recorded_with_its_calls(recorder: Recorder, driver: ComputeDriver, uuid: str) -> None:
    assert driver.pause(uuid).state is PowerState.PAUSED
    (begin,) = operations(recorder, Kind.OPERATION_BEGIN)
    (end,) = operations(recorder, Kind.OPERATION_END)
    assert (begin["method"], begin["arguments"]) == ("pause", {"uuid": uuid})
    assert (end["operation"], end["error"]) == (begin["operation"], None)
    assert end["result"] == {"type": "Instance", "uuid": uuid, "name": "vm", "state": "paused", "reason": "user"}
    within = [data["method"] for data in operations(recorder, Kind.CALL) if data["operation"] == begin["operation"]]
    assert "suspend" in within
    driver.close()


def test_an_operation_that_fails_says_with_what(recorder: Recorder, driver: ComputeDriver) -> None:
    with pytest.raises(InstanceNotFound):
        driver.instance(uuid=NOBODY)
    (end,) = operations(recorder, Kind.OPERATION_END)
    assert end["result"] is None
    assert str(end["error"]).startswith("InstanceNotFound: ")
    driver.close()


def test_a_recorded_driver_passes_for_its_own_class(driver: ComputeDriver) -> None:
    assert isinstance(driver, LibvirtDriver)
    assert driver.capabilities
    with driver as same:
        assert same is driver


def test_passwords_are_not_evidence(recorder: Recorder, driver: ComputeDriver, uuid: str) -> None:
    driver.set_admin_password(uuid, "root", password="hunter2")
    driver.set_admin_password(uuid, "root", "hunter2")
    assert "hunter2" not in str([record.data for record in recorder.records()])
    driver.close()


def test_the_collector_keeps_and_records_what_the_driver_delivers(
    recorder: Recorder, driver: ComputeDriver, past: Past, uuid: str
) -> None:
    events = EventCollector(recorder).attach(driver, past())
    driver.pause(uuid)
    driver.unpause(uuid)
    assert events.wait(uuid, EventKind.RESUMED).name == "vm"
    events.settle()
    assert events.kinds(uuid) == (EventKind.PAUSED, EventKind.RESUMED)
    told = [data for data in operations(recorder, Kind.DRIVER_EVENT) if data["uuid"] == uuid]
    assert [(data["kind"], data["resynced"], data["only"]) for data in told] == [
        ("paused", False, None),
        ("resumed", False, None),
    ]
    events.detach()
    driver.close()


def test_waiting_in_vain_says_what_came_instead(recorder: Recorder, driver: ComputeDriver, past: Past, uuid: str) -> None:
    events = EventCollector(recorder).attach(driver, past())
    driver.pause(uuid)
    events.settle()
    with pytest.raises(AssertionError, match="it delivered paused"):
        events.wait(uuid, EventKind.STOPPED, timeout=0.01)
    with pytest.raises(AssertionError, match="emitted no event"):
        past().wait_event(uuid, 5, timeout=0.01)
    events.detach()
    driver.close()


def test_the_world_is_read_past_the_driver(recorder: Recorder, driver: ComputeDriver, past: Past, uuid: str) -> None:
    world, calls = past(), len(recorder.records(Kind.CALL))
    driver_domain = world.domain(uuid)
    assert driver_domain is not None
    assert world.state(uuid) == (1, 0)
    assert world.domain(NOBODY) is None
    assert world.state(NOBODY) is None
    assert "<name>vm</name>" in world.xml(uuid)
    assert world.inventory() == Inventory(domains=("vm",))
    driver_domain.destroy()
    world.wait_state(uuid, 5)
    assert len(recorder.records(Kind.CALL)) == calls
    states = [(data["uuid"], data["state"]) for data in operations(recorder, Kind.STATE)]
    assert states[:2] == [(uuid, 1), (str(NOBODY), None)]
    driver.close()


def test_a_case_that_leaves_nothing_is_clean(recorder: Recorder, binding: RecordingBinding, uri: str, past: Past) -> None:
    check = LeftoverCheck(recorder, binding)
    driver = connect(uri, binding=binding)
    before = past().inventory()
    assert check.objects(past(), before) == 0
    driver.close()
    assert check.after_close() == 0
    assert leftovers(recorder) == []


def test_objects_callbacks_connections_and_threads_that_are_left_are_told(
    recorder: Recorder, binding: RecordingBinding, opened: Opened, past: Past
) -> None:
    check, done = LeftoverCheck(recorder, binding), threading.Event()
    one, other = opened(), opened()
    one.domainEventRegisterAny(None, 0, print, None)
    one.registerCloseCallback(print, None)
    thread = threading.Thread(target=done.wait, name="a driver's thread")
    thread.start()
    domain = other.lookupByName("vm")
    domain.snapshotCreateXML("<domainsnapshot><name>s</name></domainsnapshot>")
    assert check.objects(past()) == 2
    one.close()
    assert check.after_close(patience=0.05) == 4
    assert leftovers(recorder) == [
        ("domain", "vm"),
        ("snapshot", "vm/s"),
        ("thread", "a driver's thread"),
        ("callback", "domain callback"),
        ("callback", "close callback"),
        ("connection", "connection-2"),
    ]
    done.set()
    thread.join()
    other.close()


def test_a_connection_that_a_thread_is_still_giving_up_is_not_left(
    recorder: Recorder, binding: RecordingBinding, opened: Opened
) -> None:
    check, late = LeftoverCheck(recorder, binding), threading.Event()
    connection = opened()

    def give_up() -> None:
        late.wait(0.05)
        connection.close()

    threading.Thread(target=give_up, name="a driver's thread").start()
    assert check.after_close() == 0
    assert leftovers(recorder) == []


def test_a_case_is_written_when_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "w0.jsonl"
    recorder = Recorder(worker="w0", sink=EvidenceFile(path), clock=lambda: 1.5)
    recorder.write_lane("test", backend="test")
    recorder.begin_case("test", "a.case", where="here")
    recorder.write(Kind.DRIVER_EVENT, uuid="u", kind="started")
    assert path.read_text().count("\n") == 1
    records = recorder.end_case(outcome="passed")
    lines = list(read(path.read_text().splitlines()))
    assert [(r.kind, r.lane, r.case) for r in lines] == [
        (Kind.LANE, "test", ""),
        (Kind.CASE_BEGIN, "test", "a.case"),
        (Kind.DRIVER_EVENT, "test", "a.case"),
        (Kind.CASE_END, "test", "a.case"),
    ]
    assert [r.data for r in lines[1:]] == [r.data for r in records]
    assert lines[2].data == {"uuid": "u", "kind": "started"}
