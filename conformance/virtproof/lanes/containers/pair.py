"""Two containers side by side, for cases that move instances from the one to the other: made together, removed together.

What belongs here: a network of the engine's own on which they reach each other by name, a volume of the engine's that both have,
and what a run puts on both beyond what it puts on each container. What does not: one container (`container`, `shared`), and what
a case does with two (`second`). The network has no way out; the way of the suite and of drivers to each daemon does not lead over
it, so that it can be cut and both are heard still.
"""

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from virtproof.backends.model import Backend
from virtproof.errors import LaneUnavailable
from virtproof.lanes.bare import opened
from virtproof.lanes.containers import options
from virtproof.lanes.containers.description import Description
from virtproof.lanes.containers.doors import Asking
from virtproof.lanes.containers.engine import Engine, Labelled, connected, discard, engine_error
from virtproof.lanes.containers.inside import InsideBySsh
from virtproof.lanes.containers.labels import labels_of
from virtproof.lanes.containers.shared import Provisioned, Wanted, provision_container, remove_container
from virtproof.lanes.folders import owner_of
from virtproof_driver import Capability
from virtproof_driver.binding import Connection

SOURCE: Final = "source"
DESTINATION: Final = "destination"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both containers, and what of the engine's goes with them. `origin` and `address` are their names to each other.

    One that was handed in is removed by who provisioned it. `pool` is the name of the storage pool that both have on the volume
    that they share.
    """

    source: Provisioned
    destination: Provisioned
    things: tuple[Labelled, ...]
    pool: str
    handed: bool = False
    origin: str = SOURCE
    address: str = DESTINATION


def has_pairs(backend: Backend) -> bool:
    """Whether cases move instances there: a pair is made beforehand where no worker can make one."""
    refused = {entry.capability for entry in backend.unsupported if not entry.when}
    return not {Capability.MIGRATION_LIVE, Capability.MIGRATION_OFFLINE} <= refused


def standing_pair(told: Description, number: int, run: str) -> Pair:
    """The pair that a worker was handed, where it can make none. Raises LaneUnavailable where it was handed none."""
    both = told.pair(number)
    source, destination = (Provisioned(host=InsideBySsh(each), description=each, folder=Path(each.folder)) for each in both)
    return Pair(
        source=source,
        destination=destination,
        things=(),
        pool=pool_of(run),
        handed=True,
        origin=both[0].host,
        address=both[1].host,
    )


def pool_of(run: str) -> str:
    """What the pool on shared storage is called."""
    return f"vp-{run}-shared"


def provision_pair(backend: Backend, run: str, worker: str, image: str, like: Path | None = None) -> Pair:
    """A pair of this process's own. Raises LaneUnavailable, and leaves nothing then.

    Their daemons reach each other by plain tcp, so that the door that asks for a password is the other one. Without KVM: a guest
    that is moved keeps its kind of processor, and a case of migration needs guests that write at a pace that is known. `like` is
    the folder of a container whose credentials they have too.
    """
    engine = connected()
    labels = labels_of(run, platform.node(), owner_of(os.getpid()))
    name = f"vp-{run}-{worker}-pair"
    wanted = Wanted(backend=backend, run=run, image=image, asking=Asking.TLS, kvm=False, volume=name, like=like)
    made: list[Provisioned] = []
    try:
        network = engine.networks.create(name, internal=True, labels=labels)
        volume = engine.volumes.create(name, labels=labels)
        for alias in (SOURCE, DESTINATION):
            made.append(provision_container(wanted))
            network.connect(made[-1].description.container, aliases=[alias])
            share(backend, made[-1].description, run)
    except BaseException as error:
        _remove(engine, made, name)
        if isinstance(error, engine_error()):
            raise LaneUnavailable(f"the engine makes no pair of containers: {' '.join(str(error).split())}") from error
        raise
    return Pair(source=made[0], destination=made[1], things=(network, volume), pool=pool_of(run))


def remove_pair(pair: Pair) -> None:
    """End both and all that runs in them, and remove what they shared."""
    if pair.handed:
        return
    for each in (pair.source, pair.destination):
        remove_container(each)
    discard(pair.things)


def _remove(engine: Engine, made: list[Provisioned], name: str) -> None:
    for each in made:
        remove_container(each)
    for kind in (engine.networks, engine.volumes):
        discard(kind.list(filters={"name": name}))


def share(backend: Backend, told: Description, run: str) -> None:
    """Put the pool on shared storage on one of the two."""
    connection = opened(told.observed(backend.uri))
    try:
        _share_on(connection, pool_of(run))
    finally:
        connection.close()


def _share_on(connection: Connection, name: str) -> None:
    target = f"<target><path>{options.SHARED}</path></target>"
    pool = connection.storagePoolDefineXML(f"<pool type='dir'><name>{name}</name>{target}</pool>")
    pool.build()
    pool.create()
