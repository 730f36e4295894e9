"""What can happen to a domain: each act with its words for readers, the events that it may cause, and those that tell it.

What belongs here: the table. What does not: how an act is found in evidence (`asking`, `attribution`). An event is put down to
an act only if the act can cause it, so an event that comes a moment late is not taken for the doing of the call after its own,
and one that no call explains stands for itself. A cause is an event's name or the beginning of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final


@unique
class Group(StrEnum):
    """A part of the table, under this heading."""

    POWER = "Define, start, pause, save, stop"
    ENDS = "Ends, resets and errors that nobody asked for"
    SAVED = "Snapshots and block jobs"
    MIGRATION = "Migration"
    DEVICES = "Devices and disks"
    OTHER = "Everything else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """`causes` are the events that may be its doing. Any of `tells` tells that it took place; without them any event does.

    `follows` are due after them. `asks`: a guest may not do what it is asked, so that nothing told proves nothing. `idle`: what
    a domain is before when the act changes nothing. `changes`: whether it changes a domain at all. `cases`: nobody asked for it,
    but these cases bring it about.
    """

    words: str
    group: Group
    causes: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    asks: bool = False
    idle: tuple[str, ...] = ()
    changes: bool = True
    cases: tuple[str, ...] = ()

    def may_cause(self, name: str) -> bool:
        """Whether an event of this name may be its doing."""
        return _begins(name, self.causes)

    def lacks(self, told: Sequence[str]) -> bool:
        """Whether an event that it surely causes has not come, when so much was told of it."""
        return not self.asks and any(not any(_begins(name, (each,)) for name in told) for each in self.tells)

    def is_followed_by(self, name: str) -> bool:
        """Whether an event of this name is due after those that tell the act."""
        return _begins(name, self.follows)

    def is_told_by(self, name: str) -> bool:
        """Whether an event of this name, of those put down to the act, tells that it took place."""
        return not self.tells or _begins(name, self.tells)


def _begins(name: str, beginnings: tuple[str, ...]) -> bool:
    return any(name == each or name.startswith(f"{each} ") for each in beginnings)


def _sure(words: str, *causes: str, idle: tuple[str, ...] = ()) -> Act:
    return Act(words=words, group=Group.POWER, causes=causes, tells=causes, idle=idle)


def _attached(words: str) -> Act:
    """Of a running domain and its definition."""
    causes = ("DEVICE_ADDED", "DEFINED updated")
    return Act(words=words, group=Group.DEVICES, causes=causes, tells=("DEVICE_ADDED",), follows=("DEFINED updated",))


def _attached_live(words: str) -> Act:
    return Act(words=words, group=Group.DEVICES, causes=("DEVICE_ADDED",), tells=("DEVICE_ADDED",))


def _detached(words: str) -> Act:
    causes = ("DEVICE_REMOVED", "DEVICE_REMOVAL_FAILED")
    return Act(words=words, group=Group.DEVICES, causes=causes, tells=("DEVICE_REMOVED",), asks=True)


def _defined(words: str) -> Act:
    return Act(words=words, group=Group.DEVICES, causes=("DEFINED updated",))


def _block(words: str, *causes: str) -> Act:
    return Act(words=words, group=Group.SAVED, causes=causes)


def _reverted(words: str, tells: str) -> Act:
    return Act(words=words, group=Group.SAVED, causes=_REVERTING, tells=(tells,))


def _ended(words: str, *causes: str, cases: tuple[str, ...]) -> Act:
    return Act(words=words, group=Group.ENDS, tells=causes, cases=cases)


_STARTING: Final = (
    "RESUMED",
    "STARTED booted",
    "STARTED restored",
    "SUSPENDED restored",
    "SUSPENDED from-snapshot",
    "JOB_COMPLETED restore",
)
_SAVING: Final = ("SUSPENDED paused", "JOB_COMPLETED save", "SHUTDOWN host", "STOPPED saved")
_SNAPSHOT: Final = ("SUSPENDED paused", "RESUMED unpaused", "JOB_COMPLETED snapshot")
_REVERTING: Final = (
    *("SHUTDOWN host", "STOPPED from-snapshot", "STARTED from-snapshot", "RESUMED", "SUSPENDED", "DEFINED from-snapshot"),
    "JOB_COMPLETED snapshot-revert",
)
_LEAVING: Final = (
    *("SUSPENDED", "RESUMED migrated", "RESUMED postcopy", "SHUTDOWN host", "STOPPED migrated", "UNDEFINED"),
    "JOB_COMPLETED migration-out",
)

ACTS: Final[Mapping[str, Act]] = MappingProxyType(
    {
        "define": _sure("define", "DEFINED added"),
        "redefine": _sure("define again", "DEFINED"),
        "create": Act(words="create", group=Group.POWER, causes=_STARTING, tells=("STARTED",)),
        "create paused": Act(
            words="create, paused", group=Group.POWER, causes=(*_STARTING, "SUSPENDED paused"), tells=("STARTED",)
        ),
        "suspend": _sure("suspend", "SUSPENDED paused", idle=("paused",)),
        "resume": _sure("resume", "RESUMED unpaused", idle=("running",)),
        "managed save": Act(words="managed save", group=Group.POWER, causes=_SAVING, tells=("STOPPED",)),
        "shutdown": Act(
            words="shutdown",
            group=Group.POWER,
            causes=("SHUTDOWN guest", "SHUTDOWN finished", "STOPPED shutdown", "REBOOT"),
            tells=("STOPPED", "REBOOT"),
            asks=True,
        ),
        "reboot": Act(
            words="reboot",
            group=Group.POWER,
            causes=("REBOOT", "SHUTDOWN guest", "STOPPED shutdown"),
            tells=("STOPPED", "REBOOT"),
            asks=True,
        ),
        "reset": _sure("reset", "REBOOT"),
        "destroy": Act(
            words="destroy",
            group=Group.POWER,
            causes=("SHUTDOWN host", "STOPPED destroyed", "STOPPED failed", "CONTROL_ERROR"),
            tells=("STOPPED",),
        ),
        "undefine": _sure("undefine", "UNDEFINED"),
        "guest off": _ended(
            "the guest switches off",
            "STOPPED",
            cases=("lifecycle.ends.poweroff", "lifecycle.ends.poweroff-again", "lifecycle.init.switches-off"),
        ),
        "guest reset": _ended(
            "the guest resets",
            "REBOOT",
            cases=("lifecycle.ends.reset", "lifecycle.ends.reset-same-run", "lifecycle.init.restarts"),
        ),
        "restart": _ended("the guest switches off, on_poweroff restart", "REBOOT", cases=("lifecycle.ends.restart",)),
        "end on reset": _ended("the guest resets, on_reboot destroy", "STOPPED", cases=("lifecycle.ends.destroy",)),
        "init ends": _ended("the container's first program ends", "STOPPED", cases=("lifecycle.init.exits",)),
        "killed": _ended(
            "its process is killed (SIGKILL)",
            "STOPPED",
            cases=("lifecycle.ends.killed", "lifecycle.ends.killed-reason", "lifecycle.ends.killed-paused"),
        ),
        "terminated": _ended("its process is asked to end (SIGTERM)", "STOPPED", cases=("lifecycle.ends.terminated",)),
        "panic": _ended("the guest panics, on_crash destroy", "CRASHED", cases=("lifecycle.ends.panic",)),
        "panic kept": _ended(
            "the guest panics, on_crash preserve",
            "CRASHED",
            cases=("lifecycle.ends.panic-kept", "lifecycle.ends.panic-destroyed"),
        ),
        "panic restarted": _ended("the guest panics, on_crash restart", "CRASHED", cases=("lifecycle.ends.panic-restarted",)),
        "disk full": _ended(
            "a disk is full",
            "IO_ERROR_REASON",
            cases=tuple(f"events.disk.{case}" for case in ("destroy", "full", "others", "room", "unpause")),
        ),
        "snapshot": Act(words="snapshot, internal", group=Group.SAVED, causes=_SNAPSHOT, follows=("RESUMED",)),
        "snapshot external": Act(words="snapshot, external, of disks", group=Group.SAVED, causes=_SNAPSHOT),
        "snapshot redefine": Act(words="snapshot, only redefined", group=Group.SAVED, changes=False),
        "revert to running": _reverted("revert to one of a running domain", "STARTED"),
        "revert to paused": _reverted("revert to one of a paused domain", "STARTED"),
        "revert to off": _reverted("revert to one of an off domain", "DEFINED from-snapshot"),
        "revert to disks": _reverted("revert to an external one", "DEFINED from-snapshot"),
        "delete snapshot": _block("delete an internal snapshot", "BLOCK_JOB_2", "SHUTDOWN host"),
        "delete external snapshot": _block("delete an external snapshot", "BLOCK_JOB_2", "SHUTDOWN host"),
        "forget snapshot": Act(words="delete only what is known of a snapshot", group=Group.SAVED, changes=False),
        "commit": _block("block commit", "BLOCK_JOB_2 commit"),
        "active commit": _block("active block commit", "BLOCK_JOB_2 active-commit ready"),
        "pivot": _block("end a block job by pivot", "BLOCK_JOB_2 active-commit", "BLOCK_JOB_2 copy"),
        "call off": _block("call off a block job", "BLOCK_JOB_2"),
        "back up": _block("back up", "JOB_COMPLETED backup", "BLOCK_JOB_2 backup"),
        "migrate": Act(
            words="migrate away",
            group=Group.MIGRATION,
            causes=_LEAVING,
            tells=("STOPPED migrated",),
            idle=("off", "saved", "saved paused"),
        ),
        "migrate refused": Act(
            words="migrate away, refused or failed", group=Group.MIGRATION, causes=(*_LEAVING, "RESUMED"), changes=False
        ),
        "arrive": Act(words="arrive from another host", group=Group.MIGRATION, tells=("STARTED migrated",)),
        "arrive failed": Act(words="arrive, and the migration fails", group=Group.MIGRATION, changes=False),
        "attach disk": _attached("attach a disk, also to the definition"),
        "attach disk live": _attached_live("attach a disk, live only"),
        "attach disk in definition": _defined("attach a disk to the definition"),
        "detach disk": _detached("detach a disk"),
        "detach disk in definition": _defined("detach a disk from the definition"),
        "attach interface": _attached("attach an interface, also to the definition"),
        "attach interface live": _attached_live("attach an interface, live only"),
        "attach interface in definition": _defined("attach an interface to the definition"),
        "detach interface": _detached("detach an interface"),
        "detach interface in definition": _defined("detach an interface from the definition"),
        "resize disk": Act(words="resize a disk", group=Group.DEVICES),
        "set memory": Act(words="set memory", group=Group.OTHER, causes=("DEFINED updated",)),
        "set processors": Act(words="set processors", group=Group.OTHER, causes=("DEFINED updated",)),
        "set metadata": Act(words="set metadata", group=Group.OTHER, causes=("METADATA_CHANGE",), tells=("METADATA_CHANGE",)),
        "agent awaited": Act(words="a domain with a guest agent's channel starts", group=Group.OTHER),
        "agent connects": Act(words="the guest opens its agent's channel", group=Group.OTHER),
        "agent leaves": Act(words="the guest closes its agent's channel", group=Group.OTHER),
        "freeze": Act(words="freeze file systems", group=Group.OTHER),
        "thaw": Act(words="thaw file systems", group=Group.OTHER),
        "set password": Act(words="set a user's password", group=Group.OTHER),
        "create refused": Act(
            words="create, refused",
            group=Group.OTHER,
            causes=(*_STARTING, "CONTROL_ERROR", "SHUTDOWN host", "STOPPED failed"),
            changes=False,
        ),
        "refused": Act(words="any other call of these, refused", group=Group.OTHER, changes=False),
    }
)

UNASKED: Final[Mapping[str, str]] = MappingProxyType({case: name for name, act in ACTS.items() for case in act.cases})
"""The act that a case brings about without a call of the driver's."""
