"""Put the recording binding where a driver's own `import libvirt` finds it.

What belongs here: the swap in `sys.modules`. What does not: loading the driver (`loading`). Modules that imported libvirt before
keep what they have; a driver's module that imports it inside the block keeps the recording binding afterwards.
"""

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from types import ModuleType

_LOCK: Final = threading.RLock()
_NAME: Final = "libvirt"


@contextmanager
def swapped(binding: object) -> Generator[None]:
    """Inside the block `import libvirt` gives `binding`; afterwards what it gave before. Nests, also on several threads."""
    with _LOCK:
        before = sys.modules.get(_NAME)
        sys.modules[_NAME] = cast("ModuleType", binding)
    try:
        yield
    finally:
        with _LOCK:
            if before is None:
                sys.modules.pop(_NAME, None)
            else:
                sys.modules[_NAME] = before
