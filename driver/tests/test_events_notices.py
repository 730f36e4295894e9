"""What is no change of state: each event id's arguments become a value, in libvirt's own words."""

from enum import IntEnum
from types import MappingProxyType
from uuid import UUID

import pytest

from virtproof_driver.constants import (
    AgentReason,
    AgentState,
    BlockJobResult,
    BlockJobType,
    DomainEventId,
    IoErrorAction,
    JobOperation,
)
from virtproof_driver.events import notices
from virtproof_driver.events.notices import NOTICE_IDS, RawNotice, notice_of
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
)

UUID_A = UUID(int=10)


def raw(event_id: DomainEventId, *arguments: object) -> RawNotice:
    return RawNotice(uuid=str(UUID_A), name="a", event_id=event_id, arguments=arguments, stamp=1.0)


@pytest.mark.parametrize(
    ("event_id", "kind"),
    [
        (DomainEventId.DEVICE_ADDED, DeviceEventKind.ADDED),
        (DomainEventId.DEVICE_REMOVED, DeviceEventKind.REMOVED),
        (DomainEventId.DEVICE_REMOVAL_FAILED, DeviceEventKind.REMOVAL_FAILED),
    ],
)
def test_a_device_is_told_by_its_alias(event_id: DomainEventId, kind: DeviceEventKind) -> None:
    expected = DeviceEvent(uuid=UUID_A, name="a", alias="virtio-disk1", kind=kind, stamp=1.0)
    assert notice_of(raw(event_id, "virtio-disk1")) == expected


def test_a_block_job_is_told_by_its_target() -> None:
    found = notice_of(raw(DomainEventId.BLOCK_JOB_2, "vda", BlockJobType.ACTIVE_COMMIT, BlockJobResult.READY))
    assert found == BlockJobEvent(
        uuid=UUID_A, name="a", target="vda", job=BlockJob.ACTIVE_COMMIT, status=BlockJobStatus.READY, stamp=1.0
    )


def test_numbers_of_a_newer_libvirt_are_unknown() -> None:
    found = notice_of(raw(DomainEventId.BLOCK_JOB_2, "vda", 99, 98))
    assert isinstance(found, BlockJobEvent)
    assert (found.job, found.status) == (BlockJob.UNKNOWN, BlockJobStatus.UNKNOWN)


@pytest.mark.parametrize(
    ("statistics", "operation"),
    [
        ({"operation": JobOperation.MIGRATION_OUT, "time_elapsed": 12}, "migration-out"),
        ({}, "unknown"),
        ({"operation": 99}, "unknown"),
    ],
    ids=["told", "not told", "newer"],
)
def test_a_job_is_told_by_its_operation(statistics: dict[str, int], operation: str) -> None:
    found = notice_of(raw(DomainEventId.JOB_COMPLETED, MappingProxyType(statistics)))
    assert found == JobEvent(uuid=UUID_A, name="a", operation=operation, stamp=1.0, statistics=statistics)


def test_of_a_jobs_statistics_the_numbers_are_told() -> None:
    found = notice_of(raw(DomainEventId.JOB_COMPLETED, {"operation": 5, "downtime": 12, "errmsg": "no"}))
    assert isinstance(found, JobEvent)
    assert found.statistics == {"operation": 5, "downtime": 12}


def test_a_pass_over_the_memory_is_counted() -> None:
    found = notice_of(raw(DomainEventId.MIGRATION_ITERATION, 3))
    assert found == IterationEvent(uuid=UUID_A, name="a", iteration=3, stamp=1.0)


@pytest.mark.parametrize(("state", "connected"), [(AgentState.CONNECTED, True), (AgentState.DISCONNECTED, False)])
def test_an_agent_comes_and_goes(state: AgentState, connected: bool) -> None:
    found = notice_of(raw(DomainEventId.AGENT_LIFECYCLE, state, AgentReason.CHANNEL))
    assert found == AgentEvent(uuid=UUID_A, name="a", connected=connected, reason="channel", stamp=1.0)


def test_an_input_output_error_says_where_and_why() -> None:
    found = notice_of(raw(DomainEventId.IO_ERROR_REASON, "/a.raw", "virtio-disk0", IoErrorAction.PAUSE, "enospc"))
    assert found == IoErrorEvent(
        uuid=UUID_A, name="a", source="/a.raw", alias="virtio-disk0", action="pause", reason="enospc", stamp=1.0
    )


def test_another_event_id_says_nothing() -> None:
    assert notice_of(raw(DomainEventId.RTC_CHANGE, 0)) is None
    assert DomainEventId.LIFECYCLE not in NOTICE_IDS


@pytest.mark.parametrize(
    ("words", "enum"),
    [
        (notices.BLOCK_JOBS, BlockJobType),
        (notices.BLOCK_JOB_STATUSES, BlockJobResult),
        (notices.OPERATIONS, JobOperation),
        (notices.AGENT_REASONS, AgentReason),
        (notices.IO_ERROR_ACTIONS, IoErrorAction),
    ],
    ids=["jobs", "statuses", "operations", "agent", "errors"],
)
def test_words_are_libvirts_names(words: tuple[str, ...], enum: type[IntEnum]) -> None:
    assert [word.replace("-", "_").upper() for word in words] == [member.name for member in enum]
    assert [member.value for member in enum] == list(range(len(words)))
    assert notices.AGENT_CONNECTED == AgentState.CONNECTED
