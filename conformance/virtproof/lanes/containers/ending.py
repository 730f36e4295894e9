"""The end of a container: whatever its guests are doing, nothing of it stays.

What belongs here: that, for whoever removes one. What does not: which one is removed (`container`, `reaping`).

A paused guest of LXC is a frozen cgroup. In cgroups of version 1 the kernel keeps a kill from processes that are frozen, and the
engine then removes nothing: "tried to kill container, but did not receive an exit event" (Docker 20.10.24). Once its first
process was killed nothing can be run in it any more, so that its guests are let go before.
"""

from contextlib import suppress
from typing import Final

from virtproof.lanes.containers.engine import Container, engine_error

_THAW: Final = "find /sys/fs/cgroup/freezer -name freezer.state -exec sh -c 'echo THAWED >\"$1\"' sh {} ';' 2>/dev/null"


def end(container: Container) -> None:
    """Kill and remove it, with all that runs in it. Raises the engine's error where it is gone, or cannot be removed."""
    with suppress(engine_error()):  # it does not run
        container.exec_run(["sh", "-c", _THAW])
    container.remove(force=True, v=True)
