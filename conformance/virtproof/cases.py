"""What a case is: the decorator that makes a pytest test certifiable, and the value that it attaches.

What belongs here: the Case value and its levels. What does not: any case; those are in `suite/test_<area>.py`, where the area
is the first word of the id, or where an area is long, in `suite/test_<area>_<topic>.py` with the second word, so that a reader
finds a case from its id by opening that file. Ids are permanent: a case whose requirement changes gets a new id.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final, ParamSpec, TypeVar

from virtproof_driver import Capability

P = ParamSpec("P")
T = TypeVar("T")

ATTRIBUTE: Final = "__virtproof_case__"
_ID: Final = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+")
_VERSION: Final = re.compile(r"\d+\.\d+")


@unique
class Level(StrEnum):
    """How binding a requirement is, as in RFC 2119; `must` and `should` decide the exit code."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One certifiable check. `needs` names every capability that the case uses, set-up included."""

    id: str
    level: Level
    requirement: str
    source: str
    since: str
    needs: frozenset[Capability]

    @property
    def area(self) -> str:
        """The first word of the id, and the file that holds the case."""
        return self.id.partition(".")[0]


def case(
    id: str, level: Level, *, requirement: str, source: str, since: str, needs: Iterable[Capability]
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make a test certifiable.

    `requirement` is one sentence ending in a full stop; `source` a libvirt page, bug, release or measurement; `since` the
    suite version that first had the case. Raises ValueError, naming the case, for what breaks these rules.
    """
    made = Case(id=id, level=level, requirement=requirement, source=source, since=since, needs=frozenset(needs))
    problems = _problems(made)
    if problems:
        raise ValueError(f"case {id!r}: {'; '.join(problems)}")

    def attach(function: Callable[P, T]) -> Callable[P, T]:
        setattr(function, ATTRIBUTE, made)
        return function

    return attach


def case_of(function: object) -> Case | None:
    """The case attached to a test function, None for a plain test."""
    found = getattr(function, ATTRIBUTE, None)
    return found if isinstance(found, Case) else None


def _problems(made: Case) -> list[str]:
    rules = (
        (_ID.fullmatch(made.id) is not None, "an id is lower-case words joined by dots"),
        (made.requirement.endswith(".") and len(made.requirement) > 20, "a requirement is a sentence"),
        (bool(made.source.strip()), "a source is needed"),
        (_VERSION.fullmatch(made.since) is not None, "since is a suite version such as 1.0"),
    )
    return [problem for holds, problem in rules if not holds]
