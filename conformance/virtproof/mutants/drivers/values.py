"""Wrong drivers that do, or tell, something else than what was asked.

What belongs here: mistakes in units, names, lists and in what an operation really does.
"""

import html
from collections.abc import Sequence
from dataclasses import replace

from virtproof.mutants.drivers.base import factory
from virtproof_driver import LibvirtDriver
from virtproof_driver.contract import InstanceId
from virtproof_driver.spec import InstanceSpec, MetadataElement
from virtproof_driver.values import Instance, Snapshot, VolumeInfo


class _CountsInKiB(LibvirtDriver):
    """Takes the contract's MiB for KiB when it resizes, rounded up to one MiB."""

    def resize(self, uuid: InstanceId, *, vcpus: int, memory_mib: int) -> Instance:
        return super().resize(uuid, vcpus=vcpus, memory_mib=max(1, memory_mib // 1024))


class _EscapesTwice(LibvirtDriver):
    """Escapes a name by hand before it is written as XML."""

    def spawn(self, spec: InstanceSpec, *, start: bool = True, paused: bool = False) -> Instance:
        return super().spawn(replace(spec, name=html.escape(spec.name)), start=start, paused=paused)


class _ListsTheActive(LibvirtDriver):
    """Lists only what runs."""

    def instances(self) -> Sequence[Instance]:
        return [each for each in super().instances() if each.state.active]


class _ListFails(LibvirtDriver):
    """Lists by looking each instance up again, and fails when one is gone meanwhile."""

    def instances(self) -> Sequence[Instance]:
        domains = self.link.call(self.link.connection().listAllDomains)
        return [self.instance(domain.UUIDString()) for domain in domains]


class _RebootsByStopping(LibvirtDriver):
    """Reboots by forcing the instance off and starting it again."""

    def reboot(self, uuid: InstanceId, *, hard: bool = False) -> Instance:
        self.stop(uuid, timeout=0)
        return self.start(uuid)


class _LosesTheSave(LibvirtDriver):
    """Suspends by stopping: nothing is saved."""

    def suspend(self, uuid: InstanceId) -> Instance:
        self.stop(uuid, timeout=0)
        return self.instance(uuid)


class _KeepsARescue(LibvirtDriver):
    """Restarts at unrescue, and leaves the rescue's disks."""

    def unrescue(self, uuid: InstanceId) -> Instance:
        self.stop(uuid, timeout=0)
        return self.start(uuid)


class _ForgetsMetadata(LibvirtDriver):
    """Accepts metadata and keeps none."""

    def set_metadata(self, uuid: InstanceId, element: MetadataElement) -> None:
        self.instance(uuid)


class _RevertsNothing(LibvirtDriver):
    """Reverts to a snapshot by name and reports success without doing it."""

    def revert_snapshot(self, uuid: InstanceId, name: str) -> Instance:
        return self.instance(uuid)


class _SnapshotsWithoutText(LibvirtDriver):
    """Loses the description of snapshots."""

    def snapshots(self, uuid: InstanceId) -> Sequence[Snapshot]:
        return [replace(each, description=None) for each in super().snapshots(uuid)]


class _ReportsAllocation(LibvirtDriver):
    """Reports a volume's allocation as its capacity."""

    def volume(self, pool: str, name: str) -> VolumeInfo:
        found = super().volume(pool, name)
        return replace(found, capacity_bytes=found.allocation_bytes)


class _LeavesNetworks(LibvirtDriver):
    """Stops a network and calls that deleted."""

    def delete_network(self, name: str) -> None:
        self.stop_network(name)


counts_in_kib = factory(_CountsInKiB)
escapes_twice = factory(_EscapesTwice)
lists_the_active = factory(_ListsTheActive)
list_fails = factory(_ListFails)
reboots_by_stopping = factory(_RebootsByStopping)
loses_the_save = factory(_LosesTheSave)
keeps_a_rescue = factory(_KeepsARescue)
forgets_metadata = factory(_ForgetsMetadata)
reverts_nothing = factory(_RevertsNothing)
snapshots_without_text = factory(_SnapshotsWithoutText)
reports_allocation = factory(_ReportsAllocation)
leaves_networks = factory(_LeavesNetworks)
