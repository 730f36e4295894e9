"""The table of events: names, counting, adding, the file, the answer, and what is new."""

import json

import pytest

from virtproof.evidence import Kind, Record
from virtproof.judges.tape import DOMAIN, Tape
from virtproof.traces import (
    Column,
    ColumnKey,
    LaneSightings,
    Seen,
    Sighting,
    Situation,
    Table,
    Trace,
    add,
    answer,
    lanes_of,
    news,
    table_of,
)
from virtproof.traces.attribution import Told
from virtproof.traces.document import from_text, to_text
from virtproof.traces.names import event_name, told_in_a_row
from virtproof.traces.news import Reason

KEY = ColumnKey(driver="qemu", reach="remote", libvirt="11.3", hypervisor="10.0")
CREATE = Situation(act="create", before="off")
DESTROY = Situation(act="destroy", before="running")
REBOOT = Situation(act="reboot", before="running")
STARTED: Trace = ("RESUMED unpaused", "STARTED booted")
ENDED: Trace = ("SHUTDOWN host", "STOPPED destroyed")


def lane(transport: str = "unix", **versions: str) -> Record:
    data = {"transport": transport, "versions": {"libvirt": "11.3.0", "libvirt-client": "9.0.0", "python": "3.11.7", **versions}}
    return Record(worker="w0", lane="test", case="", t=1.0, kind=Kind.LANE, data=data)


def case() -> tuple[Record, ...]:
    tape = Tape()
    tape.connection_call("defineXML", "<xml>", value=f"Domain:{DOMAIN}")
    tape.event(0)
    tape.call("create")
    tape.events((4, 0), (2, 0))
    return tape.done()


def column(**traces: dict[Trace, int]) -> Column:
    names = {"create": CREATE, "destroy": DESTROY, "reboot": REBOOT}
    return Column(
        situations={
            names[name]: {trace: Seen(times=times, case="a.case") for trace, times in counts.items()}
            for name, counts in traces.items()
        }
    )


def told(*sightings: tuple[Situation, Trace], key: ColumnKey = KEY) -> list[LaneSightings]:
    made = tuple(Sighting(situation=situation, trace=trace, case="a.case", lines=(7, 9)) for situation, trace in sightings)
    return [LaneSightings(column=key, exact="libvirt 11.3.0", told=(Told(sightings=made),))]


@pytest.mark.parametrize(
    ("identity", "event", "detail", "name"),
    [
        pytest.param(0, 5, 1, "STOPPED destroyed", id="lifecycle"),
        pytest.param(0, 5, 99, "STOPPED 99", id="detail-of-a-newer-libvirt"),
        pytest.param(0, 99, 1, "LIFECYCLE 99 1", id="event-of-a-newer-libvirt"),
        pytest.param(1, None, None, "REBOOT", id="reboot"),
        pytest.param(16, "vda", "4,3", "BLOCK_JOB_2 active-commit ready", id="block-job"),
        pytest.param(6, "virtio-disk0", "1,enospc", "IO_ERROR_REASON pause enospc", id="io-error"),
        pytest.param(18, 2, 1, "AGENT_LIFECYCLE disconnected domain-started", id="agent"),
        pytest.param(21, 2, None, "JOB_COMPLETED save", id="job"),
        pytest.param(21, 77, None, "JOB_COMPLETED 77", id="job-of-a-newer-libvirt"),
        pytest.param(23, 2, "urn:x", "METADATA_CHANGE", id="metadata"),
        pytest.param(99, 1, 2, "event id 99", id="id-of-a-newer-libvirt"),
    ],
)
def test_names_are_libvirts_own(identity: int, event: int | str | None, detail: int | str | None, name: str) -> None:
    record = Tape().write(Kind.EVENT, uuid=DOMAIN, name="vm", id=identity, event=event, detail=detail)
    assert event_name(record) == name


def test_events_in_a_row_are_one() -> None:
    assert told_in_a_row(["REBOOT"] * 2 + ["STOPPED failed"] + ["REBOOT"] * 9) == (
        *("REBOOT x2", "STOPPED failed", "REBOOT x4 or more"),
    )


def test_a_lane_goes_to_the_column_of_its_driver_and_versions() -> None:
    (found,) = lanes_of([lane(qemu="10.0.13"), *case()])
    assert (found.column, found.exact) == (KEY, "libvirt 11.3.0, qemu 10.0.13")
    assert [each.situation for each in found.sightings] == [Situation(act="define", before="none"), CREATE]


@pytest.mark.parametrize(("driver", "transport", "reach"), [("test", "in-process", "in process"), ("lxc", "tls", "remote")])
def test_a_version_that_says_nothing_makes_no_column(driver: str, transport: str, reach: str) -> None:
    (found,) = lanes_of([lane(transport, **{driver: "6.18.44"}), *case()])
    assert (found.column, found.exact) == (ColumnKey(driver=driver, reach=reach, libvirt="11.3"), "libvirt 11.3.0")


def test_a_lane_whose_driver_is_not_told_has_no_column() -> None:
    assert lanes_of([lane(), *case()]) == ()


def test_tables_add_up() -> None:
    one = table_of(lanes_of([lane(qemu="10.0.13"), *case()]), "aa")
    two = table_of(lanes_of([lane(qemu="10.0.14"), *case(), *case()]), "bb")
    found = add(one, two)[KEY]
    assert found.exact == ("libvirt 11.3.0, qemu 10.0.13", "libvirt 11.3.0, qemu 10.0.14")
    assert (found.runs, found.heard, found.placed) == (("aa", "bb"), 9, 9)
    assert found.situations[CREATE] == {STARTED: Seen(times=3, case="lifecycle.case")}


def test_columns_of_other_versions_stay_as_they_are() -> None:
    other = ColumnKey(driver="lxc", reach="remote", libvirt="9.0")
    table = add({KEY: column(create={STARTED: 1})}, {other: column(destroy={ENDED: 2})})
    assert table == {KEY: column(create={STARTED: 1}), other: column(destroy={ENDED: 2})}


def test_a_table_survives_its_file() -> None:
    table = table_of(lanes_of([lane(qemu="10.0.13"), *case()]), "aa")
    assert from_text(to_text(table)) == table
    assert to_text(from_text(to_text(table))) == to_text(table)


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[]",
        "{}",
        '{"schema": "virtproof-events/2", "columns": []}',
        '{"schema": "virtproof-events/1"}',
        '{"schema": "virtproof-events/1", "columns": [{}]}',
        json.dumps(json.loads(to_text({KEY: Column()}))).replace('"heard": 0', '"heard": -1'),
        json.dumps(json.loads(to_text({KEY: Column()}))).replace('"runs": []', '"runs": 3'),
    ],
)
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        from_text(text)


def test_every_change_told_each_time_is_yes() -> None:
    found = answer(column(create={STARTED: 9}, destroy={ENDED: 8, ("STOPPED destroyed",): 1}))
    assert (found.word, found.changes, found.missed, found.beside) == ("yes", 2, (), ())


def test_a_change_that_was_not_told_once_is_in_part() -> None:
    found = answer(column(create={STARTED: 9}, destroy={ENDED: 8, ("SHUTDOWN host",): 1}))
    assert found.word == "in part"
    assert [(change.situation, change.told, change.times) for change in found.missed] == [(DESTROY, 8, 9)]


def test_no_change_told_is_no() -> None:
    assert answer(column(create={(): 9})).word == "no"


def test_no_change_seen_is_no() -> None:
    assert answer(Column()).word == "no"


def test_what_a_guest_does_not_do_is_no_change_unless_it_never_did() -> None:
    assert answer(column(create={STARTED: 1}, reboot={("REBOOT",): 1, (): 5})).word == "yes"
    assert [change.situation for change in answer(column(create={STARTED: 1}, reboot={(): 5})).missed] == [REBOOT]


def test_other_changes_do_not_alter_the_answer() -> None:
    memory = Situation(act="set memory", before="running")
    found = answer(Column(situations={**column(create={STARTED: 1}).situations, memory: {(): Seen(times=2, case="c")}}))
    assert (found.word, [change.situation for change in found.beside]) == ("yes", [memory])


def test_pausing_what_is_paused_is_no_change() -> None:
    paused = Situation(act="suspend", before="paused")
    assert answer(Column(situations={paused: {(): Seen(times=2, case="c")}})).changes == 0


VARYING: Table = {KEY: column(create={STARTED: 9}, destroy={ENDED: 8, ("STOPPED destroyed",): 1}, reboot={("REBOOT",): 1})}


@pytest.mark.parametrize(
    ("situation", "trace", "reason"),
    [
        pytest.param(CREATE, STARTED, None, id="known"),
        pytest.param(CREATE, ("STARTED booted", "RESUMED unpaused"), Reason.STEADY, id="other-order-where-steady"),
        pytest.param(CREATE, (), Reason.STEADY, id="silent-where-told"),
        pytest.param(DESTROY, ("STOPPED destroyed", "SHUTDOWN host"), Reason.VARIANT, id="other-order-where-varying"),
        pytest.param(DESTROY, ("SHUTDOWN host x2", "STOPPED destroyed"), Reason.VARIANT, id="other-number-where-varying"),
        pytest.param(DESTROY, ("STOPPED failed",), Reason.EVENT, id="other-event"),
        pytest.param(REBOOT, ("REBOOT x2",), Reason.STEADY, id="other-number-where-steady"),
        pytest.param(REBOOT, (), None, id="guest-does-not-obey"),
        pytest.param(Situation(act="create", before="saved"), STARTED, Reason.SITUATION, id="other-situation"),
    ],
)
def test_what_is_new(situation: Situation, trace: Trace, reason: Reason | None) -> None:
    assert [each.reason for each in news(VARYING, told(*[(situation, trace)] * 2))] == ([] if reason is None else [reason])


def test_what_is_rare_contradicts_nothing_beside_what_is_known() -> None:
    rare = ("STOPPED failed", *ENDED)
    found = news(VARYING, told((DESTROY, ENDED), (DESTROY, rare), (CREATE, STARTED), (CREATE, ())))
    assert [(each.reason, each.contradicts) for each in found] == [(Reason.BESIDE, False)] * 2


@pytest.mark.parametrize("situation", [CREATE, Situation(act="create", before="saved")])
def test_what_is_seen_once_is_told_and_contradicts_nothing(situation: Situation) -> None:
    (found,) = news(VARYING, told((situation, ())))
    assert (found.reason, found.contradicts, found.times) == (Reason.ONCE, False, 1)


def test_a_version_that_the_table_has_not_is_new_as_a_whole() -> None:
    other = ColumnKey(driver="qemu", reach="remote", libvirt="12.8", hypervisor="11.1")
    (found,) = news(VARYING, told((CREATE, STARTED), (DESTROY, ENDED), key=other))
    assert str(found) == "qemu (remote), libvirt 12.8 with qemu 11.1: the table has no such column"


def test_news_name_the_case_its_lines_and_how_often() -> None:
    (found,) = news(VARYING, told((CREATE, ()), (CREATE, ())))
    assert str(found) == (
        "qemu (remote), libvirt 11.3 with qemu 10.0: create (off): told otherwise, where there has been one trace so far: "
        "nothing (2 times, first in a.case, lines 7 to 9)"
    )


def test_contradictions_come_first() -> None:
    found = news(VARYING, told(*[(DESTROY, ("STOPPED destroyed", "SHUTDOWN host")), (REBOOT, ("REBOOT x2",))] * 2))
    assert [(each.reason, each.contradicts) for each in found] == [(Reason.STEADY, True), (Reason.VARIANT, False)]
