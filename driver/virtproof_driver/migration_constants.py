"""libvirt's numbers and words that migration alone needs, each named as libvirt names it without its prefix.

What belongs here: flags, names of typed parameters, names of a job's statistics. What does not: what they mean to us
(`migration_calls`), and what others need too (`constants`). `driver/tests/test_constants.py` compares each with the real module.
Each class's docstring gives the prefix of libvirt's names.
"""

from enum import IntFlag, StrEnum, unique


class MigrateFlag(IntFlag):
    """VIR_MIGRATE_."""

    LIVE = 1
    PEER2PEER = 2
    PERSIST_DEST = 8
    UNDEFINE_SOURCE = 16
    PAUSED = 32
    NON_SHARED_DISK = 64
    UNSAFE = 512
    OFFLINE = 1024
    ABORT_ON_ERROR = 4096
    AUTO_CONVERGE = 8192
    POSTCOPY = 32768


class JobStatsFlag(IntFlag):
    """VIR_DOMAIN_JOB_STATS_."""

    COMPLETED = 1


@unique
class MigrateParam(StrEnum):
    """VIR_MIGRATE_PARAM_."""

    URI = "migrate_uri"
    DEST_NAME = "destination_name"
    BANDWIDTH = "bandwidth"


@unique
class JobField(StrEnum):
    """VIR_DOMAIN_JOB_: times in milliseconds, amounts in bytes."""

    TIME_ELAPSED = "time_elapsed"
    DOWNTIME = "downtime"
    MEMORY_TOTAL = "memory_total"
    MEMORY_PROCESSED = "memory_processed"
    MEMORY_REMAINING = "memory_remaining"
    MEMORY_ITERATION = "memory_iteration"
    DISK_TOTAL = "disk_total"
    DISK_PROCESSED = "disk_processed"
    DISK_REMAINING = "disk_remaining"
    AUTO_CONVERGE_THROTTLE = "auto_converge_throttle"
