"""From a backend to a lane: who provisions what.

What belongs here: the table of provisioners, and whether a lane could be had on this machine. What does not: how any
of them does it; that is in the module named after it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from virtproof.backends.model import Backend
from virtproof.errors import UsageError
from virtproof.lanes.model import Lane, Worker
from virtproof.lanes.test import InProcessLane

Provisioner = Callable[[Backend, str, Worker], Lane]

PROVISIONERS: Mapping[str, Provisioner] = MappingProxyType({"test": InProcessLane})


def provision(backend: Backend, transport: str, worker: Worker, *, allow_host: bool = False) -> Lane:
    """A lane of a backend for a worker, over one of its transports.

    Raises UsageError for a transport that the backend does not have, or a host that was not allowed; LaneUnavailable, one
    line with the remedy, when it cannot be had.
    """
    if transport not in backend.transports:
        raise UsageError(f"{backend.origin}: no transport {transport!r}; there are {', '.join(backend.transports)}")
    del allow_host
    return PROVISIONERS[backend.provisioner](backend, transport, worker)
