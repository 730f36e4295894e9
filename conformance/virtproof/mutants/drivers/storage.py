"""Wrong drivers that lose, mix or give away what storage holds.

What belongs here: mistakes with volumes' bytes, backing chains, images and secrets.
"""

from typing import Any

from virtproof.mutants.drivers.base import factory
from virtproof_driver import LibvirtDriver
from virtproof_driver.contract import InstanceId, Sink, Source
from virtproof_driver.errors import DriverError, HypervisorError
from virtproof_driver.operations.streams import feed, streaming
from virtproof_driver.spec import Disk, SecretSpec, VolumeSpec
from virtproof_driver.values import ImageInfo


class _DeletesWhatBacks(LibvirtDriver):
    """Deletes a volume that others read from."""

    def delete_volume(self, pool: str, name: str) -> None:
        self.link.call(_volume(self, pool, name).delete)


class _UploadsTooMuch(LibvirtDriver):
    """Lets an upload run over a volume's end."""

    def upload_volume(
        self, pool: str, name: str, source: Source, *, offset_bytes: int = 0, length_bytes: int | None = None
    ) -> int:
        del length_bytes
        with streaming(self.link) as stream:
            self.link.call(_volume(self, pool, name).upload, stream, offset_bytes, 0)
            return feed(self.link, stream, source, None)


class _CapturesAsItLies(LibvirtDriver):
    """Captures the file of a disk and not what it reads from."""

    def capture_image(self, uuid: InstanceId, sink: Sink, *, target: str | None = None) -> ImageInfo:
        disk, place = _captured(self, uuid, target)
        size = self.download_volume(*place, sink)
        return ImageInfo(format=disk.format, size_bytes=size, capacity_bytes=self.volume(*place).capacity_bytes, sha256="")


class _LeavesCopies(LibvirtDriver):
    """Leaves a volume behind at each capture."""

    def capture_image(self, uuid: InstanceId, sink: Sink, *, target: str | None = None) -> ImageInfo:
        info = super().capture_image(uuid, sink, target=target)
        _, (pool, volume) = _captured(self, uuid, target)
        self.create_volume(pool, VolumeSpec(name=f"{volume}-{len(self.volumes(pool))}", capacity_bytes=0))
        return info


class _TellsSecrets(LibvirtDriver):
    """Puts a secret's value into an error's message."""

    def create_secret(self, secret: SecretSpec, value: bytes) -> None:
        try:
            super().create_secret(secret, value)
        except DriverError as error:
            raise HypervisorError(0, 0, f"{error} (value {value!r})") from error


def _captured(driver: LibvirtDriver, uuid: InstanceId, target: str | None) -> tuple[Disk, tuple[str, str]]:
    disk = next(each for each in driver.spec(uuid).disks if target in (None, each.target))
    source: Any = disk.source
    return disk, (source.pool, source.volume)


def _volume(driver: LibvirtDriver, pool: str, name: str) -> Any:
    found = driver.link.call(driver.link.connection().storagePoolLookupByName, pool)
    return driver.link.call(found.storageVolLookupByName, name)


deletes_what_backs = factory(_DeletesWhatBacks)
uploads_too_much = factory(_UploadsTooMuch)
captures_as_it_lies = factory(_CapturesAsItLies)
leaves_copies = factory(_LeavesCopies)
tells_secrets = factory(_TellsSecrets)
