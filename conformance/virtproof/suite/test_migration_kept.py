"""Cases of the area migration: what belongs to an instance beside its memory and its disks, and goes with it.

What belongs here: cases whose ids begin with `migration.kept`. What does not: memory (`test_migration_live`), disks
(`test_migration_storage`).
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from virtproof.cases import Level, case
from virtproof.destination import DestinationHost
from virtproof.fixtures import Connect, Small
from virtproof.recording.world import World
from virtproof.suite.moves import GUESTED, MOVED, SECONDS, THERE, move, whereabouts
from virtproof.suite.talk import heard
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.migration import MigrationMode
from virtproof_driver.spec import Console, Firmware, MetadataElement
from virtproof_driver.values import Instance, PowerState

URI = "https://example.org/virtproof"
OWNER = MetadataElement(uri=URI, prefix="vp", xml="<owner>me &amp; you</owner>")


@case(
    "migration.kept.spec",
    Level.MUST,
    requirement="An instance is described on the destination as it was on the source.",
    source="VIR_MIGRATE_PERSIST_DEST defines what ran",
    since="1.0",
    needs=MOVED,
)
def test_spec(driver: ComputeDriver, connect: Connect, instance: Instance, destination: DestinationHost) -> None:
    before = driver.spec(instance.uuid)
    move(driver, instance, destination.managed)
    assert connect(destination.uri).spec(instance.uuid) == before


@case(
    "migration.kept.metadata",
    Level.MUST,
    requirement="Title, description and metadata elements go with an instance.",
    source="https://libvirt.org/formatdomain.html#general-metadata",
    since="1.0",
    needs=MOVED | {Capability.METADATA},
)
def test_metadata(driver: ComputeDriver, connect: Connect, instance: Instance, destination: DestinationHost) -> None:
    driver.set_title(instance.uuid, "A title <&>")
    driver.set_description(instance.uuid, "Two\nlines")
    driver.set_metadata(instance.uuid, OWNER)
    move(driver, instance, destination.managed)
    there = connect(destination.uri)
    spec = there.spec(instance.uuid)
    assert (spec.title, spec.description) == ("A title <&>", "Two\nlines")
    assert "me &amp; you" in there.metadata(instance.uuid, URI)


@case(
    "migration.kept.autostart",
    Level.SHOULD,
    requirement="An instance that its host starts at boot is started at boot by the host that it was moved to.",
    source="libvirt keeps autostart beside the definition and does not carry it over",
    since="1.0",
    needs=MOVED | {Capability.AUTOSTART},
)
@pytest.mark.parametrize("enabled", [True, False], ids=["on", "off"])
def test_autostart(
    driver: ComputeDriver,
    connect: Connect,
    instance: Instance,
    destination: DestinationHost,
    enabled: bool,  # noqa: FBT001 - a parameter
) -> None:
    driver.set_autostart(instance.uuid, enabled)
    move(driver, instance, destination.managed)
    assert connect(destination.uri).autostart(instance.uuid) is enabled


@case(
    "migration.kept.pending",
    Level.SHOULD,
    requirement="A change that was to come with the next start comes with the next start on the destination.",
    source="VIR_MIGRATE_PARAM_PERSIST_XML: libvirt sends what the domain would be started with",
    since="1.0",
    needs=MOVED | {Capability.RESIZE, Capability.STOP, Capability.START},
)
def test_pending(driver: ComputeDriver, connect: Connect, instance: Instance, destination: DestinationHost) -> None:
    driver.resize(instance.uuid, vcpus=2, memory_mib=32)
    move(driver, instance, destination.managed)
    there = connect(destination.uri)
    there.stop(instance.uuid, timeout=0)
    assert (there.spec(instance.uuid).vcpus, there.spec(instance.uuid).memory_mib) == (2, 32)


@case(
    "migration.kept.console",
    Level.MUST,
    requirement="A console of a moved guest is open to a driver of the destination, and the guest goes on talking there.",
    source="virDomainOpenConsole on the destination",
    since="1.0",
    needs=GUESTED | {Capability.CONSOLE_STREAM},
)
def test_console(driver: ComputeDriver, connect: Connect, small: Small, destination: DestinationHost, world: World) -> None:
    instance = driver.spawn(small(guest="counter"))
    world.wait_up(instance.uuid)
    move(driver, instance, destination.managed)
    with connect(destination.uri).console(instance.uuid) as console:
        lines = heard(console, b"\r\n").replace(b"\r\n", b"")
        assert lines.isdigit()


@case(
    "migration.kept.console-log",
    Level.SHOULD,
    requirement="A console's log on shared storage is one: what the guest says on the destination follows what it said before.",
    source="https://libvirt.org/formatdomain.html#consoles-serial-parallel-channel-devices: append",
    since="1.0",
    needs=GUESTED | {Capability.CONSOLE_OUTPUT, Capability.STORAGE_POOLS},
)
def test_console_log(
    driver: ComputeDriver, connect: Connect, small: Small, names: Callable[..., str], destination: DestinationHost
) -> None:
    spec = small(guest="counter", consoles=(Console(log=f"{destination.folder}/{names('log')}"),))
    instance = driver.spawn(spec)
    destination.source.wait_up(instance.uuid)
    move(driver, instance, destination.managed)
    there = connect(destination.uri)
    with there.console(instance.uuid) as console:
        said = heard(console, b"\r\n")
    log = there.console_output(instance.uuid)
    assert log.startswith(b"virtproof counter\r\n")
    assert said.splitlines()[-1] in log


@case(
    "migration.kept.nvram",
    Level.SHOULD,
    requirement="A machine with UEFI is moved with its variables, and starts on the destination again.",
    source="https://libvirt.org/formatdomain.html#bios-bootloader: nvram",
    since="1.0",
    needs=MOVED | {Capability.FIRMWARE_EFI, Capability.STOP, Capability.START},
)
def test_nvram(driver: ComputeDriver, connect: Connect, small: Small, destination: DestinationHost) -> None:
    instance = driver.spawn(replace(small(disks=()), machine="q35", memory_mib=256, firmware=Firmware.EFI))
    move(driver, instance, destination.managed)
    there = connect(destination.uri)
    there.stop(instance.uuid, timeout=0)
    assert there.start(instance.uuid).state is PowerState.RUNNING
    assert whereabouts(destination, instance.uuid) == THERE


@case(
    "migration.kept.offline",
    Level.SHOULD,
    requirement="What belongs to an instance that is off goes with its definition: metadata, and whether it is started at boot.",
    source="VIR_MIGRATE_OFFLINE",
    since="1.0",
    needs=MOVED | {Capability.MIGRATION_OFFLINE, Capability.METADATA, Capability.AUTOSTART},
)
def test_offline(driver: ComputeDriver, connect: Connect, off_instance: Instance, destination: DestinationHost) -> None:
    driver.set_metadata(off_instance.uuid, OWNER)
    driver.set_autostart(off_instance.uuid, enabled=True)
    before = driver.spec(off_instance.uuid)
    driver.migrate(off_instance.uuid, destination.managed, mode=MigrationMode.OFFLINE, timeout=SECONDS).wait(SECONDS)
    there = connect(destination.uri)
    assert there.spec(off_instance.uuid) == before
    assert "me &amp; you" in there.metadata(off_instance.uuid, URI)
    assert there.autostart(off_instance.uuid) is True
