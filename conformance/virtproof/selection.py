"""Which of the collected cases a session runs, and what each is called in evidence.

What belongs here: pure choices over cases: profile, order, and the manifest cases that must not be left out. What does not:
pytest's items; `session` carries them as the opaque half of a Candidate.
"""

import random
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from virtproof.cases import Case
from virtproof.runs import PlannedCase

T = TypeVar("T")

MANIFEST: Final = "manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Generic[T]):
    """A collected case on one lane. `id` is the case's with its parameter; `item` is whatever runs it."""

    id: str
    case: Case
    lane: str
    where: str
    item: T


def case_id(base: str, callspec_id: str, lane: str) -> str:
    """`base[parameter]` from pytest's id of all parameters, of which the lane's label is the first; else `base`."""
    parameter = callspec_id.removeprefix(lane).removeprefix("-")
    return f"{base}[{parameter}]" if parameter else base


def manifest_id(capability: str) -> str:
    """The id of the case that checks what the manifest says of a capability."""
    return f"{MANIFEST}.{capability}"


def manifest_needs(cases: Iterable[Case]) -> frozenset[str]:
    """The ids of the manifest cases that the verdicts of these cases rest on."""
    return frozenset(manifest_id(need) for case in cases for need in case.needs)


def in_profile(candidates: Sequence[Candidate[T]], profile: Collection[str]) -> list[Candidate[T]]:
    """The candidates whose case the profile names, and the manifest cases that they rest on."""
    named = [candidate.case for candidate in candidates if candidate.case.id in profile]
    wanted = {case.id for case in named} | manifest_needs(named)
    return [candidate for candidate in candidates if candidate.case.id in wanted]


def kept(candidates: Sequence[Candidate[T]], chosen: Callable[[T], bool]) -> list[Candidate[T]]:
    """The chosen candidates, and the manifest cases that they rest on whether chosen or not."""
    wanted = manifest_needs(candidate.case for candidate in candidates if chosen(candidate.item))
    return [candidate for candidate in candidates if chosen(candidate.item) or candidate.case.id in wanted]


def ordered(candidates: Sequence[Candidate[T]], seed: int) -> list[Candidate[T]]:
    """The candidates shuffled by a seed, the same in every worker; seed 0 keeps their order."""
    shuffled = list(candidates)
    if seed:
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - an order of tests, not a secret
    return shuffled


def planned(candidates: Iterable[Candidate[T]], selected: Collection[str]) -> tuple[PlannedCase, ...]:
    """What run.json keeps: each case once, whatever the number of lanes, sorted by id."""
    by_id = {
        candidate.id: PlannedCase(id=candidate.id, case=candidate.case, where=candidate.where, selected=candidate.id in selected)
        for candidate in candidates
    }
    return tuple(by_id[key] for key in sorted(by_id))
