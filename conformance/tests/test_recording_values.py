"""The recorder's pure parts: summaries, operations, rules of faults, markers."""

import threading
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest

from virtproof.recording import summaries
from virtproof.recording.callbacks import Delivered
from virtproof.recording.fault_rules import EventRule, Window, event_rule, method_rule, notice, spellings
from virtproof.recording.host_events import numbers
from virtproof.recording.markers import definition
from virtproof.recording.objects import Call
from virtproof.recording.operations import Operations
from virtproof_driver.constants import DomainEventId


class Word(StrEnum):
    ON = "on"


class Number(IntEnum):
    ONE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    name: str
    uuid: UUID
    disks: tuple[str, ...] = ("a",)
    password: str = "hunter2"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        ("text", "text"),
        ("x" * 201, "x" * 199 + "…"),
        (b"\0\1", "<2 bytes>"),
        (Word.ON, "on"),
        (Number.ONE, 1),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([1, "a", (2,)], [1, "a", [2]]),
        ({"a": b"x", "password": "p"}, {"a": "<1 bytes>", "password": "<redacted>"}),
        (list(range(30)), [*range(20), "… 30 in all"]),
        (Spec(name="n", uuid=UUID(int=1)),
         {"type": "Spec", "name": "n", "uuid": "00000000-0000-0000-0000-000000000001", "password": "<redacted>"}),
        (object(), "<object>"),
        ("qemu+tcp://joe:secret@host/system", "qemu+tcp://joe:<redacted>@host/system"),
    ],
)  # fmt: skip
def test_a_value_is_short_and_without_secrets(value: object, shown: object) -> None:
    assert summaries.summary(value) == shown


def test_xml_is_told_by_length_and_digest() -> None:
    one, other = summaries.summary("<domain>a</domain>\n"), summaries.summary("<domain>b</domain>\n")
    assert str(one).startswith("<xml 19 characters ")
    assert one != other
    assert one == summaries.summary("<domain>a</domain>\n")


def test_a_secret_argument_is_hidden_by_place_or_by_name() -> None:
    assert summaries.arguments("setUserPassword", ("root", "pw", 0), {}) == ["root", "<redacted>", 0]
    assert summaries.arguments("setUserPassword", ("root",), {"password": "pw"}) == ["root", "password=<redacted>"]


def test_a_call_belongs_to_its_threads_innermost_operation_else_to_the_only_one() -> None:
    operations, seen = Operations(), list[Any]()

    def elsewhere() -> object:
        thread = threading.Thread(target=lambda: seen.append(operations.current()))
        thread.start()
        thread.join()
        return seen[-1]

    assert operations.current() is None
    operations.begin(1)
    assert (operations.current(), elsewhere()) == (1, 1)
    operations.begin(2)
    assert (operations.current(), elsewhere()) == (2, None)
    operations.end(2)
    assert operations.current() == 1
    operations.clear()
    assert operations.current() is None


@pytest.mark.parametrize("name", ["create", "createWithFlags"])
def test_a_method_has_all_its_spellings(name: str) -> None:
    assert spellings(name) >= {"create", "createWithFlags"}
    assert method_rule(name).meets(Call("Domain", "k", "createWithFlags", 1, Exception))
    assert not method_rule(f"Network.{name}").meets(Call("Domain", "k", "create", 1, Exception))


def test_a_fault_of_the_list_meets_whichever_way_a_driver_lists() -> None:
    rule = method_rule("Connection.listAllDomains")
    assert all(rule.meets(Call("Connection", "k", name, 1, Exception)) for name in ("listAllDomains", "getAllDomainStats"))
    assert not rule.meets(Call("Connection", "k", "lookupByName", 1, Exception))


def test_a_fault_meets_any_of_the_calls_by_which_drivers_do_one_thing() -> None:
    rule = method_rule("Domain.setVcpus|Connection.defineXML")
    assert rule.meets(Call("Domain", "k", "setVcpusFlags", 1, Exception))
    assert rule.meets(Call("Connection", "k", "defineXML", 1, Exception))
    assert not rule.meets(Call("Connection", "k", "setVcpus", 1, Exception))


def test_an_event_rule_takes_a_detail_or_none() -> None:
    assert (event_rule(3).detail, event_rule((5, 1)).detail) == (None, 1)


def test_an_event_rule_may_be_of_another_event_id() -> None:
    removed = Delivered("u", "n", DomainEventId.DEVICE_REMOVED, "net0", None)
    assert event_rule(notice(DomainEventId.DEVICE_REMOVED)).meets(removed)
    assert event_rule(notice(DomainEventId.DEVICE_REMOVED, "net0")).meets(removed)
    for other in (notice(DomainEventId.DEVICE_REMOVED, "net1"), notice(DomainEventId.DEVICE_ADDED), EventRule("net0", None)):
        assert not event_rule(other).meets(removed)


@pytest.mark.parametrize(
    ("event_id", "arguments", "expected"),
    [
        (DomainEventId.LIFECYCLE, (5, 1), (5, 1)),
        (DomainEventId.REBOOT, (), (None, None)),
        (DomainEventId.DEVICE_REMOVED, ("net0",), ("net0", None)),
        (DomainEventId.DEVICE_REMOVAL_FAILED, ("net0",), ("net0", None)),
        (DomainEventId.BLOCK_JOB_2, ("vda", 4, 3), ("vda", "4,3")),
        (DomainEventId.IO_ERROR_REASON, ("/a", "virtio-disk0", 1, "enospc"), ("virtio-disk0", "1,enospc")),
        (DomainEventId.IO_ERROR_REASON, (None, None, 1, None), ("", "1,")),
        (DomainEventId.JOB_COMPLETED, ({"operation": 5, "time_elapsed": 3},), (5, None)),
        (DomainEventId.JOB_COMPLETED, (None,), (None, None)),
        (DomainEventId.AGENT_LIFECYCLE, (1, 2), (1, 2)),
    ],
)
def test_an_events_arguments_become_an_event_and_a_detail(
    event_id: DomainEventId, arguments: tuple[object, ...], expected: tuple[object, object]
) -> None:
    assert numbers(event_id, arguments) == expected


def test_a_window_opens_at_the_nth_and_closes_after_as_many() -> None:
    window = Window(2, 2)
    assert [window.hit() for _ in range(5)] == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("capabilities", "kind", "os_type"),
    [
        ("<capabilities/>", "test", "hvm"),
        ("<capabilities><guest><os_type>hvm</os_type><arch name='x86_64'><domain type='qemu'/></arch></guest></capabilities>",
         "qemu", "hvm"),
        ("<capabilities><guest><os_type>exe</os_type><arch name='x86_64'><domain type='lxc'/></arch></guest></capabilities>",
         "lxc", "exe"),
    ],
    ids=["none", "qemu", "lxc"],
)  # fmt: skip
def test_a_marker_is_what_the_host_can_define(capabilities: str, kind: str, os_type: str) -> None:
    xml = definition(capabilities, "a&b", "u")
    assert f'type="{kind}"' in xml
    assert f">{os_type}<" in xml
    assert "a&amp;b" in xml
    assert ("<init>" in xml) == (os_type == "exe")


def test_an_operation_shows_no_secret_however_it_is_called() -> None:
    redacted = summaries.REDACTED
    assert summaries.named_arguments({"secret": 1, "value": b"v"}, "create_secret") == {"secret": redacted, "value": redacted}
    assert summaries.named_arguments({"0": 1, "1": "v", "2": 3}, "create_secret") == {"0": 1, "1": redacted, "2": 3}
    assert summaries.named_arguments({"1": "v", "value": 2}, "other") == {"1": "v", "value": 2}
