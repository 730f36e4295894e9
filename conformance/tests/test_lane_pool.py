"""The lanes of a process: which are asked for, and that one which cannot be had is tried once."""

from pathlib import Path

import pytest

from virtproof.backends.loading import load
from virtproof.errors import LaneUnavailable, UsageError
from virtproof.evidence import Kind, Record
from virtproof.lane_pool import LaneKey, LanePool, lane_keys
from virtproof.lanes.model import Worker
from virtproof.options import Options
from virtproof.recording.recorder import Recorder

WORKER = Worker(run="abc123", name="main", prefix="vp-abc123-main-")


def labels(**given: tuple[str, ...]) -> list[str]:
    return [key.label for key in lane_keys(Options(**given))]  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_each_backend_is_reached_by_its_first_transport_unless_another_was_asked_for() -> None:
    assert labels(backends=("test", "test-rpc")) == ["test", "test-rpc/unix"]
    assert labels(backends=("test", "test-rpc"), transports=("tcp",)) == ["test", "test-rpc/tcp"]
    assert labels(backends=("test-rpc",), transports=("tcp", "unix")) == ["test-rpc/unix", "test-rpc/tcp"]


def test_a_transport_that_no_backend_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="'tcp': these backends have in-process"):
        labels(backends=("test",), transports=("tcp",))


def test_a_lane_is_provisioned_once_and_recorded() -> None:
    kept: list[Record] = []
    pool = LanePool(WORKER, Recorder(worker="main", sink=kept.extend), allow_host=False)
    key = LaneKey(backend=load("test"), transport="in-process")
    assert pool.lane(key) is pool.lane(key)
    assert [(record.kind, record.lane, record.data["backend"]) for record in kept] == [(Kind.LANE, "test", "test")]
    assert pool.unavailable == ()
    pool.close()


def test_a_lane_that_cannot_be_had_says_so_each_time_and_is_listed_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nuri = "test+tcp://127.0.0.1:1/default"\nbasis = "mock"\n', encoding="utf-8")
    key = lane_keys(Options(backends=(str(path),)))[0]
    pool = LanePool(WORKER, Recorder(worker="main"), allow_host=True)
    messages: set[str] = set()
    for _ in range(2):
        with pytest.raises(LaneUnavailable) as caught:
            pool.lane(key)
        messages.add(str(caught.value))
    assert pool.unavailable == tuple(messages)
    pool.close()
