"""Downloads: the bytes of storage volumes to a sink of the caller's.

What belongs here: cases whose ids begin with `storage.download`. What does not: bytes into volumes (`test_storage_upload`), and
images of instances (`test_images`). What is downloaded was put there past the driver.
"""

from typing import Final

import pytest

from virtproof.cases import Level, case
from virtproof.contents import beside, content, fill
from virtproof.fixtures import PoolSpecs
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH_NAME
from virtproof_driver import Capability
from virtproof_driver.constants import ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    HypervisorError,
    InvalidSpec,
    InvalidState,
    StoragePoolNotFound,
    VolumeNotFound,
)
from virtproof_driver.spec import VolumeSpec
from virtproof_driver.values import PoolInfo

DOWNLOADS: Final = frozenset({Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES, Capability.STORAGE_DOWNLOAD})
SIZE: Final = 700_001
DATA: Final = content(SIZE)
# Offset and length asked for, and which bytes come.
RANGES: Final[dict[str, tuple[int, int | None, bytes]]] = {
    "all": (0, None, DATA),
    "all-by-length": (0, SIZE, DATA),
    "first": (0, 1, DATA[:1]),
    "middle": (512, 262_145, DATA[512 : 512 + 262_145]),
    "rest": (SIZE - 3, None, DATA[-3:]),
    "over-the-end": (SIZE - 3, 100, DATA[-3:]),
    "end": (SIZE, None, b""),
    "past-the-end": (SIZE + 1_000_000, None, b""),
    "nothing": (5, 0, b""),
}


class Broken(Exception):
    """The sink's own."""


@pytest.fixture
def filled(driver: ComputeDriver, world: World, pool: PoolInfo) -> str:
    """The name of a volume that holds DATA."""
    driver.create_volume(pool.name, VolumeSpec(name="one", capacity_bytes=SIZE))
    fill(world, pool.name, "one", DATA)
    return "one"


@case(
    "storage.download.range",
    Level.MUST,
    requirement="A download gives the bytes from the offset on, as many as asked for or as there are; it tells how many.",
    source="virStorageVolDownload: offset, length; a length of 0 is all, past the end there is nothing (libvirt 9.0.0)",
    since="1.0",
    needs=DOWNLOADS,
)
@pytest.mark.parametrize("part", RANGES)
def test_range(driver: ComputeDriver, pool: PoolInfo, filled: str, part: str) -> None:
    offset, length, expected = RANGES[part]
    got = bytearray()
    size = driver.download_volume(pool.name, filled, got.extend, offset_bytes=offset, length_bytes=length)
    assert (size, bytes(got)) == (len(expected), expected)


@case(
    "storage.download.pieces",
    Level.MUST,
    requirement="A sink gets bytes in pieces, never an empty one, and none larger than a message of libvirt's protocol.",
    source="driver contract: Sink; virStreamRecv",
    since="1.0",
    needs=DOWNLOADS,
)
def test_pieces(driver: ComputeDriver, pool: PoolInfo, filled: str) -> None:
    pieces: list[bytes] = []
    driver.download_volume(pool.name, filled, pieces.append)
    assert all(isinstance(piece, bytes) for piece in pieces)
    assert 0 < min(map(len, pieces)) <= max(map(len, pieces)) <= 1 << 18
    assert b"".join(pieces) == DATA


@case(
    "storage.download.sink-raises",
    Level.MUST,
    requirement="What the sink raises reaches the caller; the volume and its pool can be used as before.",
    source="virStreamAbort; driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=DOWNLOADS,
)
@pytest.mark.parametrize("nth", [1, 2])
def test_sink_raises(driver: ComputeDriver, pool: PoolInfo, filled: str, nth: int) -> None:
    given: list[bytes] = []

    def refuse(piece: bytes) -> None:
        given.append(piece)
        if len(given) == nth:
            raise Broken

    with pytest.raises(Broken):
        driver.download_volume(pool.name, filled, refuse)
    assert b"".join(given) == DATA[: sum(map(len, given))]
    got = bytearray()
    driver.download_volume(pool.name, filled, got.extend)
    assert bytes(got) == DATA
    driver.delete_volume(pool.name, filled)
    assert driver.stop_pool(pool.name).active is False


@case(
    "storage.download.failed",
    Level.MUST,
    requirement="A stream that fails midway is given up, with libvirt's own error; the next download works.",
    source="virStreamRecv: returns -1 on error, upon which the stream must be aborted",
    since="1.0",
    needs=DOWNLOADS,
)
@pytest.mark.parametrize(("step", "nth"), [("Stream.recv", 2), ("Stream.finish", 1), ("Volume.download", 1)])
def test_failed(driver: ComputeDriver, pool: PoolInfo, filled: str, faults: Faults, step: str, nth: int) -> None:  # noqa: PLR0913, PLR0917 - fixtures and parameters
    faults.raise_on(step, ErrorCode.SYSTEM_ERROR, ErrorDomain.STREAMS, nth=nth)
    with pytest.raises(HypervisorError) as failed:
        driver.download_volume(pool.name, filled, bytearray().extend)
    assert (failed.value.code, failed.value.domain) == (ErrorCode.SYSTEM_ERROR, ErrorDomain.STREAMS)
    got = bytearray()
    driver.download_volume(pool.name, filled, got.extend)
    assert bytes(got) == DATA


@case(
    "storage.download.refused",
    Level.MUST,
    requirement="A volume or pool that is not there is named, a stopped pool is InvalidState, a negative range InvalidSpec.",
    source="libvirt errors 49, 50 and 55; driver contract: InvalidSpec names the field",
    since="1.0",
    needs=DOWNLOADS,
)
def test_refused(driver: ComputeDriver, pool: PoolInfo, filled: str) -> None:
    got = bytearray()
    with pytest.raises(VolumeNotFound) as volume:
        driver.download_volume(pool.name, NO_SUCH_NAME, got.extend)
    with pytest.raises(StoragePoolNotFound) as nowhere:
        driver.download_volume(NO_SUCH_NAME, filled, got.extend)
    assert (volume.value.key, nowhere.value.key) == (NO_SUCH_NAME, NO_SUCH_NAME)
    with pytest.raises(InvalidSpec) as negative:
        driver.download_volume(pool.name, filled, got.extend, offset_bytes=-1)
    assert negative.value.field == "offset_bytes"
    driver.stop_pool(pool.name)
    with pytest.raises(InvalidState):
        driver.download_volume(pool.name, filled, got.extend)
    assert got == b""


@case(
    "storage.download.vanished",
    Level.MUST,
    requirement="A volume whose file was removed behind the pool's back is an error and gives no bytes; a refresh forgets it.",
    source="virStorageVolDownload answers 38 (VIR_ERR_SYSTEM_ERROR) then (libvirt 11.3.0)",
    since="1.0",
    needs=DOWNLOADS,
)
def test_vanished(driver: ComputeDriver, world: World, pool_spec: PoolSpecs) -> None:
    spec = pool_spec()
    pool = driver.create_pool(spec)
    driver.create_volume(pool.name, VolumeSpec(name="one", capacity_bytes=SIZE))
    with beside(world, spec) as other:
        other.storageVolLookupByName("one").delete(0)
    got = bytearray()
    with pytest.raises((HypervisorError, VolumeNotFound)) as failed:
        driver.download_volume(pool.name, "one", got.extend)
    assert "one" in str(failed.value)
    assert got == b""
    driver.refresh_pool(pool.name)
    assert list(driver.volumes(pool.name)) == []
