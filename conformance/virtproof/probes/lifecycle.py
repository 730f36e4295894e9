"""Probes of the areas lifecycle and metadata.

What belongs here: their questions. What does not: what an answer means (`agreement`). Where libvirt's accepting a call proves
nothing (a guest may ignore an ACPI shutdown), it is not asked.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from virtproof.guests.lent import lent_image
from virtproof.probes.bench import Bench, bare_domain, require, running, up
from virtproof.probes.model import Probe, Refused
from virtproof_driver import Capability
from virtproof_driver.constants import MetadataType, StartFlag, VcpuFlag
from virtproof_driver.values import Instance, PowerState, StopOutcome

_STOP_SECONDS: Final = 5.0


def _expect(instance: Instance, state: PowerState) -> None:
    require(instance.state == state, f"it is {instance.state}, not {state}")


def _spawn(bench: Bench) -> None:
    with running(bench) as instance:
        _expect(instance, PowerState.RUNNING)


def _spawn_paused(bench: Bench) -> None:
    instance = bench.driver.spawn(bench.small(), paused=True)
    try:
        _expect(instance, PowerState.PAUSED)
    finally:
        bench.driver.destroy(instance.uuid)


def _bare_spawn_paused(bench: Bench) -> None:
    with bare_domain(bench, start=False) as domain:
        domain.createWithFlags(StartFlag.PAUSED)


def _destroy(bench: Bench) -> None:
    instance = bench.driver.spawn(bench.small(), start=False)
    bench.driver.destroy(instance.uuid)
    require(all(each.UUIDString() != str(instance.uuid) for each in bench.host().listAllDomains()), "the domain is still there")


def _start(bench: Bench) -> None:
    instance = bench.driver.spawn(bench.small(), start=False)
    try:
        _expect(bench.driver.start(instance.uuid), PowerState.RUNNING)
    finally:
        bench.driver.destroy(instance.uuid)


def _bare_running(bench: Bench) -> None:
    with bare_domain(bench):
        pass


def _bare_off(bench: Bench) -> None:
    with bare_domain(bench, start=False):
        pass


def _stop(bench: Bench) -> None:
    with running(bench) as instance:
        bench.driver.stop(instance.uuid, timeout=0, force=True)


def _bare_stop(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        domain.destroy()


def _stop_graceful(bench: Bench) -> None:
    with up(bench) as instance:
        outcome = bench.driver.stop(instance.uuid, timeout=_STOP_SECONDS, force=True)
        if outcome != StopOutcome.GRACEFUL:
            raise Refused(f"stop() ended {outcome}")


def _reboot(bench: Bench) -> None:
    with up(bench) as instance:
        bench.driver.reboot(instance.uuid)


def _bare_reboot(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        domain.reboot(0)


def _reboot_hard(bench: Bench) -> None:
    with running(bench) as instance:
        bench.driver.reboot(instance.uuid, hard=True)


def _pause(bench: Bench) -> None:
    with running(bench) as instance:
        _expect(bench.driver.pause(instance.uuid), PowerState.PAUSED)
        _expect(bench.driver.unpause(instance.uuid), PowerState.RUNNING)


def _bare_pause(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        domain.suspend()
        domain.resume()


def _suspend(bench: Bench) -> None:
    with running(bench) as instance:
        _expect(bench.driver.suspend(instance.uuid), PowerState.OFF)
        _expect(bench.driver.resume(instance.uuid), PowerState.RUNNING)


def _bare_suspend(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        domain.managedSave(0)


def _rescue(bench: Bench) -> None:
    with lent_image(bench.host, bench.small(), bench.names("rescue")) as image, running(bench) as instance:
        bench.driver.rescue(instance.uuid, image)
        bench.driver.unrescue(instance.uuid)


def _resize(bench: Bench) -> None:
    spec = bench.small()
    instance = bench.driver.spawn(spec, start=False)
    try:
        bench.driver.resize(instance.uuid, vcpus=spec.vcpus, memory_mib=spec.memory_mib)
    finally:
        bench.driver.destroy(instance.uuid)


def _bare_resize(bench: Bench) -> None:
    with bare_domain(bench, start=False) as domain:
        domain.setVcpusFlags(1, VcpuFlag.CONFIG)


def _autostart(bench: Bench) -> None:
    with running(bench) as instance:
        bench.driver.set_autostart(instance.uuid, enabled=True)
        require(bench.driver.autostart(instance.uuid), "it was set and is not")
        bench.driver.set_autostart(instance.uuid, enabled=False)


def _bare_autostart(bench: Bench) -> None:
    with bare_domain(bench, start=False) as domain:
        domain.setAutostart(1)
        domain.setAutostart(0)


def _metadata(bench: Bench) -> None:
    with running(bench) as instance:
        bench.driver.set_title(instance.uuid, "probe")


def _bare_metadata(bench: Bench) -> None:
    with bare_domain(bench, start=False) as domain:
        domain.setMetadata(MetadataType.TITLE, "probe", None, None, 0)


_MADE: Final = ("spawn", "destroy")

PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
        Capability.SPAWN: Probe(through=_spawn, methods=_MADE, bare=_bare_running),
        Capability.SPAWN_PAUSED: Probe(through=_spawn_paused, methods=_MADE, bare=_bare_spawn_paused),
        Capability.DESTROY: Probe(through=_destroy, methods=_MADE, bare=_bare_off),
        Capability.START: Probe(through=_start, methods=(*_MADE, "start"), bare=_bare_running),
        Capability.STOP: Probe(through=_stop, methods=(*_MADE, "stop"), bare=_bare_stop),
        Capability.STOP_GRACEFUL: Probe(through=_stop_graceful, methods=(*_MADE, "stop")),
        Capability.REBOOT: Probe(through=_reboot, methods=(*_MADE, "reboot"), bare=_bare_reboot),
        Capability.REBOOT_HARD: Probe(through=_reboot_hard, methods=(*_MADE, "reboot"), bare=_bare_stop),
        Capability.PAUSE: Probe(through=_pause, methods=(*_MADE, "pause", "unpause"), bare=_bare_pause),
        Capability.SUSPEND: Probe(through=_suspend, methods=(*_MADE, "suspend", "resume"), bare=_bare_suspend),
        Capability.RESCUE: Probe(through=_rescue, methods=(*_MADE, "rescue", "unrescue")),
        Capability.RESIZE: Probe(through=_resize, methods=(*_MADE, "resize"), bare=_bare_resize),
        Capability.AUTOSTART: Probe(through=_autostart, methods=(*_MADE, "autostart", "set_autostart"), bare=_bare_autostart),
        Capability.METADATA: Probe(through=_metadata, methods=(*_MADE, "set_title"), bare=_bare_metadata),
    }
)
