"""Which act a libvirt call of the driver asks for.

What belongs here: from a call, by its family and its flags, to the act's name. What does not: acts (`acts`), and what came of
the call. The flags' numbers are libvirt's, of the constants that the table names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from virtproof.judges.reading import Call
from virtproof_driver.constants import Affect, BlockCommitFlag, BlockJobAbortFlag, SnapshotDeleteFlag, SnapshotFlag, StartFlag

REVERT: Final = "revert to"
"""The beginning of an act's name whose end is what the snapshot is of."""
_BOTH: Final = Affect.LIVE | Affect.CONFIG
DELETE: Final = "delete snapshot"
_DEVICES: Final[Mapping[str, str]] = {
    "attach_volume": "disk",
    "detach_volume": "disk",
    "attach_interface": "interface",
    "detach_interface": "interface",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A name, and others that the call's flags give: `at` is their place among its arguments, the first flags that are set win.

    `{device}` in a name is what the driver's operation is about; without it the call asks for nothing that the table has.
    """

    name: str
    at: int = 0
    flagged: tuple[tuple[int, str], ...] = ()

    def of(self, call: Call, operation: str) -> str:
        """The act's name."""
        flags = call.shown[self.at] if len(call.shown) > self.at else 0
        number = flags if isinstance(flags, int) else 0
        name = next((name for flag, name in self.flagged if number & flag == flag), self.name)
        return name.format(device=_DEVICES.get(operation, "")) if "{" in name else name


ASKED: Final[Mapping[str, Asked]] = {
    "defineXML": Asked(name="define"),
    "undefine": Asked(name="undefine"),
    "create": Asked(name="create", flagged=((StartFlag.PAUSED, "create paused"),)),
    "destroy": Asked(name="destroy"),
    "suspend": Asked(name="suspend"),
    "resume": Asked(name="resume"),
    "shutdown": Asked(name="shutdown"),
    "reboot": Asked(name="reboot"),
    "reset": Asked(name="reset"),
    "managedSave": Asked(name="managed save"),
    "migrate3": Asked(name="migrate"),
    "migrateToURI3": Asked(name="migrate"),
    "snapshotCreateXML": Asked(
        name="snapshot",
        at=1,
        flagged=((SnapshotFlag.REDEFINE, "snapshot redefine"), (SnapshotFlag.DISK_ONLY, "snapshot external")),
    ),
    "revertToSnapshot": Asked(name=REVERT),
    "delete": Asked(name=DELETE, flagged=((SnapshotDeleteFlag.METADATA_ONLY, "forget snapshot"),)),
    "blockCommit": Asked(name="commit", at=4, flagged=((BlockCommitFlag.ACTIVE, "active commit"),)),
    "blockJobAbort": Asked(name="call off", at=1, flagged=((BlockJobAbortFlag.PIVOT, "pivot"),)),
    "backupBegin": Asked(name="back up"),
    "attachDevice": Asked(
        name="attach {device} in definition", at=1, flagged=((_BOTH, "attach {device}"), (Affect.LIVE, "attach {device} live"))
    ),
    "detachDevice": Asked(name="detach {device} in definition", at=1, flagged=((Affect.LIVE, "detach {device}"),)),
    "blockResize": Asked(name="resize disk"),
    "setMemory": Asked(name="set memory"),
    "setVcpus": Asked(name="set processors"),
    "setMetadata": Asked(name="set metadata"),
    "fsFreeze": Asked(name="freeze"),
    "fsThaw": Asked(name="thaw"),
    "setUserPassword": Asked(name="set password"),
}
_OBJECTS: Final = {"defineXML": "Connection", "delete": "DomainSnapshot"}


def act_of(call: Call, operation: str) -> str | None:
    """The name of the act that a call asks for, None where it is about no domain. `operation` is the driver's that made it."""
    asked = ASKED.get(call.family)
    if asked is None or str(call.begin.data.get("object")) != _OBJECTS.get(call.family, "Domain"):
        return None
    return asked.of(call, operation)
