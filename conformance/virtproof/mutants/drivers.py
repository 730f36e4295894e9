"""Wrong drivers: the reference driver with one thing wrong, each in a few lines.

What belongs here: the mistakes that drivers of this kind have been seen to make, one factory each. What does not: the
case that catches it; `catalogue` names it. Each class overrides one method, or two that belong together; the docstring says the mistake.
"""

import html
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from virtproof_driver import Capability, LibvirtDriver, connect
from virtproof_driver.binding import Binding
from virtproof_driver.constants import DomainEventId
from virtproof_driver.contract import InstanceId, Listener, Subscription
from virtproof_driver.driver import instance_id
from virtproof_driver.errors import ConnectionLost, DriverError, HypervisorError, InstanceExists, InstanceNotFound, InvalidState
from virtproof_driver.keepalive import Keepalive
from virtproof_driver.spec import InstanceSpec, MetadataElement, NewVolume, VolumeSource
from virtproof_driver.values import EventKind, Instance, LifecycleEvent, PowerState, Snapshot, StopOutcome, VolumeInfo


class Factory(Protocol):
    """What `--driver` names."""

    def __call__(self, uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver: ...


def _factory(kind: type[LibvirtDriver]) -> Factory:
    def make(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
        return kind(connect(uri, binding=binding, **options).link)

    make.__doc__ = kind.__doc__
    return make


# --- waiting ----------------------------------------------------------------------------------------------------------


class _Polls(LibvirtDriver):
    """Asks for a graceful stop and then reads the state in a loop."""

    def stop(self, uuid: InstanceId, *, timeout: float, force: bool = True) -> StopOutcome:
        self.link.call(self.link.domain(instance_id(uuid)).shutdown)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.instance(uuid).state is PowerState.OFF:
                return StopOutcome.GRACEFUL
            time.sleep(0.05)
        return super().stop(uuid, timeout=0, force=force)


class _AnswersEarly(LibvirtDriver):
    """Reports a graceful stop as soon as libvirt accepted the request."""

    def stop(self, uuid: InstanceId, *, timeout: float, force: bool = True) -> StopOutcome:
        self.link.call(self.link.domain(instance_id(uuid)).shutdown)
        return StopOutcome.GRACEFUL


class _IgnoresItsDeadline(LibvirtDriver):
    """Waits for the guest long past the caller's timeout."""

    def stop(self, uuid: InstanceId, *, timeout: float, force: bool = True) -> StopOutcome:
        return super().stop(uuid, timeout=timeout + 8, force=force)


class _CallsForceGraceful(LibvirtDriver):
    """Says that the guest obeyed when it was forced off."""

    def stop(self, uuid: InstanceId, *, timeout: float, force: bool = True) -> StopOutcome:
        outcome = super().stop(uuid, timeout=timeout, force=force)
        return StopOutcome.GRACEFUL if outcome is StopOutcome.FORCED else outcome


class _NeverForces(LibvirtDriver):
    """Gives up on a guest that does not obey, and reports it stopped."""

    def stop(self, uuid: InstanceId, *, timeout: float, force: bool = True) -> StopOutcome:
        try:
            return super().stop(uuid, timeout=timeout, force=False)
        except DriverError:
            return StopOutcome.FORCED


# --- errors -----------------------------------------------------------------------------------------------------------


class _SwallowsErrors(LibvirtDriver):
    """Reports an instance destroyed whatever libvirt said."""

    def destroy(self, uuid: InstanceId) -> None:
        try:
            super().destroy(uuid)
        except DriverError:
            return


class _RetriesChanges(LibvirtDriver):
    """Makes a change again when the connection broke under it."""

    def pause(self, uuid: InstanceId) -> Instance:
        try:
            return super().pause(uuid)
        except ConnectionLost:
            return super().pause(uuid)


class _UntypedErrors(LibvirtDriver):
    """Tells an unknown instance by libvirt's number and not by a class."""

    def instance(self, uuid: InstanceId) -> Instance:
        try:
            return super().instance(uuid)
        except InstanceNotFound as error:
            raise HypervisorError(42, 10, str(error)) from error


class _DestroyMisses(LibvirtDriver):
    """Fails to destroy what is gone already."""

    def destroy(self, uuid: InstanceId) -> None:
        self.instance(uuid)
        super().destroy(uuid)


class _PauseOnce(LibvirtDriver):
    """Refuses to pause a paused instance."""

    def pause(self, uuid: InstanceId) -> Instance:
        if self.instance(uuid).state is PowerState.PAUSED:
            raise InvalidState("already paused")
        return super().pause(uuid)


# --- what is made, and what is left -----------------------------------------------------------------------------------


class _TakesOver(LibvirtDriver):
    """Redefines an instance whose UUID is taken."""

    def spawn(self, spec: InstanceSpec, *, start: bool = True, paused: bool = False) -> Instance:
        try:
            return super().spawn(spec, start=start, paused=paused)
        except InstanceExists:
            super().destroy(spec.uuid)
            return super().spawn(spec, start=start, paused=paused)


class _LeavesAFailedSpawn(LibvirtDriver):
    """Leaves the definition behind when the start failed."""

    def spawn(self, spec: InstanceSpec, *, start: bool = True, paused: bool = False) -> Instance:
        made = super().spawn(spec, start=False)
        return self.start(spec.uuid) if start else made


class _LeavesVolumes(LibvirtDriver):
    """Forgets at destroy which volumes it made at spawn."""

    def spawn(self, spec: InstanceSpec, *, start: bool = True, paused: bool = False) -> Instance:
        return super().spawn(replace(spec, disks=tuple(map(self._made, spec.disks))), start=start, paused=paused)

    def _made(self, disk: Any) -> Any:
        source = disk.source
        if not isinstance(source, NewVolume):
            return disk
        pool = self.link.call(self.link.connection().storagePoolLookupByName, source.pool)
        text = f"<volume><name>{source.volume}</name><capacity>{source.capacity_bytes}</capacity></volume>"
        self.link.call(pool.createXML, text)
        return replace(disk, source=VolumeSource(pool=source.pool, volume=source.volume))


class _LeavesDefinitions(LibvirtDriver):
    """Forces an instance off and calls that destroyed."""

    def destroy(self, uuid: InstanceId) -> None:
        try:
            self.stop(uuid, timeout=0)
        except InstanceNotFound:
            return


class _LeaksACallback(LibvirtDriver):
    """Registers for events at the host itself and never deregisters."""

    def subscribe(self, listener: Listener, *, uuid: InstanceId | None = None) -> Subscription:
        self.link.connection().domainEventRegisterAny(None, DomainEventId.LIFECYCLE, lambda *_: None, None)
        return super().subscribe(listener, uuid=uuid)


class _LeaksAConnection(LibvirtDriver):
    """Opens a second connection and forgets it."""


_forgotten: list[object] = []


def leaks_a_connection(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
    """Opens a second connection and forgets it."""
    if binding is not None:
        _forgotten.append(binding.openReadOnly(uri))
    return connect(uri, binding=binding, **options)


class _LeaksAThread(LibvirtDriver):
    """Leaves a thread running when it is closed."""

    def host(self) -> Any:
        threading.Thread(target=threading.Event().wait, args=(20,), daemon=True, name="forgotten").start()
        return super().host()


# --- events -----------------------------------------------------------------------------------------------------------


class _Twisted(LibvirtDriver):
    """Delivers what `twist` makes of each event; the base of those below."""

    def subscribe(self, listener: Listener, *, uuid: InstanceId | None = None) -> Subscription:
        return super().subscribe(self._twist(listener), uuid=uuid)

    def _twist(self, listener: Listener) -> Listener:
        return listener


class _DeliversTwice(_Twisted):
    """Delivers each event twice."""

    def _twist(self, listener: Listener) -> Listener:
        return lambda event: (listener(event), listener(event))


class _DropsPauses(_Twisted):
    """Delivers no paused event."""

    def _twist(self, listener: Listener) -> Listener:
        return lambda event: event.kind is EventKind.PAUSED or listener(event)


class _DeliversOutOfOrder(_Twisted):
    """Delivers each pair of events in the wrong order."""

    def _twist(self, listener: Listener) -> Listener:
        held: list[LifecycleEvent] = []

        def swapped(event: LifecycleEvent) -> None:
            held.append(event)
            if len(held) > 1:
                for each in reversed(held):
                    listener(each)
                held.clear()

        return swapped


class _IgnoresTheFilter(LibvirtDriver):
    """Delivers the events of all instances to a listener that asked for one."""

    def subscribe(self, listener: Listener, *, uuid: InstanceId | None = None) -> Subscription:
        return super().subscribe(listener)


class _OneForAll(LibvirtDriver):
    """Calls all listeners in one loop: the first exception ends it, the slowest holds it up."""

    def __init__(self, link: Any) -> None:
        super().__init__(link)
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener, *, uuid: InstanceId | None = None) -> Subscription:
        self._listeners.append(listener)
        loop: Listener = self._call_all if len(self._listeners) == 1 else lambda _event: None
        return super().subscribe(loop, uuid=uuid)

    def _call_all(self, event: LifecycleEvent) -> None:
        for listener in tuple(self._listeners):
            listener(event)


class _MissesOutages(_Twisted):
    """Delivers nothing of what happened while the connection was down."""

    def _twist(self, listener: Listener) -> Listener:
        return lambda event: event.resynced or listener(event)


class _ResyncsTwice(_Twisted):
    """Delivers what it missed in an outage twice."""

    def _twist(self, listener: Listener) -> Listener:
        return lambda event: [listener(event) for _ in range(1 + event.resynced)]


# --- claims -----------------------------------------------------------------------------------------------------------


class _ClaimsTooMuch(LibvirtDriver):
    """Claims a console that it does not have."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        return super().capabilities | {Capability.CONSOLE_OUTPUT}


class _ClaimsTooLittle(LibvirtDriver):
    """Does not claim a pause that it has."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        return super().capabilities - {Capability.PAUSE}


# --- values -----------------------------------------------------------------------------------------------------------


class _CountsInKiB(LibvirtDriver):
    """Takes the contract's MiB for KiB when it resizes, rounded up to one MiB."""

    def resize(self, uuid: InstanceId, *, vcpus: int, memory_mib: int) -> Instance:
        return super().resize(uuid, vcpus=vcpus, memory_mib=max(1, memory_mib // 1024))


class _EscapesTwice(LibvirtDriver):
    """Escapes a name by hand before it is written as XML."""

    def spawn(self, spec: InstanceSpec, *, start: bool = True, paused: bool = False) -> Instance:
        return super().spawn(replace(spec, name=html.escape(spec.name)), start=start, paused=paused)


class _ListsTheActive(LibvirtDriver):
    """Lists only what runs."""

    def instances(self) -> Sequence[Instance]:
        return [each for each in super().instances() if each.state.active]


class _ListFails(LibvirtDriver):
    """Lists by looking each instance up again, and fails when one is gone meanwhile."""

    def instances(self) -> Sequence[Instance]:
        domains = self.link.call(self.link.connection().listAllDomains)
        return [self.instance(domain.UUIDString()) for domain in domains]


class _RebootsByStopping(LibvirtDriver):
    """Reboots by forcing the instance off and starting it again."""

    def reboot(self, uuid: InstanceId, *, hard: bool = False) -> Instance:
        self.stop(uuid, timeout=0)
        return self.start(uuid)


class _LosesTheSave(LibvirtDriver):
    """Suspends by stopping: nothing is saved."""

    def suspend(self, uuid: InstanceId) -> Instance:
        self.stop(uuid, timeout=0)
        return self.instance(uuid)


class _KeepsARescue(LibvirtDriver):
    """Restarts at unrescue, and leaves the rescue's disks."""

    def unrescue(self, uuid: InstanceId) -> Instance:
        self.stop(uuid, timeout=0)
        return self.start(uuid)


class _ForgetsMetadata(LibvirtDriver):
    """Accepts metadata and keeps none."""

    def set_metadata(self, uuid: InstanceId, element: MetadataElement) -> None:
        self.instance(uuid)


class _NamesNoCurrentSnapshot(LibvirtDriver):
    """Reverts to a snapshot by name and reports success without doing it."""

    def revert_snapshot(self, uuid: InstanceId, name: str) -> Instance:
        return self.instance(uuid)


class _SnapshotsWithoutText(LibvirtDriver):
    """Loses the description of snapshots."""

    def snapshots(self, uuid: InstanceId) -> Sequence[Snapshot]:
        return [replace(each, description=None) for each in super().snapshots(uuid)]


class _ReportsAllocation(LibvirtDriver):
    """Reports a volume's allocation as its capacity."""

    def volume(self, pool: str, name: str) -> VolumeInfo:
        found = super().volume(pool, name)
        return replace(found, capacity_bytes=found.allocation_bytes)


class _LeavesNetworks(LibvirtDriver):
    """Stops a network and calls that deleted."""

    def delete_network(self, name: str) -> None:
        self.stop_network(name)


# --- connections ------------------------------------------------------------------------------------------------------


def writes_when_read_only(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
    """Opens a read-only connection for writing."""
    return connect(uri, binding=binding, **{**options, "read_only": False})


def sends_no_keepalive(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
    """Sends no keepalive, whatever it was asked."""
    return connect(uri, binding=binding, **{**options, "keepalive": Keepalive(interval=0, count=0)})


def answers_for_nobody(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
    """Ignores the caller's credentials."""
    return connect(uri, binding=binding, **{**options, "auth": None})


Made = Callable[..., LibvirtDriver]

polls: Made = _factory(_Polls)
answers_early: Made = _factory(_AnswersEarly)
ignores_its_deadline: Made = _factory(_IgnoresItsDeadline)
calls_force_graceful: Made = _factory(_CallsForceGraceful)
never_forces: Made = _factory(_NeverForces)
swallows_errors: Made = _factory(_SwallowsErrors)
retries_changes: Made = _factory(_RetriesChanges)
untyped_errors: Made = _factory(_UntypedErrors)
destroy_misses: Made = _factory(_DestroyMisses)
pause_once: Made = _factory(_PauseOnce)
takes_over: Made = _factory(_TakesOver)
leaves_a_failed_spawn: Made = _factory(_LeavesAFailedSpawn)
leaves_volumes: Made = _factory(_LeavesVolumes)
leaves_definitions: Made = _factory(_LeavesDefinitions)
leaks_a_callback: Made = _factory(_LeaksACallback)
leaks_a_thread: Made = _factory(_LeaksAThread)
delivers_twice: Made = _factory(_DeliversTwice)
drops_pauses: Made = _factory(_DropsPauses)
delivers_out_of_order: Made = _factory(_DeliversOutOfOrder)
ignores_the_filter: Made = _factory(_IgnoresTheFilter)
one_for_all: Made = _factory(_OneForAll)
misses_outages: Made = _factory(_MissesOutages)
resyncs_twice: Made = _factory(_ResyncsTwice)
claims_too_much: Made = _factory(_ClaimsTooMuch)
claims_too_little: Made = _factory(_ClaimsTooLittle)
counts_in_kib: Made = _factory(_CountsInKiB)
escapes_twice: Made = _factory(_EscapesTwice)
lists_the_active: Made = _factory(_ListsTheActive)
list_fails: Made = _factory(_ListFails)
reboots_by_stopping: Made = _factory(_RebootsByStopping)
loses_the_save: Made = _factory(_LosesTheSave)
keeps_a_rescue: Made = _factory(_KeepsARescue)
forgets_metadata: Made = _factory(_ForgetsMetadata)
reverts_nothing: Made = _factory(_NamesNoCurrentSnapshot)
snapshots_without_text: Made = _factory(_SnapshotsWithoutText)
reports_allocation: Made = _factory(_ReportsAllocation)
leaves_networks: Made = _factory(_LeavesNetworks)
