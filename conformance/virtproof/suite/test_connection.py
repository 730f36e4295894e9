"""Connection: what a driver does when its host cannot be reached, goes away, and comes back.

What belongs here: cases whose ids begin with `connection`. What does not: what listeners are told of an outage
(`test_connection_resync`), and a host that is silent (`test_connection_keepalive`). Each of these cases has a daemon for itself.
How libvirt words the end differs by transport (a killed daemon is reason 1 over unix, 0 over tcp), so no case asks for it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.evidence import Kind
from virtproof.fixtures import Connect, Small
from virtproof.foreign import foreign_domain
from virtproof.lanes.model import DaemonControl
from virtproof.recording.collector import EventCollector
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import LOST, SPAWNED, await_host, domain_of, state_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import ConnectionLost, HostUnreachable, InstanceNotFound, InvalidSpec
from virtproof_driver.values import EventKind, Instance, PowerState

BREAKABLE = SPAWNED | {Capability.CONNECTION_RECONNECT}
PAUSED = BREAKABLE | {Capability.PAUSE}
HEARD = BREAKABLE | {Capability.EVENTS_LIFECYCLE}
CYCLES = 10
PROMPT_SECONDS = 10  # how long something may take that takes milliseconds

BREAKS: dict[str, tuple[Callable[[DaemonControl], None], Callable[[DaemonControl], None]]] = {
    "cut": (lambda daemon: daemon.cut(), lambda daemon: daemon.mend()),
    "killed": (lambda daemon: daemon.kill(), lambda daemon: daemon.start()),
    "stopped": (lambda daemon: daemon.stop(), lambda daemon: daemon.start()),
}
QUICKEST = ("cut", "killed")


class Outage:
    """One way in which the host goes away and comes back."""

    def __init__(self, daemon: DaemonControl, how: str) -> None:
        self._daemon = daemon
        self._begin, self._end = BREAKS[how]

    def begin(self) -> None:
        """The host goes."""
        self._begin(self._daemon)

    def end(self) -> None:
        """It is back."""
        self._end(self._daemon)


@pytest.fixture
def outage(daemon: DaemonControl, request: pytest.FixtureRequest) -> Outage:
    """The outage of the case's parameter."""
    return Outage(daemon, request.param)


def calls(context: CaseContext, method: str) -> int:
    """How often the driver called a method of libvirt."""
    return sum(record.data["method"] == method for record in context.recorder.records(Kind.CALL))


# --- no host ----------------------------------------------------------------------------------------------------------


@case(
    "connection.uri.malformed",
    Level.MUST,
    requirement="An address that leads nowhere is told at once, by a typed error that quotes it.",
    source="virConnectOpen: errors 1, 8 and 38 of several domains (measured, libvirt 9.0.0)",
    since="1.0",
    needs=(),
)
@pytest.mark.parametrize(
    "address",
    [
        pytest.param("words", id="words"),
        pytest.param("://", id="empty"),
        pytest.param("nobody+unix://[::1/default", id="bracket"),
        pytest.param("nobody+carrier-pigeon:///default", id="transport"),
        pytest.param("nobody+tcp://127.0.0.1:1/default", id="port"),
    ],
)
def test_an_address_that_leads_nowhere(connect: Connect, address: str) -> None:
    with pytest.raises((HostUnreachable, InvalidSpec)) as refused:
        connect(address)
    assert address in str(refused.value)


@case(
    "connection.opening.unreachable",
    Level.MUST,
    requirement="Connecting to a host that is down is HostUnreachable at once, and names the address.",
    source="libvirt error 38 of domain 7 (measured, libvirt 9.0.0)",
    since="1.0",
    needs={Capability.CONNECTION_RECONNECT},
)
@pytest.mark.parametrize("outage", QUICKEST, indirect=True)
def test_connecting_to_a_host_that_is_down(connect: Connect, outage: Outage, uri: str) -> None:
    outage.begin()
    with pytest.raises(HostUnreachable) as refused:
        connect()
    assert refused.value.uri == uri
    assert uri in str(refused.value)


# --- while the host is away -------------------------------------------------------------------------------------------


@case(
    "connection.lost.typed",
    Level.MUST,
    requirement="When the host goes away, operations end with ConnectionLost or HostUnreachable, and soon.",
    source="libvirt errors 1 and 38 of domains 7 and 13; the old connection never heals (measured, libvirt 9.0.0)",
    since="1.0",
    needs=PAUSED | {Capability.HOST_INFO},
)
@pytest.mark.parametrize("outage", BREAKS, indirect=True)
def test_operations_while_the_host_is_away(driver: ComputeDriver, instance: Instance, outage: Outage, uri: str) -> None:
    outage.begin()
    acts: tuple[Callable[[], object], ...] = (
        lambda: driver.pause(instance.uuid),
        driver.host,
        driver.instances,
        lambda: driver.instance(instance.uuid),
        lambda: driver.destroy(instance.uuid),
    )
    with ThreadPoolExecutor(1) as pool:
        errors = [pool.submit(act).exception(timeout=PROMPT_SECONDS) for act in acts]
    assert [type(error) for error in errors if not isinstance(error, LOST)] == []
    assert isinstance(errors[-1], HostUnreachable)
    assert errors[-1].uri == uri


@case(
    "connection.lost.wait-ends",
    Level.MUST,
    requirement="A wait that is under way when the host goes away ends with ConnectionLost at once, not at its deadline.",
    source="driver contract: waits end by the event, the deadline or a lost connection; virConnectRegisterCloseCallback",
    since="1.0",
    needs=BREAKABLE | {Capability.STOP, Capability.STOP_GRACEFUL},
)
@pytest.mark.parametrize("outage", QUICKEST, indirect=True)
def test_a_wait_under_way_ends(
    driver: ComputeDriver, instance: Instance, outage: Outage, faults: Faults, virtproof_case: CaseContext
) -> None:
    faults.swallow("shutdown")
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(driver.stop, instance.uuid, timeout=50)
        assert virtproof_case.recorder.wait_for(bool, (Kind.FAULT,), PROMPT_SECONDS)
        outage.begin()
        assert isinstance(stopping.exception(timeout=PROMPT_SECONDS), ConnectionLost)


@case(
    "connection.lost.not-retried",
    Level.MUST,
    requirement="A change that was under way when the connection broke is ConnectionLost, and is not made again.",
    source="driver contract: whether a change that was under way took effect is not known",
    since="1.0",
    needs=PAUSED,
)
def test_a_change_is_not_made_again(
    driver: ComputeDriver, instance: Instance, daemon: DaemonControl, faults: Faults, virtproof_case: CaseContext
) -> None:
    def flicker() -> None:
        daemon.cut()
        daemon.mend()

    faults.before("suspend", flicker)
    with pytest.raises(ConnectionLost):
        driver.pause(instance.uuid)
    await_host(driver)
    assert driver.instance(instance.uuid).state is PowerState.RUNNING
    assert calls(virtproof_case, "suspend") == 1
    assert driver.pause(instance.uuid).state is PowerState.PAUSED


@case(
    "connection.lost.answer",
    Level.MUST,
    requirement="A change that took effect as the connection broke is seen afterwards, and told once.",
    source="driver contract: after ConnectionLost the state is the host's; changes missed are delivered exactly once",
    since="1.0",
    needs=PAUSED | HEARD,
)
def test_a_change_whose_answer_was_lost(
    driver: ComputeDriver, events: EventCollector, small: Small, daemon: DaemonControl, faults: Faults
) -> None:
    spec = small()
    driver.spawn(spec)
    events.settle()
    faults.after("suspend", daemon.cut)
    with suppress(*LOST):  # its event may have come just before
        driver.pause(spec.uuid)
    daemon.mend()
    assert events.wait(spec.uuid, EventKind.PAUSED).name == spec.name
    await_host(driver)
    assert driver.instance(spec.uuid).state is PowerState.PAUSED
    events.settle()
    assert events.kinds(spec.uuid) == (EventKind.DEFINED, EventKind.STARTED, EventKind.PAUSED)


@case(
    "connection.lost.close",
    Level.MUST,
    requirement="close() during an outage returns soon and leaves no thread, callback or connection.",
    source="driver contract: close",
    since="1.0",
    needs=HEARD,
)
@pytest.mark.parametrize("outage", QUICKEST, indirect=True)
def test_close_while_the_host_is_away(driver: ComputeDriver, events: EventCollector, outage: Outage) -> None:
    assert events.all() == ()
    outage.begin()
    with pytest.raises(LOST):
        driver.instances()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(driver.close).result(timeout=PROMPT_SECONDS)


# --- when it is back --------------------------------------------------------------------------------------------------


@case(
    "connection.restart.reconnects",
    Level.MUST,
    requirement="When the host is back the driver reconnects by itself: listeners hear events again, each once.",
    source="driver contract: reconnect with re-registration; kubevirt#194, nomad-driver-virt#104 (callbacks were lost)",
    since="1.0",
    needs=HEARD,
)
@pytest.mark.parametrize("outage", BREAKS, indirect=True)
def test_events_flow_again(driver: ComputeDriver, events: EventCollector, outage: Outage, small: Small, world: World) -> None:
    outage.begin()
    outage.end()
    spec = small()
    with foreign_domain(world, spec, start=False):
        events.wait(spec.uuid, EventKind.DEFINED, timeout=20)
    events.settle()
    assert events.kinds(spec.uuid) == (EventKind.DEFINED, EventKind.UNDEFINED)
    assert driver.spawn(small()).state is PowerState.RUNNING


@case(
    "connection.restart.operations",
    Level.MUST,
    requirement="After an outage operations work on instances that the driver knew before it.",
    source="a libvirt handle belongs to its connection, and never works again when that broke (measured, libvirt 9.0.0)",
    since="1.0",
    needs=PAUSED | {Capability.STOP, Capability.START},
)
def test_operations_after_an_outage(driver: ComputeDriver, instance: Instance, daemon: DaemonControl, world: World) -> None:
    daemon.cut()
    daemon.mend()
    await_host(driver)
    assert driver.pause(instance.uuid).state is PowerState.PAUSED
    assert driver.unpause(instance.uuid).state is PowerState.RUNNING
    driver.stop(instance.uuid, timeout=0)
    assert driver.start(instance.uuid).state is PowerState.RUNNING
    assert state_of(world, instance) == DomainState.RUNNING


@case(
    "connection.restart.read",
    Level.SHOULD,
    requirement="A read after a short outage does not fail: it is made again on the next connection.",
    source="driver contract: reads are idempotent, and are retried once when the host can be reached again",
    since="1.0",
    needs=BREAKABLE,
)
def test_a_read_is_made_again(driver: ComputeDriver, instance: Instance, daemon: DaemonControl) -> None:
    daemon.cut()
    daemon.mend()
    assert driver.instance(instance.uuid) == instance


@case(
    "connection.restart.gone",
    Level.MUST,
    requirement="An instance that was removed during an outage is InstanceNotFound afterwards, and listed no more.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs=BREAKABLE,
)
def test_gone_meanwhile(
    driver: ComputeDriver, off_instance: Instance, instance: Instance, daemon: DaemonControl, world: World
) -> None:
    daemon.cut()
    domain_of(world, off_instance.uuid).undefineFlags(0)
    daemon.mend()
    await_host(driver)
    with pytest.raises(InstanceNotFound) as refused:
        driver.instance(off_instance.uuid)
    assert refused.value.key == str(off_instance.uuid)
    listed = [one.uuid for one in driver.instances()]
    assert off_instance.uuid not in listed
    assert instance.uuid in listed


@case(
    "connection.restart.subscribed-meanwhile",
    Level.MUST,
    requirement="A listener that subscribes during an outage hears what happens after it.",
    source="driver contract: subscribe; registration belongs to the driver, not to a connection",
    since="1.0",
    needs=HEARD,
)
def test_subscribing_while_the_host_is_away(
    driver: ComputeDriver, daemon: DaemonControl, small: Small, world: World, virtproof_case: CaseContext
) -> None:
    daemon.cut()
    with pytest.raises(LOST):
        driver.instances()
    events = EventCollector(virtproof_case.recorder).attach(driver, world)
    daemon.mend()
    await_host(driver)
    spec = small()
    driver.spawn(spec)
    driver.destroy(spec.uuid)
    events.settle()
    assert events.kinds(spec.uuid) == (EventKind.DEFINED, EventKind.STARTED, EventKind.STOPPED, EventKind.UNDEFINED)
    events.detach()


@case(
    "connection.restart.many",
    Level.MUST,
    requirement="Many outages are each overcome: changes of each are told once, and nothing piles up.",
    source="driver contract: reconnect; callbacks, connections and threads of lost connections are given up",
    since="1.0",
    needs=HEARD,
)
def test_many_outages(events: EventCollector, daemon: DaemonControl, small: Small, world: World) -> None:
    spec = small()
    with foreign_domain(world, spec, start=False) as domain:
        events.settle()
        for number in range(1, CYCLES + 1):
            daemon.cut()
            domain.create()
            daemon.mend()
            events.wait(spec.uuid, EventKind.STARTED, count=number)
            domain.destroy()
            events.wait(spec.uuid, EventKind.STOPPED, count=number)
    events.settle()
    changes = (EventKind.STARTED, EventKind.STOPPED) * CYCLES
    assert events.kinds(spec.uuid) == (EventKind.DEFINED, *changes, EventKind.UNDEFINED)
