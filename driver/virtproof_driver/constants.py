"""libvirt's numbers that pure code needs, as our own enums, each named as libvirt names it without its prefix.

What belongs here: a number and its libvirt name. What does not: what it means to us (`events.table`, `error_table`,
`states`). `driver/tests/test_constants.py` compares each member with the real module, so a wrong number cannot stay.
Each class's docstring gives the prefix of libvirt's names.
"""

from enum import IntEnum, IntFlag, unique


@unique
class DomainState(IntEnum):
    """VIR_DOMAIN_."""

    NOSTATE = 0
    RUNNING = 1
    BLOCKED = 2
    PAUSED = 3
    SHUTDOWN = 4
    SHUTOFF = 5
    CRASHED = 6
    PMSUSPENDED = 7


@unique
class DomainEventId(IntEnum):
    """VIR_DOMAIN_EVENT_ID_."""

    LIFECYCLE = 0
    REBOOT = 1
    RTC_CHANGE = 2
    WATCHDOG = 3
    IO_ERROR = 4
    GRAPHICS = 5
    IO_ERROR_REASON = 6
    CONTROL_ERROR = 7
    BLOCK_JOB = 8
    DISK_CHANGE = 9
    TRAY_CHANGE = 10
    DEVICE_REMOVED = 15
    BLOCK_JOB_2 = 16
    TUNABLE = 17
    AGENT_LIFECYCLE = 18
    DEVICE_ADDED = 19
    MIGRATION_ITERATION = 20
    JOB_COMPLETED = 21
    DEVICE_REMOVAL_FAILED = 22
    METADATA_CHANGE = 23


@unique
class DomainEvent(IntEnum):
    """VIR_DOMAIN_EVENT_: the event of the LIFECYCLE event id."""

    DEFINED = 0
    UNDEFINED = 1
    STARTED = 2
    SUSPENDED = 3
    RESUMED = 4
    STOPPED = 5
    SHUTDOWN = 6
    PMSUSPENDED = 7
    CRASHED = 8


@unique
class BlockJobType(IntEnum):
    """VIR_DOMAIN_BLOCK_JOB_TYPE_."""

    UNKNOWN = 0
    PULL = 1
    COPY = 2
    COMMIT = 3
    ACTIVE_COMMIT = 4
    BACKUP = 5


@unique
class BlockJobResult(IntEnum):
    """VIR_DOMAIN_BLOCK_JOB_: the status of the BLOCK_JOB_2 event id."""

    COMPLETED = 0
    FAILED = 1
    CANCELED = 2
    READY = 3


@unique
class JobOperation(IntEnum):
    """VIR_DOMAIN_JOB_OPERATION_: what a job was of, in the JOB_COMPLETED event id."""

    UNKNOWN = 0
    START = 1
    SAVE = 2
    RESTORE = 3
    MIGRATION_IN = 4
    MIGRATION_OUT = 5
    SNAPSHOT = 6
    SNAPSHOT_REVERT = 7
    DUMP = 8
    BACKUP = 9
    SNAPSHOT_DELETE = 10


@unique
class AgentState(IntEnum):
    """VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_."""

    CONNECTED = 1
    DISCONNECTED = 2


@unique
class AgentReason(IntEnum):
    """VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_."""

    UNKNOWN = 0
    DOMAIN_STARTED = 1
    CHANNEL = 2


@unique
class IoErrorAction(IntEnum):
    """VIR_DOMAIN_EVENT_IO_ERROR_: what the host did about it."""

    NONE = 0
    PAUSE = 1
    REPORT = 2


@unique
class ErrorCode(IntEnum):
    """VIR_ERR_."""

    INTERNAL_ERROR = 1
    NO_MEMORY = 2
    NO_SUPPORT = 3
    UNKNOWN_HOST = 4
    NO_CONNECT = 5
    INVALID_CONN = 6
    INVALID_ARG = 8
    OPERATION_FAILED = 9
    OS_TYPE = 16
    NO_NAME = 21
    XML_ERROR = 27
    DOM_EXIST = 28
    OPERATION_DENIED = 29
    RPC = 39
    SYSTEM_ERROR = 38
    NO_DOMAIN = 42
    NO_NETWORK = 43
    INVALID_MAC = 44
    AUTH_FAILED = 45
    NO_STORAGE_POOL = 49
    NO_STORAGE_VOL = 50
    OPERATION_INVALID = 55
    NO_NWFILTER = 62
    INVALID_SECRET = 65
    NO_SECRET = 66
    CONFIG_UNSUPPORTED = 67
    OPERATION_TIMEOUT = 68
    NO_DOMAIN_SNAPSHOT = 72
    ARGUMENT_UNSUPPORTED = 74
    OPERATION_ABORTED = 78
    AUTH_CANCELLED = 79
    NO_DOMAIN_METADATA = 80
    MIGRATE_UNSAFE = 81
    BLOCK_COPY_ACTIVE = 83
    OPERATION_UNSUPPORTED = 84
    AGENT_UNRESPONSIVE = 86
    RESOURCE_BUSY = 87
    ACCESS_DENIED = 88
    STORAGE_VOL_EXIST = 90
    XML_INVALID_SCHEMA = 92
    DEVICE_MISSING = 99
    AGENT_COMMAND_TIMEOUT = 112
    AGENT_COMMAND_FAILED = 113


@unique
class ErrorDomain(IntEnum):
    """VIR_FROM_."""

    NONE = 0
    DOM = 6
    RPC = 7
    QEMU = 10
    TEST = 12
    REMOTE = 13
    LXC = 17
    STORAGE = 18
    NETWORK = 19
    DOMAIN = 20
    SECRET = 30
    NWFILTER = 33
    DOMAIN_SNAPSHOT = 35
    STREAMS = 38
    AUTH = 46
    TPM = 70


class Affect(IntFlag):
    """VIR_DOMAIN_AFFECT_."""

    CURRENT = 0
    LIVE = 1
    CONFIG = 2


class BlockResizeFlag(IntFlag):
    """VIR_DOMAIN_BLOCK_RESIZE_."""

    BYTES = 1


class StreamFlag(IntFlag):
    """VIR_STREAM_."""

    NONBLOCK = 1


class StreamEvent(IntFlag):
    """VIR_STREAM_EVENT_."""

    READABLE = 1
    WRITABLE = 2
    ERROR = 4
    HANGUP = 8


class ConsoleFlag(IntFlag):
    """VIR_DOMAIN_CONSOLE_."""

    FORCE = 1
    SAFE = 2


class ListFlag(IntFlag):
    """VIR_CONNECT_LIST_DOMAINS_."""

    PERSISTENT = 4
    TRANSIENT = 8


class StatsType(IntFlag):
    """VIR_DOMAIN_STATS_."""

    STATE = 1


class ConnectFlag(IntFlag):
    """VIR_CONNECT_: how to open."""

    RO = 1


class StartFlag(IntFlag):
    """VIR_DOMAIN_START_."""

    PAUSED = 1


class UndefineFlag(IntFlag):
    """VIR_DOMAIN_UNDEFINE_."""

    MANAGED_SAVE = 1
    SNAPSHOTS_METADATA = 2
    NVRAM = 4
    KEEP_NVRAM = 8
    CHECKPOINTS_METADATA = 16
    TPM = 32
    KEEP_TPM = 64


class ShutdownFlag(IntFlag):
    """VIR_DOMAIN_SHUTDOWN_."""

    DEFAULT = 0
    ACPI_POWER_BTN = 1
    GUEST_AGENT = 2
    INITCTL = 4
    SIGNAL = 8
    PARAVIRT = 16


class RebootFlag(IntFlag):
    """VIR_DOMAIN_REBOOT_."""

    DEFAULT = 0
    ACPI_POWER_BTN = 1
    GUEST_AGENT = 2
    INITCTL = 4
    SIGNAL = 8
    PARAVIRT = 16


class VcpuFlag(IntFlag):
    """VIR_DOMAIN_VCPU_."""

    LIVE = 1
    CONFIG = 2
    MAXIMUM = 4


class MemoryFlag(IntFlag):
    """VIR_DOMAIN_MEM_."""

    LIVE = 1
    CONFIG = 2
    MAXIMUM = 4


@unique
class MetadataType(IntEnum):
    """VIR_DOMAIN_METADATA_."""

    DESCRIPTION = 0
    TITLE = 1
    ELEMENT = 2


class SnapshotFlag(IntFlag):
    """VIR_DOMAIN_SNAPSHOT_CREATE_."""

    REDEFINE = 1
    CURRENT = 2
    DISK_ONLY = 16
    QUIESCE = 64


class SnapshotDeleteFlag(IntFlag):
    """VIR_DOMAIN_SNAPSHOT_DELETE_."""

    METADATA_ONLY = 2


class BlockCommitFlag(IntFlag):
    """VIR_DOMAIN_BLOCK_COMMIT_."""

    ACTIVE = 4


class BlockJobAbortFlag(IntFlag):
    """VIR_DOMAIN_BLOCK_JOB_ABORT_."""

    PIVOT = 2


class BackupFlag(IntFlag):
    """VIR_DOMAIN_BACKUP_BEGIN_."""

    REUSE_EXTERNAL = 1


class XmlFlag(IntFlag):
    """VIR_DOMAIN_XML_."""

    SECURE = 1
    INACTIVE = 2


@unique
class CloseReason(IntEnum):
    """VIR_CONNECT_CLOSE_REASON_."""

    ERROR = 0
    EOF = 1
    KEEPALIVE = 2
    CLIENT = 3


@unique
class CredentialType(IntEnum):
    """VIR_CRED_."""

    USERNAME = 1
    AUTHNAME = 2
    PASSPHRASE = 5
    ECHOPROMPT = 6
    NOECHOPROMPT = 7
    REALM = 8
    EXTERNAL = 9
