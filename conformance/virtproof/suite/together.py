"""Acts that begin at one moment, each in a thread of its own.

What belongs here: beginning them, and what became of each. What does not: what they are, and what may be asserted of them;
which of them is first is chance.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from virtproof_driver.errors import DriverError

SECONDS: Final = 30.0

T = TypeVar("T")


def together(acts: Sequence[Callable[[], T]]) -> list[T | DriverError]:
    """Run the acts at once, each in a thread; what each returned or, of DriverErrors, raised. Other errors are raised here."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], T]) -> T | DriverError:
        barrier.wait(SECONDS)
        try:
            return act()
        except DriverError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        futures: list[Future[T | DriverError]] = [pool.submit(run, act) for act in acts]
        return [future.result(SECONDS) for future in futures]
