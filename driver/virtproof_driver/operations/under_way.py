"""What a caller holds of a migration: looking at it, waiting for it, steering it.

What belongs here: `contract.Migration` over the work and its call. What does not: the work (`moving`).
"""

from collections.abc import Callable
from uuid import UUID

from virtproof_driver.errors import DriverError, InvalidState
from virtproof_driver.link import Call
from virtproof_driver.migration import MigrationPhase, MigrationProgress, MigrationResult
from virtproof_driver.migration_calls import has_post_copy, numbers_in, progress_of
from virtproof_driver.migration_validation import validate_bandwidth, validate_downtime
from virtproof_driver.operations.moving import NOTHING, Moving

_ENDED = frozenset({MigrationPhase.COMPLETED, MigrationPhase.FAILED})


class UnderWay:
    """Implements `contract.Migration`."""

    def __init__(self, moving: Moving, call: Call[MigrationResult]) -> None:
        self._moving = moving
        self._call = call

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.uuid} to {self._moving.destination.uri}: {self._moving.phase}>"

    @property
    def uuid(self) -> UUID:
        return self._moving.found.uuid

    @property
    def call(self) -> Call[MigrationResult]:
        """The call that does it, for who lets it rest."""
        return self._call

    @property
    def progress(self) -> MigrationProgress:
        moving = self._moving
        statistics = moving.statistics
        if moving.phase not in _ENDED:
            try:
                statistics = numbers_in(moving.source.call(moving.source.domain(self.uuid).jobStats))
            except DriverError:  # it has ended just now, or the connection has
                statistics = NOTHING
        return progress_of(moving.phase, moving.iteration, statistics)

    def wait(self, timeout: float | None = None) -> MigrationResult:
        return self._call.until(timeout)

    def abort(self) -> None:
        self._call.call_off()

    def set_max_downtime(self, milliseconds: int) -> None:
        validate_downtime(milliseconds)
        self._steer(lambda: self._moving.source.domain(self.uuid).migrateSetMaxDowntime(milliseconds))

    def set_bandwidth(self, mib_s: int) -> None:
        validate_bandwidth(mib_s)
        self._steer(lambda: self._moving.source.domain(self.uuid).migrateSetMaxSpeed(mib_s))

    def start_post_copy(self) -> None:
        if not has_post_copy(self._moving.move.options):
            raise InvalidState(f"the migration of instance {self.uuid} was begun without post_copy; ask for it at the start")
        self._steer(lambda: self._moving.source.domain(self.uuid).migrateStartPostCopy())

    def _steer(self, change: Callable[[], int]) -> None:
        if self._moving.phase in _ENDED:
            raise InvalidState(f"the migration of instance {self.uuid} has ended")
        self._moving.source.call(change)
