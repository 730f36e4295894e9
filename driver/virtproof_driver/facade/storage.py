"""The contract's methods about storage: one line an operation, gated by its capability.

What belongs here: operations on pools and volumes, by their names. What does not: how it is done (`operations`).
"""

from collections.abc import Sequence

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims, reads
from virtproof_driver.contract import Sink, Source
from virtproof_driver.facade.area import Area
from virtproof_driver.operations import storage, transfers, volumes
from virtproof_driver.spec import PoolSpec, VolumeSpec
from virtproof_driver.values import PoolInfo, VolumeInfo


class StorageMethods(Area):
    """Storage pools and volumes of a host."""

    @reads(Capability.STORAGE_POOLS)
    def pools(self) -> Sequence[PoolInfo]:
        """List the storage pools, by name."""
        return storage.pools(self._link)

    @reads(Capability.STORAGE_POOLS)
    def pool(self, name: str) -> PoolInfo:
        """Read one storage pool. StoragePoolNotFound."""
        return storage.pool(self._link, name)

    @claims(Capability.STORAGE_POOLS)
    def create_pool(self, pool: PoolSpec, *, autostart: bool = False) -> PoolInfo:
        """Define, build and start a storage pool; all of it or nothing. StoragePoolExists."""
        return storage.create_pool(self._link, pool, autostart=autostart)

    @claims(Capability.STORAGE_POOLS)
    def start_pool(self, name: str) -> PoolInfo:
        """Start a storage pool; an active one is left as it is."""
        return storage.start_pool(self._link, name)

    @claims(Capability.STORAGE_POOLS)
    def stop_pool(self, name: str) -> PoolInfo:
        """Stop a storage pool; one that is not active is left as it is."""
        return storage.stop_pool(self._link, name)

    @claims(Capability.STORAGE_POOLS)
    def refresh_pool(self, name: str) -> PoolInfo:
        """Let the host look again which volumes there are. InvalidState when the pool is not active."""
        return storage.refresh_pool(self._link, name)

    @claims(Capability.STORAGE_POOLS)
    def delete_pool(self, name: str) -> None:
        """Stop and undefine a storage pool; what it holds stays on the host."""
        storage.delete_pool(self._link, name)

    @reads(Capability.STORAGE_VOLUMES)
    def volumes(self, pool: str) -> Sequence[VolumeInfo]:
        """List the volumes of an active pool, by name."""
        return volumes.volumes(self._link, pool)

    @reads(Capability.STORAGE_VOLUMES)
    def volume(self, pool: str, name: str) -> VolumeInfo:
        """Read one volume. VolumeNotFound."""
        return volumes.volume(self._link, pool, name)

    @claims(Capability.STORAGE_VOLUMES)
    def create_volume(self, pool: str, volume: VolumeSpec) -> VolumeInfo:
        """Make an empty volume. VolumeExists."""
        return volumes.create_volume(self._link, pool, volume)

    @claims(Capability.STORAGE_CLONE)
    def clone_volume(self, pool: str, source: str, volume: VolumeSpec) -> VolumeInfo:
        """Make a volume from another one of the pool. VolumeExists; VolumeNotFound; InvalidSpec when it would be too small."""
        return volumes.clone_volume(self._link, pool, source, volume)

    @claims(Capability.STORAGE_VOLUMES)
    def delete_volume(self, pool: str, name: str) -> None:
        """Delete a volume and what it holds. VolumeNotFound; VolumeInUse when another one of the pool reads from it.

        Whether an instance has it is not looked at: libvirt deletes it under a running guest.
        """
        volumes.delete_volume(self._link, pool, name)

    @claims(Capability.STORAGE_RESIZE)
    def resize_volume(self, pool: str, name: str, capacity_bytes: int) -> VolumeInfo:
        """Make a volume larger. InvalidSpec when it would be smaller; NotSupported of an encrypted one."""
        return volumes.resize_volume(self._link, pool, name, capacity_bytes)

    @claims(Capability.STORAGE_UPLOAD)
    def upload_volume(
        self, pool: str, name: str, source: Source, *, offset_bytes: int = 0, length_bytes: int | None = None
    ) -> int:
        """Write a source's bytes into a volume's file from an offset on, and return how many they were.

        With a length the source must give exactly so many. InvalidSpec before anything is sent that a raw volume has no room
        for, InvalidState when the pool has none. What the source raises ends it and goes to the caller; then, as after any error,
        the volume holds what was sent until then.
        """
        return transfers.upload_volume(self._link, (pool, name), source, offset_bytes=offset_bytes, length_bytes=length_bytes)

    @claims(Capability.STORAGE_DOWNLOAD)
    def download_volume(self, pool: str, name: str, sink: Sink, *, offset_bytes: int = 0, length_bytes: int | None = None) -> int:
        """Give the sink the bytes of a volume's file, in pieces, and return how many they were; none beyond its end.

        What the sink raises ends it and goes to the caller.
        """
        return transfers.download_volume(self._link, (pool, name), sink, offset_bytes=offset_bytes, length_bytes=length_bytes)
