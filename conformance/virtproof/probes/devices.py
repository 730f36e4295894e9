"""Probes of the areas devices, snapshots, images and firewall, and of migration.

What belongs here: their questions. What does not: what an answer means (`agreement`). Attaching is asked for on the running
domain and its definition together, which is what the capabilities promise: since libvirt 10.0 the test driver attaches to the
running one alone.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from virtproof.guests.own_disk import with_own_disk
from virtproof.probes.bench import VOLUME_BYTES, Bench, bare_domain, bare_volume, past, running
from virtproof.probes.model import Probe
from virtproof_driver import Capability
from virtproof_driver.constants import Affect
from virtproof_driver.markup.snapshot import snapshot_xml
from virtproof_driver.spec import Disk, FileSource, Interface, SnapshotSpec

_BOTH: Final = int(Affect.LIVE | Affect.CONFIG)
_DISK_ONLY: Final = 16  # VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
_MAC: Final = "52:54:00:00:fe:ed"
_IMAGE: Final = "/virtproof/probe.img"
_MADE: Final = ("spawn", "destroy")


def _attach_volume(bench: Bench) -> None:
    with running(bench) as instance:
        bench.call("attach_volume", instance.uuid, Disk(target="vdz", source=FileSource(path=_IMAGE)))


def _detach_volume(bench: Bench) -> None:
    with running(bench) as instance:
        bench.call("detach_volume", instance.uuid, "vda")


def _extend_volume(bench: Bench) -> None:
    with running(bench) as instance:
        bench.call("extend_volume", instance.uuid, "vda", 2 * VOLUME_BYTES)


def _attach_interface(bench: Bench) -> None:
    with running(bench) as instance:
        bench.call("attach_interface", instance.uuid, Interface(mac=_MAC, network="default"))


def _detach_interface(bench: Bench) -> None:
    spec = bench.small()
    mac = spec.interfaces[0].mac if spec.interfaces else _MAC
    with running(bench, spec) as instance:
        bench.call("detach_interface", instance.uuid, mac)


def _disk() -> str:
    disk = Element("disk", type="file")
    SubElement(disk, "source", file=_IMAGE)
    SubElement(disk, "target", dev="vdz", bus="virtio")
    return tostring(disk, encoding="unicode")


def _interface() -> str:
    interface = Element("interface", type="network")
    SubElement(interface, "mac", address=_MAC)
    SubElement(interface, "source", network="default")
    return tostring(interface, encoding="unicode")


def _bare_attach_disk(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        past(domain, "attachDeviceFlags", _disk(), _BOTH)


def _bare_detach_disk(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        past(domain, "attachDeviceFlags", _disk(), _BOTH)
        past(domain, "detachDeviceFlags", _disk(), _BOTH)


def _bare_extend(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        past(domain, "blockResize", "vda", 2 * VOLUME_BYTES, 1)  # VIR_DOMAIN_BLOCK_RESIZE_BYTES


def _bare_attach_interface(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        past(domain, "attachDeviceFlags", _interface(), _BOTH)


def _bare_detach_interface(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        past(domain, "attachDeviceFlags", _interface(), _BOTH)
        past(domain, "detachDeviceFlags", _interface(), _BOTH)


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


def _capture(bench: Bench) -> None:
    with running(bench) as instance:
        bench.call("capture_image", instance.uuid, bytearray().extend)


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


def _migrate(bench: Bench) -> None:
    with running(bench) as instance:
        bench.call("migrate", instance.uuid, bench.host().getURI(), mode="live", timeout=5)


PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
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
        Capability.IMAGE_CAPTURE: Probe(through=_capture, methods=(*_MADE, "capture_image"), bare=bare_download),
        Capability.FIREWALL: Probe(through=_firewall, methods=(*_MADE, "set_security_groups"), bare=_bare_firewall),
        Capability.MIGRATION_LIVE: Probe(through=_migrate, methods=(*_MADE, "migrate")),
    }
)
