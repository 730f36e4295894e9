"""libvirt's event loop: one thread a process and binding, registered before the first connection.

What belongs here: registration, the thread, silencing libvirt's default error handler, which prints to stderr what the driver
raises anyway, and having errors kept (`last_error`). What does not: what callbacks do.
Source: https://libvirt.org/html/libvirt-libvirt-event.html: the implementation must be registered before a connection is opened,
or that connection has no events and no keepalive.
"""

import logging
import threading
import time

from virtproof_driver.binding import Binding
from virtproof_driver.edge import last_error

THREAD_NAME = "virtproof-event-loop"
_log = logging.getLogger(__name__)
_lock = threading.Lock()
_running: list[Binding] = []
_PAUSE_SECONDS = 1.0
_WRAPPERS = 8


def ensure_running(binding: Binding) -> None:
    """Start the loop of this binding unless it runs. Safe from any thread, any number of times.

    A binding that wraps another (a recorder) names it as `__wrapped__`; the loop belongs to the innermost, so that one libvirt
    never has two.
    """
    inner = _innermost(binding)
    with _lock:
        if any(inner is running for running in _running):
            return
        inner.registerErrorHandler(_silence, None)
        last_error.keep(inner.libvirtError)
        inner.virEventRegisterDefaultImpl()
        threading.Thread(target=_run, args=(inner,), name=THREAD_NAME, daemon=True).start()
        _running.append(inner)


def _innermost(binding: Binding) -> Binding:
    for _ in range(_WRAPPERS):
        wrapped: Binding | None = getattr(binding, "__wrapped__", None)
        if wrapped is None:
            break
        binding = wrapped
    return binding


def _silence(_context: object, _error: object) -> None:
    """Stand in for libvirt's handler; the error itself is raised by the call."""


def _run(binding: Binding) -> None:
    """Serve until the process ends: libvirt has no way to unregister an implementation."""
    while True:
        try:
            binding.virEventRunDefaultImpl()
        except binding.libvirtError:
            _log.exception("libvirt's event loop failed; it goes on in %g s", _PAUSE_SECONDS)
            time.sleep(_PAUSE_SECONDS)
