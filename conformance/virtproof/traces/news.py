"""What a run's evidence tells that a table of events does not have: the page is held to the newest evidence by this.

What belongs here: comparing, and which of what is new contradicts the table (`Reason`). What does not: the remedy
(`cli.events`). Where the table says already that order and number vary, another order or number of the same events contradicts
nothing: it is told, and no more, since no number of runs would show them all.
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
        return self.reason is not Reason.VARIANT

    def __str__(self) -> str:
        if self.sighting is None:
            return f"{self.column}: {self.reason.value}"
        first, last = self.sighting.lines
        told = " → ".join(self.sighting.trace) or "nothing"
        seen = f"{self.times} times, first in {self.sighting.case}, lines {first} to {last}"
        return f"{self.column}: {self.sighting.situation}: {self.reason.value}: {told} ({seen})"


def news(table: Table, lanes: Sequence[LaneSightings]) -> tuple[News, ...]:
    """What is new, the contradictions first."""
    found = [each for lane in lanes for each in _of_lane(table, lane)]
    return tuple(sorted(found, key=lambda each: (not each.contradicts, str(each))))


def _of_lane(table: Table, lane: LaneSightings) -> list[News]:
    if lane.column not in table:
        return [News(column=lane.column, reason=Reason.COLUMN)]
    known = table[lane.column].situations
    seen: dict[tuple[Situation, Trace], list[Sighting]] = {}
    for sighting in lane.sightings:
        seen.setdefault((sighting.situation, sighting.trace), []).append(sighting)
    return [
        News(column=lane.column, reason=reason, sighting=sightings[0], times=len(sightings))
        for (situation, _), sightings in seen.items()
        if (reason := _why(known.get(situation), sightings[0])) is not None
    ]


def _why(known: Mapping[Trace, Seen] | None, sighting: Sighting) -> Reason | None:
    """What is new of a sighting, None when nothing is. That a guest does not do what it is asked is never new."""
    asks = ACTS[sighting.situation.act].asks
    if known is None:
        return Reason.SITUATION
    if sighting.trace in known or (asks and not sighting.trace):
        return None
    if {bare(name) for name in sighting.trace} - {bare(name) for trace in known for name in trace}:
        return Reason.EVENT
    return Reason.STEADY if sum(1 for trace in known if trace or not asks) <= 1 else Reason.VARIANT
