"""Bytes in and out of volumes, and volumes that read from others."""

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from virtproof_driver.contract import Source
from virtproof_driver.errors import HypervisorError, InvalidSpec, InvalidState, NotSupported, VolumeInUse, VolumeNotFound
from virtproof_driver.operations import transfers, volumes
from virtproof_driver.operations.streams import CHUNK_BYTES, pieces
from virtproof_driver.spec import DiskFormat, VolumeSpec

if TYPE_CHECKING:
    from tests.streams.conftest import Host, Stream
    from virtproof_driver.link import Link

PLACE = ("p", "v")
BYTES = bytes(range(256)) * 64


def upload(link: "Link", source: Source, offset: int = 0, length: int | None = None) -> int:
    return transfers.upload_volume(link, PLACE, source, offset_bytes=offset, length_bytes=length)


def download(link: "Link", offset: int = 0, length: int | None = None) -> bytes:
    got = bytearray()
    size = transfers.download_volume(link, PLACE, got.extend, offset_bytes=offset, length_bytes=length)
    assert size == len(got)
    return bytes(got)


def raising(*before: bytes) -> Iterator[bytes]:
    yield from before
    raise LookupError("the source's own")


# --- up ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(lambda: BYTES, id="bytes"),
        pytest.param(lambda: bytearray(BYTES), id="bytearray"),
        pytest.param(lambda: memoryview(BYTES), id="memoryview"),
        pytest.param(lambda: io.BytesIO(BYTES), id="file"),
        pytest.param(lambda: iter([BYTES[:1], b"", BYTES[1:]]), id="iterable"),
    ],
)
def test_a_source_of_any_shape_is_sent_whole(host: "Host", link: "Link", source: Callable[[], Source]) -> None:
    volume = host.put("v", bytes(len(BYTES)))
    assert upload(link, source()) == len(BYTES)
    assert (bytes(volume.data), host.ended) == (BYTES, ["finish"])


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES + 7])
def test_pieces_are_cut_to_what_a_message_carries(host: "Host", link: "Link", size: int) -> None:
    data = (BYTES * (size // len(BYTES) + 1))[:size]
    volume = host.put("v", bytes(size))
    assert upload(link, io.BytesIO(data)) == size
    assert bytes(volume.data) == data
    assert download(link) == data


def test_what_a_stream_does_not_take_at_once_is_sent_again(host: "Host", link: "Link", monkeypatch: pytest.MonkeyPatch) -> None:
    opened = host.newStream
    monkeypatch.setattr(host, "newStream", lambda: _reluctant(opened()))
    volume = host.put("v", bytes(len(BYTES)))
    assert upload(link, BYTES) == len(BYTES)
    assert bytes(volume.data) == BYTES


def _reluctant(stream: "Stream") -> "Stream":
    stream.most = 100
    return stream


@pytest.mark.parametrize(
    ("given", "field"),
    [
        pytest.param((BYTES + b"x", 0, None), "length_bytes", id="bytes"),
        pytest.param((BYTES, 1, None), "length_bytes", id="offset"),
        pytest.param((raising(), 0, len(BYTES) + 1), "length_bytes", id="declared"),
        pytest.param((raising(), len(BYTES) + 1, None), "offset_bytes", id="beyond"),
        pytest.param((raising(), -1, None), "offset_bytes", id="negative"),
        pytest.param((raising(), 0, -1), "length_bytes", id="negative-length"),
    ],
)
def test_what_cannot_fit_is_refused_before_a_byte_moves(
    host: "Host", link: "Link", given: tuple[Source, int, int | None], field: str
) -> None:
    volume = host.put("v", bytes(len(BYTES)))
    with pytest.raises(InvalidSpec) as refused:
        upload(link, *given)
    assert refused.value.field == field
    assert (bytes(volume.data), host.ended) == (bytes(len(BYTES)), [])


def test_a_source_that_gives_too_much_is_given_up_before_the_end(host: "Host", link: "Link") -> None:
    volume = host.put("v", bytes(len(BYTES)))
    with pytest.raises(InvalidSpec) as refused:
        upload(link, iter([BYTES, b"x"]))
    assert refused.value.field == "source"
    assert (len(volume.data), host.ended) == (len(BYTES), ["abort"])


@pytest.mark.parametrize("given", [b"", BYTES[:-1], BYTES + b"x"], ids=["nothing", "less", "more"])
def test_a_declared_length_is_kept(host: "Host", link: "Link", given: bytes) -> None:
    host.put("v", bytes(2 * len(BYTES)))
    with pytest.raises(InvalidSpec) as refused:
        upload(link, iter([given]), length=len(BYTES))
    assert (refused.value.field, host.ended) == ("source", ["abort"])


def test_a_qcow2_image_may_be_longer_than_what_it_holds(host: "Host", link: "Link") -> None:
    volume = host.put("v", b"", capacity_bytes=16, format=DiskFormat.QCOW2)
    assert upload(link, BYTES) == len(BYTES)
    assert bytes(volume.data) == BYTES


def test_a_pool_that_is_full_is_not_written_to(host: "Host", link: "Link") -> None:
    host.put("v", b"", capacity_bytes=len(BYTES))
    host.available = len(BYTES) - 1
    with pytest.raises(InvalidState, match="bytes left"):
        upload(link, BYTES)
    assert host.ended == []


@pytest.mark.parametrize("lost", [False, True], ids=["aborted", "connection-lost"])
def test_a_source_that_raises_gives_the_stream_up(host: "Host", link: "Link", lost: bool) -> None:
    host.put("v", bytes(len(BYTES)))
    host.lost = lost
    with pytest.raises(LookupError, match="own"):
        upload(link, raising(BYTES[:10]))
    assert host.ended == ["abort"]


@pytest.mark.parametrize("source", ["text", 7, [None]], ids=["text", "number", "none"])
def test_what_gives_no_bytes_is_a_type_error(host: "Host", link: "Link", source: Any) -> None:
    host.put("v", bytes(len(BYTES)))
    with pytest.raises(TypeError):
        upload(link, source)
    assert host.ended in (["abort"], [])


def test_a_file_that_has_nothing_just_now_is_no_end() -> None:
    class Slow:
        def read(self, _size: int = -1, /) -> bytes:
            return cast("bytes", cast("object", None))

    with pytest.raises(TypeError):
        memoryview(next(pieces(Slow())))


def test_a_stream_that_answers_no_number_is_the_hosts_fault(host: "Host", link: "Link") -> None:
    host.put("v", bytes(len(BYTES)))
    host.answer = -2
    for move in (lambda: upload(link, BYTES), lambda: download(link)):
        with pytest.raises(HypervisorError, match="answered -2"):
            move()
    assert host.ended == ["abort", "abort"]


# --- down ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        pytest.param(0, None, BYTES, id="all"),
        pytest.param(5, 10, BYTES[5:15], id="part"),
        pytest.param(5, None, BYTES[5:], id="rest"),
        pytest.param(len(BYTES) - 3, 100, BYTES[-3:], id="over-the-end"),
        pytest.param(len(BYTES) + 1, None, b"", id="past-the-end"),
        pytest.param(5, 0, b"", id="nothing"),
    ],
)
def test_the_bytes_asked_for_come(host: "Host", link: "Link", offset: int, length: int | None, expected: bytes) -> None:
    host.put("v", BYTES)
    assert download(link, offset, length) == expected
    assert host.ended == ([] if length == 0 else ["finish"])


def test_a_sink_that_raises_gives_the_stream_up(host: "Host", link: "Link") -> None:
    host.put("v", BYTES)

    def refuse(_piece: bytes) -> None:
        raise LookupError("the sink's own")

    with pytest.raises(LookupError, match="own"):
        transfers.download_volume(link, PLACE, refuse, offset_bytes=0, length_bytes=None)
    assert host.ended == ["abort"]


def test_a_volume_that_is_not_there_is_named(link: "Link") -> None:
    for move in (lambda: upload(link, b""), lambda: download(link)):
        with pytest.raises(VolumeNotFound) as missing:
            move()
        assert missing.value.key == "v"


# --- volumes -----------------------------------------------------------------------------------------------------------


def test_a_qcow2_clone_is_grown_to_what_was_asked_for(host: "Host", link: "Link") -> None:
    host.put("v", BYTES, format=DiskFormat.QCOW2)
    spec = VolumeSpec(name="c", capacity_bytes=2 * len(BYTES), format=DiskFormat.QCOW2)
    assert volumes.clone_volume(link, "p", "v", spec).capacity_bytes == 2 * len(BYTES)


def test_a_clone_that_cannot_be_grown_is_removed(host: "Host", link: "Link") -> None:
    host.put("v", BYTES, format=DiskFormat.QCOW2)
    host.answer = -1
    with pytest.raises(HypervisorError) as failed:
        volumes.clone_volume(link, "p", "v", VolumeSpec(name="c", capacity_bytes=2 * len(BYTES), format=DiskFormat.QCOW2))
    assert (failed.value.undone_failures, set(host.store)) == ((), {"v"})


def test_a_volume_that_others_read_from_stays(host: "Host", link: "Link") -> None:
    host.put("v", BYTES)
    host.put("top", b"", capacity_bytes=len(BYTES), format=DiskFormat.QCOW2, backing="v")
    with pytest.raises(VolumeInUse) as refused:
        volumes.delete_volume(link, "p", "v")
    assert (refused.value.volume, refused.value.users) == ("v", ("top",))
    volumes.delete_volume(link, "p", "top")
    volumes.delete_volume(link, "p", "v")
    assert host.store == {}


def test_an_overlay_takes_its_backings_format_from_the_host(host: "Host", link: "Link") -> None:
    host.put("v", BYTES, format=DiskFormat.QCOW2)
    spec = VolumeSpec(name="top", capacity_bytes=len(BYTES), format=DiskFormat.QCOW2, backing="v")
    volumes.create_volume(link, "p", spec)
    root = ET.fromstring(host.made[0])
    assert root.findtext("backingStore/path") == "/p/v"
    assert [found.get("type") for found in root.findall("backingStore/format")] == ["qcow2"]


def test_an_overlay_does_not_hide_the_end_of_what_backs_it(host: "Host", link: "Link") -> None:
    host.put("v", BYTES)
    spec = VolumeSpec(name="top", capacity_bytes=len(BYTES) - 1, format=DiskFormat.QCOW2, backing="v")
    with pytest.raises(InvalidSpec, match="capacity_bytes"):
        volumes.create_volume(link, "p", spec)
    assert set(host.store) == {"v"}


@pytest.mark.parametrize(("secret", "error"), [(None, InvalidSpec), (UUID(int=1), NotSupported)], ids=["plain", "encrypted"])
def test_a_volume_is_not_made_smaller_nor_resized_without_its_passphrase(
    host: "Host", link: "Link", secret: UUID | None, error: type[Exception]
) -> None:
    host.put("v", BYTES, secret=secret)
    with pytest.raises(error):
        volumes.resize_volume(link, "p", "v", len(BYTES) - 1)
    assert host.store["v"].spec.capacity_bytes == len(BYTES)
