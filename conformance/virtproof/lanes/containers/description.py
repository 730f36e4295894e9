"""A lane's container as its workers must know it: a value that goes to them as JSON.

What belongs here: the value, its JSON, and the URIs that lead to it. What does not: making the container (`shared`), using it
(`lane`), and the transports (`ways`). No secret is in it: those are files in its folder.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, cast

from virtproof.errors import LaneUnavailable
from virtproof.lanes.containers.options import SOCKET
from virtproof.lanes.containers.ways import UNIX, WAYS, unix_uri, way_uri
from virtproof.lanes.forwarder import Address
from virtproof.lanes.model import Furniture

KEYRING: Final = "keyring"
DOORS: Final = "doors"
SOCKETS: Final = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A provisioned container.

    `folder` is this machine's: it holds the daemon's socket and the clients' credentials. `host` is the name or address that the
    certificate is for, `alias` another name of the same host; `ports` lead to its doors there. `asking` is the door at which the
    daemon asks for a password. `pool` and `network` are the run's own on it: guests' images, and a network without a way out.
    `kvm` says whether KVM runs guests there. `image` is the engine's name of the image, for further containers. A container that
    is `apart` shares nothing with who reads this but a network: it has no socket here, and no engine answers for it, so that
    `spares` describe further ones, and `pairs` two side by side, a worker each.
    """

    container: str
    image: str
    folder: str
    host: str
    alias: str
    ports: Mapping[str, int]
    asking: str
    kvm: bool
    pool: str
    network: str
    apart: bool = False
    spares: tuple[Mapping[str, Any], ...] = ()
    pairs: tuple[tuple[Mapping[str, Any], ...], ...] = ()

    @property
    def furniture(self) -> Furniture:
        """What a small instance may use."""
        return Furniture(pool=self.pool, network=self.network)

    @property
    def socket(self) -> Path:
        """The daemon's socket on this machine."""
        return Path(self.folder) / SOCKETS / SOCKET

    @property
    def keyring(self) -> Path:
        """The folder of a client's credentials."""
        return Path(self.folder) / KEYRING

    def observed(self, of_backend: str) -> str:
        """The URI by which the suite looks past the driver: the socket's, or where there is none a door's that asks nobody."""
        unasked = "tcp" if self.asking == "tls" else "tls"
        return self.uri(of_backend, unasked if self.apart else UNIX)

    def spare(self, number: int) -> "Description":
        """A further container like this one. Raises LaneUnavailable where there are not so many."""
        if number >= len(self.spares):
            raise LaneUnavailable(f"there are {len(self.spares)} further containers, and worker {number} has none")
        return Description(**self.spares[number])

    def pair(self, number: int) -> tuple["Description", "Description"]:
        """Two further containers side by side. Raises LaneUnavailable where there are not so many."""
        if number >= len(self.pairs):
            raise LaneUnavailable(f"there are {len(self.pairs)} pairs of containers, and worker {number} has none")
        source, destination = (Description(**told) for told in self.pairs[number])
        return source, destination

    def upstream(self, transport: str) -> Address:
        """What a transport leads to: the socket, or a door's address."""
        return str(self.socket) if transport == UNIX else (self.host, self.ports[WAYS[transport].door])

    def uri(self, of_backend: str, transport: str, address: Address | None = None) -> str:
        """The backend's URI, such as `qemu:///system`, over a transport; `address` is a proxy's in front of it."""
        to = address or self.upstream(transport)
        if isinstance(to, str):
            return unix_uri(of_backend, to)
        way = WAYS[transport]
        return way_uri(of_backend, way, to, way.parameters(self.keyring))


def to_json(description: Description) -> str:
    """The description as JSON."""
    return json.dumps(asdict(description))


def from_json(text: str) -> Description:
    """A description from its JSON. Raises ValueError when it is none."""
    data = cast("object", json.loads(text))
    if not isinstance(data, dict) or set(cast("dict[str, object]", data)) != {field.name for field in fields(Description)}:
        raise ValueError(f"not the description of a lane: {text[:80]}")
    found: dict[str, Any] = {**cast("dict[str, Any]", data)}
    found["spares"] = tuple(found["spares"])
    found["pairs"] = tuple(tuple(pair) for pair in found["pairs"])
    return Description(**found)
