"""Talking with guests on their consoles.

What belongs here: spawning one with its console open from the first byte, waiting for what it says, and a shell in a container.
What does not: any case. Nothing is typed to an instance that is about to stop: libvirtd 11.3.0 ends by a fault when bytes arrive
for a console whose domain has stopped.
"""

import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from virtproof.suite.common import SPAWNED
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver, ConsoleStream
from virtproof_driver.errors import ConsoleEnded, OperationTimeout
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import ConsoleEnd

TALKED: Final = SPAWNED | {Capability.GUESTS, Capability.CONSOLE_STREAM}
# Containers have a shell on their console; machines of the suite have not.
SHELL: Final = TALKED | {Capability.FILESYSTEM_DIRECTORY}
TALKER: Final = "talker"
GREETING: Final = b"virtproof talker\r\n"
SHELL_GREETING: Final = b"virtproof obedient\r\n"
PATIENCE: Final = 15.0
_DONE: Final = re.compile(rb"vp-done-(\d+)\r\n")


def heard(console: ConsoleStream, wanted: bytes, seconds: float = PATIENCE) -> bytes:
    """All that comes until `wanted` is in it. AssertionError, saying what came, when it is not within so many seconds."""
    came, deadline = bytearray(), time.monotonic() + seconds
    while wanted not in came:
        try:
            came += console.read(max(deadline - time.monotonic(), 0))
        except OperationTimeout as late:
            raise AssertionError(f"the console did not say {wanted!r} within {seconds:g} s, but {bytes(came)!r}") from late
    return bytes(came)


@contextmanager
def talking(driver: ComputeDriver, spec: InstanceSpec) -> Generator[ConsoleStream]:
    """A new instance's console, open before its guest's first byte where the hypervisor keeps none for later."""
    early = Capability.SPAWN_PAUSED in driver.capabilities
    driver.spawn(spec, paused=early)
    with driver.console(spec.uuid) as console:
        if early:
            driver.unpause(spec.uuid)
        yield console


@contextmanager
def greeted(driver: ComputeDriver, spec: InstanceSpec) -> Generator[ConsoleStream]:
    """The console of a new instance whose guest is `talker`, after it said that it is up."""
    with talking(driver, spec) as console:
        heard(console, GREETING)
        yield console


class Shell:
    """The shell on a container's console; commands one after the other."""

    def __init__(self, console: ConsoleStream) -> None:
        self._console = console
        heard(console, SHELL_GREETING)
        self.run("stty -echo")

    def run(self, command: str, seconds: float = PATIENCE) -> tuple[int, str]:
        """A command's exit code and output, without carriage returns."""
        self.begin(command)
        return self.result(seconds)

    def begin(self, command: str) -> None:
        """Type a command, and do not wait for its end."""
        self._console.write(f"{command}; echo vp-done-$?\n".encode())

    def result(self, seconds: float = PATIENCE) -> tuple[int, str]:
        """The end of a command that was begun."""
        came, deadline = bytearray(), time.monotonic() + seconds
        while (done := _DONE.search(came)) is None:
            try:
                came += self._console.read(max(deadline - time.monotonic(), 0))
            except OperationTimeout as late:
                raise AssertionError(f"the shell did not come to an end within {seconds:g} s: {bytes(came)!r}") from late
        return int(done.group(1)), bytes(came[: done.start()]).replace(b"\r", b"").decode(errors="replace")

    def output(self, command: str) -> str:
        """The output of a command that must succeed."""
        code, text = self.run(command)
        assert code == 0, f"{command!r} ended with {code} in the guest: {text!r}"
        return text


@contextmanager
def shell(driver: ComputeDriver, spec: InstanceSpec) -> Generator[Shell]:
    """The shell of a new container."""
    with talking(driver, spec) as console:
        yield Shell(console)


def ending(console: ConsoleStream) -> ConsoleEnd:
    """Why a stream ends; it must within the patience of a case, whatever came before."""
    while True:
        try:
            console.read(PATIENCE)
        except ConsoleEnded as ended:
            return ended.reason
