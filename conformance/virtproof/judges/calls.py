"""What libvirt's functions mean to a judge, as tables over the names of libvirt-python.

What belongs here: which functions change something, which read the state of an object, which event and which activity each one
that changes a domain promises. What does not: any judgement. A function and its variant with flags are one family, because a
driver may use either (libvirt-domain documentation: `virDomainCreate` is `virDomainCreateWithFlags` with no flags).
"""

from collections.abc import Mapping
from typing import Final

from virtproof.judges.automaton import Activity
from virtproof_driver.constants import DomainEvent

# The family of a name that is not found by cutting these off its end.
_VARIANTS: Final = ("WithFlags", "Flags", "WithFiles")
_ALIASES: Final[Mapping[str, str]] = {"createLinux": "createXML", "lookupByUUID": "lookupByUUIDString"}

# Families that change a domain, with the lifecycle event each promises once it returned success (measured on the test
# driver, QEMU and LXC, libvirt 9.0 to 12.8). A family without an event promises none: shutdown() and reboot() ask a guest.
PROMISED_EVENT: Final[Mapping[str, DomainEvent]] = {
    "create": DomainEvent.STARTED,
    "destroy": DomainEvent.STOPPED,
    "suspend": DomainEvent.SUSPENDED,
    "resume": DomainEvent.RESUMED,
    "managedSave": DomainEvent.STOPPED,
    "undefine": DomainEvent.UNDEFINED,
}

# What has been reached when the family returned success: these are synchronous by libvirt's documentation.
REACHED: Final[Mapping[str, frozenset[Activity]]] = {
    "create": frozenset({Activity.RUNNING, Activity.PAUSED}),
    "createXML": frozenset({Activity.RUNNING, Activity.PAUSED}),
    "destroy": frozenset({Activity.OFF}),
    "suspend": frozenset({Activity.PAUSED}),
    "resume": frozenset({Activity.RUNNING}),
    "managedSave": frozenset({Activity.OFF}),
    "save": frozenset({Activity.OFF}),
}

# Families after which a paused domain of the test driver runs without an event (reboot, and shutdown with on_poweroff=restart;
# measured, libvirt 9.0.0).
SILENT: Final = frozenset({"reboot", "shutdown"})

# Reads of an object's state, and of lists that hold it: what a driver that polls repeats.
STATE_READS: Final = frozenset(
    {
        "state",
        "info",
        "isActive",
        "XMLDesc",
        "isPersistent",
        "jobInfo",
        "jobStats",
        "lookupByUUIDString",
        "lookupByName",
        "lookupByID",
        "listAllDomains",
        "listDomainsID",
        "listDefinedDomains",
        "getAllDomainStats",
        "domainListGetStats",
        "numOfDomains",
    }
)

# Those that show states in a form that judges do not read: a list of what is active, a document.
OPAQUE_READS: Final = STATE_READS - {"state", "info", "isActive", "isPersistent", "lookupByUUIDString", "lookupByName"}

# Every family that changes something on the host or in a guest. Names that are not here are reads, or concern the connection.
MUTATING: Final = frozenset(
    {
        "abortJob", "attachDevice", "blockCommit", "blockCopy", "blockJobAbort", "blockPull", "blockRebase", "blockResize",
        "build", "create", "createXML", "createXMLFrom", "defineXML", "delete", "destroy", "detachDevice", "detachDeviceAlias",
        "fsFreeze", "fsThaw", "injectNMI", "interfaceDefineXML", "managedSave", "managedSaveRemove", "migrate", "migrateToURI3",
        "networkCreateXML", "networkDefineXML", "nwfilterDefineXML", "pMSuspendForDuration", "pMWakeup", "reboot", "refresh",
        "rename", "reset", "resize", "restore", "resume", "revertToSnapshot", "save", "secretDefineXML", "setAutostart",
        "setMaxMemory", "setMemory", "setMetadata", "setUserPassword", "setVcpus", "shutdown", "snapshotCreateXML",
        "storagePoolCreateXML", "storagePoolDefineXML", "storageVolCreateXML", "suspend", "undefine", "update", "updateDevice",
        "upload", "wipe",
    }
)  # fmt: skip


OPENING: Final = frozenset({"open", "openAuth", "openReadOnly"})


def family(method: str) -> str:
    """The family of a libvirt-python method name: `createWithFlags` is `create`."""
    for variant in _VARIANTS:
        method = method.removesuffix(variant)
    return _ALIASES.get(method, method)
