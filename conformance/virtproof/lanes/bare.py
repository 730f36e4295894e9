"""The bare binding: libvirt-python itself, past every recorder, and connections opened on it.

What belongs here: getting the module, opening, and what an error of libvirt says. What does not: the driver's own connection
(`virtproof_driver.edge`), and recording. Opening is bounded here, because libvirt has no deadline for it.
"""

import threading
from collections.abc import Callable
from functools import cache
from typing import Final

from virtproof.errors import LaneUnavailable
from virtproof_driver.auth import without_credentials
from virtproof_driver.binding import Binding, Connection
from virtproof_driver.edge.libvirt_module import libvirt_binding

OPEN_SECONDS: Final = 20.0


@cache
def bare_binding() -> Binding:
    """libvirt-python, its default error handler silenced: errors are told by exceptions. Raises LaneUnavailable without it."""
    try:
        module = libvirt_binding()
    except ImportError as error:
        raise LaneUnavailable(f"libvirt-python cannot be imported ({error}); install virtproof[libvirt]") from error
    module.registerErrorHandler(_silent, None)
    return module


def opened(uri: str, *, read_only: bool = False, seconds: float = OPEN_SECONDS) -> Connection:
    """A connection on the bare binding. Raises LaneUnavailable, naming the URI, when the host refuses or says nothing in time."""
    binding = bare_binding()
    opening = _Opening(binding.openReadOnly if read_only else binding.open, uri)
    opening.start()
    opening.join(seconds)
    if opening.connection is not None:
        return opening.connection
    problem = str(opening.error) if opening.error else f"no answer within {seconds:g} s"
    shown = without_credentials(uri)
    raise LaneUnavailable(f"cannot reach {shown}: {_one_line(problem)}; check the host until `virsh -c '{shown}' list` works")


class _Opening(threading.Thread):
    """One attempt to open; left behind when it takes too long, since libvirt cannot be interrupted."""

    def __init__(self, function: Callable[[str], Connection], uri: str) -> None:
        super().__init__(name="virtproof-lane-open", daemon=True)
        self.function = function
        self.uri = uri
        self.connection: Connection | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.connection = self.function(self.uri)
        except Exception as error:  # noqa: BLE001 - told by the thread that asked
            self.error = error


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".;")


def _silent(_context: object, _error: object) -> None:
    return None
