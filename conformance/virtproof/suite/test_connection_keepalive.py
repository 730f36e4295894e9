"""Keepalive: a host that is silent is noticed in time, one that is only slow is not given up.

What belongs here: cases whose ids begin with `connection.keepalive`. What does not: a host that breaks the connection
(`test_connection`). Each case freezes a daemon of its own; times are whole seconds, because libvirt's are.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.evidence import Kind
from virtproof.fixtures import Connect, Small
from virtproof.lanes.model import DaemonControl
from virtproof.recording.collector import EventCollector
from virtproof.recording.world import World
from virtproof.suite.common import LOST, SPAWNED, await_host
from virtproof_driver import Capability, Keepalive
from virtproof_driver.errors import ConnectionLost, HostUnreachable
from virtproof_driver.values import EventKind, PowerState

SILENT = frozenset({Capability.CONNECTION_KEEPALIVE, Capability.INVENTORY})
QUICK = Keepalive(interval=1, count=1)
MARGIN = 3.0  # seconds; what a busy machine may take on top


def outcome(daemon: DaemonControl, act: Callable[[], object], seconds: float) -> tuple[BaseException | None, float]:
    """What an act on a frozen daemon raised and how many seconds it took; the daemon goes on afterwards.

    Raises TimeoutError when it did not end in so many seconds.
    """
    with ThreadPoolExecutor(1) as pool:
        daemon.freeze()
        begin = time.monotonic()
        try:
            error = pool.submit(act).exception(timeout=seconds)
            return error, time.monotonic() - begin
        finally:
            daemon.thaw()  # also so that the act ends, and the pool with it


@case(
    "connection.keepalive.frozen-daemon",
    Level.MUST,
    requirement="A daemon that stops answering is ConnectionLost within interval x (count + 1) seconds, and not at once.",
    source="SIGSTOP with keepalive 1 s x 2: calls fail after 3.0 s with error 1 of domain 7 (measured, libvirt 9.0.0)",
    since="1.0",
    needs=SILENT | SPAWNED | {Capability.PAUSE},
)
def test_a_frozen_daemon(connect: Connect, daemon: DaemonControl, small: Small) -> None:
    keepalive = Keepalive(interval=1, count=2)
    driver = connect(keepalive=keepalive)
    instance = driver.spawn(small())
    within = keepalive.interval * (keepalive.count + 1)
    error, seconds = outcome(daemon, lambda: driver.pause(instance.uuid), within + MARGIN)
    assert isinstance(error, ConnectionLost)
    assert 1 < seconds < within + MARGIN


@case(
    "connection.keepalive.heals",
    Level.MUST,
    requirement="When a silent daemon goes on, the driver is connected again, and its listeners hear what happens.",
    source="the old connection never heals; a new one is made (measured, libvirt 9.0.0)",
    since="1.0",
    needs=SILENT | SPAWNED | {Capability.EVENTS_LIFECYCLE, Capability.PAUSE},
)
def test_it_heals(connect: Connect, daemon: DaemonControl, small: Small, world: World, virtproof_case: CaseContext) -> None:
    driver = connect(keepalive=QUICK)
    events = EventCollector(virtproof_case.recorder).attach(driver, world)
    instance = driver.spawn(small())
    error, _ = outcome(daemon, lambda: driver.pause(instance.uuid), 10)
    assert isinstance(error, LOST)
    await_host(driver)
    spec = small()
    driver.spawn(spec)
    events.settle()
    assert events.kinds(spec.uuid) == (EventKind.DEFINED, EventKind.STARTED)
    events.detach()


@case(
    "connection.keepalive.patience",
    Level.MUST,
    requirement="A daemon that is silent for a shorter time than that is waited for: no error, and the same connection.",
    source="virConnectSetKeepAlive: count messages without an answer close the connection, fewer do not",
    since="1.0",
    needs=SILENT | SPAWNED,
)
def test_a_slow_daemon(connect: Connect, daemon: DaemonControl, small: Small, virtproof_case: CaseContext) -> None:
    driver, spec = connect(keepalive=Keepalive(interval=1, count=5)), small()
    with ThreadPoolExecutor(1) as pool:
        daemon.freeze()
        try:
            spawning: Future[object] = pool.submit(driver.spawn, spec)
            with pytest.raises(NotYet):
                spawning.result(timeout=1.2)
        finally:
            daemon.thaw()
        spawned = spawning.result(timeout=10)
    assert driver.instance(getattr(spawned, "uuid", "")).state is PowerState.RUNNING
    openings = [record for record in virtproof_case.recorder.records(Kind.CALL) if str(record.data["method"]).startswith("open")]
    assert len(openings) == 1


@case(
    "connection.keepalive.opening",
    Level.MUST,
    requirement="Connecting to a daemon that accepts and never answers is HostUnreachable in the end, and names the address.",
    source="virConnectOpen has no deadline: a stopped daemon accepts on its socket and never answers (measured, libvirt 9.0.0)",
    since="1.0",
    needs=SILENT,
)
def test_connecting_to_a_frozen_daemon(connect: Connect, daemon: DaemonControl, uri: str) -> None:
    error, _ = outcome(daemon, lambda: connect(keepalive=QUICK), 15)
    assert isinstance(error, HostUnreachable)
    assert error.uri == uri


@case(
    "connection.keepalive.close",
    Level.MUST,
    requirement="close() returns although the daemon is silent, and leaves nothing when the daemon goes on.",
    source="deregistering and closing ask the daemon, which does not answer",
    since="1.0",
    needs=SILENT,
)
def test_close_while_it_is_silent(connect: Connect, daemon: DaemonControl) -> None:
    driver = connect(keepalive=QUICK)
    driver.instances()
    error, seconds = outcome(daemon, driver.close, 15)
    assert error is None
    assert seconds < 15


@case(
    "connection.keepalive.off",
    Level.SHOULD,
    requirement="With an interval of 0 no keepalive is sent, and the driver works.",
    source="virConnectSetKeepAlive: an interval of 0 disables it",
    since="1.0",
    needs=SILENT,
)
def test_without_keepalive(connect: Connect, daemon: DaemonControl) -> None:
    driver = connect(keepalive=Keepalive(interval=0, count=0))
    assert driver.instances() is not None
    daemon.cut()
    with pytest.raises(LOST):
        driver.instances()
    daemon.mend()
    await_host(driver)
