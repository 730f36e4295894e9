"""The container engine: a client of its API, and the one line that says why there is none.

What belongs here: connecting, and the slice of the client that the lanes use, as Protocols, since the client has no types. What
does not: what is asked of the engine. The client's package is optional and takes a while to import, so that it is imported only
when a lane needs it.
"""

import importlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from virtproof.errors import LaneUnavailable

SECONDS: Final = 60  # longest silence of the engine; a build tells what it does more often than that


class Container(Protocol):
    """A container as the client gives it."""

    @property
    def id(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def ports(self) -> Mapping[str, list[Mapping[str, str]] | None]: ...
    def reload(self) -> None: ...
    def remove(self, *, force: bool, v: bool) -> None: ...
    def logs(self, *, stream: bool = False, follow: bool = False, tail: int | str = "all") -> Any: ...
    def exec_run(self, cmd: list[str]) -> tuple[int, bytes]: ...
    def put_archive(self, path: str, data: bytes) -> bool: ...
    def get_archive(self, path: str) -> tuple[Iterable[bytes], Mapping[str, Any]]: ...


class Labelled(Protocol):
    """A network or a volume."""

    @property
    def name(self) -> str: ...
    @property
    def attrs(self) -> Mapping[str, Any]: ...
    def remove(self) -> None: ...


class Network(Labelled, Protocol):
    """A network of the engine's."""

    def connect(self, container: str, *, aliases: Sequence[str]) -> None: ...


class Containers(Protocol):
    """The engine's containers."""

    def list(
        self,
        *,
        all: bool,  # noqa: A002 - the client's name
        filters: Mapping[str, str],
        ignore_removed: bool,
    ) -> Iterable[Container]: ...
    def get(self, container_id: str) -> Container: ...
    def run(self, image: str, **options: Any) -> Container: ...


class Collection(Protocol):
    """The engine's networks, or its volumes."""

    def list(self, *, filters: Mapping[str, str]) -> Iterable[Labelled]: ...


class Networks(Collection, Protocol):
    """The engine's networks."""

    def create(self, name: str, *, internal: bool, labels: Mapping[str, str]) -> Network: ...


class Volumes(Collection, Protocol):
    """The engine's volumes."""

    def create(self, name: str, *, labels: Mapping[str, str]) -> Labelled: ...


class Images(Protocol):
    """The engine's images."""

    def get(self, name: str) -> object: ...
    def pull(self, repository: str, *, tag: str) -> object: ...


class LowLevel(Protocol):
    """The engine's API as such."""

    def build(self, **options: Any) -> Iterable[Mapping[str, str]]: ...
    def images(self, *, filters: Mapping[str, str]) -> Iterable[Mapping[str, Any]]: ...
    def remove_image(self, image: str) -> object: ...
    def exec_create(self, container: str, cmd: list[str], **options: Any) -> Mapping[str, str]: ...
    def exec_start(self, exec_id: str, *, stream: bool) -> Iterable[bytes]: ...
    def exec_inspect(self, exec_id: str) -> Mapping[str, Any]: ...
    def import_image(self, src: str, *, repository: str, tag: str) -> object: ...


class Engine(Protocol):
    """A client of a running engine."""

    @property
    def containers(self) -> Containers: ...
    @property
    def images(self) -> Images: ...
    @property
    def networks(self) -> Networks: ...
    @property
    def volumes(self) -> Volumes: ...
    @property
    def api(self) -> LowLevel: ...
    def ping(self) -> bool: ...
    def close(self) -> None: ...


def check_engine() -> None:
    """Raise LaneUnavailable, with the remedy, when no engine answers."""
    connected().close()


def connected(seconds: int = SECONDS) -> Engine:
    """A client of the engine that the environment names (DOCKER_HOST), else of the local one. Raises LaneUnavailable.

    `seconds` is how long the engine may be silent.
    """
    docker = _module()
    try:
        engine = cast("Engine", docker.from_env(timeout=seconds))
        engine.ping()
    except docker.errors.DockerException as error:
        remedy = "start one (as root: ci/setup, or dockerd), or let DOCKER_HOST name one"
        raise LaneUnavailable(f"no container engine answers ({_short(error)}); {remedy}") from error
    return engine


def engine_error() -> type[Exception]:
    """What the client raises when the engine refuses."""
    return cast("type[Exception]", _module().errors.DockerException)


def discard(things: Iterable[Labelled]) -> None:
    """Remove networks and volumes; one that the engine keeps is left."""
    for thing in things:
        with suppress(engine_error()):
            thing.remove()


def without_foreign_reaper() -> None:
    """Keep testcontainers from starting its own reaper, whose image may be out of reach; ours goes by label (`reaping`)."""
    with suppress(ImportError):
        importlib.import_module("testcontainers.core.config").testcontainers_config.ryuk_disabled = True


def _module() -> Any:
    try:
        importlib.import_module("testcontainers.core.container")
        return importlib.import_module("docker")
    except ImportError as error:
        raise LaneUnavailable(f"testcontainers cannot be imported ({error}); install virtproof[containers]") from error


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 160 else f"{text[:157]}..."  # noqa: PLR2004 - a line of a terminal, twice
