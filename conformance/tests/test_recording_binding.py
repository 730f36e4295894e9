"""The recording binding on the real libvirt: wrappers pass for their objects, and what they do is in the evidence."""

import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest

from virtproof.evidence import Kind
from virtproof.lanes.bare import bare_binding
from virtproof.recording.binding import RecordingBinding
from virtproof.recording.objects import Wrapped
from virtproof.recording.recorder import Recorder
from virtproof.recording.world import World
from virtproof_driver.edge.event_loop import ensure_running

Opened = Callable[[], Any]
Past = Callable[[], World]


def data(recorder: Recorder, *kinds: Kind) -> list[dict[str, Any]]:
    return [dict(record.data) for record in recorder.records(*kinds)]


def names(recorder: Recorder, *kinds: Kind) -> list[tuple[str, str]]:
    return [(told["object"], told["method"]) for told in data(recorder, *kinds)]


def test_a_wrapped_object_passes_for_libvirts_own(opened: Opened, uuid: str, binding: RecordingBinding) -> None:
    libvirt: Any = binding
    connection = opened()
    domain = connection.lookupByUUIDString(uuid)
    assert isinstance(connection, libvirt.virConnect)
    assert isinstance(domain, libvirt.virDomain)
    assert not isinstance(domain, libvirt.virNetwork)
    assert isinstance(domain, Wrapped)
    assert libvirt.VIR_DOMAIN_RUNNING == 1
    assert domain.connect() is connection
    assert (domain.name(), domain.UUIDString()) == ("vm", uuid)
    connection.close()


def test_a_method_tells_whose_it_is_and_what_it_is_called(opened: Opened, uuid: str) -> None:
    connection = opened()
    domain = connection.lookupByUUIDString(uuid)
    assert (connection.lookupByName.__self__ is connection, connection.lookupByName.__name__) == (True, "lookupByName")
    assert (domain.state.__self__ is domain, domain.state.__name__) == (True, "state")
    connection.close()


def test_calls_are_recorded_with_what_came_of_them_and_local_reads_are_not(opened: Opened, uuid: str, recorder: Recorder) -> None:
    connection = opened()
    domain = connection.lookupByName("vm")
    domain.name()
    assert domain.state() == [1, 0]
    assert names(recorder, Kind.CALL) == [("libvirt", "open"), ("Connection", "lookupByName"), ("Domain", "state")]
    assert [told["value"] for told in data(recorder, Kind.RETURN)] == [
        "Connection:connection-1",
        f"Domain:{uuid}",
        [1, 0],
    ]
    assert [told["key"] for told in data(recorder, Kind.CALL)] == ["", "connection-1", uuid]
    connection.close()


def test_objects_inside_lists_and_tuples_are_wrapped_and_unwrapped_on_the_way_back(opened: Opened, uuid: str) -> None:
    connection = opened()
    (domain,) = connection.listAllDomains()
    ((of_stats, stats),) = connection.domainListGetStats([domain], 1)
    assert isinstance(domain, Wrapped)
    assert isinstance(of_stats, Wrapped)
    assert of_stats.UUIDString() == uuid
    assert stats == {"state.state": 1, "state.reason": 0}
    snapshot = domain.snapshotCreateXML("<domainsnapshot/>")
    assert domain.revertToSnapshot(snapshot) == 0
    assert isinstance(snapshot.getDomain(), Wrapped)
    connection.close()


def test_errors_are_libvirts_own_and_recorded_by_number(opened: Opened, recorder: Recorder, binding: RecordingBinding) -> None:
    connection = opened()
    with pytest.raises(binding.libvirtError) as caught:
        connection.lookupByName("nobody")
    assert caught.value.get_error_code() == 42
    (raised,) = data(recorder, Kind.RAISE)
    assert (raised["code"], raised["domain"]) == (42, caught.value.get_error_domain())
    connection.close()


def test_an_error_that_is_not_libvirts_passes_and_has_no_number(opened: Opened, recorder: Recorder) -> None:
    connection = opened()
    with pytest.raises(TypeError):
        connection.lookupByName(3)
    (raised,) = data(recorder, Kind.RAISE)
    assert raised["code"] is None
    assert str(raised["message"]).startswith("TypeError: ")
    connection.close()


def test_secrets_and_long_texts_stay_out_of_the_evidence(opened: Opened, recorder: Recorder) -> None:
    connection = opened()
    domain = connection.lookupByName("vm")
    domain.setUserPassword("root", "hunter2", 0)
    xml = domain.XMLDesc(0)
    text = str(data(recorder))
    assert "hunter2" not in text
    assert xml not in text
    assert ["root", "<redacted>", 0] in [told["arguments"] for told in data(recorder, Kind.CALL)]
    connection.close()


def test_credentials_reach_libvirt_and_not_the_evidence(recorder: Recorder, binding: RecordingBinding, uri: str) -> None:
    asked: list[list[list[Any]]] = []

    def answer(credentials: list[list[Any]], opaque: object) -> int:
        asked.append(credentials)
        for credential in credentials:
            credential[4] = "an answer"
        return 0

    connection: Any = binding.openAuth(uri, [[2, 5], answer, None], 0)
    assert isinstance(connection, Wrapped)
    assert [told["arguments"] for told in data(recorder, Kind.CALL)] == [[uri[:200], "<redacted>", 0]]
    connection.close()


def test_a_callback_gets_wrapped_objects_and_its_own_opaque(opened: Opened, binding: RecordingBinding) -> None:
    connection = opened()
    told: list[tuple[object, ...]] = []
    heard = threading.Event()
    opaque = binding

    def callback(*args: object) -> None:
        told.append(args)
        heard.set()

    callback_id = connection.domainEventRegisterAny(None, 0, callback, opaque)
    connection.lookupByName("vm").suspend()
    assert heard.wait(10)
    conn, domain, event, detail, back = told[0]
    assert len(told) == 1
    assert [conn, event, detail, back] == [connection, 3, 0, opaque]
    assert isinstance(domain, Wrapped)
    connection.domainEventDeregisterAny(callback_id)
    connection.close()


def test_a_connection_is_a_context_manager_as_libvirt_pythons_is(opened: Opened, binding: RecordingBinding) -> None:
    with opened() as connection:
        assert connection.isAlive() == 1
    assert [tracked.closed for tracked in binding.tracked()] == [True]


def test_a_connection_that_is_dropped_counts_as_closed(opened: Opened, binding: RecordingBinding) -> None:
    connection = opened()
    domain = connection.lookupByName("vm")
    del connection
    gc.collect()
    assert [tracked.closed for tracked in binding.tracked()] == [False], "a domain holds its connection"
    del domain
    gc.collect()
    assert [tracked.closed for tracked in binding.tracked()] == [True]


def test_closing_leaves_no_reference_of_the_recorders_own(opened: Opened) -> None:
    connection = opened()
    assert connection.close() == 0


def test_what_a_connection_of_an_ended_case_does_is_not_of_the_next(
    opened: Opened, recorder: Recorder, binding: RecordingBinding
) -> None:
    connection = opened()
    domain = connection.lookupByName("vm")
    recorder.end_case()
    recorder.begin_case("test", "the.next")
    binding.begin_case()
    domain.suspend()
    connection.close()
    assert [record.kind for record in recorder.records()] == [Kind.CASE_BEGIN]
    assert binding.tracked() == ()


def test_many_threads_record_whole_calls(opened: Opened, recorder: Recorder) -> None:
    connection = opened()
    domain = connection.lookupByName("vm")

    def work() -> None:
        for _ in range(50):
            domain.state()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    calls = [told["call"] for told in data(recorder, Kind.CALL)]
    ends = [told["call"] for told in data(recorder, Kind.RETURN)]
    times = [record.t for record in recorder.records()]
    assert len(set(calls)) == len(calls) == 402
    assert sorted(ends) == sorted(calls)
    assert times == sorted(times)
    connection.close()


def test_an_event_loop_runs_where_the_drivers_does_or_one_was_seen(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    class Looping:
        """A binding whose loop ends at once."""

        libvirtError = bare_binding().libvirtError  # noqa: N815 - as in libvirt-python

        def virEventRunDefaultImpl(self) -> int:
            return 0

    made: Any = Looping()
    seen = RecordingBinding(made, recorder)

    def alone() -> list[threading.Thread]:
        return [threading.current_thread()]

    with monkeypatch.context() as patched:
        patched.setattr(threading, "enumerate", alone)
        runs = [seen.loop_runs]
        seen.virEventRunDefaultImpl()
        runs.append(seen.loop_runs)
    assert runs == [False, True]
    ensure_running(bare_binding())
    assert RecordingBinding(made, recorder).loop_runs
