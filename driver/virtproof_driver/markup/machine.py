"""What an instance boots with and what bounds it, between a spec and its libvirt elements.

What belongs here: `<os>`, `<features>`, what follows the guest's end, resource limits, and the devices that a spec names by a
field of their own (USB controller, consoles, TPM, agent channel, panic device). What does not: disks, interfaces and displays
(`devices`), file systems (`filesystems`), and the order of the whole (`domain`). Elements: https://libvirt.org/formatdomain.html.
"""

from xml.etree.ElementTree import Element

from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.markup import tree
from virtproof_driver.markup.units import memory_in_mib
from virtproof_driver.spec import Console, Firmware, Init, InstanceSpec, Limits, Reaction, Tpm

AGENT_CHANNEL = "org.qemu.guest_agent.0"  # the name that libvirt and qemu-guest-agent agree on
REACTION_FIELDS = ("on_poweroff", "on_reboot", "on_crash")
REACTIONS = {reaction.value: reaction for reaction in Reaction}
USB = "usb"
NO_USB = "none"
SECURE_BOOT = ("secure-boot", "enrolled-keys")
PERIOD_US = 100_000


def add_os(root: Element, spec: InstanceSpec, hypervisor: Hypervisor) -> None:
    """`<os>`; libvirt chooses the firmware's files, and where NVRAM lies, by what is asked (since libvirt 5.2)."""
    element = tree.add(root, "os")
    if spec.firmware in (Firmware.EFI, Firmware.EFI_SECURE_BOOT):
        element.set("firmware", "efi")
    tree.add(element, "type", hypervisor.os_type, arch=spec.architecture, machine=spec.machine)
    if spec.firmware in (Firmware.EFI, Firmware.EFI_SECURE_BOOT):
        enabled = "yes" if spec.firmware is Firmware.EFI_SECURE_BOOT else "no"
        wanted = tree.add(element, "firmware")
        for name in SECURE_BOOT:
            tree.add(wanted, "feature", enabled=enabled, name=name)
    if spec.init is not None:
        _add_init(element, spec.init)


def add_features(root: Element, spec: InstanceSpec, hypervisor: Hypervisor) -> None:
    """`<features>`: what the hypervisor's machines need to hear a power button, and what secure boot needs."""
    names = [*hypervisor.features, *(["smm"] if spec.firmware is Firmware.EFI_SECURE_BOOT else [])]
    if names:
        features = tree.add(root, "features")
        for name in names:
            tree.add(features, name, state="on" if name == "smm" else None)


def add_reactions(root: Element, spec: InstanceSpec) -> None:
    """`<on_poweroff>`, `<on_reboot>`, `<on_crash>`."""
    for tag, reaction in (("on_poweroff", spec.on_poweroff), ("on_reboot", spec.on_reboot), ("on_crash", spec.on_crash)):
        if reaction is not None:
            tree.add(root, tag, reaction.value)


def add_limits(root: Element, limits: Limits | None) -> None:
    """`<memtune>` and `<cputune>`."""
    if limits is None:
        return
    if limits.memory_hard_mib is not None:
        tree.add(tree.add(root, "memtune"), "hard_limit", str(limits.memory_hard_mib), unit="MiB")
    if limits.cpu_shares is not None or limits.cpu_quota_us is not None:
        tune = tree.add(root, "cputune")
        if limits.cpu_shares is not None:
            tree.add(tune, "shares", str(limits.cpu_shares))
        if limits.cpu_quota_us is not None:
            tree.add(tune, "period", str(PERIOD_US))
            tree.add(tune, "quota", str(limits.cpu_quota_us))


def add_devices(devices: Element, spec: InstanceSpec, hypervisor: Hypervisor) -> None:
    """USB controller, consoles, TPM, agent channel and panic device."""
    _add_usb(devices, spec, hypervisor)
    for console in spec.consoles or ((Console(),) if hypervisor.needs_console else ()):
        element = tree.add(devices, hypervisor.console_element, type="pty")
        if console.log is not None:
            tree.add(element, "log", file=console.log, append="on")
    if spec.tpm is not None:
        tree.add(tree.add(devices, "tpm", model=spec.tpm.model), "backend", type="emulator", version=spec.tpm.version)
    if spec.agent:
        channel = tree.add(devices, "channel", type="unix")
        tree.add(channel, "target", type="virtio", name=AGENT_CHANNEL)
    if spec.panic_device:
        tree.add(devices, "panic", model="isa")


def read_firmware(root: Element) -> Firmware | None:
    """The firmware of a domain; None where the XML names none, which is BIOS on machines and nothing on containers."""
    element = root.find("os")
    if element is None or (element.get("firmware") != "efi" and element.find("loader") is None):
        return None
    wanted = {feature.get("name"): feature.get("enabled") for feature in element.iterfind("firmware/feature")}
    secure = wanted.get("secure-boot") == "yes" or tree.find_attribute(element, "loader", "secure") == "yes"
    return Firmware.EFI_SECURE_BOOT if secure else Firmware.EFI


def read_init(root: Element) -> Init | None:
    """The first program of a container."""
    path = tree.find_text(root, "os/init")
    if path is None:
        return None
    return Init(
        path=path,
        arguments=tuple(argument.text or "" for argument in root.iterfind("os/initarg")),
        environment=tuple((entry.get("name", ""), entry.text or "") for entry in root.iterfind("os/initenv")),
    )


def read_reaction(root: Element, tag: str) -> Reaction | None:
    """What follows an end of the guest."""
    return REACTIONS.get(tree.find_text(root, tag) or "")


def read_limits(root: Element) -> Limits | None:
    """The limits of a domain; None when it has none of those that a spec has words for."""
    shares = tree.find_text(root, "cputune/shares")
    quota = tree.find_text(root, "cputune/quota")
    hard = root.find("memtune/hard_limit")
    limits = Limits(
        cpu_shares=None if shares is None else int(shares),
        cpu_quota_us=None if quota is None else int(quota),
        memory_hard_mib=None if hard is None else memory_in_mib(hard),
    )
    return None if limits == Limits() else limits


def read_consoles(root: Element) -> tuple[Console, ...]:
    """The text consoles. libvirt mirrors a serial port in `<console>`, so the latter count only where there is no serial port."""
    found = root.findall("devices/serial") or root.findall("devices/console")
    return tuple(Console(log=tree.find_attribute(element, "log", "file")) for element in found)


def read_tpm(root: Element) -> Tpm | None:
    """The emulated TPM."""
    element = root.find("devices/tpm")
    if element is None or tree.find_attribute(element, "backend", "type") != "emulator":
        return None
    return Tpm(model=element.get("model", ""), version=tree.find_attribute(element, "backend", "version") or "")


def has_agent(root: Element) -> bool:
    """Whether there is a channel for the guest agent."""
    targets = root.iterfind("devices/channel/target")
    return any(target.get("name") == AGENT_CHANNEL for target in targets)


def has_panic_device(root: Element) -> bool:
    """Whether the guest can say that it panicked."""
    return root.find("devices/panic") is not None


def read_usb(root: Element) -> bool | None:
    """Whether there is a USB controller; None where the XML says nothing of it, as of a container."""
    models = [controller.get("model") for controller in root.iterfind("devices/controller[@type='usb']")]
    return any(model != NO_USB for model in models) if models else None


def _add_usb(devices: Element, spec: InstanceSpec, hypervisor: Hypervisor) -> None:
    """The USB controller where one is asked for, and none where nothing is on it.

    libvirt gives one to every machine that does not say `none`. With nothing on it, it costs the host all the same: a start under
    TCG took 0.24 s of processor time with it and 0.16 s without (libvirt 11.3.0, QEMU 10.0), for the BIOS looks for devices.
    """
    if spec.usb:
        tree.add(devices, "controller", type="usb")
    elif hypervisor.adds_usb and not any(disk.bus == USB for disk in spec.disks):
        tree.add(devices, "controller", type="usb", model=NO_USB)


def _add_init(element: Element, init: Init) -> None:
    tree.add(element, "init", init.path)
    for argument in init.arguments:
        tree.add(element, "initarg", argument)
    for name, value in init.environment:
        tree.add(element, "initenv", value, name=name)
