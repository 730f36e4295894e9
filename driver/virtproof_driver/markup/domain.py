"""An instance's spec to domain XML and back, and what a live domain's XML tells.

What belongs here: the `<domain>` element, its head and the order of its parts. What does not: devices (`devices`), the driver's
note in the metadata (`record`), and rescue (`rescue`). Format: https://libvirt.org/formatdomain.html.
`parse_domain(domain_xml(spec, hypervisor)) == normalised(spec)` for every valid spec, also when libvirt stored the XML between.
"""

from dataclasses import replace
from uuid import UUID
from xml.etree.ElementTree import Element

from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.markup import devices, filesystems, machine, metadata, tree
from virtproof_driver.markup.record import Record, read_record, record_element
from virtproof_driver.markup.units import memory_in_mib
from virtproof_driver.spec import Firmware, InstanceSpec, NewVolume
from virtproof_driver.values import GraphicsEndpoint


def domain_xml(spec: InstanceSpec, hypervisor: Hypervisor) -> str:
    """The XML to define `spec` with. The spec is taken to be valid (`validation.validate_instance`)."""
    root = Element("domain", {"type": hypervisor.domain_type})
    _add_head(root, spec)
    _add_metadata(root, spec)
    _add_size(root, spec)
    machine.add_limits(root, spec.limits)
    machine.add_os(root, spec, hypervisor)
    machine.add_features(root, spec, hypervisor)
    machine.add_reactions(root, spec)
    all_devices = tree.add(root, "devices")
    all_devices.extend(filesystems.filesystem_element(filesystem) for filesystem in spec.filesystems)
    all_devices.extend(devices.disk_element(disk) for disk in spec.disks)
    all_devices.extend(devices.interface_element(interface) for interface in spec.interfaces)
    all_devices.extend(devices.graphics_element(graphics) for graphics in spec.graphics)
    machine.add_devices(all_devices, spec, hypervisor)
    return tree.text_of(root)


def parse_domain(xml: str) -> InstanceSpec:
    """The spec of a domain, from its inactive XML (live XML reads the same, as far as the running domain agrees).

    A domain that this driver did not make reads with everything that libvirt filled in; devices that a spec has no words for
    are left out, and memory that is no whole MiB is rounded down. Raises tree.NotWellFormed.
    """
    root = tree.parse(xml)
    record = read_record(root)
    omitted = record.omitted
    (vcpus, max_vcpus), (memory_mib, max_memory_mib) = _vcpus(root, record), _memory(root, record)
    disks = (disk for element in root.iterfind("devices/disk") if (disk := devices.read_disk(element, record)))
    nics = (nic for element in root.iterfind("devices/interface") if (nic := devices.read_interface(element, record)))
    mounts = (fs for element in root.iterfind("devices/filesystem") if (fs := filesystems.read_filesystem(element, record)))
    displays = (display for element in root.iterfind("devices/graphics") if (display := devices.read_graphics(element)))
    return InstanceSpec(
        uuid=UUID(tree.find_text(root, "uuid") or ""),
        name=tree.find_text(root, "name") or "",
        vcpus=vcpus,
        memory_mib=memory_mib,
        max_vcpus=max_vcpus,
        max_memory_mib=max_memory_mib,
        title=tree.find_text(root, "title"),
        description=tree.find_text(root, "description"),
        metadata=metadata.user_elements(root),
        disks=tuple(sorted(disks, key=lambda disk: record.position(disk.target))),
        interfaces=tuple(nics),
        graphics=tuple(displays),
        architecture=None if "architecture" in omitted else tree.find_attribute(root, "os/type", "arch"),
        machine=None if "machine" in omitted else tree.find_attribute(root, "os/type", "machine"),
        firmware=None if "firmware" in omitted else machine.read_firmware(root) or _bios(record),
        tpm=None if "tpm" in omitted else machine.read_tpm(root),
        consoles=() if "consoles" in omitted else machine.read_consoles(root),
        filesystems=tuple(mounts),
        init=machine.read_init(root),
        limits=machine.read_limits(root),
        agent=machine.has_agent(root),
        panic_device=machine.has_panic_device(root),
        usb=None if "usb" in omitted else machine.read_usb(root),
        **{field: None if field in omitted else machine.read_reaction(root, field) for field in machine.REACTION_FIELDS},
    )


def normalised(spec: InstanceSpec) -> InstanceSpec:
    """The spec as it reads back: MAC addresses in lower case, metadata elements in canonical form."""
    return replace(
        spec,
        metadata=tuple(metadata.normalised(element) for element in spec.metadata),
        interfaces=tuple(replace(interface, mac=interface.mac.lower()) for interface in spec.interfaces),
    )


def owned_volumes(xml: str) -> tuple[NewVolume, ...]:
    """The storage volumes that spawn made for this domain, and destroy removes."""
    return read_record(tree.parse(xml)).volumes


def graphics_endpoints(xml: str) -> tuple[GraphicsEndpoint, ...]:
    """Where the displays of a domain listen, from its live XML."""
    return tuple(devices.endpoint(element) for element in tree.parse(xml).iterfind("devices/graphics"))


def with_vcpus(xml: str, count: int, *, maximum: bool) -> str:
    """A domain's XML with another number of processors, or another maximum of them."""
    root = tree.parse(xml)
    element = root.find("vcpu")
    if element is None:
        element = tree.add(root, "vcpu", "1")
    if maximum:
        element.set("current", element.get("current") or element.text or "1")
        element.text = str(count)
    else:
        element.set("current", str(count))
    return tree.text_of(root)


def disk_targets(xml: str) -> tuple[str, ...]:
    """The disks that counters can be read for: those with a source, by target, from live XML."""
    found = tree.parse(xml).iterfind("devices/disk[source]")
    return tuple(target for element in found if (target := tree.find_attribute(element, "target", "dev")))


def interface_targets(xml: str) -> tuple[str, ...]:
    """The interfaces that counters can be read for, by target, from live XML."""
    found = tree.parse(xml).iterfind("devices/interface")
    return tuple(target for element in found if (target := tree.find_attribute(element, "target", "dev")))


def _add_head(root: Element, spec: InstanceSpec) -> None:
    tree.add(root, "name", spec.name)
    tree.add(root, "uuid", str(spec.uuid))
    for tag, text in (("title", spec.title), ("description", spec.description)):
        if text is not None:
            tree.add(root, tag, text)


def _add_metadata(root: Element, spec: InstanceSpec) -> None:
    element = tree.add(root, "metadata")
    element.append(record_element(spec))
    element.extend(metadata.qualified(item) for item in spec.metadata)


def _add_size(root: Element, spec: InstanceSpec) -> None:
    tree.add(root, "memory", str(spec.max_memory_mib or spec.memory_mib), unit="MiB")
    tree.add(root, "currentMemory", str(spec.memory_mib), unit="MiB")
    tree.add(root, "vcpu", str(spec.max_vcpus or spec.vcpus), current=str(spec.vcpus))


def _vcpus(root: Element, record: Record) -> tuple[int, int | None]:
    most = int(tree.find_text(root, "vcpu") or "1")
    now = int(tree.find_attribute(root, "vcpu", "current") or most)
    return now, None if _unsaid("max_vcpus", record, equal=most == now) else most


def _memory(root: Element, record: Record) -> tuple[int, int | None]:
    most = memory_in_mib(root.find("memory"))
    current = root.find("currentMemory")
    now = most if current is None else memory_in_mib(current)
    return now, None if _unsaid("max_memory_mib", record, equal=most == now) else most


def _bios(record: Record) -> Firmware | None:
    """Where the note says that the caller named a firmware and the XML names none, it was BIOS."""
    return Firmware.BIOS if record.noted else None


def _unsaid(field: str, record: Record, *, equal: bool) -> bool:
    """Whether a maximum equal to the plain value was left out by the caller; of a domain without a note it is taken so."""
    return equal and (field in record.omitted or not record.noted)
