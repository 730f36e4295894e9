"""Wrong drivers that leave something behind, or take over what is not theirs.

What belongs here: mistakes in what is made and removed: domains, volumes, callbacks, connections, threads.
"""

import threading
from dataclasses import replace
from typing import Any

from virtproof.mutants.drivers.base import factory
from virtproof_driver import LibvirtDriver, connect
from virtproof_driver.binding import Binding
from virtproof_driver.constants import DomainEventId
from virtproof_driver.contract import InstanceId
from virtproof_driver.errors import InstanceExists, InstanceNotFound
from virtproof_driver.link import HostLink
from virtproof_driver.spec import InstanceSpec, NewVolume, VolumeSource
from virtproof_driver.values import Instance


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
    """Registers for one event more than it deregisters."""

    def __init__(self, link: HostLink) -> None:
        super().__init__(link)
        link.connection().domainEventRegisterAny(None, DomainEventId.WATCHDOG, lambda *_: None, None)


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


takes_over = factory(_TakesOver)
leaves_a_failed_spawn = factory(_LeavesAFailedSpawn)
leaves_volumes = factory(_LeavesVolumes)
leaves_definitions = factory(_LeavesDefinitions)
leaks_a_callback = factory(_LeaksACallback)
leaks_a_thread = factory(_LeaksAThread)
