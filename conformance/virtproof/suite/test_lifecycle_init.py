"""The first program of a container: how it is started, and what its end means.

What belongs here: cases whose ids begin with `lifecycle.init`. What does not: ends that every guest has (`test_lifecycle_ends`).
"""

from dataclasses import replace
from functools import partial
from uuid import UUID

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.reachable import spawn_heard, start_heard
from virtproof.recording.collector import EventCollector
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, domain_of, state_of
from virtproof.suite.talk import SHELL, Shell, heard, shell, talking
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState, ErrorCode, ErrorDomain
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import HypervisorError, InvalidSpec, InvalidState
from virtproof_driver.spec import Init, InstanceSpec
from virtproof_driver.values import EventKind, Instance, PowerState, StopOutcome

CONTAINER = SPAWNED | {Capability.FILESYSTEM_DIRECTORY, Capability.GUESTS, Capability.EVENTS_LIFECYCLE}
TALKING = SHELL | {Capability.EVENTS_LIFECYCLE}
NASTY = ("-c", "exit", "two words", "<&>\"'", "$HOME", "é", "-")
PID_UNKNOWN = "Init process ID is not yet known"
ALWAYS = 1000  # a driver may ask more than once, since the host may learn it yet


def runs(spec: InstanceSpec, script: str) -> InstanceSpec:
    """The same container with a shell script as its first program."""
    return replace(spec, init=Init(path="/bin/sh", arguments=("-c", script)))


def kinds(events: EventCollector, uuid: UUID) -> list[EventKind]:
    """What the listener heard of an instance, after it was made."""
    made = {EventKind.DEFINED, EventKind.STARTED}
    return [event.kind for event in events.of(uuid) if event.kind not in made]


@case(
    "lifecycle.init.arguments",
    Level.MUST,
    requirement="The first program gets each argument as it is, in order, and is process 1.",
    source="https://libvirt.org/formatdomain.html#container-boot: initarg",
    since="1.0",
    needs=TALKING,
)
def test_arguments(driver: ComputeDriver, small: Small) -> None:
    spec = replace(small(), init=Init(path="/bin/sh", arguments=("-c", "tr '\\0' '|' </proc/1/cmdline; echo; cat", *NASTY)))
    with talking(driver, spec) as console:
        told = heard(console, b"|-|\r\n").decode()
    assert told == "|".join(("/bin/sh", "-c", "tr '\\0' '|' </proc/1/cmdline; echo; cat", *NASTY)) + "|\r\n"
    assert driver.spec(spec.uuid).init == spec.init


@case(
    "lifecycle.init.environment",
    Level.MUST,
    requirement="The first program gets each variable as it is.",
    source="https://libvirt.org/formatdomain.html#container-boot: initenv",
    since="1.0",
    needs=TALKING,
)
def test_environment(driver: ComputeDriver, small: Small) -> None:
    variables = (("FIRST", "one"), ("SECOND", "two words >\"' $HOME"), ("_THIRD3", "é"))
    script = 'echo "[$FIRST][$SECOND][$_THIRD3]"; cat'
    spec = replace(small(), init=Init(path="/bin/sh", arguments=("-c", script), environment=variables))
    with talking(driver, spec) as console:
        assert heard(console, b"]\r\n") == b"[one][two words >\"' $HOME][" + "é".encode() + b"]\r\n"
    assert driver.spec(spec.uuid).init == spec.init


@case(
    "lifecycle.init.environment-impossible",
    Level.MUST,
    requirement="A variable that libvirt would lose or write wrongly is InvalidSpec, and nothing is made.",
    source="libvirt's LXC driver writes <initenv> unescaped: 35/20 for '<' and '&', 27/20 for an empty one (11.3.0)",
    since="1.0",
    needs=SPAWNED | {Capability.FILESYSTEM_DIRECTORY},
)
@pytest.mark.parametrize("value", ["", "a<b", "a&b", "</initenv><initenv name='X'>"], ids=["empty", "less", "and", "element"])
def test_impossible_environment(driver: ComputeDriver, small: Small, world: World, value: str) -> None:
    spec = replace(small(), init=Init(path="/bin/sh", environment=(("NAME", value),)))
    with pytest.raises(InvalidSpec) as refused:
        driver.spawn(spec)
    assert refused.value.field == "init.environment"
    assert world.domain(spec.uuid) is None


@case(
    "lifecycle.init.missing",
    Level.MUST,
    requirement="A spawn whose first program is not there fails by the host's own error, starts nothing and leaves nothing.",
    source="libvirt_lxc refuses to start: 1/17, without an event (measured on libvirt 9.0.0 and 11.3.0)",
    since="1.0",
    needs=CONTAINER,
)
def test_missing(driver: ComputeDriver, small: Small, world: World, events: EventCollector) -> None:
    spec = replace(small(), init=Init(path="/no/such/program"))
    with pytest.raises(HypervisorError) as failed:
        driver.spawn(spec)
    assert failed.value.undone_failures == ()
    assert world.domain(spec.uuid) is None
    events.settle()
    assert EventKind.STARTED not in [event.kind for event in events.of(spec.uuid)]


@case(
    "lifecycle.init.missing-later",
    Level.MUST,
    requirement="A start that fails leaves the instance off, as it was, and it starts once the trouble is over.",
    source="libvirt_lxc refuses to start: 1/17, state [5, 6] (measured on libvirt 11.3.0)",
    since="1.0",
    needs=CONTAINER | {Capability.START},
)
def test_missing_at_start(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = replace(small(), init=Init(path="/no/such/program"))
    instance = driver.spawn(spec, start=False)
    for _ in range(2):
        with pytest.raises(HypervisorError):
            driver.start(spec.uuid)
        assert state_of(world, instance) == DomainState.SHUTOFF
    driver.destroy(spec.uuid)
    assert driver.spawn(small()).state is PowerState.RUNNING


@case(
    "lifecycle.init.exits",
    Level.MUST,
    requirement="The end of the first program is the end of the instance, whatever its exit code: one stopped event, no failure.",
    source="(0, 5, 0) and [5, 1] for exit codes 0 and 3 (measured on libvirt 9.0.0 and 11.3.0)",
    since="1.0",
    needs=CONTAINER | {Capability.START},
)
@pytest.mark.parametrize("code", [0, 3, 255])
def test_exits(driver: ComputeDriver, small: Small, world: World, events: EventCollector, code: int) -> None:
    uuid = spawn_heard(driver, lambda: runs(small(), f"sleep 0.3; exit {code}"), world).uuid
    events.wait(uuid, EventKind.STOPPED)
    assert world.state(uuid) == (DomainState.SHUTOFF, 1)
    assert driver.instance(uuid).state is PowerState.OFF
    assert [event.reason for event in events.of(uuid) if event.kind is EventKind.STOPPED] == ["shutdown"]
    assert start_heard(driver, uuid, world).uuid == uuid
    events.settle()
    events.wait(uuid, EventKind.STOPPED, count=events.kinds(uuid).count(EventKind.STARTED))


@case(
    "lifecycle.init.switches-off",
    Level.MUST,
    requirement="A guest that switches its container off from a shell ends it: one stopped event, and the definition stays.",
    source="(0, 5, 0) after poweroff -f and halt -f (measured on libvirt 9.0.0 and 11.3.0)",
    since="1.0",
    needs=TALKING,
)
@pytest.mark.parametrize("command", ["poweroff -f", "halt -f"])
def test_switches_off(driver: ComputeDriver, small: Small, world: World, events: EventCollector, command: str) -> None:
    uuid = spawn_heard(driver, partial(small, guest="obedient"), world).uuid
    with driver.console(uuid) as console:
        Shell(console).begin(command)
        events.wait(uuid, EventKind.STOPPED)
    assert kinds(events, uuid) == [EventKind.STOPPED]
    assert driver.instance(uuid).state is PowerState.OFF


@case(
    "lifecycle.init.restarts",
    Level.MUST,
    requirement="A guest that restarts its container from a shell runs anew: one rebooted event, and no stopped one.",
    source="event REBOOT after reboot -f (measured on libvirt 9.0.0 and 11.3.0)",
    since="1.0",
    needs=TALKING | {Capability.EVENTS_REBOOT},
)
def test_restarts(driver: ComputeDriver, small: Small, world: World, events: EventCollector) -> None:
    uuid = spawn_heard(driver, partial(small, guest="obedient"), world).uuid
    with driver.console(uuid) as console:
        Shell(console).begin("reboot -f")
        events.wait(uuid, EventKind.REBOOTED)
    with driver.console(uuid) as console:
        Shell(console).output("true")
    assert kinds(events, uuid) == [EventKind.REBOOTED]
    assert driver.instance(uuid).state is PowerState.RUNNING


@case(
    "lifecycle.init.reboot",
    Level.MUST,
    requirement="reboot() makes the first program restart its container: its memory of before is gone, its files are not.",
    source="virDomainReboot with VIR_DOMAIN_REBOOT_SIGNAL sends HUP; others do nothing (libvirt 9.0.0, 11.3.0)",
    since="1.0",
    needs=TALKING | {Capability.REBOOT, Capability.EVENTS_REBOOT},
)
def test_reboot(driver: ComputeDriver, small: Small, world: World, events: EventCollector) -> None:
    instance = spawn_heard(driver, partial(small, guest="obedient"), world)
    mark = f"/tmp/{instance.name}"  # noqa: S108 - a path in the container
    with driver.console(instance.uuid) as console:
        Shell(console).output(f"echo kept >{mark}; mkdir -p /dev/gone")
    driver.reboot(instance.uuid)
    with driver.console(instance.uuid) as console:
        again = Shell(console)
        assert again.output(f"cat {mark}; rm {mark}") == "kept\n"
        assert again.run("test -e /dev/gone")[0] != 0
    assert kinds(events, instance.uuid) == [EventKind.REBOOTED]


@case(
    "lifecycle.init.stop",
    Level.MUST,
    requirement="stop() asks the first program by a signal and waits for its end; one that ignores it is forced off.",
    source="virDomainShutdownFlags: only SIGNAL reaches a container, as TERM (measured on libvirt 9.0.0 and 11.3.0)",
    since="1.0",
    needs=CONTAINER | {Capability.STOP, Capability.STOP_GRACEFUL, Capability.CONSOLE_STREAM},
)
@pytest.mark.parametrize(("guest", "outcome"), [("obedient", StopOutcome.GRACEFUL), ("deaf", StopOutcome.FORCED)])
def test_stop(driver: ComputeDriver, small: Small, world: World, guest: str, outcome: StopOutcome) -> None:
    uuid = spawn_heard(driver, partial(small, guest=guest), world).uuid
    with driver.console(uuid) as console:
        heard(console, f"virtproof {guest}\r\n".encode())
    assert driver.stop(uuid, timeout=10 if guest == "obedient" else 0.5) is outcome
    assert world.state(uuid) == (DomainState.SHUTOFF, 1 if outcome is StopOutcome.GRACEFUL else 2)


@case(
    "lifecycle.init.unknown-process",
    Level.MUST,
    requirement="Where the host cannot tell which process is the first, reboot() is a typed error, and stop() forces.",
    source='55/17 "Init process ID is not yet known", 2 of 45 starts on libvirt 9.0.0',
    since="1.0",
    needs=CONTAINER | {Capability.STOP, Capability.STOP_GRACEFUL, Capability.REBOOT},
)
def test_unknown_process(driver: ComputeDriver, small: Small, world: World, faults: Faults) -> None:
    unknown = (ErrorCode.OPERATION_INVALID, ErrorDomain.LXC, PID_UNKNOWN)
    instance = driver.spawn(small(guest="obedient"))
    faults.raise_on("Domain.reboot", *unknown, times=ALWAYS)
    faults.raise_on("Domain.shutdown", *unknown, times=ALWAYS)
    with pytest.raises((InvalidState, HypervisorError)) as refused:
        driver.reboot(instance.uuid)
    assert PID_UNKNOWN in str(refused.value)
    assert state_of(world, instance) == DomainState.RUNNING
    assert driver.stop(instance.uuid, timeout=10) is StopOutcome.FORCED
    assert state_of(world, instance) == DomainState.SHUTOFF


@case(
    "lifecycle.init.process-known-late",
    Level.SHOULD,
    requirement="Where the host learns soon after the start which process is the first, stop() reaches it all the same.",
    source="17 of 60 starts told the process 10 to 50 ms late (libvirt 11.3.0); no event tells when",
    since="1.0",
    needs=CONTAINER | {Capability.STOP, Capability.STOP_GRACEFUL},
)
def test_process_known_late(driver: ComputeDriver, up_instance: Instance, world: World, faults: Faults) -> None:
    unknown = (ErrorCode.OPERATION_INVALID, ErrorDomain.LXC, PID_UNKNOWN)
    faults.raise_on("Domain.shutdown", *unknown, times=2)
    assert driver.stop(up_instance.uuid, timeout=10) is StopOutcome.GRACEFUL
    assert state_of(world, up_instance) == DomainState.SHUTOFF


@case(
    "lifecycle.init.two",
    Level.MUST,
    requirement="Each container has processes of its own: a shell in one sees none of the other's.",
    source="pid_namespaces(7)",
    since="1.0",
    needs=TALKING,
)
def test_two(driver: ComputeDriver, small: Small) -> None:
    first, second = small(guest="obedient"), small(guest="obedient")
    with shell(driver, first) as one, shell(driver, second) as other:
        one.output("sleep 4321 & until ps -o args | grep -q '[s]leep 4321'; do :; done")  # a moment long it is a shell still
        assert "sleep 4321" in one.output("ps -o args")
        assert "sleep 4321" not in other.output("ps -o args")


@case(
    "lifecycle.init.hostname",
    Level.SHOULD,
    requirement="A container carries its instance's name and UUID in its environment.",
    source="https://libvirt.org/drvlxc.html: LIBVIRT_LXC_NAME, LIBVIRT_LXC_UUID",
    since="1.0",
    needs=TALKING,
)
def test_identity(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = small(guest="obedient")
    with shell(driver, spec) as guest:
        assert guest.output('echo "$LIBVIRT_LXC_NAME $LIBVIRT_LXC_UUID"') == f"{spec.name} {spec.uuid}\n"
    assert domain_of(world, spec.uuid).name() == spec.name


@case(
    "lifecycle.init.silent",
    Level.MUST,
    requirement="A container that says much before anybody listens is not held up in its start, and says all of it.",
    source="pty(7): a pseudo-terminal makes its writer wait",
    since="1.0",
    needs=TALKING,
)
def test_says_much_at_once(driver: ComputeDriver, small: Small) -> None:
    spec = runs(small(), "seq 20000; echo the end; cat")
    assert driver.spawn(spec).state is PowerState.RUNNING
    with driver.console(spec.uuid) as console:
        told = heard(console, b"the end\r\n").split()
    assert told[:20000] == [str(number).encode() for number in range(1, 20001)]
