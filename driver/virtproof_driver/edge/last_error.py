"""What libvirt said of a call that failed, also when Python's garbage collector wiped it out.

What belongs here: keeping a thread's last error past a collection, and giving it to who translates. What does not: what it means
(`error_table`).

Theory of operation. libvirt-python makes its exception from the thread's last error when the call that failed has returned. A
collection between the two that frees any handle of libvirt does so by a libvirt call, which resets that error, and the exception
says nothing: `err` is None, code, domain and message with it. libvirt's error handler cannot keep it alone: the tuples of its own
arguments are allocations that start a collection, and then it is called with (0, 0, None) (measured on libvirt 9.0.0 with
libvirt-python 12.8 and Python 3.11: the handler saw the error at one of the three places where a collection loses it). So the
collector itself is asked: it tells of its start on the thread that it stopped, before it frees anything. That also holds when the
caller's own code registers an error handler after ours. A failed call has always an error (libvirt makes a general one where its
driver left none), so what a collection took last is the call's own: errors of calls inside it, or before it, came earlier.
"""

import gc
import threading

from virtproof_driver.binding import LibvirtError

_thread = threading.local()


def keep(kind: type[LibvirtError]) -> None:
    """Ask the collector, until the process ends; `kind` is the binding's libvirtError. Once a binding.

    Threads that never came to `forget` cost an attribute look-up a collection, the others the making of an exception.
    """

    def collecting(phase: str, _info: dict[str, int]) -> None:
        if phase == "start" and hasattr(_thread, "kept"):
            error = kind("")  # its constructor reads the thread's last error
            if error.get_error_code() is not None:  # a second collection finds nothing, and must not hide the first one's
                _thread.kept = error

    gc.callbacks.append(collecting)


def forget() -> None:
    """Let go of what was kept on this thread; before each call whose error may be asked for."""
    _thread.kept = None


def said(error: LibvirtError) -> LibvirtError:
    """This error if it says anything, else what a collection took from it since `forget`; this thread's call raised it.

    An error that stays without a code was made by no call of libvirt.
    """
    kept: LibvirtError | None = getattr(_thread, "kept", None)
    if error.get_error_code() is None and isinstance(kept, type(error)):
        return kept
    return error
