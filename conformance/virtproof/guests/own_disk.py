"""A disk of an instance's own in the place of the one that all guests of its kind share and only read.

What belongs here: the change of a spec. What does not: guests that write, which have a disk of their own anyway.
"""

from dataclasses import replace

from virtproof_driver.spec import DiskFormat, InstanceSpec, NewVolume, VolumeSource

CAPACITY_BYTES = 1 << 20


def with_own_disk(spec: InstanceSpec, disk_format: DiskFormat = DiskFormat.QCOW2) -> InstanceSpec:
    """The spec with a copy of its first disk, which its guest may write, so that snapshots can be made of it.

    Unchanged where the first disk is no volume, as on a host without guests.
    """
    shared = spec.disks[0] if spec.disks else None
    source = shared.source if shared is not None else None
    if shared is None or not isinstance(source, VolumeSource):
        return spec
    own = NewVolume(pool=source.pool, volume=f"{spec.name}.{disk_format}", capacity_bytes=CAPACITY_BYTES, clone_of=source.volume)
    return replace(spec, disks=(replace(shared, source=own, format=disk_format, read_only=False), *spec.disks[1:]))
