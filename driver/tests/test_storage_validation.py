"""What is refused of volumes and secrets before a host is asked, each with the field that is wrong."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from virtproof_driver.errors import InvalidSpec
from virtproof_driver.spec import DiskFormat, NewVolume, SecretSpec, VolumeSpec
from virtproof_driver.storage_validation import (
    LONGEST_SECRET,
    validate_new_volume,
    validate_secret,
    validate_secret_value,
    validate_volume,
)

OVERLAY = VolumeSpec(name="top", capacity_bytes=1, format=DiskFormat.QCOW2, backing="base")
NEW = NewVolume(pool="p", volume="top", capacity_bytes=1, backing="base")
SECRET = SecretSpec(uuid=UUID(int=1))


def new(source: NewVolume, disk_format: DiskFormat = DiskFormat.QCOW2) -> Callable[[], None]:
    return lambda: validate_new_volume("disks[0]", source, disk_format)


@pytest.mark.parametrize(
    ("check", "field"),
    [
        pytest.param(lambda: validate_volume(replace(OVERLAY, format=DiskFormat.RAW)), "format", id="raw-overlay"),
        pytest.param(lambda: validate_volume(replace(OVERLAY, backing="top")), "backing", id="itself"),
        pytest.param(lambda: validate_volume(replace(OVERLAY, backing="a/b")), "backing", id="path"),
        pytest.param(
            lambda: validate_volume(replace(OVERLAY, backing=None, backing_format=DiskFormat.RAW)),
            "backing_format",
            id="no-backing",
        ),
        pytest.param(new(NEW, DiskFormat.RAW), "disks[0].format", id="raw-disk"),
        pytest.param(new(replace(NEW, backing="top")), "disks[0].source.backing", id="disk-itself"),
        pytest.param(new(replace(NEW, clone_of="base")), "disks[0].source.backing", id="clone-and-overlay"),
        pytest.param(new(replace(NEW, backing=None, clone_of="top")), "disks[0].source.clone_of", id="clone-of-itself"),
        pytest.param(new(replace(NEW, capacity_bytes=-1)), "disks[0].source.capacity_bytes", id="negative"),
        pytest.param(lambda: validate_secret(replace(SECRET, usage="")), "usage", id="empty-usage"),
        pytest.param(lambda: validate_secret(replace(SECRET, usage="a\nb")), "usage", id="two-lines"),
        pytest.param(lambda: validate_secret(replace(SECRET, description="")), "description", id="empty-description"),
        pytest.param(lambda: validate_secret_value(b""), "value", id="no-value"),
        pytest.param(lambda: validate_secret_value(b"x" * (LONGEST_SECRET + 1)), "value", id="long-value"),
    ],
)
def test_the_field_that_is_wrong_is_named(check: Callable[[], None], field: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        check()
    assert refused.value.field == field


def test_what_can_be_is_let_through() -> None:
    validate_volume(OVERLAY)
    new(NEW)()
    validate_secret(replace(SECRET, usage="for <&>"))
    validate_secret_value(b"x" * LONGEST_SECRET)


def test_an_error_about_a_value_does_not_show_it() -> None:
    with pytest.raises(InvalidSpec) as refused:
        validate_secret_value(b"topsecret" * LONGEST_SECRET)
    assert "topsecret" not in repr(refused.value)
