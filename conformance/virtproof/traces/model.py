"""The values that a table of events is made of.

What belongs here: sightings, and the table that counts them. What does not: where sightings come from (`attribution`), counting
(`counting`) and looks. A table has a column for each hypervisor driver, way to reach it, and version; a column has situations,
a situation the traces that were seen in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Trace = tuple[str, ...]
"""What was told in one situation once, in order; empty when nothing was."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Situation:
    """An act, by its name in `acts`, of a domain that was `before` what `lives` has words for; `any` where that is no matter."""

    act: str
    before: str

    def __str__(self) -> str:
        return f"{self.act} ({self.before})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A situation as a case brought it about, and what the host told of it; `lines` are its first and last."""

    situation: Situation
    trace: Trace
    case: str
    lines: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ColumnKey:
    """Whose events: libvirt's driver, `in process` or `remote`, and versions as major.minor.

    `hypervisor` is empty where its version says nothing: LXC's is the kernel's, the test driver's is a constant.
    """

    driver: str
    reach: str
    libvirt: str
    hypervisor: str = ""

    def __str__(self) -> str:
        version = f" with {self.driver} {self.hypervisor}" if self.hypervisor else ""
        return f"{self.driver} ({self.reach}), libvirt {self.libvirt}{version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How often a trace was seen, and a case that showed it."""

    times: int
    case: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """All that is known of one driver at one version.

    `exact` are the versions in full, `runs` the first digits of the digests of the evidence that was counted. `heard` are the
    events of domains that the driver under test acted on, `placed` those of them that are in the table.
    """

    exact: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    heard: int = 0
    placed: int = 0
    situations: Mapping[Situation, Mapping[Trace, Seen]] = field(default_factory=dict[Situation, Mapping[Trace, Seen]])


Table = Mapping[ColumnKey, Column]
