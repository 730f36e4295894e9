"""What one case works with, and how all of it ends.

What belongs here: connecting drivers under test on the case's world, names, specs, the observer, and the order of the teardown.
What does not: pytest (`fixtures`), what was made (`makings`), what is left (`recording.leftovers`). The teardown: faults end, the
domains' XML is taken, what the case made is unmade through the driver, the host is looked at, drivers are closed, the process is
looked at, and the lane reaps what was left.
"""

import itertools
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from virtproof.attachments import Attachments
from virtproof.destination import NAME, DestinationHost
from virtproof.errors import SuiteError
from virtproof.lanes.model import CaseWorld, DaemonControl, Lane
from virtproof.makings import NotingDriver, remove_folders, unmake
from virtproof.recording.binding import RecordingBinding
from virtproof.recording.driver import recorded
from virtproof.recording.faults import Faults
from virtproof.recording.leftovers import LeftoverCheck
from virtproof.recording.recorder import Recorder
from virtproof.recording.world import World
from virtproof.subject import Subject
from virtproof_driver.binding import Connection
from virtproof_driver.constants import XmlFlag
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.spec import InstanceSpec

if TYPE_CHECKING:
    from virtproof.recording.ears import Ear

_NUMBERS_A_CASE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What outlives a case: one each a worker. `prefix` is the worker's."""

    recorder: Recorder
    recording: RecordingBinding
    subject: Subject
    attachments: Attachments
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A driver that the case connected: by which URI, as the case sees it, what it made, and its host past it."""

    uri: str | None
    driver: ComputeDriver
    noting: NotingDriver
    world: World


def put_right(daemon: DaemonControl) -> None:
    """Undo whatever was done to a daemon: it runs and takes connections."""
    daemon.thaw()
    daemon.mend()
    daemon.start()


class CaseContext:
    """A case under way. `number` tells it from the worker's other cases and is part of all its names."""

    def __init__(self, tools: Tools, lane: Lane, world: CaseWorld, number: int) -> None:
        self.lane = lane
        self.case_world = world
        self.faults = Faults(tools.recorder)
        self.recorder = tools.recorder
        self.prefix = f"{tools.prefix}{number}-"
        self._tools = tools
        self._check = LeftoverCheck(tools.recorder, tools.recording)
        self._connected: list[Connected] = []
        self._ears: dict[int, tuple[Connection, Ear]] = {}
        self._numbers = itertools.count(number * _NUMBERS_A_CASE)
        self._named = itertools.count(1)
        self.world = World(lambda: self._observer(self._oldest()), self.recorder, self.prefix)
        self._standing = lane.observer() if world.daemon is None and tools.recording.loop_runs else None
        tools.recorder.narrow(self.prefix)
        self.destination = self._second(world)
        tools.recording.begin_case(self._standing, {world.destination.uri: NAME} if world.destination is not None else {})
        tools.attachments.begin()

    # --- what fixtures give -------------------------------------------------------------------------------------------

    def connect(self, uri: str | None = None, **options: object) -> ComputeDriver:
        """A driver under test on this case's host; `options` go to its factory as they are."""
        recording, opened = self._tools.recording, len(self._tools.recording.tracked())

        def own() -> Connection | None:
            return next((tracked.bare for tracked in recording.tracked()[opened:] if not tracked.closed), None)

        noting = NotingDriver(self._tools.subject.factory(uri or self.case_world.uri, binding=recording, **options))
        there = self.destination if self.destination is not None and uri == self.destination.uri else None
        world = there.world if there else World(lambda: self._observer(own()), self.recorder, self.prefix)
        driver = recorded(cast("ComputeDriver", cast("object", noting)), self.recorder, world.host)
        self._connected.append(Connected(uri=uri, driver=driver, noting=noting, world=world))
        if self.case_world.shared:
            self._observer(None)
            self._observe_second()
        return driver

    def name(self, hint: str = "vm") -> str:
        """A name that no other object on the host has."""
        return f"{self.prefix}{hint}-{next(self._named)}"

    def small(self, name: str | None = None, *, guest: str | None = None, wired: bool = False, **changes: Any) -> InstanceSpec:
        """The lane's smallest instance with a new UUID and new hardware addresses, changed as asked.

        `guest` puts another guest into it (`virtproof.guests`); SuiteError where the lane has none of that name. Where guests run
        it is on a network only if it is `wired`: each interface is a device and a port, and several programs on the host a start.
        """
        spec = self.case_world.small(name or self.name(), next(self._numbers), guest)
        bare = spec if wired or self.case_world.guests is None else replace(spec, interfaces=())
        return replace(bare, **changes)

    # --- the observer -------------------------------------------------------------------------------------------------

    def _observer(self, own: Connection | None) -> Connection:
        """A bare connection past the drivers: the lane's own, or where the host is private to its connection, the driver's.

        The suite listens on its own: on the one that the lane keeps from case to case, else on the case's until it ends.
        """
        if self._standing is not None:
            return self._standing
        if not self.case_world.shared:
            return self.case_world.observer(own)
        return self._heard(self.case_world.observer(None), "")

    def _heard(self, connection: Connection, host: str) -> Connection:
        if id(connection) not in self._ears:  # the lane may have had to reconnect
            self._ears[id(connection)] = (connection, self._tools.recording.listen(connection, host))
        return connection

    def _second(self, world: CaseWorld) -> DestinationHost | None:
        """The host that instances can be moved to."""
        second = world.destination
        if second is None:
            return None
        there = World(lambda: self._heard(second.observer(), NAME), self.recorder, self.prefix, NAME)
        return DestinationHost(host=second, recorder=self.recorder, world=there, source=self.world)

    def _observe_second(self) -> None:
        if self.destination is not None:
            _ = self.destination.world.connection

    def _oldest(self) -> Connection | None:
        """The connection of the oldest driver that is open: most cases have one driver, and it is the one they look past."""
        return next((tracked.bare for tracked in self._tools.recording.tracked() if not tracked.closed), None)

    # --- the end ------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Take everything down. Raises SuiteError for what is the case's own mistake, after everything was taken down."""
        problems = list(self.faults.finish())
        if self.case_world.daemon is not None:
            put_right(self.case_world.daemon)
        if self.destination is not None:
            self.destination.host.rejoin()
            put_right(self.destination.daemon)
        self._look_at_domains()
        try:
            if self.destination is not None:
                self._unmade_there(self.destination)
            left = sum(self._unmade(connected) for connected in reversed(self._connected))
            left += self._shared_left() if self.case_world.shared else 0
            for connected in reversed(self._connected):
                problems += self._closed(connected)
            self._check.after_close()
        finally:
            for _, ear in self._ears.values():
                ear.release()
        if left:
            self.lane.reap()
        if problems:
            raise SuiteError("; ".join(problems))

    def _look_at_domains(self) -> None:
        """Before they are unmade: should the case turn out to have failed, their XML is kept."""
        for world in self._worlds():
            with suppress(Exception):  # no host any more, or none that lists domains
                for domain in world.connection.listAllDomains():
                    if domain.name().startswith(self.prefix):
                        self._tools.attachments.look_at(domain, XmlFlag.INACTIVE)

    def _worlds(self) -> tuple[World, ...]:
        return (self.world, *((self.destination.world,) if self.destination is not None else ()))

    def _unmade(self, connected: Connected) -> int:
        """Unmake what one driver made, through it; how many objects stay in a host that is private to it."""
        if connected.noting.noted_closed and not self.case_world.shared:
            return 0
        there = [made for made in connected.noting.noted_makings if made.is_there(connected.world)]
        if there:
            unmake(self._open_driver(connected), there, connected.world, self.recorder)
        return 0 if self.case_world.shared else self._check.objects(connected.world)

    def _unmade_there(self, destination: DestinationHost) -> None:
        """Unmake what the case made on the first host and moved to the second, through a driver of the second."""
        destination.refresh()
        made = (made for connected in self._connected for made in connected.noting.noted_makings)
        there = [each for each in made if each.moves and each.is_there(destination.world)]
        if there:
            unmake(self.connect(destination.uri), there, destination.world, self.recorder)

    def _shared_left(self) -> int:
        """What the case left on a host that others use too; empty folders of its pools are no driver's to remove."""
        for connected in self._connected:
            remove_folders(connected.noting.noted_makings, self.world)
        if self.destination is not None:
            self.destination.refresh()
        return sum(map(self._check.objects, self._worlds()))

    def _open_driver(self, connected: Connected) -> ComputeDriver:
        return self.connect(connected.uri) if connected.noting.noted_closed else connected.driver

    def _closed(self, connected: Connected) -> list[str]:
        if not connected.noting.noted_closed:
            try:
                connected.driver.close()
            except Exception as error:  # noqa: BLE001 - whatever a driver raises is told, and the others are closed still
                return [f"close() raised {type(error).__name__}: {error}"]
        return []
