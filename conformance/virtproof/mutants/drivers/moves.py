"""Wrong drivers that move instances wrongly.

What belongs here: mistakes in migrate() and in what it returns. What does not: other long operations (`waiting`, `machines`).
"""

import time
from collections.abc import Callable
from typing import Any

from virtproof.mutants.drivers.base import factory
from virtproof_driver import LibvirtDriver
from virtproof_driver.constants import XmlFlag
from virtproof_driver.contract import InstanceId, Migration
from virtproof_driver.errors import DriverError, MigrationFailed, OperationTimeout
from virtproof_driver.markup.domain import owned_volumes
from virtproof_driver.migration import Destination, InstanceLocation, MigrationProgress, MigrationResult
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.spec import VolumeSpec
from virtproof_driver.values import Instance

Wait = Callable[[float | None], MigrationResult]


class _Waited:
    """A migration whose wait() is another one."""

    def __init__(self, migration: Migration, wait: Wait) -> None:
        self._migration = migration
        self.wait_otherwise = wait

    def __getattr__(self, name: str) -> Any:
        return getattr(self._migration, name)

    @property
    def progress(self) -> MigrationProgress:
        return self._migration.progress

    def wait(self, timeout: float | None = None) -> MigrationResult:
        return self.wait_otherwise(timeout)


class _Moves(LibvirtDriver):
    """Moves instances, and waits for them by `await_end`, which a mistake changes."""

    def migrate(self, uuid: InstanceId, destination: Destination, **options: Any) -> Any:
        migration = super().migrate(uuid, destination, **options)
        return _Waited(migration, lambda timeout: self.await_end(migration, destination, timeout))

    def await_end(self, migration: Migration, destination: Destination, timeout: float | None) -> MigrationResult:
        del destination
        return migration.wait(timeout)


class _PollsMigrations(_Moves):
    """Asks for the job's statistics until there is no job any more."""

    def await_end(self, migration: Migration, destination: Destination, timeout: float | None) -> MigrationResult:
        del destination
        deadline = time.monotonic() + (timeout or 60)
        while time.monotonic() < deadline:
            try:
                self.link.call(self.link.domain(migration.uuid).jobStats)
                return migration.wait(0.05)
            except OperationTimeout as late:
                if isinstance(late, MigrationFailed):
                    raise
        return migration.wait(0)


class _ArrivesEarly(_Moves):
    """Reports that an instance has arrived once it has set out."""

    def await_end(self, migration: Migration, destination: Destination, timeout: float | None) -> MigrationResult:
        del destination, timeout
        return MigrationResult(instance=self.instance(migration.uuid))


class _ArrivesAnyway(_Moves):
    """Takes SUSPENDED_MIGRATED for an arrival, which a failed migration tells too."""

    def await_end(self, migration: Migration, destination: Destination, timeout: float | None) -> MigrationResult:
        try:
            return super().await_end(migration, destination, timeout)
        except MigrationFailed:
            return MigrationResult(instance=self.instance(migration.uuid))


class _WakesWhatArrives(_Moves):
    """Has every instance run that has arrived."""

    def await_end(self, migration: Migration, destination: Destination, timeout: float | None) -> MigrationResult:
        result = super().await_end(migration, destination, timeout)
        with LibvirtDriver(self.link.reach(destination.uri, destination.auth)) as there:
            there.unpause(migration.uuid)
        return result


class _ArrivesForNow(_Moves):
    """Leaves an instance on the destination that is gone with its next stop."""

    def await_end(self, migration: Migration, destination: Destination, timeout: float | None) -> MigrationResult:
        result = super().await_end(migration, destination, timeout)
        with LibvirtDriver(self.link.reach(destination.uri, destination.auth)) as there:
            there.link.call(there.link.domain(migration.uuid).undefineFlags, 0)
        return result


class _MislaysInstances(_Moves):
    """Says of every migration that failed that the instance is on the destination."""

    def await_end(self, migration: Migration, destination: Destination, timeout: float | None) -> MigrationResult:
        try:
            return super().await_end(migration, destination, timeout)
        except MigrationFailed as failed:
            failed.location = InstanceLocation.DESTINATION
            raise


class _LeavesItsDefinition(LibvirtDriver):
    """Leaves the definition of an instance on the host that it left."""

    def migrate(self, uuid: InstanceId, destination: Destination, **options: Any) -> Any:
        xml = self.link.call(self.link.domain(instance_id(uuid)).XMLDesc, XmlFlag.INACTIVE)
        migration = super().migrate(uuid, destination, **options)

        def wait(timeout: float | None) -> MigrationResult:
            result = migration.wait(timeout)
            self.link.call(self.link.connection().defineXML, xml)
            return result

        return _Waited(migration, wait)


class _IsNeverLate(LibvirtDriver):
    """Gives a migration more time than its caller does."""

    def migrate(self, uuid: InstanceId, destination: Destination, **options: Any) -> Any:
        return super().migrate(uuid, destination, **{**options, "timeout": options["timeout"] + 20})


class _LeavesCopiesThere(LibvirtDriver):
    """Makes the volumes for a copy on the destination, and forgets them when it fails."""

    def migrate(self, uuid: InstanceId, destination: Destination, **options: Any) -> Any:
        xml = self.link.call(self.link.domain(instance_id(uuid)).XMLDesc, XmlFlag.INACTIVE)
        with LibvirtDriver(self.link.reach(destination.uri, destination.auth)) as there:
            for volume in owned_volumes(xml):
                size = self.volume(volume.pool, volume.volume).capacity_bytes
                there.create_volume(volume.pool, VolumeSpec(name=volume.volume, capacity_bytes=size))
        return super().migrate(uuid, destination, **options)


class _LosesPauses(LibvirtDriver):
    """Pauses an instance that is on its way as any other, so that libvirt has it run where it arrives."""

    def pause(self, uuid: InstanceId) -> Instance:
        try:
            self.link.call(self.link.domain(instance_id(uuid)).suspend)
        except DriverError:
            return super().pause(uuid)
        return self.instance(uuid)


polls_migrations = factory(_PollsMigrations)
arrives_early = factory(_ArrivesEarly)
arrives_anyway = factory(_ArrivesAnyway)
wakes_what_arrives = factory(_WakesWhatArrives)
arrives_for_now = factory(_ArrivesForNow)
mislays_instances = factory(_MislaysInstances)
leaves_its_definition = factory(_LeavesItsDefinition)
is_never_late = factory(_IsNeverLate)
leaves_copies_there = factory(_LeavesCopiesThere)
loses_pauses = factory(_LosesPauses)
