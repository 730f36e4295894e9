"""A table of events as JSON that people can read and compare, a line a situation, and back.

What belongs here: the format. What does not: which file (`cli.events`). Everything is in a fixed order, so that a table that
gets new sightings differs only where they are.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final, cast

from virtproof.traces.model import Column, ColumnKey, Seen, Situation, Table, Trace

SCHEMA: Final = "virtproof-events/1"


def to_text(table: Table) -> str:
    """The table as JSON."""
    columns = ",\n".join(_column(key, table[key]) for key in sorted(table))
    return f'{{\n "schema": {json.dumps(SCHEMA)},\n "columns": [\n{columns}\n ]\n}}\n'


def from_text(text: str) -> Table:
    """A table from its JSON. Raises ValueError saying what is wrong when it is none."""
    try:
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            raise ValueError(f"the schema is {data['schema']!r}, not {SCHEMA}")
        return dict(_read_column(column) for column in data["columns"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a table of events ({error!r})") from error


def commonest_first(traces: Mapping[Trace, Seen]) -> list[tuple[Trace, Seen]]:
    """The traces in the order in which they are written and shown."""
    return sorted(traces.items(), key=lambda item: (-item[1].times, item[0]))


def _column(key: ColumnKey, column: Column) -> str:
    head = {
        "driver": key.driver,
        "reach": key.reach,
        "libvirt": key.libvirt,
        "hypervisor": key.hypervisor,
        "exact": list(column.exact),
        "runs": list(column.runs),
        "heard": column.heard,
        "placed": column.placed,
    }
    situations = ",\n".join(_situation(each, column.situations[each]) for each in sorted(column.situations))
    return f'  {_line(head)[:-1]}, "situations": [\n{situations}\n  ]}}'


def _situation(situation: Situation, traces: Mapping[Trace, Seen]) -> str:
    told = [{"times": seen.times, "told": list(trace), "case": seen.case} for trace, seen in commonest_first(traces)]
    return "   " + _line({"act": situation.act, "before": situation.before, "traces": told})


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _read_column(data: Mapping[str, object]) -> tuple[ColumnKey, Column]:
    names = ("driver", "reach", "libvirt", "hypervisor")
    key = ColumnKey(**{name: str(data[name]) for name in names})
    situations = dict(_read_situation(each) for each in cast("Iterable[Mapping[str, object]]", data["situations"]))
    return key, Column(
        exact=_texts(data["exact"]),
        runs=_texts(data["runs"]),
        heard=_count(data["heard"]),
        placed=_count(data["placed"]),
        situations=situations,
    )


def _read_situation(data: Mapping[str, object]) -> tuple[Situation, Mapping[Trace, Seen]]:
    traces = cast("Iterable[Mapping[str, object]]", data["traces"])
    seen = {_texts(each["told"]): Seen(times=_count(each["times"]), case=str(each["case"])) for each in traces}
    return Situation(act=str(data["act"]), before=str(data["before"])), seen


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in cast("Iterable[object]", value))


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} is no count")
    return value
