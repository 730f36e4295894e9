"""Images of instances' disks: whole, at rest, and with nothing left on the host."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from virtproof_driver.errors import (
    ConnectionLost,
    DeviceNotFound,
    HypervisorError,
    InvalidState,
    NotSupported,
    OperationTimeout,
)
from virtproof_driver.operations import deadlines, images
from virtproof_driver.spec import Disk, DiskDevice, DiskFormat, FileSource, VolumeSource
from virtproof_driver.values import BlockJobStatus, EventKind, ImageInfo

if TYPE_CHECKING:
    from tests.streams.conftest import Host
    from virtproof_driver.link import Link

UUID_A = UUID(int=10)
BYTES = bytes(range(256)) * 64

ENDS: dict[str, tuple[Callable[["Host"], object], type[Exception]]] = {
    "failed": (lambda host: host.tell(BlockJobStatus.FAILED), HypervisorError),
    "cancelled": (lambda host: host.tell(BlockJobStatus.CANCELED), HypervisorError),
    "stopped": (lambda host: host.happen(EventKind.STOPPED), InvalidState),
    "lost": (lambda host: host.waits.fail(lambda: ConnectionLost("broke")), ConnectionLost),
}


def capture(link: "Link", target: str | None = None) -> tuple[ImageInfo, bytes]:
    got = bytearray()
    info = images.capture_image(link, UUID_A, got.extend, target=target)
    assert (info.size_bytes, info.sha256) == (len(got), sha256(got).hexdigest())
    return info, bytes(got)


def disk(name: str = "v", **changes: Any) -> Disk:
    return replace(Disk(target="vda", source=VolumeSource(pool="p", volume=name)), **changes)


def test_the_first_disk_that_is_no_cdrom_is_captured_as_it_lies(host: "Host", link: "Link") -> None:
    host.put("v", BYTES)
    host.disks = (disk("none", target="hda", bus="ide", device=DiskDevice.CDROM), disk())
    info, got = capture(link)
    assert (info.format, info.capacity_bytes, got) == ("raw", len(BYTES), BYTES)
    assert set(host.store) == {"v"}


def test_a_disk_that_is_a_file_is_found_by_its_path(host: "Host", link: "Link") -> None:
    host.put("v", BYTES)
    host.disks = (disk(source=FileSource(path="/p/v")),)
    assert capture(link)[1] == BYTES
    host.disks = (disk(source=FileSource(path="/elsewhere")),)
    with pytest.raises(NotSupported, match="no active storage pool"):
        capture(link)


def test_a_disk_that_reads_from_another_is_captured_whole(host: "Host", link: "Link") -> None:
    host.put("base", BYTES)
    host.put("v", b"overlay", capacity_bytes=len(BYTES), format=DiskFormat.QCOW2, backing="base")
    host.disks = (disk(format=DiskFormat.QCOW2),)
    info, got = capture(link)
    assert (info.format, got, set(host.store)) == ("qcow2", BYTES, {"base", "v"})


def test_a_raw_disk_is_captured_raw_whatever_its_guest_wrote_into_it(host: "Host", link: "Link") -> None:
    host.put("base", b"not the guest's")
    host.put("v", BYTES, format=DiskFormat.QCOW2, backing="base")  # what libvirt finds when it looks into it
    host.disks = (disk(format=DiskFormat.RAW),)
    assert capture(link)[1] == BYTES


def test_the_disk_of_a_running_guest_is_copied_first(host: "Host", link: "Link") -> None:
    host.put("v", b"being written")
    host.running, host.disks = True, (disk(),)
    assert capture(link)[1] == BYTES
    assert set(host.store) == {"v"}


def test_a_disk_that_a_running_guest_may_only_read_needs_no_copy(host: "Host", link: "Link") -> None:
    host.put("v", b"at rest")
    host.running, host.disks = True, (disk(read_only=True),)
    assert capture(link)[1] == b"at rest"


@pytest.mark.parametrize("end", ENDS)
def test_a_copy_that_does_not_end_well_leaves_nothing(host: "Host", link: "Link", end: str) -> None:
    happen, error = ENDS[end]
    host.put("v", BYTES)
    host.running, host.disks, host.copied = True, (disk(),), lambda: happen(host)
    with pytest.raises(error):
        capture(link)
    assert set(host.store) == {"v"}


def test_a_copy_that_takes_too_long_is_called_off(host: "Host", link: "Link", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "BACKUP", 0.0)
    host.put("v", BYTES)
    host.running, host.disks, host.copied = True, (disk(),), lambda: None
    with pytest.raises(OperationTimeout, match="copy of disk"):
        capture(link)
    assert (host.aborted, set(host.store)) == (1, {"v"})


def test_a_copy_that_cannot_be_removed_is_told(host: "Host", link: "Link") -> None:
    host.put("v", BYTES)
    host.running, host.disks = True, (disk(),)

    def refuse(_piece: bytes) -> None:
        host.lost = True
        raise LookupError("the sink's own")

    with pytest.raises(LookupError) as refused:
        images.capture_image(link, UUID_A, refuse, target=None)
    assert ["remains" in note for note in refused.value.__notes__] == [True]


def test_an_instance_that_is_started_meanwhile_gives_no_image(host: "Host", link: "Link") -> None:
    host.put("v", BYTES)
    host.disks = (disk(),)
    with pytest.raises(InvalidState, match="started"):
        images.capture_image(link, UUID_A, lambda _piece: host.happen(EventKind.STARTED), target=None)


@pytest.mark.parametrize("running", [True, False], ids=["running", "off-with-backing"])
def test_no_copy_in_plain_text_is_made_of_an_encrypted_disk(host: "Host", link: "Link", running: bool) -> None:
    host.put("base", BYTES)
    host.put("v", BYTES, secret=UUID(int=1), format=DiskFormat.QCOW2, backing="base")
    host.running, host.disks = running, (disk(format=DiskFormat.QCOW2, secret=UUID(int=1)),)
    with pytest.raises(InvalidState, match="encrypted"):
        capture(link)
    assert set(host.store) == {"base", "v"}


def test_a_disk_that_is_not_there_is_named(host: "Host", link: "Link") -> None:
    host.disks = (disk(),)
    with pytest.raises(DeviceNotFound) as missing:
        capture(link, "vdz")
    assert missing.value.key == "vdz"


@pytest.mark.parametrize("name", ["v", "ü" * 127], ids=["short", "long"])
def test_a_copys_name_is_its_own_and_as_long_as_a_files_may_be(host: "Host", link: "Link", name: str) -> None:
    host.put(name, BYTES)
    host.running, host.disks = True, (disk(name),)
    for _ in range(2):
        capture(link)
    made = [tree.findtext("name", "") for tree in map(ET.fromstring, host.made)]
    assert len(set(made)) == 2
    assert all(each.startswith(name[:60]) and len(each.encode()) <= 255 for each in made)
