"""Uploads: bytes of the caller's into storage volumes.

What belongs here: cases whose ids begin with `storage.upload`. What does not: bytes out of volumes (`test_storage_download`).
Volumes are looked at past the driver too, since one that writes and reads the wrong bytes would agree with itself.
"""

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from posixpath import commonprefix
from typing import Final

import pytest

from virtproof.cases import Level, case
from virtproof.contents import beside, content, held
from virtproof.fixtures import PoolSpecs
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH_NAME
from virtproof_driver import Capability
from virtproof_driver.constants import ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver, Source
from virtproof_driver.errors import (
    HypervisorError,
    InvalidSpec,
    InvalidState,
    StoragePoolNotFound,
    VolumeNotFound,
)
from virtproof_driver.spec import DiskFormat, VolumeSpec
from virtproof_driver.values import PoolInfo

UPLOADS: Final = frozenset({Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES, Capability.STORAGE_UPLOAD})
TRANSFERS: Final = UPLOADS | {Capability.STORAGE_DOWNLOAD}
MIB: Final = 1 << 20
MESSAGE: Final = 262120  # bytes of a message of libvirt's protocol
SIZES: Final = (0, 1, 511, MESSAGE - 1, MESSAGE, MESSAGE + 1, 1 << 18, 2 * MESSAGE, MIB)
NAMES: Final = ("two words", "<&>\"'", "ünï-日本", "-dash", "per%20cent", "a,b=c", "x" * 255)

SOURCES: Final[dict[str, Callable[[bytes], Source]]] = {
    "bytes": lambda data: data,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "file": io.BytesIO,
    "generator": lambda data: (data[at : at + 1000] for at in range(0, len(data), 1000)),
    "one-piece": lambda data: [data],
}


class Broken(Exception):
    """The source's own."""


def made(driver: ComputeDriver, pool: PoolInfo, capacity: int = MIB) -> str:
    """The name of a new volume of the pool, raw."""
    driver.create_volume(pool.name, VolumeSpec(name="one", capacity_bytes=capacity))
    return "one"


def breaking(*pieces: bytes) -> Iterator[bytes]:
    """A source that gives these pieces and then raises."""
    yield from pieces
    raise Broken


# A source, the offset that it goes to, and its length where that is told; the volume has 300,000 bytes.
TOO_LARGE: Final[dict[str, Callable[[], tuple[Source, int, int | None]]]] = {
    "bytes": lambda: (content(300_001), 0, None),
    "length": lambda: (breaking(), 0, 300_001),
    "offset": lambda: (breaking(), 300_001, None),
    "source": lambda: (iter([content(300_000, "after"), b"x"]), 0, None),
}


@case(
    "storage.upload.round-trip",
    Level.MUST,
    requirement="What is uploaded is what the volume holds, and what is downloaded, whatever its size; upload tells how many.",
    source="virStorageVolUpload; virStreamSend takes at most a message of libvirt's protocol at once",
    since="1.0",
    needs=TRANSFERS,
)
@pytest.mark.parametrize("size", SIZES)
def test_round_trip(driver: ComputeDriver, world: World, pool: PoolInfo, size: int) -> None:
    name, data, got = made(driver, pool), content(size), bytearray()
    assert driver.upload_volume(pool.name, name, io.BytesIO(data)) == size
    assert driver.download_volume(pool.name, name, got.extend) == MIB
    assert bytes(got) == held(world, pool.name, name) == data + bytes(MIB - size)
    assert driver.volume(pool.name, name).capacity_bytes == MIB


@case(
    "storage.upload.source",
    Level.MUST,
    requirement="Bytes, a readable object, and an iterable of pieces of any length are each uploaded whole.",
    source="driver contract: Source",
    since="1.0",
    needs=UPLOADS,
)
@pytest.mark.parametrize("source", SOURCES)
def test_sources(driver: ComputeDriver, world: World, pool: PoolInfo, source: str) -> None:
    name, data = made(driver, pool, 300_000), content(300_000)
    assert driver.upload_volume(pool.name, name, SOURCES[source](data)) == len(data)
    assert held(world, pool.name, name) == data


@case(
    "storage.upload.offset",
    Level.MUST,
    requirement="An upload with an offset writes from there on, and leaves all else as it was.",
    source="virStorageVolUpload: offset",
    since="1.0",
    needs=UPLOADS,
)
@pytest.mark.parametrize("offset", [1, 512, 4097, MIB - 1000, MIB])
def test_offset(driver: ComputeDriver, world: World, pool: PoolInfo, offset: int) -> None:
    name, before, data = made(driver, pool), content(MIB, "before"), content(min(1000, MIB - offset), "after")
    driver.upload_volume(pool.name, name, before)
    assert driver.upload_volume(pool.name, name, data, offset_bytes=offset) == len(data)
    assert held(world, pool.name, name) == before[:offset] + data + before[offset + len(data) :]


@case(
    "storage.upload.names",
    Level.MUST,
    requirement="A volume of any name can be uploaded to, downloaded and deleted.",
    source="https://libvirt.org/formatstorage.html: name; it becomes part of a path on the host",
    since="1.0",
    needs=TRANSFERS,
)
@pytest.mark.parametrize("name", NAMES, ids=["blank", "markup", "unicode", "dash", "percent", "comma", "longest"])
def test_names(driver: ComputeDriver, world: World, pool: PoolInfo, name: str) -> None:
    driver.create_volume(pool.name, VolumeSpec(name=name, capacity_bytes=512))
    data, got = content(512), bytearray()
    driver.upload_volume(pool.name, name, data)
    driver.download_volume(pool.name, name, got.extend)
    assert bytes(got) == held(world, pool.name, name) == data
    driver.delete_volume(pool.name, name)
    assert list(driver.volumes(pool.name)) == []


@case(
    "storage.upload.source-raises",
    Level.MUST,
    requirement="What the source raises reaches the caller; the volume and its pool can be used as before.",
    source="virStreamAbort; driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=UPLOADS,
)
@pytest.mark.parametrize("pieces", [0, 1, 3], ids=["at-once", "after-one", "after-three"])
def test_source_raises(driver: ComputeDriver, world: World, pool: PoolInfo, pieces: int) -> None:
    name, data = made(driver, pool), content(MIB)
    for _ in range(2):
        with pytest.raises(Broken):
            driver.upload_volume(pool.name, name, breaking(*[data[:MESSAGE]] * pieces))
    assert driver.volume(pool.name, name).capacity_bytes == MIB
    driver.upload_volume(pool.name, name, data)
    assert held(world, pool.name, name) == data
    driver.refresh_pool(pool.name)
    driver.delete_volume(pool.name, name)
    assert driver.stop_pool(pool.name).active is False


@case(
    "storage.upload.too-large",
    Level.MUST,
    requirement="More bytes than a raw volume has are refused, where the length is known before any is sent; it stays as large.",
    source="virStorageVolUpload runs over a raw volume's end, and the volume grows, without a word (libvirt 9.0.0, 11.3.0)",
    since="1.0",
    needs=UPLOADS,
)
@pytest.mark.parametrize("told", TOO_LARGE)
def test_too_large(driver: ComputeDriver, world: World, pool: PoolInfo, told: str) -> None:
    name, before = made(driver, pool, 300_000), content(300_000, "before")
    driver.upload_volume(pool.name, name, before)
    source, offset, length = TOO_LARGE[told]()
    with pytest.raises(InvalidSpec):
        driver.upload_volume(pool.name, name, source, offset_bytes=offset, length_bytes=length)
    assert driver.volume(pool.name, name).capacity_bytes == 300_000
    after, found = content(300_000, "after"), held(world, pool.name, name)
    sent = len(commonprefix([found, after])) if told == "source" else 0
    assert found == after[:sent] + before[sent:]


@case(
    "storage.upload.length",
    Level.MUST,
    requirement="With a length, a source that gives fewer or more bytes is refused; one that gives as many is uploaded.",
    source="driver contract: length_bytes; libvirtd 11.3.0 ends or hangs when more is sent than virStorageVolUpload was told",
    since="1.0",
    needs=UPLOADS,
)
def test_length(driver: ComputeDriver, world: World, pool: PoolInfo) -> None:
    name, data = made(driver, pool), content(1000)
    for given in (b"", data[:-1], data + b"x"):
        with pytest.raises(InvalidSpec):
            driver.upload_volume(pool.name, name, iter([given]), length_bytes=1000)
    assert driver.upload_volume(pool.name, name, iter([data]), length_bytes=1000) == 1000
    assert held(world, pool.name, name) == data + bytes(MIB - 1000)


@case(
    "storage.upload.no-room",
    Level.MUST,
    requirement="An upload that the pool has no room for is InvalidState before a byte is read, and the host lives on.",
    source="libvirtd 11.3.0 ends with all its clients when a stream's write finds the file system full",
    since="1.0",
    needs=UPLOADS,
)
def test_no_room(driver: ComputeDriver, pool: PoolInfo) -> None:
    length = driver.refresh_pool(pool.name).available_bytes + MIB
    driver.create_volume(pool.name, VolumeSpec(name="one", capacity_bytes=2 * length))
    with pytest.raises(InvalidState):
        driver.upload_volume(pool.name, "one", breaking(), length_bytes=length)
    assert driver.volume(pool.name, "one").allocation_bytes < MIB


@case(
    "storage.upload.unknown",
    Level.MUST,
    requirement="A volume or pool that is not there is named, and nothing is read from the source.",
    source="libvirt errors 49 (VIR_ERR_NO_STORAGE_POOL) and 50 (VIR_ERR_NO_STORAGE_VOL)",
    since="1.0",
    needs=UPLOADS,
)
def test_unknown(driver: ComputeDriver, pool: PoolInfo) -> None:
    with pytest.raises(VolumeNotFound) as volume:
        driver.upload_volume(pool.name, NO_SUCH_NAME, breaking())
    with pytest.raises(StoragePoolNotFound) as nowhere:
        driver.upload_volume(NO_SUCH_NAME, "one", breaking())
    assert (volume.value.key, nowhere.value.key) == (NO_SUCH_NAME, NO_SUCH_NAME)
    assert list(driver.volumes(pool.name)) == []


@case(
    "storage.upload.inactive",
    Level.MUST,
    requirement="Uploading to a pool that is stopped is InvalidState; started again it has its volume as it was.",
    source="libvirt answers 55 for volumes of a pool that is not active",
    since="1.0",
    needs=UPLOADS,
)
def test_inactive(driver: ComputeDriver, world: World, pool: PoolInfo) -> None:
    name, data = made(driver, pool, 1000), content(1000)
    driver.upload_volume(pool.name, name, data)
    driver.stop_pool(pool.name)
    with pytest.raises(InvalidState):
        driver.upload_volume(pool.name, name, breaking())
    driver.start_pool(pool.name)
    assert held(world, pool.name, name) == data


@case(
    "storage.upload.vanished",
    Level.MUST,
    requirement="Uploading to a volume whose file was removed behind the pool's back is VolumeNotFound, and makes no new file.",
    source="virStorageVolUpload answers 38 (VIR_ERR_SYSTEM_ERROR) then, virStorageVolGetInfo 50 (libvirt 11.3.0)",
    since="1.0",
    needs=UPLOADS,
)
def test_vanished(driver: ComputeDriver, world: World, pool_spec: PoolSpecs) -> None:
    spec = pool_spec()
    pool = driver.create_pool(spec)
    name = made(driver, pool)
    with beside(world, spec) as other:
        other.storageVolLookupByName(name).delete(0)
    with pytest.raises(VolumeNotFound) as refused:
        driver.upload_volume(pool.name, name, content(10))
    assert name in str(refused.value)
    driver.refresh_pool(pool.name)
    assert list(driver.volumes(pool.name)) == []


@case(
    "storage.upload.failed",
    Level.MUST,
    requirement="A stream that fails midway is given up, with libvirt's own error; the next upload works.",
    source="virStreamSend: returns -1 on error, upon which the stream must be aborted",
    since="1.0",
    needs=UPLOADS,
)
@pytest.mark.parametrize("step", ["Stream.send", "Stream.finish", "Volume.upload"])
def test_failed(driver: ComputeDriver, world: World, pool: PoolInfo, faults: Faults, step: str) -> None:
    name, data = made(driver, pool), content(MIB)
    faults.raise_on(step, ErrorCode.SYSTEM_ERROR, ErrorDomain.STREAMS, nth=1)
    with pytest.raises(HypervisorError) as failed:
        driver.upload_volume(pool.name, name, data)
    assert (failed.value.code, failed.value.domain) == (ErrorCode.SYSTEM_ERROR, ErrorDomain.STREAMS)
    driver.upload_volume(pool.name, name, data)
    assert held(world, pool.name, name) == data


@case(
    "storage.upload.concurrent",
    Level.MUST,
    requirement="Uploads and downloads of several volumes at once do not mix: each volume holds what was sent to it.",
    source="driver contract: all methods may be called from any thread",
    since="1.0",
    needs=TRANSFERS,
)
def test_concurrent(driver: ComputeDriver, world: World, pool: PoolInfo) -> None:
    names = [f"volume-{number}" for number in range(4)]
    for name in names:
        driver.create_volume(pool.name, VolumeSpec(name=name, capacity_bytes=MIB))
    together = threading.Barrier(len(names))

    def there_and_back(name: str) -> bytes:
        got = bytearray()
        together.wait(30)
        driver.upload_volume(pool.name, name, io.BytesIO(content(MIB, name)))
        driver.download_volume(pool.name, name, got.extend)
        return bytes(got)

    with ThreadPoolExecutor(len(names)) as threads:
        assert list(threads.map(there_and_back, names)) == [content(MIB, name) for name in names]
    assert [held(world, pool.name, name) for name in names] == [content(MIB, name) for name in names]


@case(
    "storage.upload.image",
    Level.MUST,
    requirement="A qcow2 image that is uploaded is told as one, with the capacity that it holds.",
    source="virStorageVolUpload: the pool is refreshed when the stream ends; https://libvirt.org/formatstorage.html: format",
    since="1.0",
    needs=TRANSFERS,
)
def test_image(driver: ComputeDriver, pool: PoolInfo) -> None:
    driver.create_volume(pool.name, VolumeSpec(name="made", capacity_bytes=4 * MIB, format=DiskFormat.QCOW2))
    image = bytearray()
    driver.download_volume(pool.name, "made", image.extend)
    assert image[:4] == b"QFI\xfb"
    driver.create_volume(pool.name, VolumeSpec(name="sent", capacity_bytes=len(image)))
    driver.upload_volume(pool.name, "sent", bytes(image))
    driver.refresh_pool(pool.name)
    sent = driver.volume(pool.name, "sent")
    assert (sent.format, sent.capacity_bytes, sent.backing) == ("qcow2", 4 * MIB, None)
