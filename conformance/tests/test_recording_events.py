"""Events of the real libvirt, as the recorder hears the host and as they reach the driver."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from virtproof.evidence import Kind
from virtproof.lanes.bare import bare_binding
from virtproof.recording.binding import RecordingBinding
from virtproof.recording.faults import Faults
from virtproof.recording.host_events import HostEvent, Merged
from virtproof.recording.recorder import Recorder
from virtproof.recording.world import World
from virtproof_driver.edge.event_loop import ensure_running

STARTED, SUSPENDED, RESUMED, STOPPED = 2, 3, 4, 5


Opened = Callable[[], Any]
Past = Callable[[], World]


def data(recorder: Recorder, *kinds: Kind) -> list[dict[str, Any]]:
    return [dict(record.data) for record in recorder.records(*kinds)]


class Listener:
    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []
        self.changed = threading.Condition()

    def __call__(self, _connection: object, _domain: object, event: int, detail: int, _opaque: object) -> None:
        with self.changed:
            self.told.append((event, detail))
            self.changed.notify_all()

    def wait(self, count: int) -> list[tuple[int, int]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.told) >= count, 10)
            return list(self.told)


def pairs(recorder: Recorder, kind: Kind) -> list[tuple[object, object]]:
    return [(told["event"], told["detail"]) for told in data(recorder, kind) if told["id"] == 0]


def test_the_host_is_heard_when_the_driver_does_not_listen(opened: Opened, uuid: str, recorder: Recorder, past: Past) -> None:
    connection = opened()
    domain = connection.lookupByName("vm")
    domain.suspend()
    domain.resume()
    world = past()
    world.wait_event(uuid, RESUMED)
    assert world.events(uuid) == ((0, SUSPENDED, 0), (0, RESUMED, 0))
    assert data(recorder, Kind.DELIVERY) == []
    connection.close()


@pytest.mark.parametrize("register", ["domainEventRegisterAny", "domainEventRegister"])
def test_each_event_is_written_once_before_its_delivery(
    opened: Opened, recorder: Recorder, binding: RecordingBinding, register: str
) -> None:
    connection, listener = opened(), Listener()
    first = (None, 0) if register == "domainEventRegisterAny" else ()
    callback_id = getattr(connection, register)(*first, listener, None)
    domain = connection.lookupByName("vm")
    domain.suspend()
    domain.resume()
    domain.destroy()
    expected = [(SUSPENDED, 0), (RESUMED, 0), (STOPPED, 1)]
    assert listener.wait(3) == expected
    assert pairs(recorder, Kind.EVENT) == pairs(recorder, Kind.DELIVERY) == expected
    kinds = [record.kind for record in recorder.records(Kind.EVENT, Kind.DELIVERY)]
    assert kinds == [Kind.EVENT, Kind.DELIVERY] * 3
    getattr(connection, register.replace("Register", "Deregister"))(listener if callback_id is None else callback_id)
    connection.close()
    assert [tracked.callbacks for tracked in binding.tracked()] == [{}]


def test_other_events_are_heard_before_while_and_after_the_driver_listens(opened: Opened, recorder: Recorder) -> None:
    connection = opened()
    domain = connection.lookupByName("vm")
    told: list[int] = []
    reached = threading.Event()

    def change(title: str, count: int) -> None:
        domain.setMetadata(1, title, None, None, 0)
        assert recorder.wait_for(lambda found: metadata(found) == count, (Kind.EVENT,), 10)

    def heard(_connection: object, _domain: object, kind: int, _uri: str, _opaque: object) -> None:
        told.append(kind)
        reached.set()

    def metadata(found: Any) -> int:
        return sum(record.data["id"] == 23 for record in found)

    change("a", 1)
    callback_id = connection.domainEventRegisterAny(None, 23, heard, None)
    change("b", 2)
    assert reached.wait(10), "the event is written down before the driver is told of it"
    connection.domainEventDeregisterAny(callback_id)
    change("c", 3)
    assert told == [1]
    assert len([data for told in data(recorder, Kind.DELIVERY) if told["id"] == 23]) == 1
    connection.close()


def test_a_callback_of_one_domain_is_told_beside_the_recorder(opened: Opened, recorder: Recorder) -> None:
    connection, listener = opened(), Listener()
    domain = connection.lookupByName("vm")
    callback_id = connection.domainEventRegisterAny(domain, 0, listener, None)
    domain.suspend()
    assert listener.wait(1) == pairs(recorder, Kind.EVENT) == [(SUSPENDED, 0)]
    connection.domainEventDeregisterAny(callback_id)
    connection.close()


def test_private_hosts_are_heard_apart(opened: Opened, uuid: str, recorder: Recorder, past: Past) -> None:
    one, other = opened(), opened()
    for connection in (one, other):
        connection.lookupByName("vm").suspend()
    past().wait_event(uuid, SUSPENDED, count=2)
    assert pairs(recorder, Kind.EVENT) == [(SUSPENDED, 0), (SUSPENDED, 0)]
    one.close()
    other.close()


def test_a_host_that_two_connections_reach_is_heard_once(
    uuid: str, recorder: Recorder, binding: RecordingBinding, past: Past
) -> None:
    driver: Any = binding.open("test:///default")
    observer = binding.bare.open("test:///default")
    ear = binding.listen(observer)
    domain = driver.lookupByName("test")
    uuid = domain.UUIDString()
    domain.suspend()
    observer.lookupByUUIDString(uuid).resume()
    past().wait_event(uuid, RESUMED)
    driver.close()
    bare: Any = observer.lookupByUUIDString(uuid)
    bare.suspend()
    World(observer, recorder, "").wait_event(uuid, SUSPENDED, count=2)
    assert pairs(recorder, Kind.EVENT) == [(SUSPENDED, 0), (RESUMED, 0), (SUSPENDED, 0)]
    bare.resume()
    ear.release()
    observer.close()


def event(number: int) -> HostEvent:
    return HostEvent("u", 0, number, 0)


def test_streams_merge_whichever_is_first() -> None:
    merged = Merged()
    merged.join(1)
    merged.join(2)
    order = [(1, 3), (2, 3), (2, 4), (2, 3), (1, 4), (1, 3), (1, 5), (2, 5)]
    assert [merged.is_new(stream, "", event(number)) for stream, number in order] == [
        True, False, True, True, False, False, True, False,
    ]  # fmt: skip


def test_a_stream_that_joins_late_owes_nothing_and_one_that_missed_some_goes_on() -> None:
    merged = Merged()
    merged.join(1)
    assert [merged.is_new(1, "", event(number)) for number in (3, 4)] == [True, True]
    merged.join(2)
    assert merged.is_new(2, "", event(5)) is True
    assert merged.is_new(1, "", event(5)) is False
    assert [merged.is_new(1, "", event(number)) for number in (2, 3)] == [True, True]
    assert merged.is_new(2, "", event(3)) is False, "it missed 2"


def test_a_host_that_tells_twice_is_heard_twice() -> None:
    merged = Merged()
    merged.join(1)
    assert [merged.is_new(1, "", event(5)) for _ in range(2)] == [True, True]


def test_a_stream_that_is_told_of_some_events_only_may_be_ahead_in_these() -> None:
    merged = Merged()
    merged.join(1)
    merged.join(2)
    metadata = HostEvent("u", 23, 1, None)
    assert [merged.is_new(1, "", event(number)) for number in (0, 1)] == [True, True]
    assert [merged.is_new(2, "", told) for told in (event(0), metadata, event(1))] == [False, True, False]


def domain_xml(name: str) -> str:
    return f"<domain type='test'><name>{name}</name><memory>8192</memory><os><type>hvm</type></os></domain>"


def test_domains_of_other_workers_are_no_evidence_and_meet_no_faults(uri: str) -> None:
    recorder = Recorder(worker="gw0", prefix="vp-abc-gw0-")
    recorder.begin_case("qemu", "case.of.tests")
    bare = bare_binding()
    ensure_running(bare)
    connection = RecordingBinding(bare, recorder).open(uri)
    listener = Listener()
    faults = Faults(recorder)
    faults.drop_event(0)
    connection.domainEventRegisterAny(None, 0, listener, None)
    for name in ("vp-abc-gw1-7", "vp-abc-gw0-7", "somebody"):
        connection.defineXML(domain_xml(name)).undefineFlags()
    assert listener.wait(5) == [(0, 0), (1, 0), (1, 0), (0, 0), (1, 0)]
    assert [told["name"] for told in data(recorder, Kind.EVENT)] == ["vp-abc-gw0-7"] * 2 + ["somebody"] * 2
    assert [told["name"] for told in data(recorder, Kind.DELIVERY)] == ["vp-abc-gw0-7"] + ["somebody"] * 2
    assert faults.finish() == ()
    connection.close()
    recorder.end_case()


def test_domains_of_earlier_cases_are_no_evidence_of_this_one(uri: str) -> None:
    recorder = Recorder(worker="gw0", prefix="vp-abc-gw0-")
    recorder.begin_case("qemu", "case.of.tests")
    recorder.narrow("vp-abc-gw0-8-")
    assert [recorder.concerns(name) for name in ("vp-abc-gw0-7-vm", "vp-abc-gw0-8-vm", "somebody")] == [False, True, True]
    recorder.end_case()
    recorder.begin_case("qemu", "case.of.tests")
    assert recorder.concerns("vp-abc-gw0-7-vm"), "until it is narrowed a case may be any of the worker's"
    recorder.end_case()


def test_a_connection_that_is_attended_hears_every_case_from_its_begin(binding: RecordingBinding, recorder: Recorder) -> None:
    attended = binding.bare.open("test:///default")
    bare: Any = attended.lookupByName("test")
    for number in range(2):
        recorder.begin_case("test", f"case.{number}")
        binding.begin_case(attended)
        bare.suspend()
        bare.resume()
        World(attended, recorder, "").wait_event(bare.UUIDString(), RESUMED)
        assert pairs(recorder, Kind.EVENT) == [(SUSPENDED, 0), (RESUMED, 0)]
        recorder.end_case()
    ((_, ear),) = binding._attending.values()
    binding.leave()
    assert (ear._ids, ear._first_interface, ear._bare) == ({}, False, None), "no callback is left on it"
    attended.close()


def test_beside_an_attended_connection_a_driver_is_told_after_the_event_and_costs_no_further_registration(
    binding: RecordingBinding, recorder: Recorder
) -> None:
    attended = binding.bare.open("test:///default")
    binding.begin_case(attended)
    connection, listener, told = binding.open("test:///default"), Listener(), threading.Event()

    def heard(*_rest: object) -> None:
        told.set()

    connection.domainEventRegisterAny(None, 0, listener, None)
    connection.domainEventRegisterAny(None, 23, heard, None)
    assert binding.tracked()[0].ear._ids == {}, "the ear registered for nothing but LIFECYCLE, and that by the first interface"
    domain: Any = connection.lookupByName("test")
    domain.suspend()
    domain.setMetadata(1, "title", None, None, 0)
    domain.resume()
    assert listener.wait(2) == [(SUSPENDED, 0), (RESUMED, 0)]
    assert told.wait(10)
    kinds = [(record.kind, record.data["id"]) for record in recorder.records(Kind.EVENT, Kind.DELIVERY)]
    assert kinds == [(kind, event_id) for event_id in (0, 23, 0) for kind in (Kind.EVENT, Kind.DELIVERY)]
    connection.close()
    binding.leave()
    attended.close()
