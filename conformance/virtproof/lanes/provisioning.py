"""From a backend to a lane: who provisions what.

What belongs here: the table of provisioners, and whether a lane could be had on this machine. What does not: how any of them
does it; that is in the module named after it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from virtproof.backends.model import Backend
from virtproof.errors import LaneUnavailable, UsageError
from virtproof.lanes.bare import bare_binding
from virtproof.lanes.containers.daemon import daemon_lane
from virtproof.lanes.containers.engine import check_engine
from virtproof.lanes.containers.handed_in import check_provisioner, is_handed_in
from virtproof.lanes.containers.images import ready_image
from virtproof.lanes.containers.lane import ContainerLane
from virtproof.lanes.containers.shared import IN_CONTAINERS
from virtproof.lanes.daemon import libvirtd
from virtproof.lanes.host import HostLane, check_permission, check_reachable
from virtproof.lanes.model import Lane, Worker
from virtproof.lanes.test import InProcessLane
from virtproof.lanes.test_rpc import DaemonLane, short_base

Provisioner = Callable[[Backend, str, Worker], Lane]


PROVISIONERS: Mapping[str, Provisioner] = MappingProxyType(
    {"test": InProcessLane, "test-rpc": DaemonLane, "test-rpc-container": daemon_lane, "container": ContainerLane}
)

_NEEDS: Mapping[str, tuple[Callable[[], object], ...]] = MappingProxyType(
    {
        "test": (bare_binding,),
        "test-rpc": (bare_binding, libvirtd, short_base),
        "test-rpc-container": (bare_binding, check_engine, short_base),
        "container": (bare_binding, check_provisioner, short_base),
    }
)


def provision(backend: Backend, transport: str, worker: Worker, *, allow_host: bool = False) -> Lane:
    """A lane of a backend for a worker, over one of its transports.

    Raises UsageError for a transport that the backend does not have, or a host that was not allowed; LaneUnavailable, one
    line with the remedy, when it cannot be had.
    """
    if transport not in backend.transports:
        raise UsageError(f"{backend.origin}: no transport {transport!r}; there are {', '.join(backend.transports)}")
    if not backend.provisioner:
        check_permission(backend, allow_host=allow_host)
    return PROVISIONERS.get(backend.provisioner, HostLane)(backend, transport, worker)


def make_ready(backend: Backend, say: Callable[[str], object]) -> None:
    """Do beforehand what takes long and is done once on a machine: an image. Raises LaneUnavailable when it cannot be done."""
    if backend.provisioner in IN_CONTAINERS and not is_handed_in():
        ready_image(say, backend.suite)


def why_unavailable(backend: Backend) -> str:
    """Why no lane of the backend could be had here, as one line with the remedy; empty when one could. Provisions nothing."""
    try:
        for need in _NEEDS.get(backend.provisioner, (partial(check_reachable, backend),)):
            need()
    except LaneUnavailable as error:
        return str(error)
    return ""
