"""Read-only: what a driver that was connected with read_only=True reads, and that it changes nothing.

What belongs here: cases whose ids begin with `read-only`. What does not: the meaning of what is read; that is in its own area.
The host has an instance before the driver connects, since the driver could not make one (fixture `inhabited`).
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.evidence import Kind
from virtproof.fixtures import Connect, Small
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import DriverError, InstanceNotFound, PermissionDenied
from virtproof_driver.markup.domain import normalised
from virtproof_driver.spec import (
    FileSource,
    ForwardMode,
    InstanceSpec,
    MetadataElement,
    NetworkSpec,
    PoolSpec,
    RescueImage,
    SnapshotSpec,
)
from virtproof_driver.values import EventKind, PowerState

READING = frozenset({Capability.CONNECTION_READ_ONLY, Capability.INVENTORY})
Act = Callable[[ComputeDriver, InstanceSpec], object]

LIFECYCLE: dict[str, Act] = {
    "stop": lambda driver, spec: driver.stop(spec.uuid, timeout=0),
    "destroy": lambda driver, spec: driver.destroy(spec.uuid),
    "pause": lambda driver, spec: driver.pause(spec.uuid),
}
POWER: dict[str, Act] = {
    "reboot": lambda driver, spec: driver.reboot(spec.uuid),
    "hard-reboot": lambda driver, spec: driver.reboot(spec.uuid, hard=True),
    "graceful-stop": lambda driver, spec: driver.stop(spec.uuid, timeout=5),
}
RESCUE = RescueImage(source=FileSource(path="/virtproof/rescue.img"))
ELEMENT = MetadataElement(uri="urn:virtproof:case", prefix="c", xml="<tag/>")
DEFINITION: dict[str, Act] = {
    "resize": lambda driver, spec: driver.resize(spec.uuid, vcpus=2, memory_mib=64),
    "autostart": lambda driver, spec: driver.set_autostart(spec.uuid, enabled=True),
    "title": lambda driver, spec: driver.set_title(spec.uuid, "another"),
    "description": lambda driver, spec: driver.set_description(spec.uuid, "another"),
    "metadata": lambda driver, spec: driver.set_metadata(spec.uuid, ELEMENT),
}
OBJECTS: dict[str, Act] = {
    "network": lambda driver, spec: driver.create_network(NetworkSpec(name=f"{spec.name}-net", forward=ForwardMode.ISOLATED)),
    "pool": lambda driver, spec: driver.create_pool(PoolSpec(name=f"{spec.name}-pool", target="/virtproof/read-only-pool")),
}
READS: dict[str, Act] = {
    "diagnostics": lambda driver, spec: driver.diagnostics(spec.uuid).uuid,
    "autostart": lambda driver, spec: driver.autostart(spec.uuid),
    "networks": lambda driver, _: driver.networks(),
    "pools": lambda driver, _: driver.pools(),
}


class Reader(NamedTuple):
    """A read-only driver, and the instance that its host has."""

    driver: ComputeDriver
    spec: InstanceSpec


class Seen(NamedTuple):
    """What an observer past the driver sees of the instance, and of all that bears the worker's prefix."""

    state: tuple[int, int] | None
    live: str
    definition: str
    objects: object


@pytest.fixture
def reader(connect: Connect, inhabited: tuple[str, InstanceSpec]) -> Reader:
    """A read-only driver on a host with a running instance."""
    uri, spec = inhabited
    return Reader(connect(uri, read_only=True), spec)


def seen(world: World, spec: InstanceSpec) -> Seen:
    """The host now."""
    xml = world.xml(spec.uuid), world.xml(spec.uuid, inactive=True)
    return Seen(world.state(spec.uuid), *xml, world.inventory())


def assert_refused(reader: Reader, world: World, act: Act) -> None:
    """The change is PermissionDenied, and nothing was changed."""
    before = seen(world, reader.spec)
    with pytest.raises(PermissionDenied) as refused:
        act(reader.driver, reader.spec)
    assert refused.value.undone_failures == ()
    assert seen(world, reader.spec) == before


@case(
    "read-only.reads",
    Level.MUST,
    requirement="A read-only driver describes the host and finds its instances with their states.",
    source="virConnectOpenReadOnly: queries are allowed",
    since="1.0",
    needs=READING | {Capability.HOST_INFO},
)
def test_host_and_instances(reader: Reader) -> None:
    found = reader.driver.instance(reader.spec.uuid)
    assert (found.uuid, found.name, found.state) == (reader.spec.uuid, reader.spec.name, PowerState.RUNNING)
    assert found in reader.driver.instances()
    assert reader.driver.host().hostname


@case(
    "read-only.reads.spec",
    Level.MUST,
    requirement="spec() works read-only: reading a definition needs no right to its secrets.",
    source="virDomainGetXMLDesc: VIR_DOMAIN_XML_SECURE is refused on a read-only connection (error 29), other flags are not",
    since="1.0",
    needs=READING,
)
def test_spec(reader: Reader) -> None:
    assert reader.driver.spec(reader.spec.uuid) == normalised(reader.spec)


@case(
    "read-only.reads.more",
    Level.MUST,
    requirement="Counters, autostart, networks and storage pools can be read read-only.",
    source="virConnectOpenReadOnly: queries are allowed",
    since="1.0",
    needs=READING
    | {
        Capability.DIAGNOSTICS,
        Capability.AUTOSTART,
        Capability.NETWORKS,
        Capability.STORAGE_POOLS,
    },
)
@pytest.mark.parametrize("what", READS)
def test_more_reads(reader: Reader, world: World, what: str) -> None:
    before = seen(world, reader.spec)
    assert READS[what](reader.driver, reader.spec) is not None
    assert seen(world, reader.spec) == before


@case(
    "read-only.reads.snapshots",
    Level.MUST,
    requirement="Snapshots can be listed read-only.",
    source="virConnectOpenReadOnly: queries are allowed",
    since="1.0",
    needs=READING | {Capability.SNAPSHOT_INTERNAL},
)
def test_snapshots_are_listed(reader: Reader, world: World) -> None:
    before = seen(world, reader.spec)
    assert tuple(reader.driver.snapshots(reader.spec.uuid)) == ()
    assert seen(world, reader.spec) == before


@case(
    "read-only.unknown",
    Level.MUST,
    requirement="An unknown instance is InstanceNotFound on a read-only driver too, and not a matter of permission.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs=READING,
)
def test_unknown(reader: Reader, small: Small) -> None:
    nobody = small().uuid
    with pytest.raises(InstanceNotFound) as refused:
        reader.driver.instance(nobody)
    assert refused.value.key == str(nobody)


@case(
    "read-only.change.refused",
    Level.MUST,
    requirement="Stopping, pausing and destroying are PermissionDenied on a read-only driver, and change nothing.",
    source="libvirt error 29 (VIR_ERR_OPERATION_DENIED)",
    since="1.0",
    needs=READING | {Capability.STOP, Capability.PAUSE, Capability.DESTROY},
)
@pytest.mark.parametrize("operation", LIFECYCLE)
def test_lifecycle(reader: Reader, world: World, operation: str) -> None:
    assert_refused(reader, world, LIFECYCLE[operation])


@case(
    "read-only.change.power",
    Level.MUST,
    requirement="Reboots and graceful stops are PermissionDenied on a read-only driver, and change nothing.",
    source="libvirt error 29 (VIR_ERR_OPERATION_DENIED)",
    since="1.0",
    needs=READING | {Capability.REBOOT, Capability.REBOOT_HARD, Capability.STOP, Capability.STOP_GRACEFUL},
)
@pytest.mark.parametrize("operation", POWER)
def test_power(reader: Reader, world: World, operation: str) -> None:
    assert_refused(reader, world, POWER[operation])


@case(
    "read-only.change.definition",
    Level.MUST,
    requirement="Changes of an instance's definition are PermissionDenied on a read-only driver, and change nothing.",
    source="libvirt error 29 (VIR_ERR_OPERATION_DENIED)",
    since="1.0",
    needs=READING | {Capability.RESIZE, Capability.AUTOSTART, Capability.METADATA},
)
@pytest.mark.parametrize("operation", DEFINITION)
def test_definition(reader: Reader, world: World, operation: str) -> None:
    assert_refused(reader, world, DEFINITION[operation])


@case(
    "read-only.change.objects",
    Level.MUST,
    requirement="Making networks and storage pools is PermissionDenied on a read-only driver, and makes none.",
    source="libvirt error 29 (VIR_ERR_OPERATION_DENIED)",
    since="1.0",
    needs=READING | {Capability.NETWORKS, Capability.STORAGE_POOLS},
)
@pytest.mark.parametrize("operation", OBJECTS)
def test_objects(reader: Reader, world: World, operation: str) -> None:
    assert_refused(reader, world, OBJECTS[operation])


@case(
    "read-only.change.suspend",
    Level.MUST,
    requirement="A managed save is PermissionDenied on a read-only driver, and none is made.",
    source="libvirt error 29 (VIR_ERR_OPERATION_DENIED)",
    since="1.0",
    needs=READING | {Capability.SUSPEND},
)
def test_suspend(reader: Reader, world: World) -> None:
    assert_refused(reader, world, lambda driver, spec: driver.suspend(spec.uuid))


@case(
    "read-only.change.rescue",
    Level.MUST,
    requirement="A rescue is PermissionDenied on a read-only driver, and changes nothing.",
    source="libvirt error 29 (VIR_ERR_OPERATION_DENIED)",
    since="1.0",
    needs=READING | {Capability.RESCUE},
)
def test_rescue(reader: Reader, world: World) -> None:
    assert_refused(reader, world, lambda driver, spec: driver.rescue(spec.uuid, RESCUE))


@case(
    "read-only.change.snapshot",
    Level.MUST,
    requirement="Making a snapshot is PermissionDenied on a read-only driver, and makes none.",
    source="libvirt error 29 (VIR_ERR_OPERATION_DENIED)",
    since="1.0",
    needs=READING | {Capability.SNAPSHOT_INTERNAL},
)
def test_snapshot(reader: Reader, world: World) -> None:
    assert_refused(reader, world, lambda driver, spec: driver.create_snapshot(spec.uuid, SnapshotSpec(name="one")))


@case(
    "read-only.spawn.refused",
    Level.MUST,
    requirement="spawn() is PermissionDenied on a read-only driver, and leaves nothing.",
    source="libvirt error 29 (VIR_ERR_OPERATION_DENIED) from virDomainDefineXML",
    since="1.0",
    needs=READING | {Capability.SPAWN},
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_spawn(reader: Reader, small: Small, world: World, state: str) -> None:
    spec = small()
    assert_refused(reader, world, lambda driver, _: driver.spawn(spec, start=state == "running"))
    assert world.domain(spec.uuid) is None


@case(
    "read-only.refusal.harmless",
    Level.MUST,
    requirement="After a refusal the driver reads on, on the one connection that it opened, which is read-only.",
    source="driver contract: only a lost connection is opened again; virConnectOpenReadOnly",
    since="1.0",
    needs=READING | {Capability.PAUSE},
)
def test_reads_go_on(reader: Reader, world: World, virtproof_case: CaseContext) -> None:
    for _ in range(3):
        with pytest.raises(PermissionDenied):
            reader.driver.pause(reader.spec.uuid)
        assert reader.driver.instance(reader.spec.uuid).state is PowerState.RUNNING
    state = world.state(reader.spec.uuid)
    assert state is not None
    assert state[0] == DomainState.RUNNING
    calls = [str(record.data["method"]) for record in virtproof_case.recorder.records(Kind.CALL)]
    opened = [method for method in calls if method.startswith("open")]
    assert len(opened) == 1
    assert opened != ["open"], "that opens for writing"


@case(
    "read-only.others",
    Level.MUST,
    requirement="A read-only driver sees what others change: states, and events of each change once and in order.",
    source="virConnectDomainEventRegisterAny works on a read-only connection (measured, libvirt 9.0.0)",
    since="1.0",
    needs=READING
    | {
        Capability.CONNECTION_RECONNECT,
        Capability.EVENTS_LIFECYCLE,
        Capability.SPAWN,
        Capability.DESTROY,
        Capability.PAUSE,
    },
)
def test_others_changes(connect: Connect, small: Small, world: World, virtproof_case: CaseContext) -> None:
    writer, reading = connect(), connect(read_only=True)
    events = EventCollector(virtproof_case.recorder).attach(reading, world)
    spec = small()
    writer.spawn(spec)
    writer.pause(spec.uuid)
    assert reading.instance(spec.uuid).state is PowerState.PAUSED
    writer.destroy(spec.uuid)
    with pytest.raises(DriverError):
        reading.instance(spec.uuid)
    events.settle()
    kinds = (EventKind.DEFINED, EventKind.STARTED, EventKind.PAUSED, EventKind.STOPPED, EventKind.UNDEFINED)
    assert events.kinds(spec.uuid) == kinds
    events.detach()
