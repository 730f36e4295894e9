"""The files in which disks go on after an external snapshot: where they are to be, and their end with the instance.

What belongs here: the calls about them, to disks and storage pools. What does not: the snapshots (`snapshots`), and reading XML
(`markup.overlays`). libvirt makes and deletes these files past the pools, so pools are refreshed after it.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from posixpath import dirname
from uuid import UUID

from virtproof_driver.binding import StoragePool
from virtproof_driver.capabilities import Capability
from virtproof_driver.errors import (
    Busy,
    DriverError,
    HypervisorError,
    InstanceNotFound,
    InvalidState,
    NotSupported,
    StoragePoolNotFound,
    VolumeNotFound,
)
from virtproof_driver.link import Link
from virtproof_driver.markup.domain import owned_volumes
from virtproof_driver.markup.overlays import Place, Volume, overlay_path, overlays, places
from virtproof_driver.markup.storage import parse_pool
from virtproof_driver.operations.settling import refreshed
from virtproof_driver.operations.storage import lookup_pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """How disks go on: each one's overlay by target (None: it takes no part), and the paths of those that are volumes."""

    disks: Mapping[str, str | None]
    paths: Mapping[Volume, str]

    @property
    def files(self) -> tuple[str, ...]:
        """The overlays."""
        return tuple(overlay for overlay in self.disks.values() if overlay is not None)


def going(link: Link, uuid: UUID, domain_xml: str, snapshot: str) -> Going:
    """Where the disks of an instance would go on. Raises InvalidState when it has none that the guest writes.

    Raises NotSupported for a disk outside storage pools: nobody could remove its overlay past the host.
    """
    found = places(domain_xml)
    paths = {place.volume: path_of(link, place.volume) for place in found if place.volume is not None}
    disks = {place.target: _overlay(link, place, paths, snapshot) for place in found}
    if not any(disks.values()):
        raise InvalidState(f"instance {uuid} has no disk that its guest writes, so there is nothing to snapshot")
    return Going(disks=disks, paths=paths)


def path_of(link: Link, volume: Volume) -> str:
    """Where a volume of an active pool lies on the host."""
    pool, name = volume
    return link.call(link.call(lookup_pool(link, pool).storageVolLookupByName, name).path)


def overlays_of(link: Link, uuid: UUID, domain_xml: str) -> tuple[str, ...]:
    """The files that external snapshots made for an instance; none where the hypervisor has no such snapshots."""
    if Capability.SNAPSHOT_EXTERNAL in link.refusals:
        return ()
    try:
        found = link.call(link.domain(uuid).listAllSnapshots)
        known = overlays(domain_xml, [link.call(snapshot.getXMLDesc) for snapshot in found]) if found else ()
    except InstanceNotFound:
        return ()
    return (*known, *(path for path in _forgotten(link, domain_xml) if path not in known))


def _forgotten(link: Link, domain_xml: str) -> tuple[str, ...]:
    """Overlays over volumes that spawn made, which disks go on in though no snapshot may know.

    libvirt forgets a snapshot when it cannot thaw the guest after it (11.3.0).
    """
    now = [place.path for place in places(domain_xml) if place.path is not None]
    made = owned_volumes(domain_xml) if now else ()
    with suppress(StoragePoolNotFound, VolumeNotFound):
        under = tuple(f"{path_of(link, (volume.pool, volume.volume))}." for volume in made)
        return tuple(path for path in now if path.startswith(under))
    return ()


def remove_overlays(link: Link, files: Sequence[str]) -> Sequence[tuple[str, DriverError]]:
    """Delete overlays, the newest first; those that could not be, with their errors. One that is not there is deleted.

    One that no pool shows because its pool could not look may be there, and counts as not deleted.
    """
    refused = refresh_beside(link, files)
    failures: list[tuple[str, DriverError]] = []
    for path in reversed(files):
        try:
            link.call(link.call(link.connection().storageVolLookupByPath, path).delete)
        except VolumeNotFound:
            failures += [(path, refused[folder]) for folder in refused if folder == dirname(path)]
        except DriverError as error:
            failures.append((path, error))
    return failures


def refresh_beside(link: Link, files: Iterable[str]) -> Mapping[str, DriverError]:
    """Let the pools in whose folders these files lie look again, once nothing is under way in them; the refusals, by folder."""
    folders = {dirname(path) for path in files}
    refused: dict[str, DriverError] = {}
    for pool in link.call(link.connection().listAllStoragePools) if folders else ():
        with suppress(StoragePoolNotFound, InvalidState):
            if (folder := _folder(link, pool)) in folders:
                try:
                    refreshed(link, pool)
                except (HypervisorError, Busy) as error:
                    refused[folder] = error
    return refused


def _folder(link: Link, pool: StoragePool) -> str:
    return parse_pool(link.call(pool.XMLDesc)).target.rstrip("/")


def _overlay(link: Link, place: Place, paths: Mapping[Volume, str], snapshot: str) -> str | None:
    path = paths[place.volume] if place.volume is not None else place.path
    if not place.writable or path is None:
        return None
    _check_pooled(link, place, path)
    return overlay_path(path, snapshot)


def _check_pooled(link: Link, place: Place, path: str) -> None:
    if place.volume is not None:
        return
    try:
        link.call(link.connection().storageVolLookupByPath, path)
    except VolumeNotFound as error:
        reason = f"disk {place.target!r} is {path}, which is in no storage pool, so that its overlay could not be removed"
        raise NotSupported(Capability.SNAPSHOT_EXTERNAL, reason) from error
