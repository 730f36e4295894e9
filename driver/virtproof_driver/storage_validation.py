"""What makes a storage pool, a volume or a secret impossible, found before libvirt is asked.

What belongs here: their fields' rules. What does not: the rules themselves (`checks`), instances (`validation`), and what only
the host knows. Each function returns None or raises InvalidSpec naming the field. Measured on libvirt 9.0.0 and 11.3.0.
"""

from virtproof_driver import checks
from virtproof_driver.errors import InvalidSpec
from virtproof_driver.spec import DiskFormat, NewVolume, PoolSpec, SecretSpec, VolumeSpec

POOL_KINDS = frozenset({"dir", "logical", "mpath", "vstorage", "zfs"})  # libvirt asks no source of these
LONGEST_SECRET = 65536  # bytes; what libvirt's protocol carries, error 39 above it
_ONLY_QCOW2 = "only a qcow2 volume can be backed by another (error 3, libvirt 11.3.0)"


def validate_pool(spec: PoolSpec) -> None:
    """A storage pool of a kind that needs no source."""
    checks.name("name", spec.name)
    checks.path("target", spec.target)
    if spec.kind not in POOL_KINDS:
        raise InvalidSpec("kind", f"{spec.kind!r} is unknown or needs a source; use one of {', '.join(sorted(POOL_KINDS))}")


def validate_volume(spec: VolumeSpec) -> None:
    """A storage volume."""
    checks.volume_name("name", spec.name)
    checks.within("capacity_bytes", spec.capacity_bytes, 0, checks.GREATEST_SIZE)
    if spec.allocation_bytes is not None:
        checks.within("allocation_bytes", spec.allocation_bytes, 0, checks.GREATEST_SIZE)
    if spec.backing is None:
        if spec.backing_format is not None:
            raise InvalidSpec("backing_format", "is that of a backing, and there is none; name it or leave this out")
        return
    _validate_backing("backing", spec.backing, spec.name)
    if spec.format is not DiskFormat.QCOW2:
        raise InvalidSpec("format", f"{_ONLY_QCOW2}; use qcow2, or clone")


def validate_new_volume(field: str, source: NewVolume, disk_format: DiskFormat) -> None:
    """A volume that spawn makes for a disk or a file system of that format; `field` is the disk's."""
    checks.within(f"{field}.source.capacity_bytes", source.capacity_bytes, 0, checks.GREATEST_SIZE)
    if source.clone_of is not None:
        checks.volume_name(f"{field}.source.clone_of", source.clone_of)
    if source.clone_of == source.volume:
        raise InvalidSpec(f"{field}.source.clone_of", f"{source.volume!r} cannot be a copy of itself; name another volume")
    if source.backing is None:
        return
    _validate_backing(f"{field}.source.backing", source.backing, source.volume)
    if source.clone_of is not None:
        raise InvalidSpec(f"{field}.source.backing", "a clone has all of its source and is backed by nothing; give one of them")
    if disk_format is not DiskFormat.QCOW2:
        raise InvalidSpec(f"{field}.format", f"{_ONLY_QCOW2}; use qcow2, or clone_of")


def validate_secret(spec: SecretSpec) -> None:
    """A secret's description; the UUID is one by its type."""
    if spec.usage is not None:
        checks.line("usage", spec.usage)
    if spec.description is not None:
        checks.filled("description", spec.description)


def validate_secret_value(value: bytes) -> None:
    """A secret's value; an error tells its length alone."""
    if not 1 <= len(value) <= LONGEST_SECRET:
        raise InvalidSpec("value", f"has {len(value)} bytes; use 1 to {LONGEST_SECRET}")


def _validate_backing(field: str, backing: str, own_name: str) -> None:
    checks.volume_name(field, backing)
    if backing == own_name:
        raise InvalidSpec(field, f"{backing!r} cannot be backed by itself; name another volume")
