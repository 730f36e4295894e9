"""When Python's garbage collector may run while cases do: between them. Nor does it while they are judged.

What belongs here: holding it back. What does not: what a case leaves behind (`recording.leftovers`). libvirt-python makes its
exception after the call that failed has returned, from the thread's last error. A collection just between the two that finds a
handle frees it by a libvirt call, which clears that error, and the exception says nothing: no code, no message (measured with
libvirt-python 12.8). Whatever raises makes such garbage, since tracebacks hold frames and frames hold handles. The reference
driver keeps its errors past a collection by itself and does not need this; other drivers do, and so does what the suite itself
asks libvirt. A judged run is hundreds of thousands of records that all stay: to look through them for garbage again and again
was a fifth of the time.
"""

import gc
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

_YOUNG: Final = 0


@contextmanager
def held_back() -> Generator[None]:
    """Nothing is collected inside; what was made there, and is garbage by then, is collected at the end."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(_YOUNG)
        if was_enabled:
            gc.enable()
