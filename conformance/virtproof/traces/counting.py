"""From the evidence of runs to a table of events: which column a lane is of, and how often each trace was seen.

What belongs here: which column a lane's cases go to, counting, and adding tables. What does not: sightings (`attribution`) and
files (`document`). A run is known by the digest of its evidence, so that one that is given twice is counted once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from virtproof.evidence import Kind, Record
from virtproof.judges.reading import read_case, text
from virtproof.traces.attribution import Told, grouped, told
from virtproof.traces.model import Column, ColumnKey, Seen, Sighting, Situation, Table, Trace

DIGEST: Final = 12  # digits of a run's digest that are kept
_NOT_HYPERVISORS: Final = frozenset({"libvirt", "libvirt-client", "libvirt-python", "python"})
_OWN_VERSION: Final = {"lxc": False, "test": False}  # the kernel's, and a constant
IN_PROCESS: Final = "in process"
REMOTE: Final = "remote"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSightings:
    """What one run tells of one lane."""

    column: ColumnKey
    exact: str
    told: tuple[Told, ...]

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """Those of all its cases."""
        return tuple(sighting for each in self.told for sighting in each.sightings)


def lanes_of(records: Iterable[Record]) -> tuple[LaneSightings, ...]:
    """What a run's evidence tells, lane by lane; of one whose driver is not known nothing is told."""
    columns: dict[str, tuple[ColumnKey, str]] = {}
    found: dict[str, list[Told]] = {}
    kept = list(records)
    for record in kept:
        if record.kind is Kind.LANE and (column := _column(record)):
            columns[record.lane] = column
    for case in grouped(kept):
        if case[0].lane in columns:
            found.setdefault(case[0].lane, []).append(told(read_case(case)))
    return tuple(
        LaneSightings(column=columns[lane][0], exact=columns[lane][1], told=tuple(each)) for lane, each in sorted(found.items())
    )


def table_of(lanes: Sequence[LaneSightings], digest: str) -> Table:
    """The table of one run."""
    table: Table = {}
    for lane in lanes:
        table = add(table, {lane.column: _column_of(lane, digest)})
    return table


def add(left: Table, right: Table) -> Table:
    """Both tables' sightings. A column whose run the left one has already adds nothing."""
    return {key: _added(left.get(key), right.get(key)) for key in sorted({*left, *right})}


def _added(left: Column | None, right: Column | None) -> Column:
    if left is None or right is None:
        return left or right or Column()
    both = sorted({*left.situations, *right.situations})
    return Column(
        exact=tuple(sorted({*left.exact, *right.exact})),
        runs=tuple(sorted({*left.runs, *right.runs})),
        heard=left.heard + right.heard,
        placed=left.placed + right.placed,
        situations={each: _traces(left.situations.get(each, {}), right.situations.get(each, {})) for each in both},
    )


def _traces(left: Mapping[Trace, Seen], right: Mapping[Trace, Seen]) -> Mapping[Trace, Seen]:
    return {trace: _seen(left.get(trace), right.get(trace)) for trace in {**left, **right}}


def _seen(left: Seen | None, right: Seen | None) -> Seen:
    each = [seen for seen in (left, right) if seen is not None]
    return Seen(times=sum(seen.times for seen in each), case=min(seen.case for seen in each))


def _column_of(lane: LaneSightings, digest: str) -> Column:
    counts = Counter((sighting.situation, sighting.trace) for sighting in lane.sightings)
    cases: dict[tuple[Situation, Trace], str] = {}
    for sighting in lane.sightings:
        key = (sighting.situation, sighting.trace)
        cases[key] = min(cases.get(key, sighting.case), sighting.case)
    situations: dict[Situation, dict[Trace, Seen]] = {}
    for (situation, trace), times in counts.items():
        situations.setdefault(situation, {})[trace] = Seen(times=times, case=cases[situation, trace])
    return Column(
        exact=(lane.exact,),
        runs=(digest,),
        heard=sum(each.heard for each in lane.told),
        placed=sum(len(sighting.trace) for sighting in lane.sightings),
        situations=situations,
    )


def _column(lane: Record) -> tuple[ColumnKey, str] | None:
    """The column of a lane, and its versions in full; None where its driver or libvirt is not told."""
    given = lane.data.get("versions")
    versions: Mapping[str, str] = cast("Mapping[str, str]", given) if isinstance(given, Mapping) else {}
    driver = next((product for product in versions if product not in _NOT_HYPERVISORS), "")
    if not driver or "libvirt" not in versions:
        return None
    own = _OWN_VERSION.get(driver, True)
    key = ColumnKey(
        driver=driver,
        reach=IN_PROCESS if text(lane, "transport") == "in-process" else REMOTE,
        libvirt=_short(versions["libvirt"]),
        hypervisor=_short(versions[driver]) if own else "",
    )
    return key, f"libvirt {versions['libvirt']}" + (f", {driver} {versions[driver]}" if own else "")


def _short(version: str) -> str:
    return ".".join(version.split(".")[:2])
