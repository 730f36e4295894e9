"""A run whose suite and driver share nothing with the hypervisors' hosts but a network, put up in containers by this process.

What belongs here: the network, the hosts with one more for each worker, the client with all that it is given, and taking it away
again. What does not: what is run in the client (`cli.apart`), and how a run uses hosts that it was handed (`handed_in`). Nothing
is mounted and no port published; what the client needs is put into it, its results are taken out of it.
"""

import io
import json
import os
import platform
import tarfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Final

from virtproof.backends.model import Backend
from virtproof.errors import LaneUnavailable
from virtproof.lanes.containers import options
from virtproof.lanes.containers.archives import packed_trees
from virtproof.lanes.containers.container import Host, Order, start
from virtproof.lanes.containers.credentials import make_credentials
from virtproof.lanes.containers.description import KEYRING, Description, to_json
from virtproof.lanes.containers.doors import Asking, asking_for, files_of
from virtproof.lanes.containers.ending import end
from virtproof.lanes.containers.engine import Container, Engine, connected, discard, engine_error
from virtproof.lanes.containers.handed_in import VARIABLE
from virtproof.lanes.containers.images import image_of
from virtproof.lanes.containers.keyring import write_keyring
from virtproof.lanes.containers.labels import labels_of
from virtproof.lanes.containers.pair import DESTINATION, SOURCE, has_pairs
from virtproof.lanes.containers.reaping import reap_all
from virtproof.lanes.containers.recipe import client_recipe, shipped_recipe
from virtproof.lanes.containers.shared import QEMU, key_of
from virtproof.lanes.folders import make_folder, owner_of, remove_folder

HOME: Final = PurePosixPath("/var/lib/virtproof")  # as the client's recipe has it
PACKAGES: Final = "/opt/virtproof"  # likewise
LANES: Final = "lanes.json"
_SILENCE: Final = 3600  # seconds; the client's own deadlines end it long before

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is put up: a container a lane, and for each of `spares` workers one more, and a pair where the backend needs pairs.

    `packages` are folders of Python packages for the client.
    """

    run: str
    lanes: tuple[tuple[Backend, str], ...]
    spares: int
    packages: tuple[Path, ...]


@dataclass(slots=True, kw_only=True)
class Site:
    """What is there so far, and what becomes of it; `remove` takes all of it away."""

    engine: Engine
    asked: Asked
    folder: Path
    network: str
    hosts: list[Host] = field(default_factory=list[Host])
    clients: list[Container] = field(default_factory=list[Container])
    volumes: list[str] = field(default_factory=list[str])

    @property
    def labels(self) -> Mapping[str, str]:
        """Whose all of it is."""
        return labels_of(self.asked.run, platform.node(), owner_of(os.getpid()))

    def pair(self, backend: Backend, name: str, image: str) -> tuple[Description, Description]:
        """Start two hosts that have a volume of the engine's in common, as `containers.pair` has them."""
        self.engine.volumes.create(name, labels=self.labels)
        self.volumes.append(name)
        source, destination = (
            self.host(backend, Asking.TLS, f"{name}-{which}", image, volume=name) for which in (SOURCE, DESTINATION)
        )
        return source, destination

    def host(self, backend: Backend, asking: Asking, name: str, image: str, *, volume: str = "") -> Description:
        """Start a host of this name on the network; its clients' credentials wait in the folder. One of a pair has no KVM."""
        credentials = make_credentials(name, options.LOOPBACK)
        own = self.folder / name
        own.mkdir()
        write_keyring(own / KEYRING, credentials, name, options.LOOPBACK, known_as=Path(HOME / name / KEYRING))
        kvm = backend.uri.startswith(QEMU) and not volume
        order = Order(
            image=image,
            run=self.asked.run,
            owner=owner_of(os.getpid()),
            folder=None,
            files=files_of(credentials, asking),
            kvm=kvm,
            network=self.network,
            name=name,
            volume=volume,
        )
        host = start(order)
        self.hosts.append(host)
        return Description(
            container=host.id,
            image=image,
            folder=str(HOME / name),
            host=name,
            alias=host.ask("hostname", "-i").decode().split()[0],
            ports=dict(options.PORTS),
            asking=asking,
            kvm=host.kvm,
            pool="",
            network="",
            apart=True,
        )

    def client(self, image: str, told: Mapping[str, str]) -> Container:
        """Start the client on the network, and give it the packages, the credentials, and the file that tells of the hosts."""
        (self.folder / LANES).write_text(json.dumps(told), encoding="utf-8")
        client = self.engine.containers.run(image, detach=True, network=self.network, labels=self.labels, init=True)
        self.clients.append(client)
        client.put_archive(PACKAGES, packed_trees(self.asked.packages))
        client.put_archive(str(HOME), packed_trees(each for each in self.folder.iterdir() if not each.is_symlink()))
        return client

    def remove(self) -> None:
        """End all of it; what is gone already is no error."""
        for host in self.hosts:
            host.remove()
        for client in self.clients:
            with suppress(engine_error()):
                end(client)
        named = [(self.engine.networks, self.network), *((self.engine.volumes, volume) for volume in self.volumes)]
        for kind, name in named:
            discard(kind.list(filters={"name": name}))
        remove_folder(self.folder)


@contextmanager
def put_up(asked: Asked, say: Say) -> Generator["Client"]:
    """The client of a site, ready; all of it is gone at the end. Raises LaneUnavailable."""
    engine = connected(_SILENCE)
    site = Site(engine=engine, asked=asked, folder=make_folder(), network=f"vp-{asked.run}-apart")
    try:
        reap_all(engine)
        engine.networks.create(site.network, internal=True, labels=site.labels)
        told = dict(_told(site, say))
        yield Client(engine, site.client(image_of(engine, client_recipe(), say), told))
    except engine_error() as error:
        raise LaneUnavailable(f"the engine refuses: {' '.join(str(error).split())}") from error
    finally:
        site.remove()
        engine.close()


class Client:
    """The container in which suite and driver run."""

    def __init__(self, engine: Engine, container: Container) -> None:
        self._engine = engine
        self._container = container

    def run(self, words: Iterable[str], environment: Mapping[str, str]) -> Generator[bytes, None, int]:
        """Run a command and give what it prints as it comes; its exit code is the generator's value."""
        told = {VARIABLE: str(HOME / LANES), **environment}
        made = self._engine.api.exec_create(self._container.id, list(words), environment=told)["Id"]
        yield from self._engine.api.exec_start(made, stream=True)
        return int(self._engine.api.exec_inspect(made)["ExitCode"])

    def take(self, path: PurePosixPath, into: Path) -> None:
        """Copy what is in a folder of the client into one of this machine's."""
        pieces, _ = self._container.get_archive(f"{path}/.")
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
            tar.extractall(into, filter="data")


def _told(site: Site, say: Say) -> Iterator[tuple[str, str]]:
    """Each lane's key with its description; lanes that can share hosts do."""
    wanted = {key_of(backend, transport): (backend, asking_for(transport)) for backend, transport in site.asked.lanes}
    for key, (backend, asking) in wanted.items():
        image = image_of(site.engine, shipped_recipe(backend.suite), say)
        prefix = f"vp-{site.asked.run}-{backend.name}-{asking}"
        first, *spares = (site.host(backend, asking, f"{prefix}-{number}", image) for number in range(1 + site.asked.spares))
        paired = any(has_pairs(each) for each, transport in site.asked.lanes if key_of(each, transport) == key)
        numbers = range(site.asked.spares if paired else 0)
        pairs = tuple(tuple(map(asdict, site.pair(backend, f"{prefix}-pair{number}", image))) for number in numbers)
        yield key, to_json(replace(first, spares=tuple(map(asdict, spares)), pairs=pairs))
