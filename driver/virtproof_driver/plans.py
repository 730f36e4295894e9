"""What a composite operation will do, as a value: its steps in order, each with what undoes it.

What belongs here: the plans of spawn, rescue, resize, of attaching and detaching, and of making networks and storage pools. What
does not: the actions (`actions`) and doing them (`operations.executing`). Building a plan touches nothing, so that a test, or a
person, reads what would be done before anything is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from virtproof_driver.actions import (
    Action,
    AttachDevice,
    AutostartNetwork,
    AutostartPool,
    BuildPool,
    CreateVolume,
    DefineDomain,
    DefineNetwork,
    DefinePool,
    DefineSecret,
    DeleteLog,
    DeleteVolume,
    DetachDevice,
    DeviceName,
    DiscardVolume,
    ForceOff,
    MakeLog,
    NoteDevices,
    RedefineDomain,
    RemoveDomain,
    RemoveNetwork,
    RemovePool,
    RemoveSecret,
    SetMemory,
    SetSecretValue,
    SetVcpus,
    StartDomain,
    StartNetwork,
    StartPool,
)
from virtproof_driver.constants import Affect
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.markup.attached import device_xml, name_of
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.markup.network import network_xml
from virtproof_driver.markup.record import record_text
from virtproof_driver.markup.secret import secret_xml
from virtproof_driver.markup.storage import pool_xml
from virtproof_driver.spec import Disk, Filesystem, InstanceSpec, Interface, NetworkSpec, NewVolume, PoolSpec, SecretSpec

BUILT_KINDS = frozenset({"dir"})  # building makes a directory there; for other kinds it may format devices


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action, and what undoes it when a later one fails.

    `undo_if_unsure`: undo it also when it ended without an answer (connection lost, deadline), because undoing what was not
    done is harmless. A storage volume is the other case: one of that name may have been there before.
    """

    do: Action
    undo: Action | None = None
    undo_if_unsure: bool = False


Plan = tuple[Step, ...]


def spawn_plan(spec: InstanceSpec, hypervisor: Hypervisor, *, start: bool, paused: bool) -> Plan:
    """Volumes, consoles' logs, definition, start."""
    steps = [*_volume_steps(spec), *_log_steps(spec)]
    define = DefineDomain(uuid=spec.uuid, name=spec.name, xml=domain_xml(spec, hypervisor))
    steps.append(Step(do=define, undo=RemoveDomain(uuid=spec.uuid), undo_if_unsure=True))
    if start:
        steps.append(Step(do=StartDomain(uuid=spec.uuid, paused=paused)))
    return tuple(steps)


def reboot_into_plan(uuid: UUID, *, old_xml: str, new_xml: str, active: bool) -> Plan:
    """Off, another definition, start: rescue and unrescue. Undone, the old definition is back, and runs if it ran before."""
    off = Step(do=ForceOff(uuid=uuid), undo=StartDomain(uuid=uuid), undo_if_unsure=True)
    return (
        *((off,) if active else ()),
        Step(do=RedefineDomain(uuid=uuid, xml=new_xml), undo=RedefineDomain(uuid=uuid, xml=old_xml), undo_if_unsure=True),
        Step(do=StartDomain(uuid=uuid), undo=ForceOff(uuid=uuid), undo_if_unsure=True),
    )


def resize_plan(old: InstanceSpec, *, vcpus: int, memory_mib: int) -> Plan:
    """The changes from the old size to the new one; a maximum that nobody asked for follows its value.

    libvirt refuses a value above its maximum, so that a maximum is raised before its value, and lowered after it.
    """
    return (*_vcpu_steps(old, vcpus), *_memory_steps(old, memory_mib))


def attach_plan(device: Disk | Interface, before: InstanceSpec, after: InstanceSpec, affect: Affect) -> Plan:
    """The new volume, the note, the device. The note comes first, so that destroy deletes the volume whatever happens next."""
    name = name_of(device)
    attach = AttachDevice(uuid=before.uuid, device=name, xml=device_xml(device), affect=affect)
    return (
        *_volume_step(device),
        Step(do=_note(after, affect), undo=_note(before, affect), undo_if_unsure=True),
        Step(do=attach, undo=DetachDevice(uuid=before.uuid, device=name), undo_if_unsure=True),
    )


def detach_plan(device: DeviceName, before: InstanceSpec, after: InstanceSpec, affect: Affect) -> Plan:
    """The device, the volume that was made for it, the note; the note stays where the volume does, and destroy deletes it."""
    kept = {disk.source for disk in after.disks}
    gone = (disk.source for disk in before.disks if isinstance(disk.source, NewVolume) and disk.source not in kept)
    return (
        Step(do=DetachDevice(uuid=before.uuid, device=device)),
        *(Step(do=DiscardVolume(pool=source.pool, volume=source.volume)) for source in gone),
        Step(do=_note(after, affect)),
    )


def note_plan(spec: InstanceSpec, affect: Affect) -> Plan:
    """The note of a spec."""
    return (Step(do=_note(spec, affect)),)


def arrival_plan(volumes: Iterable[CreateVolume], logs: Iterable[str]) -> Plan:
    """What a destination lacks of an instance that is about to move there: volumes, which libvirt fills, and consoles' logs."""
    made = (Step(do=each, undo=DiscardVolume(pool=each.volume.pool, volume=each.volume.volume)) for each in volumes)
    return (*made, *(Step(do=MakeLog(log=log), undo=DeleteLog(log=log)) for log in logs))


def network_plan(network: NetworkSpec, *, autostart: bool) -> Plan:
    """Definition, start, autostart."""
    define = DefineNetwork(network=network, xml=network_xml(network))
    return (
        Step(do=define, undo=RemoveNetwork(name=network.name)),
        Step(do=StartNetwork(name=network.name)),
        *((Step(do=AutostartNetwork(name=network.name)),) if autostart else ()),
    )


def pool_plan(pool: PoolSpec, *, autostart: bool) -> Plan:
    """Definition, its place on the host, start, autostart."""
    return (
        Step(do=DefinePool(pool=pool, xml=pool_xml(pool)), undo=RemovePool(name=pool.name)),
        *((Step(do=BuildPool(name=pool.name)),) if pool.kind in BUILT_KINDS else ()),
        Step(do=StartPool(name=pool.name)),
        *((Step(do=AutostartPool(name=pool.name)),) if autostart else ()),
    )


def secret_plan(secret: SecretSpec, value: bytes) -> Plan:
    """Definition, value."""
    return (
        Step(do=DefineSecret(secret=secret, xml=secret_xml(secret)), undo=RemoveSecret(uuid=secret.uuid)),
        Step(do=SetSecretValue(uuid=secret.uuid, value=value)),
    )


def _volume_steps(spec: InstanceSpec) -> Iterator[Step]:
    parts: tuple[Disk | Filesystem, ...] = (*spec.disks, *spec.filesystems)
    for part in parts:
        yield from _volume_step(part)


def _volume_step(part: Disk | Filesystem | Interface) -> Iterator[Step]:
    if not isinstance(part, Interface) and isinstance(part.source, NewVolume):
        yield Step(
            do=CreateVolume(volume=part.source, format=part.format, secret=part.secret if isinstance(part, Disk) else None),
            undo=DeleteVolume(pool=part.source.pool, volume=part.source.volume),
        )


def _note(spec: InstanceSpec, affect: Affect) -> NoteDevices:
    return NoteDevices(uuid=spec.uuid, note=record_text(spec), affect=affect)


def _log_steps(spec: InstanceSpec) -> Iterator[Step]:
    for log in dict.fromkeys(console.log for console in spec.consoles):
        if log is not None:
            yield Step(do=MakeLog(log=log), undo=DeleteLog(log=log))


def _vcpu_steps(old: InstanceSpec, vcpus: int) -> Plan:
    def step(*, maximum: bool) -> Step:
        return Step(
            do=SetVcpus(uuid=old.uuid, count=vcpus, maximum=maximum),
            undo=SetVcpus(uuid=old.uuid, count=old.vcpus, maximum=maximum),
            undo_if_unsure=True,
        )

    maximum = step(maximum=True) if old.max_vcpus is None else None
    return _in_order(step(maximum=False), maximum, change=vcpus - old.vcpus)


def _memory_steps(old: InstanceSpec, memory_mib: int) -> Plan:
    def step(*, maximum: bool) -> Step:
        return Step(
            do=SetMemory(uuid=old.uuid, mib=memory_mib, maximum=maximum),
            undo=SetMemory(uuid=old.uuid, mib=old.memory_mib, maximum=maximum),
            undo_if_unsure=True,
        )

    maximum = step(maximum=True) if old.max_memory_mib is None else None
    return _in_order(step(maximum=False), maximum, change=memory_mib - old.memory_mib)


def _in_order(value: Step, maximum: Step | None, *, change: int) -> Plan:
    if change == 0:
        return ()
    if maximum is None:
        return (value,)
    return (maximum, value) if change > 0 else (value, maximum)
