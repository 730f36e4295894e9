"""Probes of the areas devices, snapshots and firewall, and of migration.

What belongs here: their questions. What does not: what an answer means (`agreement`). Attaching is asked for on the running
domain and its definition together, which is what the capabilities promise: since libvirt 10.0 the test driver attaches to the
running one alone. Detaching and extending are asked for of a definition: from a running domain only a guest can release a device,
and not each hypervisor could start with the disk.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element, tostring

from virtproof.guests.own_disk import with_own_disk
from virtproof.lanes.facts import hypervisor_of
from virtproof.probes.bench import (
    VOLUME_BYTES,
    Bench,
    bare_defined,
    bare_domain,
    bare_volume,
    defined,
    driven_pool,
    driven_volume,
    past,
    running,
    up,
)
from virtproof.probes.model import Probe
from virtproof_driver import Capability
from virtproof_driver.binding import StorageVol
from virtproof_driver.constants import Affect, BlockResizeFlag
from virtproof_driver.markup.attached import device_xml
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.markup.snapshot import snapshot_xml
from virtproof_driver.spec import Disk, FileSource, Interface, NewVolume, SnapshotSpec, VolumeSource

_BOTH: Final = int(Affect.LIVE | Affect.CONFIG)
_DISK_ONLY: Final = 16  # VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
_MAC: Final = "52:54:00:00:fe:ed"
_MADE: Final = ("spawn", "destroy")


def _disks(bench: Bench) -> None:
    spec = bench.small()
    with driven_volume(bench) as (pool, volume):
        disk = Disk(target="vdz", source=VolumeSource(pool=pool, volume=volume))
        with running(bench, replace(spec, disks=(*spec.disks, disk))):
            pass


def _bare_disks(bench: Bench) -> None:
    spec = bench.small()
    with bare_volume(bench) as volume:
        source = VolumeSource(pool=past(volume, "storagePoolLookupByVolume").name(), volume=volume.name())
        disk = Disk(target="vdz", source=source)
        with bare_defined(bench, domain_xml(replace(spec, disks=(*spec.disks, disk)), hypervisor_of(bench.host()))):
            pass


def _attach_volume(bench: Bench) -> None:
    with driven_volume(bench) as (pool, volume), running(bench) as instance:
        bench.driver.attach_volume(instance.uuid, Disk(target="vdz", source=VolumeSource(pool=pool, volume=volume)))


def _detach_volume(bench: Bench) -> None:
    spec = bench.small()
    with defined(bench, spec) as instance:
        bench.driver.detach_volume(instance.uuid, spec.disks[0].target if spec.disks else "vda")


def _extend_volume(bench: Bench) -> None:
    spec = bench.small()
    with driven_pool(bench) as pool:
        disk = Disk(target="vdz", source=NewVolume(pool=pool, volume=bench.names("volume"), capacity_bytes=VOLUME_BYTES))
        with defined(bench, replace(spec, disks=(*spec.disks, disk))) as instance:
            bench.driver.extend_volume(instance.uuid, "vdz", 2 * VOLUME_BYTES)


def _attach_interface(bench: Bench) -> None:
    with up(bench) as instance:
        bench.driver.attach_interface(instance.uuid, _interface(bench))


def _detach_interface(bench: Bench) -> None:
    spec = bench.small()
    with defined(bench, spec) as instance:
        bench.driver.detach_interface(instance.uuid, spec.interfaces[0].mac if spec.interfaces else _MAC)


def _interface(bench: Bench) -> Interface:
    """An interface as the lane's smallest instance has one, where it has any, with an address of its own."""
    interfaces = bench.small().interfaces
    return interfaces[0] if interfaces else Interface(mac=_MAC, network="default")


def _bare_attach_disk(bench: Bench) -> None:
    with bare_volume(bench) as volume, bare_domain(bench) as domain:
        domain.attachDeviceFlags(_file_disk(volume), _BOTH)


def _bare_detach_disk(bench: Bench) -> None:
    with bare_volume(bench) as volume, bare_domain(bench) as domain:  # LXC takes any disk into a definition
        domain.attachDeviceFlags(_file_disk(volume), _BOTH)
        domain.detachDeviceFlags(_file_disk(volume), Affect.CONFIG)


def _bare_extend(bench: Bench) -> None:
    with bare_volume(bench) as volume, bare_domain(bench) as domain:
        domain.attachDeviceFlags(_file_disk(volume), _BOTH)
        domain.blockResize("vdz", 2 * VOLUME_BYTES, BlockResizeFlag.BYTES)


def _bare_attach_interface(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        domain.attachDeviceFlags(device_xml(_interface(bench)), _BOTH)


def _bare_detach_interface(bench: Bench) -> None:
    xml = device_xml(_interface(bench))
    with bare_domain(bench, start=False) as domain:
        domain.attachDeviceFlags(xml, Affect.CONFIG)
        domain.detachDeviceFlags(xml, Affect.CONFIG)


def _file_disk(volume: StorageVol) -> str:
    return device_xml(Disk(target="vdz", source=FileSource(path=volume.path())))


def _snapshot(bench: Bench, *, external: bool) -> None:
    with running(bench, with_own_disk(bench.small())) as instance:
        bench.driver.create_snapshot(instance.uuid, SnapshotSpec(name="probe", external=external))
        bench.driver.delete_snapshot(instance.uuid, "probe")


def _revert(bench: Bench) -> None:
    with running(bench, with_own_disk(bench.small())) as instance:
        bench.driver.create_snapshot(instance.uuid, SnapshotSpec(name="probe", external=True))
        bench.driver.revert_snapshot(instance.uuid, "probe")


def _bare_snapshot(bench: Bench, flags: int) -> None:
    with bare_domain(bench) as domain:
        domain.snapshotCreateXML(snapshot_xml(SnapshotSpec(name="probe")), flags).delete(0)


def bare_download(bench: Bench) -> None:
    """Stream a volume's bytes out."""
    with bare_volume(bench) as volume:
        stream = bench.host().newStream(0)
        past(volume, "download", stream, 0, 0, 0)
        stream.abort()


def _firewall(bench: Bench) -> None:
    with running(bench) as instance:
        bench.call("set_security_groups", instance.uuid, ())


def _bare_firewall(bench: Bench) -> None:
    xml = tostring(Element("filter", name=bench.names("filter")), encoding="unicode")
    past(past(bench.host(), "nwfilterDefineXML", xml), "undefine")


PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
        Capability.DISKS: Probe(through=_disks, methods=_MADE, bare=_bare_disks),
        Capability.VOLUME_ATTACH: Probe(through=_attach_volume, methods=(*_MADE, "attach_volume"), bare=_bare_attach_disk),
        Capability.VOLUME_DETACH: Probe(through=_detach_volume, methods=(*_MADE, "detach_volume"), bare=_bare_detach_disk),
        Capability.VOLUME_EXTEND: Probe(through=_extend_volume, methods=(*_MADE, "extend_volume"), bare=_bare_extend),
        Capability.INTERFACE_ATTACH: Probe(
            through=_attach_interface, methods=(*_MADE, "attach_interface"), bare=_bare_attach_interface
        ),
        Capability.INTERFACE_DETACH: Probe(
            through=_detach_interface, methods=(*_MADE, "detach_interface"), bare=_bare_detach_interface
        ),
        Capability.SNAPSHOT_INTERNAL: Probe(
            through=lambda bench: _snapshot(bench, external=False),
            methods=(*_MADE, "create_snapshot", "delete_snapshot"),
            bare=lambda bench: _bare_snapshot(bench, 0),
        ),
        Capability.SNAPSHOT_EXTERNAL: Probe(
            through=lambda bench: _snapshot(bench, external=True),
            methods=(*_MADE, "create_snapshot", "delete_snapshot"),
            bare=lambda bench: _bare_snapshot(bench, _DISK_ONLY),
        ),
        Capability.SNAPSHOT_EXTERNAL_REVERT: Probe(through=_revert, methods=(*_MADE, "create_snapshot", "revert_snapshot")),
        Capability.FIREWALL: Probe(through=_firewall, methods=(*_MADE, "set_security_groups"), bare=_bare_firewall),
    }
)
