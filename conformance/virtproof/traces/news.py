"""What the evidence of runs tells that a table of events does not have: the page is held to the newest evidence by this.

What belongs here: comparing, and which of what is new contradicts the table (`Reason`). What does not: the remedy
(`cli.events`). A situation is looked at over all of the runs. Where some of it was told as the table has it, and where the table
says already that order and number vary, what was told otherwise contradicts nothing: it is told, and no more, since no number of
runs would show all that is rare. Nor does what was seen once: two clients that meet by chance make a situation of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, unique

from virtproof.traces.acts import ACTS
from virtproof.traces.counting import LaneSightings
from virtproof.traces.model import ColumnKey, Seen, Sighting, Situation, Table, Trace
from virtproof.traces.names import bare


@unique
class Reason(Enum):
    """Why something is new."""

    COLUMN = "the table has no such column"
    SITUATION = "the table has no such situation"
    EVENT = "an event that was not told there so far"
    STEADY = "told otherwise, where there has been one trace so far"
    VARIANT = "another order or number, where these vary"
    BESIDE = "told otherwise, beside what is known"
    ONCE = "not known, and seen once"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something new, with the first sighting of it where there is one, and how often it was seen."""

    column: ColumnKey
    reason: Reason
    sighting: Sighting | None = None
    times: int = 0

    @property
    def contradicts(self) -> bool:
        """Whether the table is wrong or lacks something, in the light of it."""
        return self.reason not in {Reason.VARIANT, Reason.BESIDE, Reason.ONCE}

    def __str__(self) -> str:
        if self.sighting is None:
            return f"{self.column}: {self.reason.value}"
        first, last = self.sighting.lines
        told = " → ".join(self.sighting.trace) or "nothing"
        seen = f"{self.times} times, first in {self.sighting.case}, lines {first} to {last}"
        return f"{self.column}: {self.sighting.situation}: {self.reason.value}: {told} ({seen})"


def news(table: Table, lanes: Sequence[LaneSightings]) -> tuple[News, ...]:
    """What is new, the contradictions first."""
    columns: dict[ColumnKey, list[Sighting]] = {}
    for lane in lanes:
        columns.setdefault(lane.column, []).extend(lane.sightings)
    found = [each for key, sightings in columns.items() for each in _of_column(table, key, sightings)]
    return tuple(sorted(found, key=lambda each: (not each.contradicts, str(each))))


def _of_column(table: Table, key: ColumnKey, sightings: Sequence[Sighting]) -> list[News]:
    if key not in table:
        return [News(column=key, reason=Reason.COLUMN)]
    known = table[key].situations
    seen: dict[Situation, dict[Trace, list[Sighting]]] = {}
    for sighting in sightings:
        seen.setdefault(sighting.situation, {}).setdefault(sighting.trace, []).append(sighting)
    return [
        News(column=key, reason=reason, sighting=found[0], times=len(found))
        for situation, traces in seen.items()
        for found in traces.values()
        if (reason := _why(known.get(situation), found[0], traces)) is not None
    ]


def _why(known: Mapping[Trace, Seen] | None, sighting: Sighting, told: Mapping[Trace, Sequence[Sighting]]) -> Reason | None:
    """What is new of a sighting, None when nothing is; `told` are all of its situation, this one among them.

    That a guest does not do what it is asked is never new.
    """
    asks = ACTS[sighting.situation.act].asks
    if known is not None and (sighting.trace in known or (asks and not sighting.trace)):
        return None
    if sum(map(len, told.values())) == 1:
        return Reason.ONCE
    if known is None:
        return Reason.SITUATION
    if any(trace in known for trace in told):
        return Reason.BESIDE
    if {bare(name) for name in sighting.trace} - {bare(name) for trace in known for name in trace}:
        return Reason.EVENT
    return Reason.STEADY if sum(1 for trace in known if trace or not asks) <= 1 else Reason.VARIANT
