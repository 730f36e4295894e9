"""What a case does with a migration, as operations; and on which host a thing was."""

from typing import Any
from uuid import UUID

import pytest

from virtproof.evidence import HOST, Kind
from virtproof.recording.migration import RecordedMigration
from virtproof.recording.operator import Operator
from virtproof.recording.recorder import Recorder

IT = UUID(int=5)


class Moving:
    """A migration as a driver gives it."""

    uuid = IT
    progress = 7

    def wait(self, timeout: float | None = None) -> str:
        return f"waited {timeout}"

    def abort(self) -> None:
        raise RuntimeError("not now")


@pytest.fixture
def migration(recorder: Recorder) -> Any:
    return RecordedMigration(Moving(), Operator(recorder=recorder, host="destination"), str(IT))


def operations(recorder: Recorder, kind: Kind) -> list[tuple[object, ...]]:
    names = ("method", HOST) if kind is Kind.OPERATION_BEGIN else ("method", "error")
    return [tuple(record.data.get(name) for name in names) for record in recorder.records(kind)]


def test_waits_and_looks_are_operations_of_the_host(recorder: Recorder, migration: Any) -> None:
    assert migration.progress == 7
    assert migration.wait(3) == "waited 3"
    assert operations(recorder, Kind.OPERATION_BEGIN) == [
        ("migration.progress", "destination"),
        ("migration.wait", "destination"),
    ]
    assert recorder.records(Kind.OPERATION_BEGIN)[0].data["arguments"] == {"uuid": str(IT)}


def test_an_error_passes_and_is_told(recorder: Recorder, migration: Any) -> None:
    with pytest.raises(RuntimeError, match="not now"):
        migration.abort()
    assert operations(recorder, Kind.OPERATION_END) == [("migration.abort", "RuntimeError: not now")]


def test_all_else_passes_through(recorder: Recorder, migration: Any) -> None:
    assert migration.uuid == IT
    assert isinstance(migration, Moving)
    assert recorder.records(Kind.OPERATION_BEGIN) == ()
