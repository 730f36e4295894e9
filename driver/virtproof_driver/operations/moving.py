"""One move of an instance to another host, as the work that a long call does: the call, how it ends early, and what comes of it.

What belongs here: `Moving`. What does not: what is looked at before it (`migrating`), the threads (`edge.long_calls`), what
callers hold of it (`under_way`).

Theory of operation. libvirt's call returns when the migration has ended. That it is under way is told by STARTED on the
destination and by the first pass over the memory on the source; before that libvirt refuses to abort it. The source tells the
job's statistics by JOB_COMPLETED, and of a failed one nothing. A call that was called off fails with 78; between two daemons also
with 9, when the destination's half of it is told first (11.3.0). Which host has the instance then is asked of both
(`whereabouts`).
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from virtproof_driver.auth import without_credentials
from virtproof_driver.capabilities import Capability
from virtproof_driver.constants import ErrorCode
from virtproof_driver.errors import (
    ConnectionLost,
    DriverError,
    HostUnreachable,
    HypervisorError,
    MigrationAborted,
    MigrationFailed,
    MigrationTimedOut,
    NotSupported,
)
from virtproof_driver.link import Attempt, AwaitedJob, HostLink, Link, Told
from virtproof_driver.migration import (
    Destination,
    InstanceLocation,
    MigrationMode,
    MigrationOptions,
    MigrationPhase,
    MigrationResult,
    OnTimeout,
)
from virtproof_driver.migration_calls import flags_of, has_post_copy, numbers_in, params_of, result_of
from virtproof_driver.migration_constants import JobStatsFlag
from virtproof_driver.operations import deadlines
from virtproof_driver.operations.executing import undo
from virtproof_driver.operations.inventory import looked_up
from virtproof_driver.operations.moving_storage import Belongings, parted_with
from virtproof_driver.operations.transitions import FORCE_OFF, UNPAUSE, attempt
from virtproof_driver.operations.whereabouts import Look, Sight, look, look_when_settled, may_run_on, whereabouts
from virtproof_driver.values import EventKind, Instance, IterationEvent, LifecycleEvent

_LACKING = frozenset({ErrorCode.INTERNAL_ERROR, ErrorCode.CONFIG_UNSUPPORTED, ErrorCode.OPERATION_UNSUPPORTED})
"""How a host says that its kernel does not let QEMU fetch memory late: by 1, of a command to QEMU that failed (11.3.0)."""
NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a caller asked for. `seconds` is the deadline."""

    destination: Destination
    mode: MigrationMode
    options: MigrationOptions
    seconds: float


@dataclass(slots=True, kw_only=True, eq=False)
class Moving:
    """Implements `link.Work`. `ending` is closed when all is over: listening, the link to the destination, the registry's place.

    `iteration`, `statistics` and `phase` are what was told so far; `begun` says that it is, or was, under way.
    """

    source: Link
    destination: HostLink
    found: Instance
    move: Move
    belongings: Belongings
    autostart: bool
    ending: ExitStack
    begun: bool = False
    iteration: int = 0
    statistics: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    phase: MigrationPhase = MigrationPhase.COPYING
    _downtime_before: int | None = None
    _overdue: bool = False
    _asked_off: bool = False
    _doomed: bool = False
    _attempt: Attempt | None = None

    @property
    def what(self) -> str:
        return f"end of the migration of instance {self.found.uuid}"

    def listen(self) -> None:
        """Hear both hosts until the end."""
        self.ending.enter_context(self.source.hear(self.found.uuid, self._source_told))
        self.ending.enter_context(self.destination.hear(self.found.uuid, self._destination_told, self._destination_lost))

    def set_up(self) -> None:
        """Have the source remember how long the guest may stand still: no parameter of the call says it."""
        wanted = self.move.options.max_downtime_ms
        if wanted is not None:
            domain = self.source.domain(self.found.uuid)
            self._downtime_before = self.source.call(domain.migrateGetMaxDowntime)
            self.source.call(domain.migrateSetMaxDowntime, wanted)

    def _source_told(self, event: Told) -> None:
        if isinstance(event, IterationEvent):
            self.iteration = event.iteration
            self._is_under_way()
        elif isinstance(event, LifecycleEvent) and (event.kind, event.reason) == (EventKind.PAUSED, "postcopy"):
            self.phase = MigrationPhase.POST_COPY

    def _destination_told(self, event: Told) -> None:
        if isinstance(event, LifecycleEvent) and event.kind is EventKind.STARTED:
            self._is_under_way()

    def _destination_lost(self) -> None:
        """Without its connection this client cannot have the guest run there; two daemons among themselves do without it."""
        if self._attempt is not None and self.move.destination.peer_uri is None:
            self._doomed = True
            self._attempt.doomed()

    def _is_under_way(self) -> None:
        self.begun = True
        if self._attempt is not None:
            self._attempt.under_way()

    # --- while it goes on --------------------------------------------------------------------------------------------------

    def attempt(self, attempt: Attempt) -> None:
        self._attempt, self._asked_off = attempt, False
        uuid, move = self.found.uuid, self.move
        flags, params = int(flags_of(move.destination, move.mode, move.options)), params_of(move.destination, move.options)
        done = AwaitedJob(operations=frozenset({"migration-out"}), what=f"statistics of the migration of instance {uuid}")
        with self.source.expect(uuid, done) as wait:
            domain = self.source.domain(uuid)
            if move.destination.peer_uri is not None:
                self.source.call(domain.migrateToURI3, move.destination.peer_uri, params, flags)
            else:
                with self.destination.lent() as connection:
                    self.source.call(domain.migrate3, connection, params, flags)
            if move.mode is not MigrationMode.OFFLINE:
                with suppress(DriverError):
                    self.statistics = wait.until(deadlines.ON_ITS_WAY).statistics

    def call_off(self) -> None:
        self._asked_off = True  # before: the call may end first
        try:
            self.source.call(self.source.domain(self.found.uuid).abortJob)
        except DriverError:
            self._asked_off = False
            raise

    def was_called_off(self, failure: DriverError) -> bool:
        if not isinstance(failure, HypervisorError):
            return False
        return failure.code == ErrorCode.OPERATION_ABORTED or (self._asked_off and failure.code == ErrorCode.OPERATION_FAILED)

    def deadline_passed(self) -> None:
        domain = self.source.domain(self.found.uuid)
        acts: Mapping[OnTimeout, Callable[[], object]] = {
            OnTimeout.ABORT: self.call_off,
            OnTimeout.PAUSE: partial(self.source.call, domain.suspend),
            OnTimeout.POST_COPY: partial(self.source.call, domain.migrateStartPostCopy),
        }
        policy = self.move.options.on_timeout
        self._overdue = policy is OnTimeout.ABORT
        try:
            acts[policy]()
        except DriverError:
            self._overdue = True  # it will be called off instead
            raise

    # --- the end -------------------------------------------------------------------------------------------------------------

    def conclude(self, failure: DriverError | None) -> MigrationResult:
        with self.ending:
            self.phase = MigrationPhase.COMPLETED if failure is None else MigrationPhase.FAILED
            if failure is None:
                return self._arrived()
            raise self._failed(failure) from failure

    def _arrived(self) -> MigrationResult:
        uuid = self.found.uuid
        self.source.forget(uuid)
        self.source.look(uuid)
        leftovers = tuple(parted_with(self.source, self.belongings.departure))
        try:
            instance = self.destination.read(partial(looked_up, self.destination, uuid))
            if self.autostart:
                self.destination.call(self.destination.domain(uuid).setAutostart, 1)
        except DriverError as error:
            reason = f"it has ended well, but the destination fails: {error}"
            raise MigrationFailed(uuid, reason, location=InstanceLocation.DESTINATION) from error
        self.statistics = self.statistics or self._statistics_there()
        return result_of(instance, self.iteration, self.statistics, leftovers)

    def _statistics_there(self) -> Mapping[str, int]:
        """The job's statistics as the destination keeps them, when the source's event was lost."""
        if self.move.mode is MigrationMode.OFFLINE:
            return NOTHING
        try:
            told = self.destination.call(self.destination.domain(self.found.uuid).jobStats, JobStatsFlag.COMPLETED)
        except DriverError:
            return NOTHING
        return numbers_in(told)

    def _failed(self, failure: DriverError) -> DriverError:
        ours, theirs = self._looks()
        self._set_back(ours)
        if not self.begun:
            return self._cleared(self._refusal(failure, ours), theirs)
        ours, theirs = self._mended(ours, theirs)
        where = whereabouts(ours, theirs)
        return self._cleared(self._failure(failure, where.location, where.instance), theirs)

    def _looks(self) -> tuple[Look, Look]:
        """How both have it. Where it runs on its source it will not on the destination, which has heard of that or never will."""
        uuid, ending = self.found.uuid, frozenset({Sight.ENDS})
        ours = look_when_settled(self.source, uuid, ending)
        runs = ours.sight is Sight.RUNS
        theirs = look_when_settled(self.destination, uuid, ending | {Sight.STANDS}, deadlines.GIVEN_UP if runs else None)
        return (ours if runs else look_when_settled(self.source, uuid, ending)), theirs

    def _refusal(self, failure: DriverError, ours: Look) -> DriverError:
        """What was refused before it was under way. A connection that broke is that to the destination, if the source answers."""
        if isinstance(failure, ConnectionLost) and ours.sight is not Sight.UNSEEN:
            destination = self.move.destination
            return HostUnreachable(without_credentials(destination.peer_uri or destination.uri), str(failure))
        if isinstance(failure, HypervisorError) and failure.code in _LACKING and has_post_copy(self.move.options):
            return NotSupported(Capability.MIGRATION_POST_COPY, failure.message)
        return failure

    def _failure(self, failure: DriverError, location: InstanceLocation, instance: Instance | None) -> DriverError:
        uuid, reason = self.found.uuid, str(failure)
        if self._doomed:
            reason = f"the connection to {self.destination.uri} broke ({failure})"
        if self._doomed or not self.was_called_off(failure):
            return MigrationFailed(uuid, reason, location=location, instance=instance)
        if self._overdue:
            return MigrationTimedOut(uuid, reason, self.move.seconds, location=location, instance=instance)
        return MigrationAborted(uuid, reason, location=location, instance=instance)

    def _set_back(self, ours: Look) -> None:
        """A guest that stayed has the downtime of before."""
        if self._downtime_before is not None and ours.sight is Sight.RUNS:
            with suppress(DriverError):
                self.source.call(self.source.domain(self.found.uuid).migrateSetMaxDowntime, self._downtime_before)

    def _mended(self, ours: Look, theirs: Look) -> tuple[Look, Look]:
        """Where libvirt left a guest standing, it runs on at its source when it has run nowhere else, and nowhere twice."""
        uuid = self.found.uuid
        with suppress(DriverError):
            if ours.sight is Sight.RUNS and theirs.sight is Sight.STANDS:
                attempt(self.destination, uuid, FORCE_OFF)
                theirs = look(self.destination, uuid)
            if may_run_on(ours) and theirs.sight is Sight.ABSENT:
                attempt(self.source, uuid, UNPAUSE)
                ours = look(self.source, uuid)
        return ours, theirs

    def _cleared(self, error: DriverError, theirs: Look) -> DriverError:
        """Unmake on the destination what was made for the arrival, unless the instance is there, or may be."""
        if theirs.sight is Sight.ABSENT:
            return error.with_leftovers(undo(self.destination, self.belongings.arrival))
        return error.with_leftovers([f"{step.do}: it was left on {self.destination.uri}" for step in self.belongings.arrival])
