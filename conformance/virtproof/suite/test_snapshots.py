"""Snapshots: making, listing, reverting to and deleting those whose state lies inside the domain.

What belongs here: cases whose ids begin with `snapshots`. What does not: their names' characters (`test_escaping`), and what a
destroyed instance leaves (`test_leftovers`).
"""

from collections.abc import Callable

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.guests.own_disk import with_own_disk
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, SPAWNED, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InstanceNotFound, InvalidSpec, SnapshotExists, SnapshotNotFound
from virtproof_driver.spec import SnapshotSpec
from virtproof_driver.values import Instance, PowerState

SNAPSHOTS = SPAWNED | {Capability.SNAPSHOT_INTERNAL, Capability.STORAGE_CLONE}
MOVED = SNAPSHOTS | {Capability.PAUSE, Capability.START, Capability.STOP}
A, B, C = (SnapshotSpec(name=name) for name in ("first", "second", "third"))
NUMBERS = {
    PowerState.RUNNING: DomainState.RUNNING,
    PowerState.PAUSED: DomainState.PAUSED,
    PowerState.OFF: DomainState.SHUTOFF,
}
STATES = tuple(NUMBERS)
OF_AN_INSTANCE: dict[str, Callable[[ComputeDriver], object]] = {
    "create": lambda driver: driver.create_snapshot(NO_SUCH, A),
    "list": lambda driver: driver.snapshots(NO_SUCH),
    "revert": lambda driver: driver.revert_snapshot(NO_SUCH, "first"),
    "delete": lambda driver: driver.delete_snapshot(NO_SUCH, "first"),
}
Listed = tuple[str, str | None, bool]


@pytest.fixture
def instance(driver: ComputeDriver, small: Small) -> Instance:
    """An instance that runs, on a disk that can hold snapshots."""
    return driver.spawn(with_own_disk(small()))


def bring(driver: ComputeDriver, instance: Instance, state: PowerState) -> None:
    """Take the instance to a state from whichever it is in."""
    if state is PowerState.OFF:
        driver.stop(instance.uuid, timeout=0)
        return
    if driver.instance(instance.uuid).state is PowerState.OFF:
        driver.start(instance.uuid)
    (driver.pause if state is PowerState.PAUSED else driver.unpause)(instance.uuid)


def tree(driver: ComputeDriver, instance: Instance) -> list[Listed]:
    """Name, parent and whether it is the current one, for each snapshot in the order of the list."""
    return [(one.name, one.parent, one.current) for one in driver.snapshots(instance.uuid)]


@case(
    "snapshots.create",
    Level.MUST,
    requirement="create_snapshot() gives the snapshot that is then listed, and is the current one; the instance is as it was.",
    source="virDomainSnapshotCreateXML",
    since="1.0",
    needs=MOVED,
)
@pytest.mark.parametrize("state", STATES)
def test_create(driver: ComputeDriver, instance: Instance, world: World, state: PowerState) -> None:
    bring(driver, instance, state)
    made = driver.create_snapshot(instance.uuid, SnapshotSpec(name="first", description="before the change"))
    assert (made.name, made.description, made.state) == ("first", "before the change", state.value)
    assert (made.parent, made.current, made.external) == (None, True, False)
    assert made.created > 0
    assert list(driver.snapshots(instance.uuid)) == [made]
    assert world.inventory().snapshots == (f"{instance.name}/first",)
    assert state_of(world, instance) == NUMBERS[state]


@case(
    "snapshots.none",
    Level.MUST,
    requirement="An instance that was just made has no snapshots.",
    source="virDomainListAllSnapshots",
    since="1.0",
    needs=SNAPSHOTS,
)
def test_none(driver: ComputeDriver, instance: Instance) -> None:
    assert list(driver.snapshots(instance.uuid)) == []


@case(
    "snapshots.tree",
    Level.MUST,
    requirement="Each snapshot's parent is the one that was current when it was made, and the newest is the current one.",
    source="https://libvirt.org/formatsnapshot.html: parent",
    since="1.0",
    needs=SNAPSHOTS,
)
def test_tree(driver: ComputeDriver, instance: Instance) -> None:
    for spec in (A, B, C):
        driver.create_snapshot(instance.uuid, spec)
    assert tree(driver, instance) == [("first", None, False), ("second", "first", False), ("third", "second", True)]


@case(
    "snapshots.branch",
    Level.MUST,
    requirement="After a revert that snapshot is the current one, and parent of the next; those made after it stay.",
    source="virDomainRevertToSnapshot: the snapshot becomes the current one",
    since="1.0",
    needs=SNAPSHOTS,
)
def test_branch(driver: ComputeDriver, instance: Instance) -> None:
    for spec in (A, B):
        driver.create_snapshot(instance.uuid, spec)
    driver.revert_snapshot(instance.uuid, "first")
    assert sorted(tree(driver, instance)) == [("first", None, True), ("second", "first", False)]
    driver.create_snapshot(instance.uuid, C)
    assert sorted(tree(driver, instance)) == [("first", None, False), ("second", "first", False), ("third", "first", True)]


@case(
    "snapshots.duplicate",
    Level.MUST,
    requirement="A name that the instance has is SnapshotExists, and the snapshot of that name stays as it was.",
    source="virDomainSnapshotCreateXML without REDEFINE; measured, libvirt 9.0.0",
    since="1.0",
    needs=SNAPSHOTS,
)
def test_duplicate(driver: ComputeDriver, instance: Instance) -> None:
    made = driver.create_snapshot(instance.uuid, SnapshotSpec(name="first", description="the original"))
    with pytest.raises(SnapshotExists) as refused:
        driver.create_snapshot(instance.uuid, SnapshotSpec(name="first", description="another"))
    assert refused.value.key == "first"
    assert list(driver.snapshots(instance.uuid)) == [made]


@case(
    "snapshots.own",
    Level.MUST,
    requirement="Two instances may have snapshots of one name, and each has its own.",
    source="virDomainSnapshotLookupByName: names are unique within a domain",
    since="1.0",
    needs=SNAPSHOTS,
)
def test_each_instance_has_its_own(driver: ComputeDriver, small: Small) -> None:
    one, other = (driver.spawn(with_own_disk(small())) for _ in range(2))
    driver.create_snapshot(one.uuid, A)
    kept = driver.create_snapshot(other.uuid, SnapshotSpec(name="first", description="the other's"))
    driver.delete_snapshot(one.uuid, "first")
    assert list(driver.snapshots(one.uuid)) == []
    assert list(driver.snapshots(other.uuid)) == [kept]


@case(
    "snapshots.delete",
    Level.MUST,
    requirement="Deleting a snapshot leaves the others: its children get its parent; if it was the current one, its parent is.",
    source="virDomainSnapshotDelete: children are merged into, or re-parented; measured, libvirt 9.0.0",
    since="1.0",
    needs=SNAPSHOTS,
)
@pytest.mark.parametrize(
    ("name", "left"),
    [
        pytest.param("first", [("second", None, False), ("third", "second", True)], id="root"),
        pytest.param("second", [("first", None, False), ("third", "first", True)], id="middle"),
        pytest.param("third", [("first", None, False), ("second", "first", True)], id="current"),
    ],
)
def test_delete(
    driver: ComputeDriver, instance: Instance, world: World, name: str, left: list[tuple[str, str | None, bool]]
) -> None:
    for spec in (A, B, C):
        driver.create_snapshot(instance.uuid, spec)
    driver.delete_snapshot(instance.uuid, name)
    assert tree(driver, instance) == left
    assert world.inventory().snapshots == tuple(f"{instance.name}/{snapshot}" for snapshot, *_ in left)
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "snapshots.revert",
    Level.MUST,
    requirement="revert_snapshot() takes the instance to the state that the snapshot has, from whichever it is in.",
    source="virDomainRevertToSnapshot",
    since="1.0",
    needs=MOVED,
)
@pytest.mark.parametrize("now", STATES, ids=lambda state: f"from-{state}")
@pytest.mark.parametrize("then", STATES, ids=lambda state: f"to-{state}")
def test_revert(driver: ComputeDriver, instance: Instance, world: World, then: PowerState, now: PowerState) -> None:
    bring(driver, instance, then)
    driver.create_snapshot(instance.uuid, A)
    bring(driver, instance, now)
    reverted = driver.revert_snapshot(instance.uuid, "first")
    assert (reverted.uuid, reverted.name, reverted.state) == (instance.uuid, instance.name, then)
    assert state_of(world, instance) == NUMBERS[then]
    assert tree(driver, instance) == [("first", None, True)]


@case(
    "snapshots.revert.twice",
    Level.MUST,
    requirement="A snapshot can be reverted to more than once.",
    source="virDomainRevertToSnapshot: the snapshot stays",
    since="1.0",
    needs=SNAPSHOTS | {Capability.STOP},
)
def test_revert_twice(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.create_snapshot(instance.uuid, A)
    for _ in range(2):
        driver.stop(instance.uuid, timeout=0)
        assert driver.revert_snapshot(instance.uuid, "first").state is PowerState.RUNNING
        assert state_of(world, instance) == DomainState.RUNNING


@case(
    "snapshots.unknown",
    Level.MUST,
    requirement="A snapshot that the instance has not is SnapshotNotFound, which names it; nothing else changes.",
    source="libvirt error 72 (VIR_ERR_NO_DOMAIN_SNAPSHOT)",
    since="1.0",
    needs=SNAPSHOTS,
)
@pytest.mark.parametrize("method", ["revert_snapshot", "delete_snapshot"])
def test_unknown_snapshot(driver: ComputeDriver, instance: Instance, world: World, method: str) -> None:
    driver.create_snapshot(instance.uuid, A)
    with pytest.raises(SnapshotNotFound) as refused:
        getattr(driver, method)(instance.uuid, "no-such")
    assert refused.value.key == "no-such"
    assert tree(driver, instance) == [("first", None, True)]
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "snapshots.unknown.instance",
    Level.MUST,
    requirement="Of an unknown UUID each snapshot operation is InstanceNotFound, which names it.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs={Capability.SNAPSHOT_INTERNAL},
)
@pytest.mark.parametrize("operation", OF_AN_INSTANCE)
def test_unknown_instance(driver: ComputeDriver, operation: str) -> None:
    with pytest.raises(InstanceNotFound) as refused:
        OF_AN_INSTANCE[operation](driver)
    assert refused.value.key == NO_SUCH


@case(
    "snapshots.invalid",
    Level.MUST,
    requirement="A name that cannot be is InvalidSpec before anything is made.",
    source="libvirt keeps a snapshot's metadata in a file of its name",
    since="1.0",
    needs=SNAPSHOTS,
)
@pytest.mark.parametrize("name", [pytest.param("", id="empty"), pytest.param("a/b", id="slash"), pytest.param("..", id="dots")])
def test_invalid_name(driver: ComputeDriver, off_instance: Instance, world: World, name: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        driver.create_snapshot(off_instance.uuid, SnapshotSpec(name=name))
    assert refused.value.field == "name"
    assert world.inventory().snapshots == ()


@case(
    "snapshots.foreign",
    Level.MUST,
    requirement="A snapshot that another client made is listed, can be reverted to, and deleted.",
    source="virDomainSnapshotCreateXML by another client; libvirt names a snapshot without a name by the time",
    since="1.0",
    needs=SNAPSHOTS | {Capability.STOP},
)
def test_foreign(driver: ComputeDriver, instance: Instance, world: World) -> None:
    domain = world.domain(instance.uuid)
    assert domain is not None
    domain.snapshotCreateXML("<domainsnapshot/>", 0)
    (listed,) = driver.snapshots(instance.uuid)
    assert (listed.state, listed.description, listed.current) == ("running", None, True)
    driver.stop(instance.uuid, timeout=0)
    assert driver.revert_snapshot(instance.uuid, listed.name).state is PowerState.RUNNING
    driver.delete_snapshot(instance.uuid, listed.name)
    assert world.inventory().snapshots == ()


@case(
    "snapshots.destroyed",
    Level.MUST,
    requirement="destroy() removes an instance's snapshots, so that one made anew under its UUID has none.",
    source="virDomainUndefineFlags: 55 while snapshots are there, unless SNAPSHOTS_METADATA is given (libvirt 9.0.0)",
    since="1.0",
    needs=SNAPSHOTS,
)
@pytest.mark.parametrize("state", ["running", "off"])
def test_destroy_takes_snapshots_along(driver: ComputeDriver, small: Small, world: World, state: str) -> None:
    spec = with_own_disk(small())
    driver.spawn(spec, start=state == "running")
    for snapshot in (A, B):
        driver.create_snapshot(spec.uuid, snapshot)
    driver.destroy(spec.uuid)
    assert world.inventory().snapshots == ()
    driver.spawn(spec)
    assert list(driver.snapshots(spec.uuid)) == []
