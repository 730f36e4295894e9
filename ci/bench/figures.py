"""What a benchmark yields, and how it is measured: figures with units, and ratios of figures of one run.

What belongs here: the values, the interleaved timing, and turning them into JSON and a table. What does not: what is timed.
Seconds of one machine say little on another, so each benchmark compares two ways of doing the same thing in alternation, in one
process, and gives medians and their ratio.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

Job = Callable[[], object]
WARM_UP_ROUNDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured quantity. `value` is the median of `samples` measurements, in `unit`."""

    benchmark: str
    host: str
    subject: str
    quantity: str
    value: float
    unit: str
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One figure over another of the same run; 1.0 is a draw."""

    benchmark: str
    host: str
    quantity: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a benchmark found."""

    figures: tuple[Figure, ...]
    ratios: tuple[Ratio, ...] = ()

    def __add__(self, other: "Results") -> "Results":
        return Results(figures=self.figures + other.figures, ratios=self.ratios + other.ratios)


def seconds_of(job: Job) -> float:
    """How long a job takes, once."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def interleaved(jobs: Sequence[Job], rounds: int) -> list[list[float]]:
    """The seconds of each job, a list a job: every round runs each once, after two rounds that do not count."""
    times = [[seconds_of(job) for job in jobs] for _ in range(rounds + WARM_UP_ROUNDS)]
    return [list(column) for column in zip(*times[WARM_UP_ROUNDS:], strict=True)]


def repeated(job: Job, rounds: int) -> list[float]:
    """The seconds of a job done again and again, after two rounds that do not count."""
    return interleaved([job], rounds)[0]


def percentile(values: Iterable[float], per_cent: int) -> float:
    """The value that so many per cent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * per_cent // 100)]


def median(values: Iterable[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def as_json(results: Results, environment: dict[str, str]) -> dict[str, object]:
    """The results as plain data, with what they were measured on."""
    return {
        "schema": "virtproof-bench/1",
        "environment": environment,
        "figures": [asdict(figure) for figure in results.figures],
        "ratios": [asdict(ratio) for ratio in results.ratios],
    }


def print_table(results: Results, console: Console) -> None:
    """The figures and the ratios as two tables."""
    table = Table("benchmark", "host", "subject", "quantity", title="figures (medians)")
    table.add_column("value", justify="right")
    table.add_column("samples", justify="right")
    for each in results.figures:
        table.add_row(each.benchmark, each.host, each.subject, each.quantity, f"{each.value:.4g} {each.unit}", str(each.samples))
    console.print(table)
    table = Table("benchmark", "host", "ratio", title="ratios within this run")
    table.add_column("value", justify="right")
    for ratio in results.ratios:
        table.add_row(ratio.benchmark, ratio.host, ratio.quantity, f"{ratio.value:.3g}")
    console.print(table)
