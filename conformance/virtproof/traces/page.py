"""The table of events as Markdown, for the guide.

What belongs here: cells, rows and headings. What does not: what they are made of (`counting`, `answers`), and Sphinx. There is
one column a driver and way to reach it; a cell names versions only where they differ.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from virtproof.traces.acts import ACTS, Act, Group
from virtproof.traces.answers import Answer, Change, answer
from virtproof.traces.document import commonest_first
from virtproof.traces.model import Column, ColumnKey, Seen, Situation, Table, Trace

NOTHING: Final = "*nothing*"
ASKING: Final = " †"
"""Behind what a guest is asked for and may not do."""
NO_EVIDENCE: Final = ("bhyve", "ch", "esx", "hyperv", "openvz", "vbox", "vmware", "vz", "xen")
"""libvirt's other drivers of hypervisors (https://libvirt.org/drivers.html); one that gets evidence is told of by that."""
_REST: Final = Act(words="", group=Group.OTHER)
Kind = tuple[str, str]


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def answers_table(table: Table) -> str:
    """A row for each driver and version: the answer, and what it rests on."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for key, column in _ordered(table):
        alike.setdefault((_named(key), *_answer_cells(answer(column))), []).append(_version(key))
    rows = [(driver, ", ".join(versions), *rest) for (driver, *rest), versions in alike.items()]
    known = {key.driver for key in table}
    missing = ", ".join(driver for driver in NO_EVIDENCE if driver not in known)
    rows.append((missing, "", "*no evidence here*", "", ""))
    return markdown_table(
        ("driver", "libvirt", "by events?", "changes of a domain's life not told", "other changes not told"), rows
    )


def evidence_table(table: Table) -> str:
    """A row for each driver and version: the runs that were counted."""
    rows = [
        (
            _named(key),
            ", ".join(column.exact),
            str(len(column.runs)),
            str(column.heard),
            f"{column.placed / max(column.heard, 1):.0%}",
        )
        for key, column in _ordered(table)
    ]
    return markdown_table(("driver", "versions", "runs", "events heard", "of which in the table"), rows)


def situations_tables(table: Table) -> str:
    """A heading and a table for each group of situations."""
    return "\n".join(f"### {group}\n\n{_group_table(table, group)}\n" for group in Group if _situations(table, group))


def varying_list(table: Table) -> str:
    """A line for each situation of a column that was not always told alike."""
    lines = [
        f"- **{_named(key)}, {key.libvirt}**: {_words(situation)}, {before_words(situation)}: {_shares(traces)}"
        for key, column in _ordered(table)
        for situation, traces in sorted(column.situations.items(), key=lambda item: _place(item[0]))
        if len(_telling(situation, traces)) > 1
    ]
    return "\n".join(lines) or "None."


def shown(trace: Trace) -> str:
    """A trace as the page shows it: names in capitals as code, arrows between."""
    return " → ".join(_event(name) for name in trace) or NOTHING


def _event(name: str) -> str:
    word, _, more = name.partition(" ")
    return f"`{word}` {more}".strip()


def _answer_cells(found: Answer) -> tuple[str, ...]:
    word = f"**{found.word}**, {found.changes - len(found.missed)} of {found.changes} changes"
    return word, _changes(found.missed), _changes(found.beside)


def _version(key: ColumnKey) -> str:
    return f"{key.libvirt} ({key.driver} {key.hypervisor})" if key.hypervisor else key.libvirt


def _changes(changes: Sequence[Change]) -> str:
    """Those that were never told, by their acts, and then those that were told sometimes."""
    never: dict[str, list[str]] = {}
    for change in changes:
        if not change.told:
            never.setdefault(_words(change.situation), []).append(change.situation.before)
    some = [f"{_words(c.situation)} ({c.situation.before}; told {c.told} of {c.times})" for c in changes if c.told]
    return "; ".join([*(f"{words} ({', '.join(befores)})" for words, befores in never.items()), *some]) or "–"  # noqa: RUF001 - a dash


def _group_table(table: Table, group: Group) -> str:
    kinds = _kinds(table, group)
    rows = [
        (row_words(situation), before_words(situation), *(_cell(_of_kind(table, kind), situation) for kind in kinds))
        for situation in _situations(table, group)
    ]
    return markdown_table(("what happens", "to a domain that is", *(f"{driver}, {reach}" for driver, reach in kinds)), rows)


def _kinds(table: Table, group: Group) -> list[Kind]:
    """The drivers that have something in a group, and how each was reached."""
    return sorted(
        {(key.driver, key.reach) for key, column in table.items() if any(_act(each).group is group for each in column.situations)}
    )


def _of_kind(table: Table, kind: Kind) -> Mapping[str, Column]:
    """The columns of a driver by their version's name, oldest first."""
    keys = sorted((key for key in table if (key.driver, key.reach) == kind), key=lambda key: _number(key.libvirt))
    return {key.libvirt: table[key] for key in keys}


def _cell(columns: Mapping[str, Column], situation: Situation) -> str:
    """What each version told; versions that told the same things are named together."""
    alike: dict[frozenset[Trace], list[str]] = {}
    for version, column in columns.items():
        if situation in column.situations:
            alike.setdefault(frozenset(column.situations[situation]), []).append(version)
    return "<br>".join(
        line for versions in alike.values() for line in _lines(columns, situation, versions, named=versions != list(columns))
    )


def _lines(columns: Mapping[str, Column], situation: Situation, versions: Sequence[str], *, named: bool) -> Iterator[str]:
    if named:
        yield f"**{', '.join(versions)}**"
    counts: dict[Trace, int] = {}
    for version in versions:
        for trace, seen in columns[version].situations[situation].items():
            counts[trace] = counts.get(trace, 0) + seen.times
    total = sum(counts.values())
    for trace, times in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        share = f"{times} of {total}" if len(counts) > 1 else f"{total}"
        yield f"{shown(trace)} <small>({share})</small>"


def _situations(table: Table, group: Group) -> list[Situation]:
    found = {situation for column in table.values() for situation in column.situations if _act(situation).group is group}
    return sorted(found, key=_place)


def _place(situation: Situation) -> tuple[int, str, str]:
    """In the order of the acts, those that are not known last."""
    order = list(ACTS)
    return order.index(situation.act) if situation.act in ACTS else len(order), situation.act, situation.before


def _act(situation: Situation) -> Act:
    return ACTS.get(situation.act, _REST)


def _words(situation: Situation) -> str:
    return _act(situation).words or situation.act


def row_words(situation: Situation) -> str:
    """What happens, as a row begins."""
    return f"{_words(situation)}{ASKING if _act(situation).asks else ''}"


def before_words(situation: Situation) -> str:
    """What the domain is before, as a row goes on."""
    return {"none": "not there", "any": "anything", "saved paused": "saved, paused"}.get(situation.before, situation.before)


def _named(key: ColumnKey) -> str:
    return f"{key.driver}, {key.reach}"


def _telling(situation: Situation, traces: Mapping[Trace, Seen]) -> list[Trace]:
    """The traces, but for a guest's doing nothing."""
    return [trace for trace in traces if trace or not _act(situation).asks]


def _shares(traces: Mapping[Trace, Seen]) -> str:
    total = sum(seen.times for seen in traces.values())
    each = (f"{shown(trace)} {seen.times} (as in `{seen.case}`)" for trace, seen in commonest_first(traces))
    return f"of {total}, {'; '.join(each)}"


def _ordered(table: Table) -> list[tuple[ColumnKey, Column]]:
    """The columns by driver, the oldest version first."""
    return sorted(table.items(), key=lambda item: (item[0].driver, item[0].reach, _number(item[0].libvirt)))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
