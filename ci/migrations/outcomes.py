"""What became of many migrations, and how that is told: a line a kind.

What belongs here: the value and the lines, pure. What does not: migrating (`live`, `faults`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One migration: of what kind, how long it took, where its instance was said to be, and what is wrong, empty when nothing."""

    kind: str
    seconds: float
    said: str
    wrong: str = ""


def lines(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """`ok      25 of 25  managed to destination; 0.9 s, at most 1.8 s; destination 25`, and below it what is wrong."""
    by_kind: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_kind.setdefault(outcome.kind, []).append(outcome)
    for kind, found in sorted(by_kind.items()):
        good = sum(not each.wrong for each in found)
        times = [each.seconds for each in found]
        said = {each.said: sum(other.said == each.said for other in found) for each in found}
        counted = ", ".join(f"{where} {number}" for where, number in sorted(said.items()))
        word = "ok" if good == len(found) else "FAILED"
        yield f"{word:7} {good} of {len(found)}  {kind}; {median(times):.1f} s, at most {max(times):.1f} s; said: {counted}"
        yield from (f"        {each.wrong}" for each in found if each.wrong)


def closing(outcomes: Iterable[Outcome], left: Iterable[str], seconds: float) -> str:
    """The last line."""
    found = list(outcomes)
    good = sum(not each.wrong for each in found)
    rest = ", ".join(left)
    then = f"left: {rest}" if rest else "nothing was left"
    return f"{good} of {len(found)} migrations ended with exactly one running instance; {then}; {seconds:.0f} s"
