"""The containers of a run: one a backend, provisioned once by the process that leads the run, used by all its workers.

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
from virtproof.lanes.containers.description import Description, from_json, to_json, unix_uri
from virtproof.lanes.containers.engine import Engine, connected
from virtproof.lanes.containers.furnishing import furnish, network_name, pool_name
from virtproof.lanes.containers.images import image_of
from virtproof.lanes.containers.reaping import reap_all
from virtproof.lanes.containers.recipe import shipped_recipe
from virtproof.lanes.folders import make_folder, owner_of, remove_folder
from virtproof.lanes.test_rpc import short_base

PROVISIONER = "container"
IN_CONTAINERS = frozenset({PROVISIONER, "test-rpc-container"})  # the provisioners that need an engine and an image
QEMU = "qemu"  # the scheme of URIs whose hypervisor can use KVM


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """A container, how workers know it, and the folder that goes with it."""

    host: Host
    description: Description
    folder: Path


def provision_container(backend: Backend, run: str, image: str, *, kvm: bool) -> Provisioned:
    """A container of this process's own, furnished. Raises LaneUnavailable, and leaves nothing then."""
    folder = make_folder(short_base())
    host: Host | None = None
    try:
        host = start(Order(image=image, run=run, owner=owner_of(os.getpid()), folder=folder, kvm=kvm))
        connection = opened(unix_uri(backend.uri, folder / options.SOCKET))
        try:
            furnish(connection, run)
        finally:
            connection.close()
        return Provisioned(host=host, folder=folder, description=_described(host, image, folder, run))
    except BaseException:
        if host is not None:
            host.remove()
        remove_folder(folder)
        raise


def remove_container(made: Provisioned) -> None:
    """End it and all that runs in it."""
    made.host.remove()
    remove_folder(made.folder)


def _described(host: Host, image: str, folder: Path, run: str) -> Description:
    return Description(
        container=host.id,
        image=image,
        folder=str(folder),
        port=host.port,
        kvm=host.kvm,
        pool=pool_name(run),
        network=network_name(run),
    )


class SharedLanes:
    """The containers that this process provisioned for the run."""

    def __init__(self, run: str, say: Callable[[str], object] = lambda _line: None) -> None:
        self._run = run
        self._say = say
        self._engine: Engine | None = None
        self._made: dict[str, Provisioned | str] = {}

    def description(self, backend: Backend) -> Description:
        """A backend's container, provisioned at the first call. Raises LaneUnavailable, the same at each call."""
        if backend.name not in self._made:
            self._made[backend.name] = self._provisioned(backend)
        found = self._made[backend.name]
        if isinstance(found, str):
            raise LaneUnavailable(found)
        return found.description

    def handed_out(self, backends: Iterable[Backend]) -> dict[str, str]:
        """What workers are told of each backend: a description, or after a `!` why there is none.

        Where workers start containers themselves, this process removes at the end what those that died have left.
        """
        listed = tuple(backends)
        if any(backend.provisioner in IN_CONTAINERS for backend in listed):
            with suppress(LaneUnavailable):  # each worker finds that out, and says it of its lane
                self._reaped()
        return {backend.name: self._told(backend) for backend in listed if backend.provisioner == PROVISIONER}

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

    def _told(self, backend: Backend) -> str:
        try:
            return to_json(self.description(backend))
        except LaneUnavailable as error:
            return f"!{error}"

    def _provisioned(self, backend: Backend) -> Provisioned | str:
        try:
            engine = self._reaped()
            image = image_of(engine, shipped_recipe(backend.suite), self._say)
            return provision_container(backend, self._run, image, kvm=backend.uri.startswith(QEMU))
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

    def description(self, backend: Backend) -> Description:
        """A backend's container. Raises LaneUnavailable with the reason that the run's leader had."""
        told = self._told.get(backend.name, "!the process that leads the run provisioned no container for it")
        if told.startswith("!"):
            raise LaneUnavailable(told.removeprefix("!"))
        return from_json(told)
