"""Wrong drivers that get machines wrong: their overlays, NVRAM and saved memory, full disks, and how they ended.

What belongs here: mistakes that show only where guests run.
"""

from dataclasses import replace

from virtproof.mutants.drivers.base import factory
from virtproof_driver import LibvirtDriver
from virtproof_driver.constants import BlockCommitFlag, SnapshotDeleteFlag, UndefineFlag, XmlFlag
from virtproof_driver.contract import InstanceId, Listener, Subscription
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.operations.merging import merge_by_commit, redescribe
from virtproof_driver.operations.transitions import UNPAUSE, transition
from virtproof_driver.values import EventKind, Instance, LifecycleEvent


class _LeavesOverlays(LibvirtDriver):
    """Forgets an instance's snapshots before it destroys it, and so the overlays that they made."""

    def destroy(self, uuid: InstanceId) -> None:
        if any(str(instance_id(uuid)) == str(each.uuid) for each in self.instances()):
            for snapshot in self.link.call(self.link.domain(instance_id(uuid)).listAllSnapshots):
                self.link.call(snapshot.delete, SnapshotDeleteFlag.METADATA_ONLY)
        super().destroy(uuid)


class _MergesEarly(LibvirtDriver):
    """Calls an overlay merged once libvirt has begun with it."""

    def delete_snapshot(self, uuid: InstanceId, name: str) -> None:
        domain = self.link.domain(instance_id(uuid))
        merge = merge_by_commit(self.link, instance_id(uuid), name)
        for commit in () if merge is None else merge.commits:
            flags = BlockCommitFlag.ACTIVE if commit.active else 0
            self.link.call(domain.blockCommit, commit.target, commit.base, commit.overlay, 0, flags)
        self.link.call(self.link.call(domain.snapshotLookupByName, name).delete, SnapshotDeleteFlag.METADATA_ONLY)


class _LeavesLaterSnapshots(LibvirtDriver):
    """Leaves later snapshots as they were, on an overlay that is no more."""

    def delete_snapshot(self, uuid: InstanceId, name: str) -> None:
        domain = self.link.domain(instance_id(uuid))
        before = {each.getName(): self.link.call(each.getXMLDesc) for each in self.link.call(domain.listAllSnapshots)}
        super().delete_snapshot(uuid, name)
        for each in self.link.call(domain.listAllSnapshots):
            orphan = before[each.getName()].replace(f"<name>{name}</name>", "<name/>").replace("<parent>", "<was>")
            redescribe(self.link, domain, orphan.replace("</parent>", "</was>"), current=True)


class _TrustsResume(LibvirtDriver):
    """Believes that an instance runs because libvirt's resume said 0."""

    def unpause(self, uuid: InstanceId) -> Instance:
        return transition(self.link, instance_id(uuid), UNPAUSE)


class _LosesNvram(LibvirtDriver):
    """Reboots hard by undefining the instance with all that is its own, and defining it again."""

    def reboot(self, uuid: InstanceId, *, hard: bool = False) -> Instance:
        if not hard:
            return super().reboot(uuid)
        domain = self.link.domain(instance_id(uuid))
        xml = self.link.call(domain.XMLDesc, XmlFlag.INACTIVE | XmlFlag.SECURE)
        self.stop(uuid, timeout=0)
        self.link.call(domain.undefineFlags, UndefineFlag.NVRAM)
        self.link.remember(instance_id(uuid), self.link.call(self.link.connection().defineXML, xml))
        return self.start(uuid)


class _CallsAKillAShutdown(LibvirtDriver):
    """Tells each end of an instance as its guest's own."""

    def subscribe(self, listener: Listener, *, uuid: InstanceId | None = None) -> Subscription:
        def tell(event: LifecycleEvent) -> object:
            ended = event.kind is EventKind.STOPPED
            return listener(replace(event, reason="shutdown") if ended else event)

        return super().subscribe(tell, uuid=uuid)


class _BootsWhatWasSaved(LibvirtDriver):
    """Throws a managed save away and boots."""

    def resume(self, uuid: InstanceId) -> Instance:
        self.link.call(self.link.domain(instance_id(uuid)).managedSaveRemove)
        return self.start(uuid)


leaves_overlays = factory(_LeavesOverlays)
trusts_resume = factory(_TrustsResume)
merges_early = factory(_MergesEarly)
leaves_later_snapshots = factory(_LeavesLaterSnapshots)
loses_nvram = factory(_LosesNvram)
calls_a_kill_a_shutdown = factory(_CallsAKillAShutdown)
boots_what_was_saved = factory(_BootsWhatWasSaved)
