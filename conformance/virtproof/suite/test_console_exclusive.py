"""Consoles that one client has at a time.

What belongs here: cases whose ids begin with `console.exclusive`. What does not: what goes over a stream (`test_console_stream`).
"""

from collections.abc import Callable

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.suite.talk import TALKED, TALKER, ending, greeted, heard
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import Busy, ConsoleEnded
from virtproof_driver.values import ConsoleEnd

EXCLUSIVE = TALKED | {Capability.CONSOLE_EXCLUSIVE}


@case(
    "console.exclusive.busy",
    Level.MUST,
    requirement="A console that is open is Busy for a second one, who does not disturb the first.",
    source="virDomainOpenConsole: 9/10 while a session is active (QEMU, 11.3.0)",
    since="1.0",
    needs=EXCLUSIVE,
)
def test_busy(driver: ComputeDriver, small: Small, connect: Callable[[], ComputeDriver]) -> None:
    spec = small(guest=TALKER)
    with greeted(driver, spec) as console:
        for other in (driver, connect()):
            with pytest.raises(Busy):
                other.console(spec.uuid)
        console.write(b"undisturbed")
        assert heard(console, b"undisturbed") == b"undisturbed"


@case(
    "console.exclusive.force",
    Level.MUST,
    requirement="console(force=True) takes an open console over: the first stream ends, taken over, and the second one works.",
    source="VIR_DOMAIN_CONSOLE_FORCE; the first stream fails with 39/38 (QEMU, 11.3.0)",
    since="1.0",
    needs=EXCLUSIVE,
)
def test_force(driver: ComputeDriver, small: Small, connect: Callable[[], ComputeDriver]) -> None:
    spec = small(guest=TALKER)
    with greeted(driver, spec) as first, connect().console(spec.uuid, force=True) as second:
        assert ending(first) is ConsoleEnd.TAKEN_OVER
        with pytest.raises(ConsoleEnded) as ended:
            first.write(b"x")
        assert ended.value.reason is ConsoleEnd.TAKEN_OVER
        second.write(b"mine now")
        assert heard(second, b"mine now") == b"mine now"


@case(
    "console.exclusive.free",
    Level.MUST,
    requirement="console(force=True) of a console that nobody has opens it, wherever consoles are streams.",
    source="VIR_DOMAIN_CONSOLE_FORCE; LXC's driver refuses the flag with 8 (11.3.0)",
    since="1.0",
    needs=TALKED,
)
def test_force_free(driver: ComputeDriver, small: Small) -> None:
    spec = small(guest=TALKER)
    with greeted(driver, spec):
        pass
    with driver.console(spec.uuid, force=True) as console:
        console.write(b"free")
        assert heard(console, b"free") == b"free"


@case(
    "console.exclusive.reopened",
    Level.MUST,
    requirement="A closed stream frees the console: it opens again without force.",
    source="virStreamAbort",
    since="1.0",
    needs=EXCLUSIVE,
)
def test_reopened(driver: ComputeDriver, small: Small) -> None:
    spec = small(guest=TALKER)
    with greeted(driver, spec) as first:
        first.close()
        with driver.console(spec.uuid) as second:
            second.write(b"second")
            assert heard(second, b"second") == b"second"
