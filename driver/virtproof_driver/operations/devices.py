"""Attaching disks and interfaces to an instance, and detaching them.

What belongs here: the operations, and the actions that attach and note. What does not: how a guest is made to release a device
(`releasing`), growing disks (`extending`), and the order of the steps (`plans`).

Theory of operation. Attaching is one call for the running domain and its definition: libvirt does both or neither. It is done
when it returns, so nothing is waited for. libvirt accepts a second interface of one hardware address, and later cannot tell which
to detach (9, measured on libvirt 11.3.0), so what is there is read first; a turn keeps two threads of one driver from reading
before either writes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from virtproof_driver.actions import AttachDevice, DetachDevice, DeviceKind, DeviceName, NoteDevices
from virtproof_driver.checks import mac as check_mac
from virtproof_driver.constants import Affect, MetadataType, XmlFlag
from virtproof_driver.errors import (
    DeviceExists,
    DeviceNotFound,
    HypervisorError,
    InstanceNotFound,
    InvalidSpec,
    InvalidState,
)
from virtproof_driver.link import Link
from virtproof_driver.markup.attached import find_device, name_of
from virtproof_driver.markup.domain import parse_domain
from virtproof_driver.markup.names import INSTANCE_NS, PREFIX
from virtproof_driver.operations.executing import execute, perform
from virtproof_driver.operations.inventory import inactive_xml, instance
from virtproof_driver.operations.lifecycle import has_managed_save
from virtproof_driver.operations.releasing import detach
from virtproof_driver.operations.rescue import refuse_rescued
from virtproof_driver.operations.secrets import require_secrets
from virtproof_driver.operations.settling import settled
from virtproof_driver.operations.volumes import lookup_volume
from virtproof_driver.plans import attach_plan, detach_plan
from virtproof_driver.spec import Disk, DiskSource, FileSource, InstanceSpec, Interface, NewVolume, VolumeSource
from virtproof_driver.validation import validate_disk, validate_interface


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """An instance as a change of its devices finds it; `live_xml` is None when it is off."""

    affect: Affect
    live_xml: str | None
    kept_xml: str

    @property
    def spec(self) -> InstanceSpec:
        """What its definition says, or where it has none the running domain."""
        return parse_domain(self.kept_xml)

    def has(self, device: DeviceName) -> bool:
        """Whether it has the device, running or in its definition."""
        return any(find_device(xml, device) is not None for xml in (self.live_xml, self.kept_xml) if xml is not None)


def attach_volume(link: Link, uuid: UUID, disk: Disk) -> None:
    """Give the instance a disk, whose volume is made first if it is a new one."""
    validate_disk(disk, link.hypervisor)
    with link.turn(uuid):
        found = present(link, uuid, DeviceKind.DISK)
        _check_free(found, uuid, disk)
        require_secrets(link, (disk,))
        spec = found.spec
        _check_source(link, spec, disk)
        execute(link, attach_plan(disk, spec, replace(spec, disks=(*spec.disks, disk)), found.affect))


def attach_interface(link: Link, uuid: UUID, nic: Interface) -> None:
    """Give the instance an interface."""
    validate_interface(nic)
    with link.turn(uuid):
        found = present(link, uuid, DeviceKind.INTERFACE)
        _check_free(found, uuid, nic)
        if nic.network is not None:  # the definition of an instance that is off would take any name
            link.call(link.connection().networkLookupByName, nic.network)
        spec = found.spec
        execute(link, attach_plan(nic, spec, replace(spec, interfaces=(*spec.interfaces, nic)), found.affect))


def detach_volume(link: Link, uuid: UUID, target: str) -> None:
    """Take a disk from the instance, and delete its volume if attach_volume() or spawn() made it."""
    with link.turn(uuid):
        found = present(link, uuid, DeviceKind.DISK)
        spec = found.spec
        kept = tuple(disk for disk in spec.disks if disk.target != target)
        _detach(link, found, DeviceName(kind=DeviceKind.DISK, key=target), replace(spec, disks=kept))


def detach_interface(link: Link, uuid: UUID, mac: str) -> None:
    """Take an interface from the instance."""
    check_mac("mac", mac)
    with link.turn(uuid):
        found = present(link, uuid, DeviceKind.INTERFACE)
        spec = found.spec
        kept = tuple(nic for nic in spec.interfaces if nic.mac.lower() != mac.lower())
        _detach(link, found, DeviceName(kind=DeviceKind.INTERFACE, key=mac.lower()), replace(spec, interfaces=kept))


def present(link: Link, uuid: UUID, kind: DeviceKind) -> Present:
    """Read the instance. Raises InvalidState where a change would be lost, or be made to something else.

    A managed save brings the devices back that it was made with; unrescue brings back the disks of before the rescue.
    """
    affect = reach(link, uuid)
    kept = inactive_xml(link, uuid)
    if kind is DeviceKind.DISK:
        refuse_rescued(uuid, kept)
    if not affect & Affect.LIVE and has_managed_save(link, uuid):
        raise InvalidState(f"instance {uuid} has a managed save; resume it first")
    live = link.call(link.domain(uuid).XMLDesc) if affect & Affect.LIVE else None
    return Present(affect=affect, live_xml=live, kept_xml=kept)


def reach(link: Link, uuid: UUID) -> Affect:
    """What there is to change: the running domain, its definition, or both; libvirt refuses with 55 what is not there."""
    live = Affect.LIVE if instance(link, uuid).state.active else Affect.CURRENT
    return live | Affect.CONFIG if link.call(link.domain(uuid).isPersistent) else live


def changing(link: Link, uuid: UUID, affect: Affect, change: Callable[[Affect], object]) -> None:
    """Make a change; once more with what there is now, if the instance was started or stopped meanwhile."""
    try:
        change(affect)
    except InvalidState:
        now = reach(link, uuid)
        if now == affect:
            raise
        change(now)


def _check_free(found: Present, uuid: UUID, device: Disk | Interface) -> None:
    name = name_of(device)
    if found.has(name):
        raise DeviceExists(name.key, f"in instance {uuid}")


def _check_source(link: Link, spec: InstanceSpec, disk: Disk) -> None:
    """What libvirt refuses of a running instance and takes of one that is off: no such volume, or one that it has already."""
    if isinstance(disk.source, VolumeSource):
        lookup_volume(link, disk.source.pool, disk.source.volume)
    for other in spec.disks:
        if disk.source is not None and _place(other.source) == _place(disk.source):
            raise InvalidSpec("volume.source", f"is attached as {other.target!r} already")


def _place(source: DiskSource | None) -> tuple[str, ...]:
    match source:
        case FileSource():
            return (source.path,)
        case VolumeSource() | NewVolume():
            return (source.pool, source.volume)
        case None:
            return ()


def _detach(link: Link, found: Present, device: DeviceName, after: InstanceSpec) -> None:
    if not found.has(device):
        raise DeviceNotFound(device.key, f"in instance {after.uuid}")
    try:
        execute(link, detach_plan(device, found.spec, after, found.affect))
    except InstanceNotFound:  # it ended meanwhile, and took its note with it
        link.forget(after.uuid)


@perform.register
def _perform_attach(action: AttachDevice, link: Link) -> None:
    domain = link.domain(action.uuid)
    try:
        changing(
            link,
            action.uuid,
            action.affect,
            lambda affect: settled(link, action.uuid, lambda: link.call(domain.attachDeviceFlags, action.xml, affect)),
        )
    except (InvalidSpec, InvalidState, HypervisorError) as refusal:
        now = (link.call(domain.XMLDesc, flags) for flags in (0, XmlFlag.INACTIVE))
        if any(find_device(xml, action.device) is not None for xml in now):  # another client was first
            raise DeviceExists(action.device.key, f"in instance {action.uuid}") from refusal
        raise


@perform.register
def _perform_detach(action: DetachDevice, link: Link) -> None:
    detach(link, action.uuid, action.device)


@perform.register
def _note(action: NoteDevices, link: Link) -> None:
    domain = link.domain(action.uuid)
    changing(
        link,
        action.uuid,
        action.affect,
        lambda affect: link.call(domain.setMetadata, MetadataType.ELEMENT, action.note, PREFIX, INSTANCE_NS, affect),
    )
