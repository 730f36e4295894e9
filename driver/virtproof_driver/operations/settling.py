"""What is refused for a moment and then done, when no event tells that the moment has passed.

What belongs here: trying again, the driver's only retries by time, and they are bounded. What does not: waiting for anything that
an event tells.
- Changes of a domain, and questions to its guest, after its start (`Hypervisor.settles`): libvirt's LXC driver reports a start
  before it knows the container's first process, without which it changes no devices and passes no signal on (55); 13 of 40
  containers refused an interface at once and took it within 0.1 s (measured on libvirt 11.3.0). Of one container in about 60 it
  never knows, and then the refusal stands.
- A look into a storage pool in which volumes are being made, cloned or uploaded, also by other clients: refused with 1/18, "has
  asynchronous jobs running" (11.3.0).
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from uuid import UUID

from virtproof_driver.binding import StoragePool, StorageVol
from virtproof_driver.constants import ErrorCode
from virtproof_driver.errors import Busy, HypervisorError, InvalidState, OperationTimeout, VolumeNotFound
from virtproof_driver.link import Awaited, Link
from virtproof_driver.values import EventKind

T = TypeVar("T")
PAUSE_SECONDS = 0.02
MOST_PAUSES = 50
LOOK_SECONDS = 0.05
MOST_LOOKS = 200
NOBODY = UUID(int=0)
NOTHING = Awaited(kinds=frozenset(), what="nothing")


def settled(link: Link, uuid: UUID, change: Callable[[], T]) -> T:
    """Make a change of a running domain; where it is refused for its state, again for a second, until the domain stops."""
    try:
        return change()
    except InvalidState as refusal:
        if not link.hypervisor.settles:
            raise
        first = refusal
    stopped = Awaited(kinds=frozenset({EventKind.STOPPED}), what=f"stopped event of instance {uuid}")
    with link.expect(uuid, stopped) as wait:
        for _ in range(MOST_PAUSES):
            try:
                wait.until(PAUSE_SECONDS)
            except OperationTimeout:
                pass
            else:
                break
            try:
                return change()
            except InvalidState:
                continue
    raise first


def refreshed(link: Link, pool: StoragePool) -> None:
    """Have a pool look at its folder again, once nothing is under way in it. Raises Busy when that takes too long."""
    for look in range(MOST_LOOKS):
        try:
            link.call(pool.refresh)
        except HypervisorError as refusal:
            if refusal.code != ErrorCode.INTERNAL_ERROR:
                raise
            if look == MOST_LOOKS - 1:
                raise Busy(f"storage pool {pool.name()!r} is in use: {refusal.message}") from refusal
            _pause(link)
        else:
            return


def sought_volume(link: Link, pool: StoragePool, name: str) -> StorageVol:
    """A pool's volume. The pool looks again for one that it does not know: its file can have been made past this host's libvirt.

    Raises VolumeNotFound for one that is not there then either.
    """
    try:
        return link.call(pool.storageVolLookupByName, name)
    except VolumeNotFound:
        refreshed(link, pool)
        return link.call(pool.storageVolLookupByName, name)


def _pause(link: Link) -> None:
    """Let a moment pass, which ends early when the connection does."""
    with link.expect(NOBODY, NOTHING) as wait, suppress(OperationTimeout):
        wait.until(LOOK_SECONDS)
