"""An end to a case that never ends: the alarm that interrupts it.

What belongs here: arming and disarming the alarm around a case. What does not: deadlines of the driver; a case that tests one
waits by itself, far shorter. The alarm raises in the main thread, where pytest runs tests; a lock or a wait of Python is
interrupted at once, a libvirt call when it returns. It repeats, in case the code under test caught it.
"""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_AGAIN: Final = 5.0


class CaseTimeout(BaseException):
    """The case took longer than it may; no `except Exception` of a driver catches this."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the case did not end within {seconds:g} s")


@contextmanager
def deadline(seconds: float) -> Generator[None]:
    """Raise CaseTimeout in the main thread when the block takes longer; does nothing off the main thread or for 0 seconds."""
    if threading.current_thread() is not threading.main_thread() or seconds <= 0:
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise CaseTimeout(seconds)

    previous = signal.signal(signal.SIGALRM, ring)
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        signal.setitimer(signal.ITIMER_REAL, remaining, interval)  # another plug-in's alarm goes on, a little later
