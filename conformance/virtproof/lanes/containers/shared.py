"""The containers of a run: one a backend and way of asking for passwords, provisioned once by the run's leader.

What belongs here: provisioning on demand, handing the descriptions to workers, and the end. What does not: one container
(`container`), and what a worker does with it (`lane`). A container that cannot be had is tried once; every worker is told why.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from virtproof.backends.model import Backend
from virtproof.errors import LaneUnavailable, VirtproofError
from virtproof.lanes.bare import opened
from virtproof.lanes.containers import options
from virtproof.lanes.containers.container import Host, Order, start
from virtproof.lanes.containers.credentials import make_credentials, telling_line
from virtproof.lanes.containers.description import DOORS, KEYRING, SOCKETS, Description, from_json, to_json
from virtproof.lanes.containers.doors import SECRET_KEYS, Asking, asking_file, asking_for, files_of
from virtproof.lanes.containers.engine import Engine, connected
from virtproof.lanes.containers.furnishing import furnish, network_name, pool_name
from virtproof.lanes.containers.images import image_of
from virtproof.lanes.containers.inside import Inside
from virtproof.lanes.containers.keyring import keep_files, secrets_in, write_keyring
from virtproof.lanes.containers.reaping import reap_all
from virtproof.lanes.containers.recipe import shipped_recipe
from virtproof.lanes.containers.ways import unix_uri
from virtproof.lanes.folders import make_folder, owner_of, remove_folder
from virtproof.lanes.test_rpc import short_base

PROVISIONER = "container"
IN_CONTAINERS = frozenset({PROVISIONER, "test-rpc-container"})  # the provisioners that need an engine and an image
QEMU = "qemu"  # the scheme of URIs whose hypervisor can use KVM


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """A container, how workers know it, and the folder that goes with it."""

    host: Inside
    description: Description
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a container is provisioned for: the backend, the run, and where its daemon asks for a password.

    `like` is the folder of another container of the run, whose credentials it has too. `volume` is the engine's volume that it
    shares with another container, empty where it shares none.
    """

    backend: Backend
    run: str
    image: str
    asking: Asking
    kvm: bool
    like: Path | None = None
    volume: str = ""


def provision_container(wanted: Wanted) -> Provisioned:
    """A container of this process's own, furnished. Raises LaneUnavailable, and leaves nothing then."""
    folder = make_folder(short_base())
    host: Host | None = None
    try:
        host = start(_order(wanted, folder, _credentials(wanted, folder)))
        connection = opened(unix_uri(wanted.backend.uri, folder / SOCKETS / options.SOCKET))
        try:
            furnish(connection, wanted.run)
        finally:
            connection.close()
        return Provisioned(host=host, folder=folder, description=_described(host, wanted, folder))
    except BaseException:
        if host is not None:
            host.remove()
        remove_folder(folder)
        raise


def remove_container(made: Provisioned) -> None:
    """End it and all that runs in it."""
    made.host.remove()
    remove_folder(made.folder)


def _credentials(wanted: Wanted, folder: Path) -> Mapping[str, bytes]:
    """Have the keyring in the folder, and beside it the container's side, which is returned: new ones, or another container's."""
    if wanted.like is not None:
        for name in (KEYRING, DOORS):
            (folder / name).symlink_to(wanted.like / name)
        kept = {path.name: path.read_bytes() for path in (folder / DOORS).iterdir()}
        return {**kept, **asking_file(wanted.asking)}
    credentials = make_credentials(options.LOOPBACK)
    files = files_of(credentials, wanted.asking)
    write_keyring(folder / KEYRING, credentials, options.LOOPBACK)
    keep_files(folder / DOORS, files)
    return files


def _order(wanted: Wanted, folder: Path, files: Mapping[str, bytes]) -> Order:
    sockets = folder / SOCKETS
    sockets.mkdir()
    return Order(
        image=wanted.image,
        run=wanted.run,
        owner=owner_of(os.getpid()),
        folder=sockets,
        files=files,
        kvm=wanted.kvm,
        volume=wanted.volume,
    )


def _described(host: Host, wanted: Wanted, folder: Path) -> Description:
    return Description(
        container=host.id,
        image=wanted.image,
        folder=str(folder),
        host=options.LOOPBACK,
        alias=options.LOOPBACK_NAME,
        ports=host.ports,
        asking=wanted.asking,
        kvm=host.kvm,
        pool=pool_name(wanted.run),
        network=network_name(wanted.run),
    )


class SharedLanes:
    """The containers that this process provisioned for the run."""

    def __init__(self, run: str, say: Callable[[str], object] = lambda _line: None) -> None:
        self._run = run
        self._say = say
        self._engine: Engine | None = None
        self._made: dict[str, Provisioned | str] = {}

    def description(self, backend: Backend, transport: str) -> Description:
        """The container of a lane, provisioned at the first call. Raises LaneUnavailable, the same at each call."""
        key = key_of(backend, transport)
        if key not in self._made:
            self._made[key] = self._provisioned(backend, asking_for(transport))
        found = self._made[key]
        if isinstance(found, str):
            raise LaneUnavailable(found)
        return found.description

    def handed_out(self, lanes: Iterable[tuple[Backend, str]]) -> dict[str, str]:
        """What workers are told of each lane's container: a description, or after a `!` why there is none.

        Where workers start containers themselves, this process removes at the end what those that died have left.
        """
        listed = tuple(lanes)
        if any(backend.provisioner in IN_CONTAINERS for backend, _ in listed):
            with suppress(LaneUnavailable):  # each worker finds that out, and says it of its lane
                self._reaped()
        wanted = [(backend, transport) for backend, transport in listed if backend.provisioner == PROVISIONER]
        return {key_of(backend, transport): self._told(backend, transport) for backend, transport in wanted}

    @property
    def secrets(self) -> frozenset[bytes]:
        """What must show nowhere: what clients have, and the keys of the containers themselves."""
        folders = [made.folder for made in self._made.values() if isinstance(made, Provisioned)]
        keys = [folder / DOORS / name for folder in folders for name in SECRET_KEYS]
        own = {telling_line(path.read_bytes()) for path in keys}
        return frozenset(own.union(*(secrets_in(folder / KEYRING) for folder in folders)))

    def close(self) -> None:
        """Remove every container, and what workers that died have left."""
        for made in self._made.values():
            if isinstance(made, Provisioned):
                remove_container(made)
        self._made.clear()
        if self._engine is not None:
            reap_all(self._engine)
            self._engine.close()
            self._engine = None

    def _told(self, backend: Backend, transport: str) -> str:
        try:
            return to_json(self.description(backend, transport))
        except LaneUnavailable as error:
            return f"!{error}"

    def _provisioned(self, backend: Backend, asking: Asking) -> Provisioned | str:
        try:
            engine = self._reaped()
            image = image_of(engine, shipped_recipe(backend.suite), self._say)
            kvm = backend.uri.startswith(QEMU)
            return provision_container(Wanted(backend=backend, run=self._run, image=image, asking=asking, kvm=kvm))
        except VirtproofError as error:
            return str(error)

    def _reaped(self) -> Engine:
        """The engine, once what killed runs left there is removed."""
        if self._engine is None:
            self._engine = connected()
            reap_all(self._engine)
        return self._engine


class HandedLanes:
    """The containers as a worker was told of them."""

    def __init__(self, told: Mapping[str, str]) -> None:
        self._told = told

    def description(self, backend: Backend, transport: str) -> Description:
        """The container of a lane. Raises LaneUnavailable with the reason that the run's leader had."""
        told = self._told.get(key_of(backend, transport), "!the process that leads the run provisioned no container for it")
        if told.startswith("!"):
            raise LaneUnavailable(told.removeprefix("!"))
        return from_json(told)


def key_of(backend: Backend, transport: str) -> str:
    """What lanes that share a container have in common."""
    return f"{backend.name}/{asking_for(transport)}"
