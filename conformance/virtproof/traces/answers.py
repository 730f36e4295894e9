"""Can a libvirt driver be driven by events? The answer for one column of the table, by a rule.

What belongs here: the rule. What does not: its words on a page (`page`). A change is told when the trace has an event that
tells it (`acts`). What only a guest may do, and did not, proves nothing; where it was never told at all, it counts as untold.
The answer is `yes` when each change of a domain's life (the groups in `LIFE`) was told each time, `in part` when some were not,
`no` when none was. What is told of other changes does not alter the answer, and is told beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from virtproof.traces.acts import ACTS, Act, Group
from virtproof.traces.model import Column, Seen, Situation, Trace

LIFE: Final = frozenset({Group.POWER, Group.ENDS})


@unique
class Word(StrEnum):
    """The answer."""

    YES = "yes"
    IN_PART = "in part"
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A situation that changed a domain: how often, and how often that was told."""

    situation: Situation
    times: int
    told: int

    @property
    def always_told(self) -> bool:
        """Whether it was told each time."""
        return self.told == self.times


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`missed` are the changes of life that were not told each time, `beside` the other changes of which that is so."""

    word: Word
    changes: int
    missed: tuple[Change, ...]
    beside: tuple[Change, ...]


def answer(column: Column) -> Answer:
    """The answer for one driver at one version."""
    changes = tuple(changes_of(column.situations))
    life = [change for change in changes if ACTS[change.situation.act].group in LIFE]
    missed = tuple(change for change in life if not change.always_told)
    some = any(change.told for change in life)
    word = Word.NO if not some else Word.IN_PART if missed else Word.YES
    beside = tuple(change for change in changes if change not in life and not change.always_told)
    return Answer(word=word, changes=len(life), missed=missed, beside=beside)


def changes_of(situations: Mapping[Situation, Mapping[Trace, Seen]]) -> Iterable[Change]:
    """The situations that changed a domain."""
    obeyed = {each.act for each, traces in situations.items() if _told(ACTS.get(each.act), traces)}
    for situation in sorted(situations):
        act, traces = ACTS.get(situation.act), situations[situation]
        if act is None or not act.changes or situation.before in act.idle:
            continue
        ignored = traces[()].times if act.asks and situation.act in obeyed and () in traces else 0
        times = sum(seen.times for seen in traces.values()) - ignored
        if times:
            yield Change(situation=situation, times=times, told=_told(act, traces))


def _told(act: Act | None, traces: Mapping[Trace, Seen]) -> int:
    """How often it was told."""
    return sum(seen.times for trace, seen in traces.items() if act is not None and any(map(act.is_told_by, trace)))
