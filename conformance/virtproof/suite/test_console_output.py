"""Logs of consoles: what guests wrote, read through a storage pool.

What belongs here: cases whose ids begin with `console.output`. What does not: consoles as streams (`test_console_stream`).
"""

import time
from collections.abc import Callable
from dataclasses import replace
from threading import Event

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import PoolSpecs, Small
from virtproof.guests.coming_up import await_up
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, SPAWNED, domain_of
from virtproof.suite.talk import GREETING, PATIENCE, TALKER, heard, talking
from virtproof_driver import Capability
from virtproof_driver.constants import ErrorCode
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    DeviceNotFound,
    HypervisorError,
    InstanceNotFound,
    InvalidSpec,
    StoragePoolNotFound,
    VolumeExists,
)
from virtproof_driver.spec import Console, InstanceSpec, PoolSpec, VolumeSpec

LOGGED = SPAWNED | {Capability.CONSOLE_OUTPUT, Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES}
SAID = LOGGED | {Capability.GUESTS, Capability.CONSOLE_STREAM}
LOG = "console.log"


@pytest.fixture
def logs(driver: ComputeDriver, pool_spec: PoolSpecs) -> PoolSpec:
    """A storage pool for logs."""
    spec = pool_spec()
    driver.create_pool(spec)
    return spec


@pytest.fixture
def logged(small: Small, logs: PoolSpec) -> Callable[..., InstanceSpec]:
    """Makes a spec whose console is logged in the pool."""

    def make(name: str = LOG, guest: str | None = TALKER) -> InstanceSpec:
        return small(guest=guest, consoles=(Console(log=f"{logs.target}/{name}"),))

    return make


Logged = Callable[..., InstanceSpec]


def names(driver: ComputeDriver, pool: PoolSpec) -> list[str]:
    """The volumes of a pool, after the host looked again."""
    driver.refresh_pool(pool.name)
    return [volume.name for volume in driver.volumes(pool.name)]


def said(driver: ComputeDriver, spec: InstanceSpec, text: bytes = b"") -> bytes:
    """Spawn, let the guest say its greeting and send back a text; the log."""
    with talking(driver, spec) as console:
        heard(console, GREETING)
        console.write(text)
        heard(console, text)
    return kept(driver, spec, GREETING + text)


def kept(driver: ComputeDriver, spec: InstanceSpec, last: bytes) -> bytes:
    """The log once it ends so: libvirt's virtlogd, between hypervisor and file, comes a little after the guest."""
    deadline = time.monotonic() + PATIENCE
    while not (log := driver.console_output(spec.uuid)).endswith(last):
        assert time.monotonic() < deadline, f"the log does not end in {last!r} but is {log!r}"
        Event().wait(0.02)
    return log


@case(
    "console.output.bytes",
    Level.MUST,
    requirement="console_output() gives what the guest wrote, byte by byte, through the connection.",
    source="https://libvirt.org/formatdomain.html#consoles-serial-parallel-channel-devices: <log>; virStorageVolDownload",
    since="1.0",
    needs=SAID,
)
def test_bytes(driver: ComputeDriver, logged: Logged) -> None:
    spec, text = logged(), bytes(range(256))
    assert said(driver, spec, text).count(GREETING + text) == 1


@case(
    "console.output.tail",
    Level.MUST,
    requirement="`tail` gives as many of the last bytes, or all where there are fewer.",
    source="driver contract: console_output",
    since="1.0",
    needs=SAID,
)
@pytest.mark.parametrize("tail", [1, 7, 4096, 1 << 40])
def test_tail(driver: ComputeDriver, logged: Logged, tail: int) -> None:
    spec = logged()
    everything = said(driver, spec, b"0123456789")
    assert driver.console_output(spec.uuid, tail=tail) == everything[-tail:]


@case(
    "console.output.tail-impossible",
    Level.MUST,
    requirement="A tail of no bytes or fewer is InvalidSpec.",
    source="driver contract: console_output",
    since="1.0",
    needs=LOGGED,
)
@pytest.mark.parametrize("tail", [0, -1])
def test_impossible_tail(driver: ComputeDriver, logged: Logged, tail: int) -> None:
    instance = driver.spawn(logged(guest=None), start=False)
    with pytest.raises(InvalidSpec) as refused:
        driver.console_output(instance.uuid, tail=tail)
    assert refused.value.field == "tail"


@case(
    "console.output.before-start",
    Level.MUST,
    requirement="An instance that never ran has said nothing.",
    source="driver contract: spawn makes the log",
    since="1.0",
    needs=LOGGED,
)
def test_before_the_first_start(driver: ComputeDriver, logged: Logged) -> None:
    instance = driver.spawn(logged(guest=None), start=False)
    assert driver.console_output(instance.uuid) == b""


@case(
    "console.output.off",
    Level.MUST,
    requirement="What a guest said can be read when the instance is off.",
    source="driver contract: console_output",
    since="1.0",
    needs=SAID | {Capability.STOP},
)
def test_off(driver: ComputeDriver, logged: Logged) -> None:
    spec = logged()
    running = said(driver, spec)
    driver.stop(spec.uuid, timeout=0)
    assert driver.console_output(spec.uuid) == running


@case(
    "console.output.started-again",
    Level.MUST,
    requirement="What a guest says after another start follows what it said before.",
    source="https://libvirt.org/formatdomain.html#consoles-serial-parallel-channel-devices: <log append='on'>",
    since="1.0",
    needs=SAID | {Capability.REBOOT_HARD},
)
def test_started_again(driver: ComputeDriver, logged: Logged, world: World) -> None:
    spec = logged()
    before = said(driver, spec, b"first life")
    driver.reboot(spec.uuid, hard=True)
    await_up(domain_of(world, spec.uuid))
    with driver.console(spec.uuid) as console:
        console.write(b"second life")
        heard(console, b"second life")
    log = kept(driver, spec, b"second life")
    assert log.startswith(before)
    assert GREETING in log.removeprefix(before)


@case(
    "console.output.while-open",
    Level.MUST,
    requirement="Reading the log does not disturb an open stream, nor takes anything from it.",
    source="driver contract: console_output",
    since="1.0",
    needs=SAID,
)
def test_while_open(driver: ComputeDriver, logged: Logged) -> None:
    spec = logged()
    with talking(driver, spec) as console:
        heard(console, GREETING)
        console.write(b"one")
        heard(console, b"one")
        assert kept(driver, spec, b"one").endswith(GREETING + b"one")
        console.write(b"two")
        assert heard(console, b"two") == b"two"
        assert kept(driver, spec, b"two").endswith(b"onetwo")


@case(
    "console.output.two-instances",
    Level.MUST,
    requirement="Two instances that log in one pool have two logs.",
    source="driver contract: console_output",
    since="1.0",
    needs=SAID,
)
def test_two_instances(driver: ComputeDriver, logged: Logged, logs: PoolSpec) -> None:
    first, second = logged("first.log"), logged("second.log")
    logs_of = said(driver, first, b"I am the first"), said(driver, second, b"I am the second")
    assert logs_of == (driver.console_output(first.uuid), driver.console_output(second.uuid))
    driver.destroy(first.uuid)
    assert names(driver, logs) == ["second.log"]


@case(
    "console.output.not-logged",
    Level.MUST,
    requirement="An instance whose console is not logged has no output to give: DeviceNotFound.",
    source="driver contract: console_output",
    since="1.0",
    needs=SPAWNED | {Capability.CONSOLE_OUTPUT},
)
def test_not_logged(driver: ComputeDriver, small: Small) -> None:
    instance = driver.spawn(small(consoles=(Console(),)), start=False)
    with pytest.raises(DeviceNotFound) as refused:
        driver.console_output(instance.uuid)
    assert refused.value.key == "console log"


@case(
    "console.output.unknown",
    Level.MUST,
    requirement="The output of an unknown UUID is InstanceNotFound, which names it.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs={Capability.CONSOLE_OUTPUT},
)
def test_unknown(driver: ComputeDriver) -> None:
    with pytest.raises(InstanceNotFound) as refused:
        driver.console_output(NO_SUCH)
    assert refused.value.key == NO_SUCH


@case(
    "console.output.destroy",
    Level.MUST,
    requirement="destroy() deletes the log that spawn made, and nothing beside it; a log that is gone already is no obstacle.",
    source="driver contract: destroy removes all that spawn made",
    since="1.0",
    needs=LOGGED,
)
@pytest.mark.parametrize("gone", [False, True], ids=["there", "gone"])
def test_destroy(driver: ComputeDriver, logged: Logged, logs: PoolSpec, *, gone: bool) -> None:
    instance = driver.spawn(logged(guest=None))
    driver.create_volume(logs.name, VolumeSpec(name=f"{LOG}-kept", capacity_bytes=1))
    assert names(driver, logs) == [LOG, f"{LOG}-kept"]
    if gone:
        driver.delete_volume(logs.name, LOG)
    driver.destroy(instance.uuid)
    assert names(driver, logs) == [f"{LOG}-kept"]


@case(
    "console.output.failed-spawn",
    Level.MUST,
    requirement="A spawn that fails leaves no log.",
    source="driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=LOGGED,
)
def test_failed_spawn(driver: ComputeDriver, logged: Logged, logs: PoolSpec, world: World, faults: Faults) -> None:
    spec = logged(guest=None)
    faults.raise_on("Domain.create", ErrorCode.INTERNAL_ERROR)
    with pytest.raises(HypervisorError) as failed:
        driver.spawn(spec)
    assert failed.value.undone_failures == ()
    assert world.domain(spec.uuid) is None
    assert names(driver, logs) == []


@case(
    "console.output.taken",
    Level.MUST,
    requirement="A file that is there is nobody's log to take: VolumeExists, and it stays as it was.",
    source="driver contract: spawn makes the log",
    since="1.0",
    needs=LOGGED,
)
def test_taken(driver: ComputeDriver, logged: Logged, logs: PoolSpec, world: World) -> None:
    before = driver.create_volume(logs.name, VolumeSpec(name=LOG, capacity_bytes=4096))
    spec = logged(guest=None)
    with pytest.raises(VolumeExists) as refused:
        driver.spawn(spec)
    assert refused.value.key == LOG
    assert world.domain(spec.uuid) is None
    assert driver.volume(logs.name, LOG) == before


@case(
    "console.output.no-pool",
    Level.MUST,
    requirement="A log outside every active pool is InvalidSpec, which names the field, and nothing is made.",
    source="driver contract: a log's folder is the target of an active storage pool",
    since="1.0",
    needs=LOGGED,
)
@pytest.mark.parametrize("pool", ["none", "stopped"])
def test_no_pool(driver: ComputeDriver, logged: Logged, logs: PoolSpec, world: World, pool: str) -> None:
    driver.stop_pool(logs.name)
    spec = logged(guest=None)
    if pool == "none":
        spec = replace(spec, consoles=(Console(log=f"{logs.target}/deeper/{LOG}"),))
    with pytest.raises(InvalidSpec) as refused:
        driver.spawn(spec)
    assert refused.value.field == "consoles.log"
    assert world.domain(spec.uuid) is None


@case(
    "console.output.pool-stopped",
    Level.MUST,
    requirement="While the log's pool is not active its output is StoragePoolNotFound; it is there again with the pool.",
    source="virStoragePoolLookupByTargetPath finds active pools only (11.3.0)",
    since="1.0",
    needs=SAID,
)
def test_pool_stopped(driver: ComputeDriver, logged: Logged, logs: PoolSpec) -> None:
    spec = logged()
    said(driver, spec, b"kept")
    driver.stop_pool(logs.name)
    with pytest.raises(StoragePoolNotFound) as refused:
        driver.console_output(spec.uuid)
    assert refused.value.key == logs.target
    driver.start_pool(logs.name)
    assert driver.console_output(spec.uuid, tail=4) == b"kept"


@case(
    "console.output.spec",
    Level.MUST,
    requirement="spec() gives the log that the instance was spawned with, running or off.",
    source="driver contract: spec",
    since="1.0",
    needs=LOGGED,
)
@pytest.mark.parametrize("start", [True, False], ids=["running", "off"])
def test_spec(driver: ComputeDriver, logged: Logged, *, start: bool) -> None:
    spec = logged(guest=None)
    driver.spawn(spec, start=start)
    assert driver.spec(spec.uuid).consoles == spec.consoles
