"""Snapshots that quiesce the guest: it is frozen before and thawed after, also when the snapshot fails.

What belongs here: cases whose ids begin with `snapshots.quiesce`. What does not: freezing alone (`test_agent_guest`), and
instances without an agent (`test_snapshots_external`).
"""

from collections.abc import Callable, Iterator

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.guests.catalogue import AGENT, IMAGE_BYTES
from virtproof.guests.own_disk import with_own_disk
from virtproof.guests.streams import send
from virtproof.lanes.model import GuestControl
from virtproof.recording.world import World
from virtproof.suite.agents import ASKED, FROZEN, STAY, THAWED, spawn_answering
from virtproof.suite.common import state_of
from virtproof.suite.talk import heard
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver, ConsoleStream
from virtproof_driver.errors import AgentRefused, AgentUnresponsive, DriverError
from virtproof_driver.spec import Disk, InstanceSpec, NewVolume, PoolSpec, SnapshotSpec, VolumeSource, VolumeSpec
from virtproof_driver.values import Instance

QUIESCED = ASKED | {Capability.AGENT_QUIESCE, Capability.SNAPSHOT_EXTERNAL, Capability.STORAGE_CLONE}
FILLED = QUIESCED | {Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES}
QUIET = SnapshotSpec(name="quiet", external=True, quiesce=True)
Names = Callable[..., str]


@pytest.fixture
def spec(small: Small) -> InstanceSpec:
    """An instance whose agent answers, with a disk of its own."""
    return with_own_disk(small(guest="agent"))


@pytest.fixture
def instance(driver: ComputeDriver, spec: InstanceSpec, world: World) -> Instance:
    """It runs, and its agent is connected."""
    return spawn_answering(driver, world, spec)


@pytest.fixture
def console(driver: ComputeDriver, instance: Instance) -> Iterator[ConsoleStream]:
    """Its console, open before anything is asked."""
    with driver.console(instance.uuid) as stream:
        yield stream


@pytest.fixture
def cramped(driver: ComputeDriver, small: Small, names: Names, world: World, guests: GuestControl) -> Instance:
    """An instance that runs, whose agent answers, with its disk on a file system without room for another file."""
    name = names("pool")
    folder = f"{guests.small_folder}/{name}"
    pool = driver.create_pool(PoolSpec(name=name, target=folder))
    image = driver.create_volume(pool.name, VolumeSpec(name=AGENT.volume, capacity_bytes=IMAGE_BYTES))
    send(world.connection, world.connection.storageVolLookupByPath(image.path), AGENT.program)
    disk = Disk(target="vda", source=VolumeSource(pool=pool.name, volume=AGENT.volume))
    instance = spawn_answering(driver, world, small(guest="agent", disks=(disk,)))
    room = guests.space(folder).free
    driver.create_volume(pool.name, VolumeSpec(name="ballast", capacity_bytes=room, allocation_bytes=room))
    return instance


def pool_of(spec: InstanceSpec) -> str:
    """The pool of its disk."""
    source = spec.disks[0].source
    assert isinstance(source, NewVolume)
    return source.pool


def lines(console: ConsoleStream, last: bytes) -> list[bytes]:
    """What the guest says up to a line, as lines that tell of freezing and thawing."""
    return [line for line in heard(console, last).splitlines(keepends=True) if line.startswith((b"frozen", b"thawed"))]


@case(
    "snapshots.quiesce.guest",
    Level.MUST,
    requirement="A quiesced snapshot has the guest freeze, and thaw again, once each; the guest is thawed when it is made.",
    source="VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE",
    since="1.0",
    needs=QUIESCED,
)
def test_guest_is_frozen_meanwhile(driver: ComputeDriver, instance: Instance, console: ConsoleStream, world: World) -> None:
    made = driver.create_snapshot(instance.uuid, QUIET)
    assert (made.name, made.external) == ("quiet", True)
    assert driver.unquiesce(instance.uuid) == 0
    assert lines(console, b"thawed 0\r\n") == [FROZEN, THAWED, b"thawed 0\r\n"]
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "snapshots.quiesce.failed",
    Level.MUST,
    requirement="A guest that was frozen for a snapshot that then fails is thawed.",
    source="VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE: file systems are thawed also after a failure",
    since="1.0",
    needs=FILLED,
)
def test_guest_is_thawed_after_a_failure(driver: ComputeDriver, cramped: Instance, world: World) -> None:
    before = world.inventory()
    with driver.console(cramped.uuid) as console:
        with pytest.raises(DriverError):
            driver.create_snapshot(cramped.uuid, QUIET)
        assert driver.unquiesce(cramped.uuid) == 0
        assert lines(console, b"thawed 0\r\n") == [FROZEN, THAWED, b"thawed 0\r\n"]
    assert world.inventory() == before
    assert state_of(world, cramped) == DomainState.RUNNING


@case(
    "snapshots.quiesce.refused",
    Level.MUST,
    requirement="Where the agent refuses to freeze, as when somebody froze the guest, it is AgentRefused; nothing is made.",
    source="libvirt error 113 (VIR_ERR_AGENT_COMMAND_FAILED)",
    since="1.0",
    needs=QUIESCED,
)
def test_frozen_already(driver: ComputeDriver, instance: Instance, world: World) -> None:
    before = (world.inventory(), world.xml(instance.uuid))
    assert driver.quiesce(instance.uuid) == 2
    with pytest.raises(AgentRefused):
        driver.create_snapshot(instance.uuid, QUIET)
    assert (world.inventory(), world.xml(instance.uuid)) == before
    assert driver.unquiesce(instance.uuid) == 2


@case(
    "snapshots.quiesce.not-thawed",
    Level.MUST,
    requirement="An agent that ends before it thaws is AgentUnresponsive, which says what was left; destroy() removes it.",
    source="libvirt forgets the snapshot then, and the disks go on in their overlays (11.3.0)",
    since="1.0",
    needs=QUIESCED | {Capability.AGENT_PASSWORD},
)
def test_agent_leaves_before_it_thaws(driver: ComputeDriver, spec: InstanceSpec, world: World) -> None:
    before = world.inventory()
    instance = spawn_answering(driver, world, spec)
    driver.set_admin_password(instance.uuid, STAY, "ignored")
    with pytest.raises(AgentUnresponsive) as failed:
        driver.create_snapshot(instance.uuid, QUIET)
    assert failed.value.undone_failures
    driver.destroy(instance.uuid)
    driver.refresh_pool(pool_of(spec))
    assert world.inventory() == before
