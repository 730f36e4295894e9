"""What makes a spec impossible, found before libvirt is asked.

What belongs here: which field has which rule, on every hypervisor: what libvirt refuses and, worse, what it changes without a
word. What does not: the rules themselves (`checks`), and what only the host knows (whether a name is taken).
Each function returns None or raises InvalidSpec naming the field (`disks[1].target`), the problem and a remedy.
Networks and storage are in `network_validation` and `storage_validation`, for length, and are reached from here. Rules without a
citation: measured on libvirt 9.0.0.
"""

import re
from xml.etree.ElementTree import Element

from virtproof_driver import checks
from virtproof_driver.capabilities import Capability
from virtproof_driver.errors import InvalidSpec, NotSupported
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.machine_validation import validate_machine
from virtproof_driver.markup import tree
from virtproof_driver.markup.devices import GRAPHICS_KINDS
from virtproof_driver.markup.names import OWN_NAMESPACES
from virtproof_driver.network_validation import validate_network
from virtproof_driver.spec import (
    Disk,
    DiskDevice,
    DiskSource,
    FileSource,
    Graphics,
    InstanceSpec,
    Interface,
    MetadataElement,
    NewVolume,
    RescueImage,
    SnapshotSpec,
    VolumeSource,
)
from virtproof_driver.storage_validation import validate_new_volume, validate_pool, validate_secret, validate_volume

__all__ = [
    "validate_description",
    "validate_disk",
    "validate_disk_size",
    "validate_instance",
    "validate_interface",
    "validate_metadata",
    "validate_network",
    "validate_pool",
    "validate_rescue_image",
    "validate_secret",
    "validate_size",
    "validate_snapshot",
    "validate_title",
    "validate_volume",
]

MOST_VCPUS = 16384  # libvirt's VIR_DOMAIN_CPUMASK_LEN; 4294967295 in the XML crashes the process, in-process drivers ours
MOST_MEMORY_MIB = 2**43 - 1  # libvirt answers 82 (overflow) above it
PORTS = (1, 65535)
SECTOR_BYTES = 512
BUSES = frozenset({"ide", "sata", "scsi", "sd", "usb", "virtio", "xen"})
DRIVE_BUSES = frozenset({"ide", "sata", "scsi"})  # a disk's place on these comes from its target's letters
RESERVED_URIS = frozenset({"http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/"})
AROUND_METADATA = 2  # <domain> and <metadata>

_TARGET = re.compile(r"(hd|sd|vd|xvd|ubd)([a-z]{1,3})[0-9]{0,3}")
_SERIAL = re.compile(r"[A-Za-z0-9_.+ -]{1,255}")  # libvirt's schema, and what its QEMU driver takes
_ARCHITECTURE = re.compile(r"[a-z0-9_]+")
_MACHINE = re.compile(r"[A-Za-z0-9_.-]+")
_MODEL = re.compile(r"[A-Za-z0-9_-]+")
_LISTEN = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:.]+")
# libxml2 writes a namespace's name unescaped, and the domain could not be read again; one `#` begins a fragment (RFC 3986), and
# strict readers refuse a second.
_URI = re.compile(r"""[^\s<>&"'#]+(#[^\s<>&"'#]*)?""")
_PREFIX = re.compile(r"(?!xml)[A-Za-z_][A-Za-z0-9_.-]*", re.IGNORECASE)


def validate_instance(spec: InstanceSpec, hypervisor: Hypervisor) -> None:
    """An instance to spawn. Raises InvalidSpec; NotSupported when spawn would need storage that the hypervisor has not."""
    checks.name("name", spec.name, hypervisor.longest_name)
    _validate_maximum("vcpus", spec.vcpus, spec.max_vcpus, MOST_VCPUS)
    _validate_maximum("memory_mib", spec.memory_mib, spec.max_memory_mib, MOST_MEMORY_MIB)
    validate_title(spec.title)
    validate_description(spec.description)
    if spec.architecture is not None:
        checks.pattern("architecture", spec.architecture, _ARCHITECTURE, "libvirt's name for it, like x86_64")
    if spec.machine is not None:
        checks.pattern("machine", spec.machine, _MACHINE, "letters, digits, '_', '.' and '-'")
    for index, element in enumerate(spec.metadata):
        validate_metadata(element, f"metadata[{index}]")
    checks.unique("metadata.uri", [element.uri for element in spec.metadata])
    _validate_disks(spec.disks, hypervisor)
    _validate_interfaces(spec.interfaces)
    validate_machine(spec, hypervisor)
    for index, graphics in enumerate(spec.graphics):
        _validate_graphics(f"graphics[{index}]", graphics)


def validate_size(vcpus: int, memory_mib: int) -> None:
    """The size that an instance is to get."""
    checks.within("vcpus", vcpus, 1, MOST_VCPUS)
    checks.within("memory_mib", memory_mib, 1, MOST_MEMORY_MIB)


def validate_title(title: str | None) -> None:
    """A title: one line, not empty, or None."""
    if title is not None:
        checks.filled("title", title)
        if "\n" in title:
            raise InvalidSpec("title", "holds a newline, which libvirt refuses; put long texts into the description")


def validate_description(description: str | None) -> None:
    """A description: any text, not empty, or None."""
    if description is not None:
        checks.filled("description", description)


def validate_metadata(element: MetadataElement, field: str = "metadata") -> None:
    """One metadata element: a namespace of the caller's own, a prefix, and XML whose root is in no namespace."""
    checks.pattern(f"{field}.uri", element.uri, _URI, "a URI without blanks, '<', '>', '&', quotes and a second '#'")
    checks.text(f"{field}.uri", element.uri)
    if element.uri in OWN_NAMESPACES | RESERVED_URIS:
        raise InvalidSpec(f"{field}.uri", f"{element.uri!r} is reserved; use a namespace of your own")
    checks.pattern(f"{field}.prefix", element.prefix, _PREFIX, "ASCII letters, digits, '_', '.', '-', not beginning with xml")
    try:
        root = tree.parse(element.xml, namespaces=True)
    except tree.NotWellFormed as error:
        raise InvalidSpec(f"{field}.xml", f"is not one well-formed element: {error}") from None
    _validate_element(f"{field}.xml", element, root)


def validate_snapshot(spec: SnapshotSpec) -> None:
    """A snapshot."""
    checks.name("name", spec.name)
    validate_description(spec.description)
    if spec.quiesce and not spec.external:
        raise InvalidSpec("quiesce", "an internal snapshot holds the memory, so there is nothing to freeze; leave it out")


def validate_disk(disk: Disk, hypervisor: Hypervisor) -> None:
    """A disk to attach."""
    _validate_disk_on("volume", disk, hypervisor)


def validate_interface(interface: Interface) -> None:
    """An interface to attach."""
    _validate_interface("nic", interface)


def validate_disk_size(size_bytes: int) -> None:
    """The size that a disk is to get: whole sectors, because QEMU rounds up, and the image would end before the disk (10.0)."""
    checks.within("size_bytes", size_bytes, SECTOR_BYTES, checks.GREATEST_SIZE)
    if size_bytes % SECTOR_BYTES:
        raise InvalidSpec("size_bytes", f"{size_bytes} is not a multiple of {SECTOR_BYTES}; round it")


def validate_rescue_image(image: RescueImage) -> None:
    """The image to rescue with."""
    _validate_source("source", image.source)


def _validate_maximum(field: str, value: int, maximum: int | None, most: int) -> None:
    checks.within(field, value, 1, most)
    if maximum is not None:
        checks.within(f"max_{field}", maximum, value, most)


def _validate_element(field: str, element: MetadataElement, root: Element) -> None:
    if ":" in root.tag or "xmlns" in root.attrib:
        raise InvalidSpec(field, "has a root in a namespace; write it without, libvirt qualifies it with `uri`")
    if tree.depth(root) + AROUND_METADATA > tree.DEEPEST:
        raise InvalidSpec(field, f"nests more than {tree.DEEPEST - AROUND_METADATA} elements; flatten it")
    for node in root.iter():
        for attribute, value in node.attrib.items():
            if attribute.partition(":")[0] == "xmlns":
                _validate_declaration(field, element, attribute, value)


def _validate_declaration(field: str, element: MetadataElement, attribute: str, uri: str) -> None:
    """A namespace declared inside an element.

    virDomainSetMetadata refuses a root that declares the prefix again (error 1), and gives the prefix to elements inside one that
    does, which puts them into the wrong namespace; virDomainGetMetadata takes all prefixes of `uri` off.
    """
    if attribute == f"xmlns:{element.prefix}" or uri == element.uri:
        raise InvalidSpec(field, f"declares {attribute}={uri!r} inside; leave `prefix` and `uri` to libvirt, choose others there")
    if uri:
        checks.pattern(field, uri, _URI, "namespaces without blanks, '<', '>', '&' and quotes")


def _validate_disks(disks: tuple[Disk, ...], hypervisor: Hypervisor) -> None:
    for index, disk in enumerate(disks):
        _validate_disk_on(f"disks[{index}]", disk, hypervisor)
    checks.unique("disks.target", [disk.target for disk in disks])
    volumes = [source for disk in disks if isinstance(source := disk.source, VolumeSource | NewVolume)]
    checks.unique("disks.source", [(source.pool, source.volume) for source in volumes])
    places = [(disk.bus, found[2]) for disk in disks if disk.bus in DRIVE_BUSES and (found := _TARGET.fullmatch(disk.target))]
    checks.unique("disks.target", [f"{bus} drive {letters}" for bus, letters in places])


def _validate_disk_on(field: str, disk: Disk, hypervisor: Hypervisor) -> None:
    _validate_disk(field, disk)
    if isinstance(disk.source, NewVolume):
        _require(Capability.STORAGE_VOLUMES, hypervisor)
        if disk.source.clone_of is not None:
            _require(Capability.STORAGE_CLONE, hypervisor)
        if disk.source.backing is not None:
            _require(Capability.STORAGE_BACKING, hypervisor)


def _validate_disk(field: str, disk: Disk) -> None:
    checks.pattern(f"{field}.target", disk.target, _TARGET, "hd, sd, vd, xvd or ubd and lower-case letters, like vda")
    if disk.bus not in BUSES:
        raise InvalidSpec(f"{field}.bus", f"{disk.bus!r} is not a bus of disks; use one of {', '.join(sorted(BUSES))}")
    if disk.serial is not None:
        checks.pattern(f"{field}.serial", disk.serial, _SERIAL, "letters, digits, '_', '.', '+', '-' and blanks")
    if disk.source is not None:
        _validate_source(f"{field}.source", disk.source)
        if isinstance(disk.source, NewVolume):
            validate_new_volume(field, disk.source, disk.format)
    elif disk.device is not DiskDevice.CDROM:
        raise InvalidSpec(f"{field}.source", "is None, which only a CD-ROM drive can be; give it an image")


def _validate_source(field: str, source: DiskSource) -> None:
    if isinstance(source, FileSource):
        checks.path(f"{field}.path", source.path)
        return
    checks.name(f"{field}.pool", source.pool)
    checks.volume_name(f"{field}.volume", source.volume)


def _require(capability: Capability, hypervisor: Hypervisor) -> None:
    if capability in hypervisor.unsupported:
        raise NotSupported(capability, hypervisor.unsupported[capability])


def _validate_interfaces(interfaces: tuple[Interface, ...]) -> None:
    for index, interface in enumerate(interfaces):
        _validate_interface(f"interfaces[{index}]", interface)
    checks.unique("interfaces.mac", [interface.mac.lower() for interface in interfaces])
    checks.unique("interfaces.target", [interface.target for interface in interfaces if interface.target is not None])


def _validate_interface(field: str, interface: Interface) -> None:
    checks.mac(f"{field}.mac", interface.mac)
    if (interface.network is None) == (interface.bridge is None):
        raise InvalidSpec(field, "needs either a network or a bridge; give exactly one")
    if interface.network is not None:
        checks.name(f"{field}.network", interface.network)
    if interface.bridge is not None:
        checks.device(f"{field}.bridge", interface.bridge)
    if interface.model is not None:
        checks.pattern(f"{field}.model", interface.model, _MODEL, "letters, digits, '_' and '-'")
    if interface.target is not None:
        checks.device(f"{field}.target", interface.target)
        if interface.target.startswith("vnet"):
            raise InvalidSpec(f"{field}.target", "begins with vnet, which libvirt keeps for names of its own; use another")


def _validate_graphics(field: str, graphics: Graphics) -> None:
    if graphics.kind not in GRAPHICS_KINDS:
        raise InvalidSpec(f"{field}.kind", f"{graphics.kind!r} has no port; use one of {', '.join(sorted(GRAPHICS_KINDS))}")
    if graphics.port != Graphics().port:
        checks.within(f"{field}.port", graphics.port, *PORTS)
    checks.pattern(f"{field}.listen", graphics.listen, _LISTEN, "an IP address or a host name")
