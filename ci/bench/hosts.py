"""The hosts that are measured on: libvirt's test driver in this process and behind a private daemon, and QEMU in a container.

What belongs here: provisioning them by the suite's lanes, and what ran there. What does not: anything measured. The shared world
`test:///default` is used in process, which the suite never does: here the process is the benchmark's own, and the driver and
the bare calls must meet the same domains.
"""

import os
import platform
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from virtproof.backends import load
from virtproof.lanes import Worker, provision
from virtproof.lanes.containers.shared import SharedLanes
from virtproof_driver.binding import Binding
from virtproof_driver.edge import libvirt_binding
from virtproof_driver.spec import InstanceSpec

IN_PROCESS_URI = "test:///default"
WORKER = Worker(run="bench", name="main", prefix="vp-bench-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host by its URI; `name` is how the table calls it."""

    name: str
    uri: str
    binding: Binding


@contextmanager
def hosts() -> Generator[tuple[Host, ...]]:
    """Both hosts, for as long as the context lasts."""
    binding = libvirt_binding()
    binding.registerErrorHandler(_silent, None)
    lane = provision(load("test-rpc"), "unix", WORKER)
    try:
        with lane.open_case(exclusive=False) as world:
            yield (
                Host(name="in process", uri=IN_PROCESS_URI, binding=binding),
                Host(name="daemon, unix socket", uri=world.uri, binding=binding),
            )
    finally:
        lane.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines(Host):
    """A host that runs machines; `small` makes the smallest spec under a name of its own."""

    small: Callable[[str], InstanceSpec]


@contextmanager
def machines() -> Generator[Machines]:
    """QEMU in a container, for as long as the context lasts. Raises LaneUnavailable without a container engine."""
    binding = libvirt_binding()
    binding.registerErrorHandler(_silent, None)
    shared = SharedLanes(WORKER.run)
    try:
        lane = provision(load("qemu"), "unix", replace(WORKER, shared=shared.description))
        try:
            with lane.open_case(exclusive=False) as world:
                yield Machines(
                    name="QEMU, unix socket",
                    uri=world.uri,
                    binding=binding,
                    small=lambda name: world.small(f"{WORKER.prefix}{name}", 1),
                )
        finally:
            lane.reap()
            lane.close()
    finally:
        shared.close()


def environment() -> dict[str, str]:
    """What the figures were measured on. A load above the number of processors stretches what hands work between threads."""
    number = libvirt_binding().getVersion()
    return {
        "libvirt": f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}",
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def _silent(_context: object, _error: object) -> None:
    """Errors are told by exceptions."""
