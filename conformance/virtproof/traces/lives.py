"""What a domain is at each moment of a case, and which acts it went through, as the evidence tells it.

What belongs here: one domain's life: its state by events, by what calls reached and by what somebody read, and its acts with
the events that were put down to each. What does not: walking a case (`attribution`). Events reach the recorder up to some
milliseconds after their call's return, in process by several calls, and in another order than they were sent where they are of
several kinds (libvirt 9.0.0, 11.3.0). So an event goes to the oldest act that may have caused it and still lacks what tells it;
else to what nobody asked for, if that is the newest; else to a recent act that it follows on, or the newest that may have caused
it. What no act can have caused is an act of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from virtproof.traces.acts import ACTS
from virtproof_driver.constants import DomainState

UNKNOWN: Final = "unknown"
NONE: Final = "none"
OFF: Final = "off"
SAVED: Final = "saved"
SAVED_PAUSED: Final = "saved paused"
RUNNING: Final = "running"
PAUSED: Final = "paused"
CRASHED: Final = "crashed"
MIGRATING: Final = "migrating"

DEFINE: Final = "define"
REDEFINE: Final = "redefine"
SNAPSHOT: Final = "snapshot"
MIGRATE: Final = "migrate"
MIGRATE_REFUSED: Final = "migrate refused"
ARRIVED: Final = "STARTED migrated"

_BY_EVENT: Final[Mapping[str, str]] = {
    "STARTED": RUNNING,
    "RESUMED": RUNNING,
    "SUSPENDED": PAUSED,
    "STOPPED": OFF,
    "CRASHED": CRASHED,
    "STOPPED saved": SAVED,
}
_BY_ACT: Final[Mapping[str, str]] = {
    DEFINE: OFF,
    "create": RUNNING,
    "create paused": PAUSED,
    "suspend": PAUSED,
    "resume": RUNNING,
    "destroy": OFF,
    "managed save": SAVED,
}
_BY_STATE: Final[Mapping[int, str]] = {
    DomainState.RUNNING: RUNNING,
    DomainState.BLOCKED: RUNNING,
    DomainState.PAUSED: PAUSED,
    DomainState.SHUTOFF: OFF,
    DomainState.CRASHED: CRASHED,
}
_OFTEN: Final = ("REBOOT", "BLOCK_JOB_2")  # of one act there may be several: a reset tells itself twice, a job has a disk each
_OFF: Final = (OFF, SAVED, SAVED_PAUSED)
_MOVING: Final = ("SUSPENDED migrated", "SUSPENDED postcopy")  # its memory moves, and nobody paused it
_NOT_THERE: Final = (UNKNOWN, NONE)


@dataclass(slots=True, eq=False)
class Doing:
    """An act under way: `name` is empty while nobody asked for it. `told` are the events put down to it, by name."""

    name: str
    before: str
    lines: tuple[int, int]
    told: list[str] = field(default_factory=list[str])

    def take(self, event: str, line: int) -> None:
        """An event is its doing."""
        self.told.append(event)
        self.lines = (self.lines[0], max(self.lines[1], line))

    def may_cause(self, event: str) -> bool:
        """Whether the event may be its doing; of most events one act causes one."""
        known = self.name in ACTS and ACTS[self.name].may_cause(event)
        return known and (event not in self.told or event.startswith(_OFTEN))

    @property
    def lacks(self) -> bool:
        """Whether what tells it has to come yet."""
        return self.before not in ACTS[self.name].idle and ACTS[self.name].lacks(self.told)

    def awaits(self, event: str) -> bool:
        """Whether this event follows on what was told of it."""
        return bool(self.told) and event not in self.told and ACTS[self.name].is_followed_by(event)


@dataclass(slots=True)
class Life:
    """One domain through one case. `state` is what it is; `heard` the same by its events alone, which come later."""

    state: str = UNKNOWN
    heard: str = UNKNOWN
    doings: list[Doing] = field(default_factory=list[Doing])
    snapshots: dict[str, str] = field(default_factory=dict[str, str])
    acted_on: bool = False

    def ask(self, name: str, line: int) -> Doing:
        """A call begins that the host will not refuse."""
        self.acted_on = True
        if name == DEFINE:
            name, self.state = (DEFINE, NONE) if self.state in _NOT_THERE else (REDEFINE, self.state)
        self.doings.append(Doing(name, self.state, (line, line)))
        if name in (MIGRATE, MIGRATE_REFUSED):
            self.state = MIGRATING
        return self.doings[-1]

    def reach(self, doing: Doing) -> None:
        """The call returned: the domain is what it promises, unless events have told what it is."""
        if self.state == MIGRATING:
            self.state = NONE if doing.name == MIGRATE else doing.before
        elif doing.name in _BY_ACT and not doing.told:
            self.state = _BY_ACT[doing.name]

    def hear(self, event: str, line: int) -> None:
        """The host told an event."""
        doing = self._doing_of(event, line)
        doing.take(event, line)
        asked = [each for each in self.doings if each.name]
        if (doing.name and doing is not asked[-1]) or doing.name == SNAPSHOT:
            return  # what came late tells what the domain is no more, and a snapshot pauses it for a moment only
        now = _after(event, self.state)
        if now == SAVED and doing.before == PAUSED:
            now = SAVED_PAUSED
        if now:
            self.state = self.heard = now

    def read(self, number: int | None) -> None:
        """Somebody read the domain's state; one that is off may be saved as well."""
        found = _BY_STATE.get(number or -1)
        if found is not None and not (found == OFF and self.state in _OFF):
            self.state = found

    def lose_image(self) -> None:
        """Somebody read that there is no managed save."""
        if self.state in _OFF:
            self.state = OFF

    def _doing_of(self, event: str, line: int) -> Doing:
        able = [doing for doing in self.doings if doing.may_cause(event)]
        lacking = next((doing for doing in able if doing.lacks), None)
        if lacking is not None or (self.doings and not self.doings[-1].name and event != ARRIVED):
            return lacking or self.doings[-1]
        last = max((place for place, doing in enumerate(self.doings) if not doing.name), default=-1)
        recent = [doing for doing in able if doing in self.doings[last + 1 :]]
        if recent:
            return next((doing for doing in recent if doing.awaits(event)), recent[-1])
        if last >= 0 and event.startswith(_OFTEN) and event in self.doings[last].told:
            return self.doings[last]
        self.doings.append(Doing("", self.state if self.heard == UNKNOWN else self.heard, (line, line)))
        return self.doings[-1]


def _after(event: str, state: str) -> str:
    """What a domain is after an event; empty where that tells nothing of it."""
    word = event.partition(" ")[0]
    if event in _MOVING:
        return ""
    if word == "UNDEFINED":
        return NONE if state in _OFF else ""
    if word == "DEFINED":
        return OFF if state in _NOT_THERE else ""
    return _BY_EVENT.get(event) or _BY_EVENT.get(word, "")
