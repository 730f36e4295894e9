"""What libvirt's domain events mean that are no changes of state: callbacks' arguments to values, by table.

What belongs here: one reader an event id, and the value before it. What does not: changes of state (`table`) and who waits for
these (`link`). Words are libvirt's own names in lower case, and a test compares each with the real module.
Source: https://libvirt.org/html/libvirt-libvirt-domain.html, the callbacks named virConnectDomainEvent…Callback; libvirt-python
passes their arguments in the same order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any
from uuid import UUID

from virtproof_driver.constants import DomainEventId
from virtproof_driver.migration_calls import numbers_in
from virtproof_driver.states import UNKNOWN, word
from virtproof_driver.values import (
    AgentEvent,
    BlockJob,
    BlockJobEvent,
    BlockJobStatus,
    DeviceEvent,
    DeviceEventKind,
    IoErrorEvent,
    IterationEvent,
    JobEvent,
    Notice,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawNotice:
    """An event as libvirt's thread delivered it: what the handle says, and the callback's arguments after it, without opaque."""

    uuid: str
    name: str
    event_id: DomainEventId
    arguments: tuple[object, ...]
    stamp: float


BLOCK_JOBS = ("unknown", "pull", "copy", "commit", "active-commit", "backup")
BLOCK_JOB_STATUSES = ("completed", "failed", "canceled", "ready")
OPERATIONS = (
    UNKNOWN,
    "start",
    "save",
    "restore",
    "migration-in",
    "migration-out",
    "snapshot",
    "snapshot-revert",
    "dump",
    "backup",
    "snapshot-delete",
)
AGENT_CONNECTED = 1
AGENT_REASONS = (UNKNOWN, "domain-started", "channel")
IO_ERROR_ACTIONS = ("none", "pause", "report")

Read = Callable[..., Notice]


def _device(kind: DeviceEventKind, uuid: UUID, raw: RawNotice, alias: str) -> Notice:
    return DeviceEvent(uuid=uuid, name=raw.name, alias=alias, kind=kind, stamp=raw.stamp)


def _block_job(uuid: UUID, raw: RawNotice, target: str, job: int, status: int) -> Notice:
    return BlockJobEvent(
        uuid=uuid,
        name=raw.name,
        target=target,
        job=BlockJob(word(BLOCK_JOBS, job)),
        status=BlockJobStatus(word(BLOCK_JOB_STATUSES, status)),
        stamp=raw.stamp,
    )


def _job(uuid: UUID, raw: RawNotice, statistics: Mapping[str, Any]) -> Notice:
    operation = word(OPERATIONS, int(statistics.get("operation", -1)))
    return JobEvent(uuid=uuid, name=raw.name, operation=operation, stamp=raw.stamp, statistics=numbers_in(statistics))


def _iteration(uuid: UUID, raw: RawNotice, iteration: int) -> Notice:
    return IterationEvent(uuid=uuid, name=raw.name, iteration=iteration, stamp=raw.stamp)


def _agent(uuid: UUID, raw: RawNotice, state: int, reason: int) -> Notice:
    connected = state == AGENT_CONNECTED
    return AgentEvent(uuid=uuid, name=raw.name, connected=connected, reason=word(AGENT_REASONS, reason), stamp=raw.stamp)


def _io_error(uuid: UUID, raw: RawNotice, *arguments: Any) -> Notice:
    source, alias, action, reason = arguments
    return IoErrorEvent(
        uuid=uuid,
        name=raw.name,
        source=source or "",
        alias=alias or "",
        action=word(IO_ERROR_ACTIONS, action),
        reason=reason or "",
        stamp=raw.stamp,
    )


READERS: Mapping[DomainEventId, Read] = MappingProxyType(
    {
        DomainEventId.DEVICE_ADDED: partial(_device, DeviceEventKind.ADDED),
        DomainEventId.DEVICE_REMOVED: partial(_device, DeviceEventKind.REMOVED),
        DomainEventId.DEVICE_REMOVAL_FAILED: partial(_device, DeviceEventKind.REMOVAL_FAILED),
        DomainEventId.BLOCK_JOB_2: _block_job,
        DomainEventId.JOB_COMPLETED: _job,
        DomainEventId.MIGRATION_ITERATION: _iteration,
        DomainEventId.AGENT_LIFECYCLE: _agent,
        DomainEventId.IO_ERROR_REASON: _io_error,
    }
)
NOTICE_IDS = frozenset(READERS)


def notice_of(raw: RawNotice) -> Notice | None:
    """The value of an event, None for one of an id that no reader is for."""
    read = READERS.get(raw.event_id)
    return None if read is None else read(UUID(raw.uuid), raw, *raw.arguments)
