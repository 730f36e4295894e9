"""Consoles as two-way streams: what is typed, what is said, and how a stream ends.

What belongs here: cases whose ids begin with `console.stream`. What does not: logs of consoles (`test_console_output`)
and who else has one open (`test_console_exclusive`).
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.lanes.model import DaemonControl
from virtproof.reachable import spawn_heard
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, SPAWNED, state_of
from virtproof.suite.talk import GREETING, PATIENCE, SHELL, TALKED, TALKER, ending, greeted, heard, shell, talking
from virtproof_driver import Capability
from virtproof_driver.constants import DomainEvent, DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    ConnectionLost,
    ConsoleEnded,
    DriverClosed,
    InstanceNotFound,
    InvalidState,
    OperationTimeout,
)
from virtproof_driver.spec import Console
from virtproof_driver.values import ConsoleEnd, Instance

SILENCE = 0.3  # seconds; long enough for what a guest sends back at once
TYPED = {
    "word": b"ping",
    "controls": bytes(range(32)),
    "every-byte": bytes(range(256)),
    "lines": b"one\ntwo\rthree\r\n",
    "kilobytes": bytes(range(256)) * 8,
}


@case(
    "console.stream.echo",
    Level.MUST,
    requirement="Each byte that is typed reaches the guest, and each byte that it sends back is read, in order and unchanged.",
    source="virDomainOpenConsole; https://libvirt.org/html/libvirt-libvirt-stream.html: both directions of a stream",
    since="1.0",
    needs=TALKED,
)
@pytest.mark.parametrize("typed", TYPED)
def test_echo(driver: ComputeDriver, small: Small, typed: str) -> None:
    data = TYPED[typed]
    with greeted(driver, small(guest=TALKER)) as console:
        console.write(data)
        assert heard(console, data) == data


@case(
    "console.stream.pieces",
    Level.MUST,
    requirement="What is typed in many writes comes back as one sequence, while reads and writes are made from two threads.",
    source="driver contract: a console's stream is safe from any thread",
    since="1.0",
    needs=TALKED,
)
def test_two_threads(driver: ComputeDriver, small: Small) -> None:
    words = [f"<{number:03}>".encode() for number in range(60)]
    with greeted(driver, small(guest=TALKER)) as console, ThreadPoolExecutor(1) as pool:
        reading = pool.submit(heard, console, words[-1])
        for word in words:
            console.write(word)
        assert reading.result(PATIENCE) == b"".join(words)


@case(
    "console.stream.first-byte",
    Level.MUST,
    requirement="A console that was open before the guest ran gives the guest's first byte, and nothing before it.",
    source="virDomainOpenConsole; https://libvirt.org/formatdomain.html#consoles-serial-parallel-channel-devices",
    since="1.0",
    needs=TALKED,
)
def test_first_byte(driver: ComputeDriver, small: Small) -> None:
    with talking(driver, small(guest=TALKER)) as console:
        assert heard(console, GREETING).endswith(GREETING)


@case(
    "console.stream.timeout",
    Level.MUST,
    requirement="A read of a silent console is OperationTimeout after its time, and the stream works on.",
    source="driver contract: ConsoleStream.read",
    since="1.0",
    needs=TALKED,
)
def test_silence(driver: ComputeDriver, small: Small) -> None:
    with greeted(driver, small(guest=TALKER)) as console:
        for seconds in (0.0, SILENCE):
            with pytest.raises(OperationTimeout) as late:
                console.read(seconds)
            assert late.value.seconds == seconds
        console.write(b"still here")
        assert heard(console, b"still here") == b"still here"


@case(
    "console.stream.two-instances",
    Level.MUST,
    requirement="The consoles of two instances are two streams: neither gives what was typed to the other.",
    source="virDomainOpenConsole",
    since="1.0",
    needs=TALKED,
)
def test_two_instances(driver: ComputeDriver, small: Small) -> None:
    with greeted(driver, small(guest=TALKER)) as first, greeted(driver, small(guest=TALKER)) as second:
        first.write(b"to the first")
        second.write(b"to the second")
        assert heard(first, b"first") == b"to the first"
        assert heard(second, b"second") == b"to the second"


@case(
    "console.stream.many-instances",
    Level.SHOULD,
    requirement="A dozen opened and closed streams leave a console that opens, and an instance that runs.",
    source="virStreamAbort; each stream is given back to libvirt",
    since="1.0",
    needs=TALKED,
)
def test_open_and_close(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = small(guest=TALKER)
    with greeted(driver, spec):
        pass
    for _ in range(12):
        driver.console(spec.uuid).close()
    with driver.console(spec.uuid) as console:
        console.write(b"again")
        assert heard(console, b"again") == b"again"
    state = world.state(spec.uuid)
    assert state is not None
    assert state[0] == DomainState.RUNNING


@case(
    "console.stream.close",
    Level.MUST,
    requirement="A closed stream ends reads and writes with ConsoleEnded, its own doing; closing it again changes nothing.",
    source="driver contract: ConsoleStream.close",
    since="1.0",
    needs=TALKED,
)
def test_close(driver: ComputeDriver, small: Small) -> None:
    with greeted(driver, small(guest=TALKER)) as console:
        console.close()
        console.close()
        assert ending(console) is ConsoleEnd.CLOSED
        with pytest.raises(ConsoleEnded) as ended:
            console.write(b"x")
        assert ended.value.reason is ConsoleEnd.CLOSED


@case(
    "console.stream.close-while-reading",
    Level.MUST,
    requirement="Closing a stream ends a read that waits on another thread, at once.",
    source="driver contract: ConsoleStream.close",
    since="1.0",
    needs=TALKED,
)
def test_close_while_reading(driver: ComputeDriver, small: Small) -> None:
    with greeted(driver, small(guest=TALKER)) as console, ThreadPoolExecutor(1) as pool:
        began = threading.Event()

        def reads() -> bytes:
            began.set()
            return console.read(PATIENCE)

        reading = pool.submit(reads)
        began.wait(PATIENCE)
        console.close()
        with pytest.raises(ConsoleEnded):
            reading.result(PATIENCE / 3)


@case(
    "console.stream.stopped",
    Level.MUST,
    requirement="A stream ends when its instance is forced off, hard rebooted or destroyed, and nothing more is sent.",
    source="libvirtd 11.3.0 ends by a fault when bytes arrive for a console whose domain has stopped (measured)",
    since="1.0",
    needs=TALKED | {Capability.STOP, Capability.REBOOT_HARD},
)
@pytest.mark.parametrize("by", ["stop", "destroy", "hard-reboot"])
def test_stopped(driver: ComputeDriver, small: Small, by: str) -> None:
    spec = small(guest=TALKER)
    acts: dict[str, Callable[[], object]] = {
        "stop": lambda: driver.stop(spec.uuid, timeout=0),
        "destroy": lambda: driver.destroy(spec.uuid),
        "hard-reboot": lambda: driver.reboot(spec.uuid, hard=True),
    }
    with greeted(driver, spec) as console:
        acts[by]()
        assert ending(console) is ConsoleEnd.INSTANCE_ENDED
        with pytest.raises(ConsoleEnded) as ended:
            console.write(b"x")
        assert ended.value.reason is ConsoleEnd.INSTANCE_ENDED
    assert driver.instances() is not None, "the host answers still"


@case(
    "console.stream.last-words",
    Level.MUST,
    requirement="What a guest said before it ended is read before the end is told.",
    source="driver contract: ConsoleStream.read",
    since="1.0",
    needs=SHELL,
)
def test_last_words(driver: ComputeDriver, small: Small, world: World) -> None:
    uuid = spawn_heard(driver, partial(small, guest="obedient"), world).uuid
    with driver.console(uuid) as console:
        heard(console, b"virtproof obedient\r\n")
        # What is said at the very end may be left in the shell's pipe, or in libvirt's controller (11.3.0): so the guest waits.
        console.write(b"stty -echo; echo last words; sleep 0.5; poweroff -f\n")
        world.wait_event(uuid, DomainEvent.STOPPED)
        heard(console, b"\r\nlast words\r\n")
        assert ending(console) is ConsoleEnd.INSTANCE_ENDED


@case(
    "console.stream.guest-ends",
    Level.MUST,
    requirement="A stream ends when the guest switches itself off.",
    source="virDomainOpenConsole; driver contract: ConsoleStream",
    since="1.0",
    needs=TALKED | {Capability.EVENTS_LIFECYCLE},
)
def test_guest_ends(driver: ComputeDriver, small: Small) -> None:
    with talking(driver, small(guest="poweroff")) as console:
        assert ending(console) is ConsoleEnd.INSTANCE_ENDED


@case(
    "console.stream.started-again",
    Level.MUST,
    requirement="A stream that ended with its instance stays ended when the instance runs again, and a new one opens.",
    source="driver contract: a stream ends for good",
    since="1.0",
    needs=TALKED | {Capability.REBOOT_HARD},
)
def test_started_again(driver: ComputeDriver, small: Small) -> None:
    spec = small(guest=TALKER)
    with greeted(driver, spec) as console:
        driver.reboot(spec.uuid, hard=True)
        assert ending(console) is ConsoleEnd.INSTANCE_ENDED
        with driver.console(spec.uuid):
            assert ending(console) is ConsoleEnd.INSTANCE_ENDED


@case(
    "console.stream.paused",
    Level.MUST,
    requirement="What is typed to a paused instance reaches its guest when it runs on; the stream stays open.",
    source="virDomainSuspend; a paused domain is active",
    since="1.0",
    needs=TALKED | {Capability.PAUSE},
)
def test_paused(driver: ComputeDriver, small: Small) -> None:
    spec = small(guest=TALKER)
    with greeted(driver, spec) as console:
        driver.pause(spec.uuid)
        console.write(b"p")
        with pytest.raises(OperationTimeout):
            console.read(SILENCE)
        driver.unpause(spec.uuid)
        assert heard(console, b"p") == b"p"


@case(
    "console.stream.off",
    Level.MUST,
    requirement="Opening the console of an instance that is off is InvalidState, and changes nothing.",
    source="virDomainOpenConsole of an inactive domain: 55/20 (QEMU and LXC, 11.3.0)",
    since="1.0",
    needs=SPAWNED | {Capability.CONSOLE_STREAM},
)
@pytest.mark.parametrize("force", [False, True])
def test_off(driver: ComputeDriver, small: Small, world: World, *, force: bool) -> None:
    instance = driver.spawn(small(consoles=(Console(),)), start=False)
    with pytest.raises(InvalidState):
        driver.console(instance.uuid, force=force)
    assert state_of(world, instance) == DomainState.SHUTOFF


@case(
    "console.stream.unknown",
    Level.MUST,
    requirement="Opening the console of an unknown UUID is InstanceNotFound, which names it.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs={Capability.CONSOLE_STREAM},
)
def test_unknown(driver: ComputeDriver) -> None:
    with pytest.raises(InstanceNotFound) as refused:
        driver.console(NO_SUCH)
    assert refused.value.key == NO_SUCH


@case(
    "console.stream.driver-closed",
    Level.MUST,
    requirement="Closing the driver ends its streams with DriverClosed, also a read that waits; nothing stays of them.",
    source="driver contract: close",
    since="1.0",
    needs=TALKED,
)
def test_driver_closed(driver: ComputeDriver, small: Small, connect: Callable[[], ComputeDriver]) -> None:
    spec, second = small(guest=TALKER), connect()
    with greeted(driver, spec):
        pass
    console = second.console(spec.uuid)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(heard, console, b"what nobody says")
        second.close()
        with pytest.raises(DriverClosed):
            reading.result(PATIENCE)
    for use in (lambda: console.read(0.0), lambda: console.write(b"x")):
        with pytest.raises(DriverClosed):
            use()
    console.close()


@case(
    "console.stream.forgotten",
    Level.MUST,
    requirement="A stream that its user forgot is given back when the driver is closed: no connection and no thread stays.",
    source="virConnectClose: an open stream holds its connection open (measured, libvirt-python 12.8)",
    since="1.0",
    needs=TALKED,
)
def test_forgotten(driver: ComputeDriver, instance: Instance, connect: Callable[[], ComputeDriver]) -> None:
    second = connect()
    second.console(instance.uuid)
    second.close()
    driver.console(instance.uuid).close()


@case(
    "console.stream.connection-lost",
    Level.MUST,
    requirement="A broken connection ends its streams with ConnectionLost; the driver opens the console again after it.",
    source="virConnectRegisterCloseCallback; driver contract: ConsoleStream",
    since="1.0",
    needs=TALKED | {Capability.CONNECTION_RECONNECT},
)
def test_connection_lost(driver: ComputeDriver, small: Small, daemon: DaemonControl) -> None:
    spec = small(guest=TALKER)
    with greeted(driver, spec) as console:
        daemon.cut()
        with pytest.raises(ConnectionLost):
            console.read(PATIENCE)
        with pytest.raises(ConnectionLost):
            console.write(b"x")
        daemon.mend()
    driver.instances()
    with driver.console(spec.uuid, force=True) as again:
        again.write(b"back")
        assert heard(again, b"back") == b"back"


@case(
    "console.stream.flood",
    Level.MUST,
    requirement="A guest that says more than anybody reads in time loses nothing: 300 kB come complete and in order.",
    source="virStreamRecv; a container's console is a pseudo-terminal, which makes its writer wait (pty(7))",
    since="1.0",
    needs=SHELL,
)
def test_flood(driver: ComputeDriver, small: Small) -> None:
    count = 30000
    with shell(driver, small(guest="obedient")) as guest:
        text = guest.output(f"seq {count}")
    assert text.split() == [str(number) for number in range(1, count + 1)]
