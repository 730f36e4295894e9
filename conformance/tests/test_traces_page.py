"""The page of events, and that the file which it is made of is one."""

import re
from pathlib import Path

from virtproof.traces import Column, ColumnKey, Seen, Situation, Table, Trace, page
from virtproof.traces.acts import ACTS, Group
from virtproof.traces.document import from_text, to_text

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "events.json").read_text(encoding="utf-8")
TABLE = from_text(TEXT)
CREATE = Situation(act="create", before="off")
STARTED: Trace = ("STARTED booted",)


def key(libvirt: str, driver: str = "qemu") -> ColumnKey:
    return ColumnKey(driver=driver, reach="remote", libvirt=libvirt)


def column(*traces: Trace, situation: Situation = CREATE) -> Column:
    return Column(
        heard=4, placed=3, runs=("aa",), situations={situation: {trace: Seen(times=2, case="a.case") for trace in traces}}
    )


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.splitlines() if line.startswith("| ")]


def test_the_file_is_as_the_command_writes_it() -> None:
    assert to_text(TABLE) == TEXT


def test_the_file_has_the_drivers_that_the_lanes_of_the_checkout_use() -> None:
    assert {(key.driver, key.reach) for key in TABLE} >= {
        ("test", "in process"),
        *((driver, "remote") for driver in ("test", "qemu", "lxc")),
    }


def test_every_act_of_the_file_has_words() -> None:
    assert {situation.act for column in TABLE.values() for situation in column.situations} - ACTS.keys() == set()


def test_every_situation_of_the_file_is_on_the_page() -> None:
    text = page.situations_tables(TABLE)
    found = {tuple(row[:2]) for row in rows(text)}
    wanted = {(page.row_words(each), page.before_words(each)) for column in TABLE.values() for each in column.situations}
    assert wanted - found == set()


def test_the_page_shows_all_parts() -> None:
    parts = re.findall(r"\{event-table\} (\w+)", (DOCS / "events.md").read_text(encoding="utf-8"))
    assert sorted(parts) == ["answers", "evidence", "situations", "varying"]


def test_a_driver_without_evidence_gets_no_answer() -> None:
    *_, last = rows(page.answers_table({key("9.0", "xen"): column(STARTED)}))
    assert last[0] == ", ".join(driver for driver in page.NO_EVIDENCE if driver != "xen")
    assert last[2] == "*no evidence here*"


def test_versions_with_the_same_answer_share_a_row() -> None:
    table: Table = {key("11.3"): column(STARTED), key("9.0"): column(STARTED), key("7.0"): column(())}
    found = rows(page.answers_table(table))[2:-1]
    assert [(row[1], row[2]) for row in found] == [("7.0", "**no**, 0 of 1 changes"), ("9.0, 11.3", "**yes**, 1 of 1 changes")]


def test_a_cell_names_versions_only_where_they_differ() -> None:
    alike: Table = {key("9.0"): column(STARTED), key("11.3"): column(STARTED)}
    assert rows(page.situations_tables(alike))[-1] == ["create", "off", "`STARTED` booted <small>(4)</small>"]
    differing: Table = {key("9.0"): column(STARTED), key("11.3"): column(STARTED, ())}
    assert rows(page.situations_tables(differing))[-1][2] == (
        "**9.0**<br>`STARTED` booted <small>(2)</small><br>"
        "**11.3**<br>*nothing* <small>(2 of 4)</small><br>`STARTED` booted <small>(2 of 4)</small>"
    )


def test_what_varies_is_listed_but_not_what_guests_leave_undone() -> None:
    reboot = Situation(act="reboot", before="running")
    assert page.varying_list({key("9.0"): column(("REBOOT",), (), situation=reboot)}) == "None."
    assert page.varying_list({key("9.0"): column(STARTED, ())}) == (
        "- **qemu, remote, 9.0**: create, off: of 4, *nothing* 2 (as in `a.case`); `STARTED` booted 2 (as in `a.case`)"
    )


def test_evidence_tells_how_much_of_what_was_heard_is_in_the_table() -> None:
    assert rows(page.evidence_table({key("9.0"): column(STARTED)}))[-1] == ["qemu, remote", "", "1", "4", "75%"]


def test_every_group_of_the_file_has_a_heading() -> None:
    used = {ACTS[situation.act].group for column in TABLE.values() for situation in column.situations}
    found = re.findall(r"^### (.*)$", page.situations_tables(TABLE), re.MULTILINE)
    assert found == [str(group) for group in Group if group in used]
