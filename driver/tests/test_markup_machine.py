"""Machines and containers in XML: firmware, TPM, consoles, agent, panic device, reactions and limits read back as they were."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from virtproof_driver.hypervisors.lxc import LXC
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.markup.domain import domain_xml, parse_domain
from virtproof_driver.spec import Console, Disk, FileSource, Firmware, Init, InstanceSpec, Limits, Reaction, Tpm
from virtproof_driver.validation import validate_instance

SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")
BARE = InstanceSpec(uuid=UUID("6695eb01-f6a4-4304-b9aa-97f2502e193f"), name="machine", vcpus=1, memory_mib=64)
FULL = replace(
    BARE,
    firmware=Firmware.EFI_SECURE_BOOT,
    tpm=Tpm(model="tpm-tis", version="1.2"),
    consoles=(Console(log="/var/log/<&>.log"), Console()),
    limits=Limits(cpu_shares=2, cpu_quota_us=1000, memory_hard_mib=1),
    agent=True,
    panic_device=True,
    on_poweroff=Reaction.RESTART,
    on_reboot=Reaction.DESTROY,
    on_crash=Reaction.PRESERVE,
)
TEXT = st.text(
    st.sampled_from("<>&\"'] -é") | st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), min_size=1
)


def survives(text: str) -> bool:
    """Whether a text survives that libvirt does not escape the values of variables."""
    return "<" not in text and "&" not in text


PATHS = TEXT.map(lambda tail: f"/{tail}")
LIMITS = st.builds(
    Limits,
    cpu_shares=st.none() | st.integers(2, 262144),
    cpu_quota_us=st.none() | st.integers(1000, 17592186044415),
    memory_hard_mib=st.none() | st.integers(1, 2**43 - 1),
).filter(lambda limits: limits != Limits())
REACTIONS = st.none() | st.sampled_from([Reaction.DESTROY, Reaction.RESTART])
MACHINES = st.builds(
    replace,
    st.just(BARE),
    firmware=st.none() | st.sampled_from(Firmware),
    tpm=st.none()
    | st.builds(Tpm, model=st.sampled_from(["tpm-tis", "tpm-crb", "tpm-spapr"]), version=st.sampled_from(["1.2", "2.0"])),
    consoles=st.lists(st.builds(Console, log=st.none() | PATHS), max_size=3).map(tuple),
    limits=st.none() | LIMITS,
    agent=st.booleans(),
    panic_device=st.booleans(),
    usb=st.none() | st.booleans(),
    on_poweroff=REACTIONS,
    on_reboot=REACTIONS,
    on_crash=st.none() | st.sampled_from(Reaction),
)
INITS = st.builds(
    Init,
    path=PATHS,
    arguments=st.lists(TEXT, max_size=3).map(tuple),
    environment=st.lists(
        st.tuples(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True), TEXT.filter(survives)),
        max_size=3,
        unique_by=lambda entry: entry[0],
    ).map(tuple),
)


@pytest.fixture(scope="module")
def schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(SCHEMA))


@given(spec=MACHINES)
@example(spec=FULL)
@example(spec=BARE)
@settings(deadline=None)
def test_a_machine_reads_back_from_its_own_xml(spec: InstanceSpec) -> None:
    validate_instance(spec, QEMU)
    assert parse_domain(domain_xml(spec, QEMU)) == spec


@pytest.mark.parametrize(
    ("usb", "bus", "controllers"),
    [
        (None, "virtio", [{"type": "usb", "model": "none"}]),
        (None, "usb", []),
        (False, "virtio", [{"type": "usb", "model": "none"}]),
        (True, "virtio", [{"type": "usb"}]),
        (True, "usb", [{"type": "usb"}]),
    ],
)
def test_a_machine_has_a_usb_controller_where_one_is_asked_for_or_needed(
    usb: bool | None, bus: str, controllers: list[dict[str, str]]
) -> None:
    spec = replace(BARE, usb=usb, disks=(Disk(target="sda", source=FileSource(path="/d"), bus=bus),))
    built = etree.fromstring(domain_xml(spec, QEMU))
    assert [dict(found.attrib) for found in built.iterfind("devices/controller")] == controllers
    assert parse_domain(domain_xml(spec, QEMU)) == spec


def test_only_machines_are_told_that_they_have_no_usb() -> None:
    assert "controller" not in domain_xml(BARE, LXC)


@given(init=INITS, limits=st.none() | LIMITS)
@settings(deadline=None)
def test_a_container_reads_back_from_its_own_xml(init: Init, limits: Limits | None) -> None:
    spec = replace(BARE, init=init, limits=limits, consoles=(Console(),))
    validate_instance(spec, LXC)
    assert parse_domain(domain_xml(spec, LXC)) == spec


@given(spec=MACHINES)
@example(spec=FULL)
@settings(deadline=None, max_examples=50)
def test_a_machines_xml_is_what_libvirts_schema_allows(schema: etree.RelaxNG, spec: InstanceSpec) -> None:
    schema.assertValid(etree.fromstring(domain_xml(spec, QEMU)))


@given(init=INITS)
@settings(deadline=None, max_examples=50)
def test_a_containers_xml_is_what_libvirts_schema_allows(schema: etree.RelaxNG, init: Init) -> None:
    schema.assertValid(etree.fromstring(domain_xml(replace(BARE, init=init), LXC)))


@pytest.mark.parametrize(
    ("hypervisor", "firmware", "features"),
    [
        (QEMU, None, ["acpi"]),
        (QEMU, Firmware.BIOS, ["acpi"]),
        (QEMU, Firmware.EFI, ["acpi"]),
        (QEMU, Firmware.EFI_SECURE_BOOT, ["acpi", "smm"]),
        (LXC, None, []),
        (TEST, None, []),
    ],
)
def test_features_are_the_hypervisors_and_what_secure_boot_needs(
    hypervisor: Hypervisor, firmware: Firmware | None, features: list[str]
) -> None:
    root = etree.fromstring(domain_xml(replace(BARE, firmware=firmware), hypervisor))
    assert [feature.tag for feature in root.iterfind("features/*")] == features


@pytest.mark.parametrize(
    ("os", "expected"),
    [
        ("<os><type>hvm</type></os>", None),
        ("<os firmware='efi'><type>hvm</type></os>", Firmware.EFI),
        ("<os><type>hvm</type><loader type='pflash'>/code.fd</loader></os>", Firmware.EFI),
        ("<os><type>hvm</type><loader secure='yes' type='pflash'>/code.fd</loader></os>", Firmware.EFI_SECURE_BOOT),
        (
            "<os firmware='efi'><type>hvm</type><firmware><feature enabled='yes' name='secure-boot'/></firmware></os>",
            Firmware.EFI_SECURE_BOOT,
        ),
        ("<os firmware='bios'><type>hvm</type></os>", None),
    ],
)
def test_the_firmware_of_another_programs_domain(os: str, expected: Firmware | None) -> None:
    xml = f"<domain><uuid>{BARE.uuid}</uuid><name>n</name><memory>1024</memory>{os}<devices/></domain>"
    assert parse_domain(xml).firmware is expected


def test_what_a_spec_has_no_words_for_is_left_out() -> None:
    xml = f"""<domain><uuid>{BARE.uuid}</uuid><name>n</name><memory>1024</memory><on_poweroff>destroy</on_poweroff>
      <on_crash>coredump-destroy</on_crash><cputune><emulatorpin cpuset='1'/></cputune><devices>
      <tpm model='tpm-tis'><backend type='passthrough'/></tpm>
      <channel type='unix'><target type='virtio' name='other'/></channel>
      <serial type='pty'/><console type='pty'/></devices></domain>"""
    read = parse_domain(xml)
    assert (read.tpm, read.agent, read.panic_device, read.limits) == (None, False, False, None)
    assert (read.on_poweroff, read.on_reboot, read.on_crash) == (Reaction.DESTROY, None, None)
    assert read.consoles == (Console(),)
