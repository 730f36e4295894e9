"""How instances end by themselves: their guest switches off, resets or crashes, or the process that runs them is killed.

What belongs here: cases whose ids begin with `lifecycle.ends`. What does not: ends that a driver asked for
(`test_lifecycle_stop`, `test_lifecycle_destroy`), and disks that fail (`test_events_disk`).
"""

import signal
from functools import partial

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.lanes.facts import hypervisor_of
from virtproof.lanes.model import GuestControl
from virtproof.reachable import spawn_heard, spawn_up, start_heard
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.common import HEARD, domain_of, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.spec import Reaction
from virtproof_driver.values import EventKind, Instance, PowerState

RUN = HEARD | {Capability.GUESTS}
REBOOTED = RUN | {Capability.EVENTS_REBOOT}
PANICKED = RUN | {Capability.EVENTS_PANIC, Capability.REACTIONS}
MADE = (EventKind.DEFINED, EventKind.STARTED)
STOPPED = (*MADE, EventKind.STOPPED)


def told(events: EventCollector, instance: Instance) -> tuple[EventKind, ...]:
    """All that the listener heard of an instance."""
    events.settle()
    return events.kinds(instance.uuid)


def told_but_pauses(events: EventCollector, instance: Instance) -> tuple[EventKind, ...]:
    """The same without the pause that QEMU may tell before a crash (it comes and goes, libvirt 9.0.0 to 12.8)."""
    return tuple(kind for kind in told(events, instance) if kind is not EventKind.PAUSED)


@case(
    "lifecycle.ends.poweroff",
    Level.MUST,
    requirement="A guest that switches off is one `stopped`, whose reason is `shutdown`; the instance stays, and is off.",
    source="VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN",
    since="1.0",
    needs=RUN,
)
def test_guest_switches_off(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    instance = spawn_heard(driver, partial(small, guest="poweroff"), world)
    stopped = events.wait(instance.uuid, EventKind.STOPPED)
    found = driver.instance(instance.uuid)
    assert (stopped.reason, stopped.resynced) == ("shutdown", False)
    assert (found.state, found.reason) == (PowerState.OFF, "shutdown")
    assert state_of(world, instance) == DomainState.SHUTOFF
    assert told(events, instance) == STOPPED


@case(
    "lifecycle.ends.poweroff-again",
    Level.MUST,
    requirement="An instance whose guest switched off starts again, and its next end is told like the first.",
    source="VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN",
    since="1.0",
    needs=RUN | {Capability.START},
)
def test_starts_after_the_guest_switched_off(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    instance = spawn_heard(driver, partial(small, guest="poweroff"), world)
    events.wait(instance.uuid, EventKind.STOPPED)
    assert told(events, instance) == STOPPED
    assert start_heard(driver, instance.uuid, world).state is PowerState.RUNNING
    starts = told(events, instance).count(EventKind.STARTED)
    events.wait(instance.uuid, EventKind.STOPPED, count=starts)
    assert told(events, instance) == (*STOPPED, *(EventKind.STARTED, EventKind.STOPPED) * (starts - 1))


@case(
    "lifecycle.ends.transient",
    Level.MUST,
    requirement="A transient instance whose guest switches off is one `stopped`, and is gone.",
    source="libvirt removes a transient domain when it stops",
    since="1.0",
    needs=RUN,
)
def test_transient_goes(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    instance = spawn_up(driver, small, world)
    domain = domain_of(world, instance.uuid)
    domain.undefineFlags(0)
    domain.shutdownFlags(hypervisor_of(world.connection).shutdown_flags)
    events.wait(instance.uuid, EventKind.STOPPED)
    assert told(events, instance) == (*MADE, EventKind.UNDEFINED, EventKind.STOPPED)
    assert world.state(instance.uuid) is None
    assert instance.uuid not in {found.uuid for found in driver.instances()}


@case(
    "lifecycle.ends.reset",
    Level.MUST,
    requirement="A guest that resets is one `rebooted`, however often the host tells it, and no `stopped`; it runs on.",
    source="VIR_DOMAIN_EVENT_ID_REBOOT comes two or three times for one reset (libvirt 9.0.0 to 12.8)",
    since="1.0",
    needs=REBOOTED,
)
def test_guest_resets(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    instance = spawn_heard(driver, partial(small, guest="reset"), world)
    rebooted = events.wait(instance.uuid, EventKind.REBOOTED)
    assert rebooted.resynced is False
    assert state_of(world, instance) == DomainState.RUNNING
    assert told(events, instance) == (*MADE, EventKind.REBOOTED)


@case(
    "lifecycle.ends.reset-same-run",
    Level.MUST,
    requirement="A guest that resets goes on in the same run: the domain's id stays.",
    source="libvirt's ids are given anew when a domain starts",
    since="1.0",
    needs=REBOOTED,
)
def test_reset_keeps_the_run(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    instance = spawn_heard(driver, partial(small, guest="reset"), world)
    before = domain_of(world, instance.uuid).ID()
    events.wait(instance.uuid, EventKind.REBOOTED)
    assert domain_of(world, instance.uuid).ID() == before


@case(
    "lifecycle.ends.restart",
    Level.MUST,
    requirement="With on_poweroff=restart a guest that switches off boots again in the same run: `rebooted`, no `stopped`.",
    source="https://libvirt.org/formatdomain.html#events-configuration: on_poweroff",
    since="1.0",
    needs=REBOOTED | {Capability.REACTIONS},
)
def test_restart_on_poweroff(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    instance = spawn_heard(driver, partial(small, guest="poweroff", on_poweroff=Reaction.RESTART), world)
    before = domain_of(world, instance.uuid).ID()
    events.wait(instance.uuid, EventKind.REBOOTED, count=2)
    assert domain_of(world, instance.uuid).ID() == before
    assert driver.instance(instance.uuid).state is PowerState.RUNNING
    assert set(told(events, instance)[len(MADE) :]) == {EventKind.REBOOTED}


@case(
    "lifecycle.ends.destroy",
    Level.MUST,
    requirement="With on_reboot=destroy a guest that resets is stopped: one `stopped`, no `rebooted`, and the instance is off.",
    source="https://libvirt.org/formatdomain.html#events-configuration: on_reboot",
    since="1.0",
    needs=REBOOTED | {Capability.REACTIONS},
)
def test_destroy_on_reboot(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    instance = spawn_heard(driver, partial(small, guest="reset", on_reboot=Reaction.DESTROY), world)
    assert events.wait(instance.uuid, EventKind.STOPPED).reason == "shutdown"
    assert state_of(world, instance) == DomainState.SHUTOFF
    assert told(events, instance) == STOPPED


@case(
    "lifecycle.ends.killed",
    Level.MUST,
    requirement="An instance whose process was killed is one `stopped`, told from a shutdown; it is off, and starts again.",
    source="VIR_DOMAIN_EVENT_STOPPED_FAILED",
    since="1.0",
    needs=RUN | {Capability.START},
)
def test_killed(driver: ComputeDriver, events: EventCollector, small: Small, world: World, guests: GuestControl) -> None:
    instance = spawn_heard(driver, small, world)
    guests.kill(instance.name, signal.SIGKILL)
    assert events.wait(instance.uuid, EventKind.STOPPED).reason in {"crashed", "failed"}
    assert state_of(world, instance) == DomainState.SHUTOFF
    assert told(events, instance) == STOPPED
    assert driver.start(instance.uuid).state is PowerState.RUNNING


@case(
    "lifecycle.ends.killed-reason",
    Level.MUST,
    requirement="instance() says `crashed` of an instance whose process was killed.",
    source="VIR_DOMAIN_SHUTOFF_CRASHED",
    since="1.0",
    needs=RUN,
)
def test_reason_after_kill(
    driver: ComputeDriver, events: EventCollector, small: Small, world: World, guests: GuestControl
) -> None:
    instance = spawn_heard(driver, small, world)
    guests.kill(instance.name, signal.SIGKILL)
    events.wait(instance.uuid, EventKind.STOPPED)
    found = driver.instance(instance.uuid)
    assert (found.state, found.reason) == (PowerState.OFF, "crashed")


@case(
    "lifecycle.ends.killed-paused",
    Level.MUST,
    requirement="A paused instance whose process was killed is one `stopped`, and is off.",
    source="VIR_DOMAIN_EVENT_STOPPED_FAILED",
    since="1.0",
    needs=RUN | {Capability.PAUSE},
)
def test_killed_while_paused(
    driver: ComputeDriver, events: EventCollector, small: Small, world: World, guests: GuestControl
) -> None:
    instance = spawn_heard(driver, small, world)
    driver.pause(instance.uuid)
    guests.kill(instance.name, signal.SIGKILL)
    events.wait(instance.uuid, EventKind.STOPPED)
    assert state_of(world, instance) == DomainState.SHUTOFF
    assert told(events, instance) == (*MADE, EventKind.PAUSED, EventKind.STOPPED)


@case(
    "lifecycle.ends.terminated",
    Level.MUST,
    requirement="An instance whose process was asked to end (SIGTERM) is one `stopped`, and is off.",
    source="QEMU ends by itself then, and tells its host that it shuts down",
    since="1.0",
    needs=RUN,
)
def test_terminated(events: EventCollector, up_instance: Instance, world: World, guests: GuestControl) -> None:
    guests.kill(up_instance.name, signal.SIGTERM)
    events.wait(up_instance.uuid, EventKind.STOPPED)
    assert state_of(world, up_instance) == DomainState.SHUTOFF
    assert told(events, up_instance) == STOPPED


@case(
    "lifecycle.ends.panic",
    Level.MUST,
    requirement="A guest's panic, told by its panic device, is `crashed`, then `stopped` for that reason; the instance is off.",
    source="VIR_DOMAIN_EVENT_CRASHED_PANICKED; https://libvirt.org/formatdomain.html#panic-device",
    since="1.0",
    needs=PANICKED,
)
def test_panic(driver: ComputeDriver, events: EventCollector, small: Small) -> None:
    instance = driver.spawn(small(guest="panicker", on_crash=Reaction.DESTROY))
    assert events.wait(instance.uuid, EventKind.STOPPED).reason == "crashed"
    assert events.wait(instance.uuid, EventKind.CRASHED).reason == "panicked"
    found = driver.instance(instance.uuid)
    assert (found.state, found.reason) == (PowerState.OFF, "crashed")
    assert told_but_pauses(events, instance) == (*MADE, EventKind.CRASHED, EventKind.STOPPED)


@case(
    "lifecycle.ends.panic-kept",
    Level.MUST,
    requirement="With on_crash=preserve an instance that panicked is kept as it is, crashed; it can be stopped and started.",
    source="https://libvirt.org/formatdomain.html#events-configuration: on_crash",
    since="1.0",
    needs=PANICKED | {Capability.STOP, Capability.START},
)
def test_panic_preserved(driver: ComputeDriver, events: EventCollector, small: Small) -> None:
    instance = driver.spawn(small(guest="panicker", on_crash=Reaction.PRESERVE))
    events.wait(instance.uuid, EventKind.CRASHED)
    found = driver.instance(instance.uuid)
    assert (found.state, found.reason) == (PowerState.CRASHED, "panicked")
    driver.stop(instance.uuid, timeout=0)
    assert driver.start(instance.uuid).state is PowerState.RUNNING
    assert told_but_pauses(events, instance)[:5] == (*MADE, EventKind.CRASHED, EventKind.STOPPED, EventKind.STARTED)


@case(
    "lifecycle.ends.panic-destroyed",
    Level.MUST,
    requirement="destroy() removes an instance that panicked and was kept.",
    source="virDomainDestroy of a crashed domain",
    since="1.0",
    needs=PANICKED,
)
def test_destroy_after_panic(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    instance = driver.spawn(small(guest="panicker", on_crash=Reaction.PRESERVE))
    events.wait(instance.uuid, EventKind.CRASHED)
    driver.destroy(instance.uuid)
    assert world.state(instance.uuid) is None
    assert told_but_pauses(events, instance) == (*MADE, EventKind.CRASHED, EventKind.STOPPED, EventKind.UNDEFINED)


@case(
    "lifecycle.ends.panic-restarted",
    Level.MUST,
    requirement="With on_crash=restart an instance that panicked is booted again in the same run, and never `stopped`.",
    source="https://libvirt.org/formatdomain.html#events-configuration: on_crash",
    since="1.0",
    needs=PANICKED,
)
def test_panic_restarted(driver: ComputeDriver, events: EventCollector, small: Small, world: World) -> None:
    instance = driver.spawn(small(guest="panicker", on_crash=Reaction.RESTART))
    before = domain_of(world, instance.uuid).ID()
    events.wait(instance.uuid, EventKind.CRASHED)
    events.wait(instance.uuid, EventKind.RESUMED)
    assert domain_of(world, instance.uuid).ID() == before
    assert EventKind.STOPPED not in told(events, instance)
