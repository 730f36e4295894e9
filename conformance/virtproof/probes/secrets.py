"""Probes of secrets, of what is encrypted with them, and of images.

What belongs here: their questions. What does not: what an answer means (`agreement`). An encrypted image takes seconds to make,
because deriving its key is slow on purpose: that one boots is for cases, and the probe asks whether the driver describes one.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Final
from uuid import UUID

from virtproof.probes.bench import VOLUME_BYTES, Bench, bare_domain, bare_volume, driven_volume, past, require, running
from virtproof.probes.model import Probe, Refused
from virtproof_driver import Capability
from virtproof_driver.constants import BackupFlag
from virtproof_driver.markup.backup import backup_xml
from virtproof_driver.markup.secret import secret_xml
from virtproof_driver.markup.storage import volume_xml
from virtproof_driver.spec import Disk, DiskFormat, SecretSpec, VolumeSource, VolumeSpec

_VALUE: Final = b"the probe's"
_SECRETS: Final = ("create_secret", "delete_secret")
_MADE: Final = ("spawn", "destroy")
_VOLUMES: Final = ("create_pool", "delete_pool", "create_volume", "delete_volume")


def _spec(bench: Bench) -> SecretSpec:
    return SecretSpec(uuid=bench.small().uuid, usage=bench.names("secret"))


@contextmanager
def _driven_secret(bench: Bench) -> Generator[UUID]:
    spec = _spec(bench)
    bench.driver.create_secret(spec, _VALUE)
    try:
        yield spec.uuid
    finally:
        bench.driver.delete_secret(spec.uuid)


def _secrets(bench: Bench) -> None:
    with _driven_secret(bench) as uuid:
        require(uuid in {secret.uuid for secret in bench.driver.secrets()}, "the secret that was made is not listed")


def _bare_secrets(bench: Bench) -> None:
    bench.host().secretDefineXML(secret_xml(_spec(bench))).undefine()


def _encryption(bench: Bench) -> None:
    with _driven_secret(bench) as secret, driven_volume(bench) as (pool, name):
        spec = bench.small()
        disk = Disk(target="vdz", source=VolumeSource(pool=pool, volume=name), secret=secret)
        instance = bench.driver.spawn(replace(spec, disks=(*spec.disks, disk)), start=False)
        try:
            told = {each.target: each.secret for each in bench.driver.spec(instance.uuid).disks}
            require(told.get("vdz") == secret, "the instance's disk has no secret")
        finally:
            bench.driver.destroy(instance.uuid)


def _capture(bench: Bench) -> None:
    with running(bench) as instance:
        bench.driver.capture_image(instance.uuid, bytearray().extend)


def _bare_capture(bench: Bench) -> None:
    """Begin a backup of a running domain's first disk."""
    disks = bench.small().disks
    if not disks:
        raise Refused("the smallest instance has no disk")
    with bare_volume(bench) as beside, bare_domain(bench) as domain:
        size = domain.blockInfo(disks[0].target)[0]
        copy = beside.storagePoolLookupByVolume().createXML(volume_xml(VolumeSpec(name=bench.names("copy"), capacity_bytes=size)))
        try:
            domain.backupBegin(backup_xml(disks[0].target, copy.path(), DiskFormat.RAW), None, BackupFlag.REUSE_EXTERNAL)
        finally:
            with suppress(Exception):  # it ended by itself, or was not begun
                domain.abortJob()
            copy.delete()


def _overlay(bench: Bench, backing: str) -> VolumeSpec:
    return VolumeSpec(name=bench.names("overlay"), capacity_bytes=VOLUME_BYTES, format=DiskFormat.QCOW2, backing=backing)


def _backing(bench: Bench) -> None:
    with driven_volume(bench) as (pool, name):
        overlay = _overlay(bench, name)
        made = bench.driver.create_volume(pool, overlay)
        bench.driver.delete_volume(pool, overlay.name)
        require(made.backing == name, f"the overlay is said to read from {made.backing}")


def _bare_backing(bench: Bench) -> None:
    """Make an overlay of a volume, and let its bytes come; a driver that keeps none lets any XML pass."""
    with bare_volume(bench) as volume:
        overlay = past(volume, "storagePoolLookupByVolume").createXML(
            volume_xml(_overlay(bench, volume.name()), volume.path()), 0
        )
        try:
            stream = bench.host().newStream(0)
            overlay.download(stream, 0, 0, 0)
            stream.abort()
        finally:
            overlay.delete(0)


PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
        Capability.SECRETS: Probe(through=_secrets, methods=(*_SECRETS, "secrets"), bare=_bare_secrets),
        Capability.DISK_ENCRYPTION: Probe(through=_encryption, methods=(*_SECRETS, *_VOLUMES, *_MADE, "spec")),
        Capability.IMAGE_CAPTURE: Probe(through=_capture, methods=(*_MADE, "capture_image"), bare=_bare_capture),
        Capability.STORAGE_BACKING: Probe(through=_backing, methods=_VOLUMES, bare=_bare_backing),
    }
)
