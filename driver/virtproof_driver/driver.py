"""The reference driver: the contract over a link, one line an operation.

What belongs here: the contract's methods, each gated by the capability that it needs, and what each promises. What does not:
how it is done (`operations`), and how the connection is made and kept (`connecting`, `edge`).

Of every method: DriverClosed after close(); NotSupported where the capability is not claimed; ConnectionLost when the connection
broke under a change, whose outcome is then not known; HostUnreachable while it cannot be made again; PermissionDenied when the
connection may not. Methods that only read try once more on a new connection. A method that takes a UUID raises InstanceNotFound,
and InvalidSpec for what is no UUID.
"""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import Gated, claims, reads, with_refusals
from virtproof_driver.contract import InstanceId, Listener, Sink, Subscription
from virtproof_driver.link import HostLink
from virtproof_driver.operations import (
    agent,
    console,
    diagnostics,
    host,
    inventory,
    lifecycle,
    metadata,
    networks,
    rescue,
    resize,
    snapshots,
    spawning,
    stopping,
    storage,
    volumes,
)
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.spec import (
    InstanceSpec,
    MetadataElement,
    NetworkSpec,
    PoolSpec,
    RescueImage,
    SnapshotSpec,
    VolumeSpec,
)
from virtproof_driver.values import (
    Diagnostics,
    GraphicsEndpoint,
    HostInfo,
    HostStats,
    Instance,
    NetworkInfo,
    PoolInfo,
    Screenshot,
    Snapshot,
    StopOutcome,
    VolumeInfo,
)


@with_refusals
class LibvirtDriver(Gated):
    """A compute driver over libvirt. Implements `contract.ComputeDriver`; safe from any thread; a context manager."""

    def __init__(self, link: HostLink) -> None:
        super().__init__(link)
        self._reservations = spawning.Reservations()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._link.uri}>"

    def close(self) -> None:
        """Close the connection; waits end with DriverClosed, listeners hear no more. A second call changes nothing."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # --- host and inventory ---------------------------------------------------------------------------

    @reads(Capability.HOST_INFO)
    def host(self) -> HostInfo:
        """Describe the host."""
        return host.host(self._link)

    @reads(Capability.HOST_STATS)
    def host_stats(self) -> HostStats:
        """Read the host's cumulative processor times in nanoseconds."""
        return host.host_stats(self._link)

    @reads(Capability.INVENTORY)
    def instances(self) -> Sequence[Instance]:
        """List every domain of the host, by name; also those that this driver did not make."""
        return inventory.instances(self._link)

    @reads(Capability.INVENTORY)
    def instance(self, uuid: InstanceId) -> Instance:
        """Read the state of one instance."""
        return inventory.looked_up(self._link, instance_id(uuid))

    @reads(Capability.INVENTORY)
    def spec(self, uuid: InstanceId) -> InstanceSpec:
        """Read what would spawn the instance again, from its persistent definition."""
        return inventory.spec(self._link, instance_id(uuid))

    @reads(Capability.DIAGNOSTICS)
    def diagnostics(self, uuid: InstanceId) -> Diagnostics:
        """Read a running instance's counters. InvalidState when it is off."""
        return diagnostics.diagnostics(self._link, instance_id(uuid))

    # --- lifecycle ------------------------------------------------------------------------------------

    @claims(Capability.SPAWN)
    def spawn(self, spec: InstanceSpec, *, start: bool = True, paused: bool = False) -> Instance:
        """Make the new storage volumes, define the instance, and start it; wait for its event.

        A spawn that fails is undone in reverse; `undone_failures` of the error says what could not be. InstanceExists when the
        name or UUID is taken, VolumeExists when a new volume's is; InvalidSpec before anything is done; OperationTimeout.
        """
        with self._reservations.hold(spec.uuid):
            return spawning.spawn(self._link, spec, start=start, paused=paused)

    @claims(Capability.DESTROY)
    def destroy(self, uuid: InstanceId) -> None:
        """Force the instance off and remove it, its managed save, its snapshots and the volumes that spawn made.

        An instance that is not there is destroyed already. Busy when another client starts it again and again.
        """
        stopping.destroy(self._link, instance_id(uuid))

    @claims(Capability.START)
    def start(self, uuid: InstanceId) -> Instance:
        """Start an instance that is off; a running one is left as it is. InvalidState when it is paused."""
        return lifecycle.start(self._link, instance_id(uuid))

    @claims(Capability.STOP)
    def stop(self, uuid: InstanceId, *, timeout: float, force: bool = True) -> StopOutcome:
        """Ask the guest to shut down, wait `timeout` seconds for it, then force it off; say which it was.

        With `force` False a guest that does not obey runs on: OperationTimeout. A timeout of 0 or less asks nobody.
        """
        return stopping.stop(self._link, instance_id(uuid), timeout=timeout, force=force)

    def reboot(self, uuid: InstanceId, *, hard: bool = False) -> Instance:
        """Ask the guest to restart, or with `hard` force it off and start it.

        InvalidState when it is off, and for the guest's part when it is paused.
        """
        return self._reboot_hard(uuid) if hard else self._reboot(uuid)

    @claims(Capability.REBOOT)
    def _reboot(self, uuid: InstanceId) -> Instance:
        return lifecycle.reboot(self._link, instance_id(uuid))

    @claims(Capability.REBOOT_HARD)
    def _reboot_hard(self, uuid: InstanceId) -> Instance:
        return lifecycle.reboot_hard(self._link, instance_id(uuid))

    @claims(Capability.PAUSE)
    def pause(self, uuid: InstanceId) -> Instance:
        """Stop the instance's processors; a paused one is left as it is. InvalidState when it is off."""
        return lifecycle.pause(self._link, instance_id(uuid))

    @claims(Capability.PAUSE)
    def unpause(self, uuid: InstanceId) -> Instance:
        """Let a paused instance run on; a running one is left as it is. InvalidState when it is off."""
        return lifecycle.unpause(self._link, instance_id(uuid))

    @claims(Capability.SUSPEND)
    def suspend(self, uuid: InstanceId) -> Instance:
        """Save the instance's memory on the host and stop it; one that is saved is left as it is. InvalidState when it is off."""
        return lifecycle.suspend(self._link, instance_id(uuid))

    @claims(Capability.SUSPEND)
    def resume(self, uuid: InstanceId) -> Instance:
        """Start a suspended instance from its saved memory; a running one is left as it is. InvalidState if none is saved."""
        return lifecycle.resume(self._link, instance_id(uuid))

    @claims(Capability.RESCUE)
    def rescue(self, uuid: InstanceId, image: RescueImage) -> Instance:
        """Start the instance from another image, its own disks beside it. InvalidState when it is rescued or suspended."""
        return rescue.rescue(self._link, instance_id(uuid), image)

    @claims(Capability.RESCUE)
    def unrescue(self, uuid: InstanceId) -> Instance:
        """Start a rescued instance from its own disks again. InvalidState when it is not rescued."""
        return rescue.unrescue(self._link, instance_id(uuid))

    @claims(Capability.RESIZE)
    def resize(self, uuid: InstanceId, *, vcpus: int, memory_mib: int) -> Instance:
        """Change processors and memory (MiB) from the next start on; both or neither. InvalidSpec above the spec's maxima."""
        return resize.resize(self._link, instance_id(uuid), vcpus=vcpus, memory_mib=memory_mib)

    @reads(Capability.AUTOSTART)
    def autostart(self, uuid: InstanceId) -> bool:
        """Read whether the host starts the instance when it boots."""
        return metadata.autostart(self._link, instance_id(uuid))

    @claims(Capability.AUTOSTART)
    def set_autostart(self, uuid: InstanceId, enabled: bool) -> None:
        """Change whether the host starts the instance when it boots."""
        metadata.set_autostart(self._link, instance_id(uuid), enabled=enabled)

    # --- metadata -------------------------------------------------------------------------------------

    @claims(Capability.METADATA)
    def set_title(self, uuid: InstanceId, title: str | None) -> None:
        """Set the title, one line, or with None remove it."""
        metadata.set_title(self._link, instance_id(uuid), title)

    @claims(Capability.METADATA)
    def set_description(self, uuid: InstanceId, description: str | None) -> None:
        """Set the description, or with None remove it."""
        metadata.set_description(self._link, instance_id(uuid), description)

    @reads(Capability.METADATA)
    def metadata(self, uuid: InstanceId, uri: str) -> str:
        """Read the metadata element of a namespace, without layout and comments. MetadataNotFound."""
        return metadata.metadata(self._link, instance_id(uuid), uri)

    @claims(Capability.METADATA)
    def set_metadata(self, uuid: InstanceId, element: MetadataElement) -> None:
        """Set or replace the metadata element of a namespace; layout and comments are not kept."""
        metadata.set_metadata(self._link, instance_id(uuid), element)

    @claims(Capability.METADATA)
    def remove_metadata(self, uuid: InstanceId, uri: str) -> None:
        """Remove the metadata element of a namespace. MetadataNotFound."""
        metadata.remove_metadata(self._link, instance_id(uuid), uri)

    # --- snapshots ------------------------------------------------------------------------------------

    @claims(Capability.SNAPSHOT_INTERNAL)
    def create_snapshot(self, uuid: InstanceId, snapshot: SnapshotSpec) -> Snapshot:
        """Make a snapshot. SnapshotExists."""
        return snapshots.create_snapshot(self._link, instance_id(uuid), snapshot)

    @reads(Capability.SNAPSHOT_INTERNAL)
    def snapshots(self, uuid: InstanceId) -> Sequence[Snapshot]:
        """List the snapshots, the oldest first."""
        return snapshots.snapshots(self._link, instance_id(uuid))

    @claims(Capability.SNAPSHOT_INTERNAL)
    def revert_snapshot(self, uuid: InstanceId, name: str) -> Instance:
        """Take the instance back to a snapshot, and to the state that it had then. SnapshotNotFound."""
        return snapshots.revert_snapshot(self._link, instance_id(uuid), name)

    @claims(Capability.SNAPSHOT_INTERNAL)
    def delete_snapshot(self, uuid: InstanceId, name: str) -> None:
        """Delete a snapshot; those made after it stay. SnapshotNotFound."""
        snapshots.delete_snapshot(self._link, instance_id(uuid), name)

    # --- storage --------------------------------------------------------------------------------------

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
        """Delete a volume and what it holds. VolumeNotFound."""
        volumes.delete_volume(self._link, pool, name)

    @claims(Capability.STORAGE_RESIZE)
    def resize_volume(self, pool: str, name: str, capacity_bytes: int) -> VolumeInfo:
        """Change a volume's capacity."""
        return volumes.resize_volume(self._link, pool, name, capacity_bytes)

    # --- networks -------------------------------------------------------------------------------------

    @reads(Capability.NETWORKS)
    def networks(self) -> Sequence[NetworkInfo]:
        """List the virtual networks, by name."""
        return networks.networks(self._link)

    @reads(Capability.NETWORKS)
    def network(self, name: str) -> NetworkInfo:
        """Read one virtual network. NetworkNotFound."""
        return networks.network(self._link, name)

    @reads(Capability.NETWORKS)
    def network_spec(self, name: str) -> NetworkSpec:
        """Read what would make the network again."""
        return networks.network_spec(self._link, name)

    @claims(Capability.NETWORKS)
    def create_network(self, network: NetworkSpec, *, autostart: bool = False) -> NetworkInfo:
        """Define and start a virtual network; all of it or nothing. NetworkExists when name, UUID or bridge is taken."""
        return networks.create_network(self._link, network, autostart=autostart)

    @claims(Capability.NETWORKS)
    def start_network(self, name: str) -> NetworkInfo:
        """Start a virtual network; an active one is left as it is."""
        return networks.start_network(self._link, name)

    @claims(Capability.NETWORKS)
    def stop_network(self, name: str) -> NetworkInfo:
        """Stop a virtual network; one that is not active is left as it is."""
        return networks.stop_network(self._link, name)

    @claims(Capability.NETWORKS)
    def delete_network(self, name: str) -> None:
        """Stop and undefine a virtual network."""
        networks.delete_network(self._link, name)

    # --- console --------------------------------------------------------------------------------------

    @claims(Capability.SCREENSHOT)
    def screenshot(self, uuid: InstanceId, sink: Sink) -> Screenshot:
        """Stream an image of the screen into the sink. InvalidState when the instance is off; what the sink raises is raised."""
        return console.screenshot(self._link, instance_id(uuid), sink)

    @reads(Capability.GRAPHICS)
    def graphics(self, uuid: InstanceId) -> Sequence[GraphicsEndpoint]:
        """Read where the instance's displays listen."""
        return console.graphics(self._link, instance_id(uuid))

    # --- guest agent ----------------------------------------------------------------------------------

    @claims(Capability.AGENT_PASSWORD)
    def set_admin_password(self, uuid: InstanceId, user: str, password: str) -> None:
        """Set a user's password inside the guest. InvalidState when the instance is off."""
        agent.set_admin_password(self._link, instance_id(uuid), user, password)

    @claims(Capability.AGENT_QUIESCE)
    def quiesce(self, uuid: InstanceId, mountpoints: Iterable[str] = ()) -> int:
        """Freeze the guest's file systems at the mountpoints, or all; returns how many."""
        return agent.quiesce(self._link, instance_id(uuid), mountpoints)

    @claims(Capability.AGENT_QUIESCE)
    def unquiesce(self, uuid: InstanceId, mountpoints: Iterable[str] = ()) -> int:
        """Thaw the guest's file systems at the mountpoints, or all; returns how many."""
        return agent.unquiesce(self._link, instance_id(uuid), mountpoints)

    # --- events ---------------------------------------------------------------------------------------

    @claims(Capability.EVENTS_LIFECYCLE)
    def subscribe(self, listener: Listener, *, uuid: InstanceId | None = None) -> Subscription:
        """Deliver each change of one instance, or of all, once and in order, on a thread of the listener's own."""
        return self._link.subscribe(listener, None if uuid is None else instance_id(uuid))
