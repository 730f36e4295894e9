"""Two containers side by side, for cases that move instances from the one to the other: made together, removed together.

What belongs here: a network of the engine's own on which they reach each other by name, a volume of the engine's that both have,
and what a run puts on both beyond what it puts on each container. What does not: one container (`container`, `shared`), and what
a case does with two (`second`). The network has no way out; the way of the suite and of drivers to each daemon does not lead over
it, so that it can be cut and both are heard still.
"""

import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from virtproof.backends.model import Backend
from virtproof.errors import LaneUnavailable
from virtproof.lanes.bare import opened
from virtproof.lanes.containers import options
from virtproof.lanes.containers.doors import Asking
from virtproof.lanes.containers.engine import Engine, Labelled, Network, connected, engine_error
from virtproof.lanes.containers.labels import labels_of
from virtproof.lanes.containers.shared import Provisioned, Wanted, provision_container, remove_container
from virtproof.lanes.containers.ways import UNIX
from virtproof.lanes.folders import owner_of
from virtproof_driver.binding import Connection

SOURCE: Final = "source"
DESTINATION: Final = "destination"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both containers, and what of the engine's goes with them. `address` is the destination's as the source reaches it.

    `pool` is the name of the storage pool that both have on the volume that they share.
    """

    source: Provisioned
    destination: Provisioned
    network: Network
    volume: Labelled
    pool: str
    address: str = DESTINATION


def pool_of(run: str) -> str:
    """What the pool on shared storage is called."""
    return f"vp-{run}-shared"


def provision_pair(backend: Backend, run: str, worker: str, image: str) -> Pair:
    """A pair of this process's own. Raises LaneUnavailable, and leaves nothing then.

    Their daemons reach each other by plain tcp, so that the door that asks for a password is the other one. Without KVM: a guest
    that is moved keeps its kind of processor, and a case of migration needs guests that write at a pace that is known.
    """
    engine = connected()
    labels = labels_of(run, platform.node(), owner_of(os.getpid()))
    name = f"vp-{run}-{worker}-pair"
    wanted = Wanted(backend=backend, run=run, image=image, asking=Asking.TLS, kvm=False, volume=name)
    made: list[Provisioned] = []
    try:
        network = engine.networks.create(name, internal=True, labels=labels)
        volume = engine.volumes.create(name, labels=labels)
        for alias in (SOURCE, DESTINATION):
            made.append(provision_container(wanted))
            network.connect(made[-1].description.container, aliases=[alias])
            _share(backend, made[-1], run)
    except BaseException as error:
        _remove(engine, made, name)
        if isinstance(error, engine_error()):
            raise LaneUnavailable(f"the engine makes no pair of containers: {' '.join(str(error).split())}") from error
        raise
    return Pair(source=made[0], destination=made[1], network=network, volume=volume, pool=pool_of(run))


def remove_pair(pair: Pair) -> None:
    """End both and all that runs in them, and remove what they shared."""
    for each in (pair.source, pair.destination):
        remove_container(each)
    for thing in (pair.network, pair.volume):
        with suppress(engine_error()):
            thing.remove()


def _remove(engine: Engine, made: list[Provisioned], name: str) -> None:
    for each in made:
        remove_container(each)
    for kind in (engine.networks, engine.volumes):
        for thing in kind.list(filters={"name": name}):
            with suppress(engine_error()):
                thing.remove()


def _share(backend: Backend, made: Provisioned, run: str) -> None:
    """Put the pool on shared storage on one of the two."""
    connection = opened(made.description.uri(backend.uri, UNIX))
    try:
        _share_on(connection, pool_of(run))
    finally:
        connection.close()


def _share_on(connection: Connection, name: str) -> None:
    target = f"<target><path>{options.SHARED}</path></target>"
    pool = connection.storagePoolDefineXML(f"<pool type='dir'><name>{name}</name>{target}</pool>")
    pool.build()
    pool.create()
