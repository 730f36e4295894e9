"""Moving an instance to another host: what is looked at before, how it begins, and the registry of what is being moved.

What belongs here: `migrate`, what refuses it, and who else may touch an instance that is being moved. What does not: the move
itself (`moving`), volumes and logs (`moving_storage`), and where the instance is after a failure (`whereabouts`).
"""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from uuid import UUID

from virtproof_driver.errors import (
    Busy,
    DriverError,
    InstanceExists,
    InstanceNotFound,
    InvalidSpec,
    InvalidState,
)
from virtproof_driver.link import HostLink, Link
from virtproof_driver.migration import MigrationMode
from virtproof_driver.migration_validation import validate_migration
from virtproof_driver.operations.executing import execute
from virtproof_driver.operations.inventory import looked_up
from virtproof_driver.operations.lifecycle import has_managed_save
from virtproof_driver.operations.moving import Move, Moving
from virtproof_driver.operations.moving_storage import belongings
from virtproof_driver.operations.transitions import OFF, PAUSED, RUNNING, wrong_state
from virtproof_driver.operations.under_way import UnderWay
from virtproof_driver.values import Instance, PowerState

ENDING_SECONDS = 5.0


class Migrations:
    """What this driver is moving. dict.setdefault is one step for all threads of a process, so this needs no lock."""

    def __init__(self) -> None:
        self._held: dict[UUID, object] = {}
        self._under_way: dict[UUID, UnderWay] = {}

    def hold(self, uuid: UUID) -> None:
        """Take the place of an instance. Raises Busy while it is being moved already."""
        token = object()
        if self._held.setdefault(uuid, token) is not token:
            raise Busy(f"instance {uuid} is being moved already; wait for that, or abort it")

    def refuse(self, uuid: UUID) -> None:
        """Raise Busy while the instance is being moved: libvirt would keep who changes it waiting for 30 s, and then refuse."""
        if uuid in self._held:
            raise Busy(f"instance {uuid} is being moved to another host; wait for that, or abort it")

    def add(self, under_way: UnderWay) -> None:
        """Keep what has begun."""
        self._under_way[under_way.uuid] = under_way

    def release(self, uuid: UUID) -> None:
        """Free the place of an instance."""
        self._under_way.pop(uuid, None)
        self._held.pop(uuid, None)

    @contextmanager
    def resting(self, link: Link, uuid: UUID, wanted: PowerState) -> Generator[None]:
        """Have a migration of the instance rest for a change to `wanted`, and then begin again; where there is none, do nothing.

        libvirt forgets a pause that comes during a migration, whether that ends well or is aborted (9.0.0, 11.3.0). Of one
        that begins with a paused instance it remembers that.
        """
        under_way = self._under_way.get(uuid)
        if under_way is None or link.known_state(uuid) is wanted:
            yield
            return
        with under_way.call.interrupted():
            yield

    def end(self) -> None:
        """Abort what is under way, and wait for each for up to 5 s."""
        each = tuple(self._under_way.values())
        for under_way in each:
            with suppress(DriverError):
                under_way.abort()
        for under_way in each:
            with suppress(DriverError):
                under_way.wait(ENDING_SECONDS)


def migrate(link: Link, migrations: Migrations, uuid: UUID, move: Move) -> UnderWay:
    """Begin to move an instance, and return once that is under way; see `facade.migration`."""
    validate_migration(move.destination, move.mode, move.options, move.seconds, link.hypervisor)
    found = _movable(link, uuid, move.mode)
    migrations.hold(uuid)
    with ExitStack() as undoing:
        undoing.callback(migrations.release, uuid)
        moving = _prepared(link, found, move, undoing)
        moving.ending = undoing.pop_all()
    call = link.begin(moving, move.seconds)
    under_way = UnderWay(moving, call)
    migrations.add(under_way)
    call.await_start()
    if not moving.begun:  # it was refused, or is over: nothing of an instance that is off tells of its move
        call.until(None)
    return under_way


def _movable(link: Link, uuid: UUID, mode: MigrationMode) -> Instance:
    found = looked_up(link, uuid)
    sources = OFF if mode is MigrationMode.OFFLINE else RUNNING | PAUSED
    if found.state not in sources:
        raise wrong_state(found, f"migrate ({mode})", sources)
    if mode is MigrationMode.OFFLINE and has_managed_save(link, uuid):
        raise InvalidState(f"instance {found.name!r} ({uuid}) is suspended, and its memory would be lost; resume it first")
    return found


def _prepared(link: Link, found: Instance, move: Move, undoing: ExitStack) -> Moving:
    destination = link.reach(move.destination.uri, move.destination.auth)
    undoing.callback(destination.close)
    _check_place(link, destination, found, move.options.name)
    needs = belongings(link, destination, found.uuid, move.mode, move.options.storage)
    moving = Moving(
        source=link,
        destination=destination,
        found=found,
        move=move,
        belongings=needs,
        autostart=bool(link.call(link.domain(found.uuid).autostart)),
        ending=undoing,
    )
    moving.listen()
    execute(destination, needs.arrival)
    moving.set_up()
    return moving


def _check_place(link: Link, destination: HostLink, found: Instance, name: str | None) -> None:
    ours, theirs = link.hypervisor.connection_type, destination.hypervisor.connection_type
    if ours != theirs:
        raise InvalidSpec("destination.uri", f"leads to libvirt's {theirs} driver, and the instance is of {ours}")
    key = name or found.name
    with suppress(InstanceNotFound):
        destination.call(destination.connection().lookupByUUIDString, str(found.uuid))
        raise InstanceExists(str(found.uuid), f"on the destination, {destination.uri}")
    with suppress(InstanceNotFound):
        destination.call(destination.connection().lookupByName, key)
        raise InstanceExists(key, f"on the destination, {destination.uri}")
