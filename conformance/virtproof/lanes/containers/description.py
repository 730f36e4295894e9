"""A lane's container as its workers must know it: a value that goes to them as JSON.

What belongs here: the value, its JSON, and the URIs that lead to it. What does not: making the container (`shared`) and using it
(`lane`).
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit

from virtproof.lanes.containers.options import LOOPBACK, SOCKET
from virtproof.lanes.model import Furniture


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A provisioned container. `folder` holds the daemon's socket, `port` is the loopback's.

    `pool` and `network` are the run's own on it: guests' images, and a network without a way out. `kvm` says whether KVM runs
    guests there. `image` is the engine's name of the image, for further containers.
    """

    container: str
    image: str
    folder: str
    port: int
    kvm: bool
    pool: str
    network: str

    @property
    def furniture(self) -> Furniture:
        """What a small instance may use."""
        return Furniture(pool=self.pool, network=self.network)

    @property
    def socket(self) -> Path:
        """The daemon's socket on this machine."""
        return Path(self.folder) / SOCKET

    def uri(self, of_backend: str, transport: str) -> str:
        """The backend's URI, such as `qemu:///system`, over a transport to this container."""
        return unix_uri(of_backend, self.socket) if transport == "unix" else tcp_uri(of_backend, self.port)


def unix_uri(of_backend: str, socket: Path | str) -> str:
    """A backend's URI over a unix socket."""
    parts = urlsplit(of_backend)
    return f"{parts.scheme}+unix://{parts.path}?socket={quote(str(socket))}"


def tcp_uri(of_backend: str, port: int) -> str:
    """A backend's URI over a port of the loopback."""
    parts = urlsplit(of_backend)
    return f"{parts.scheme}+tcp://{LOOPBACK}:{port}{parts.path}"


def to_json(description: Description) -> str:
    """The description as JSON."""
    return json.dumps(asdict(description))


def from_json(text: str) -> Description:
    """A description from its JSON. Raises ValueError when it is none."""
    data = cast("object", json.loads(text))
    if not isinstance(data, dict) or set(cast("dict[str, object]", data)) != {field.name for field in fields(Description)}:
        raise ValueError(f"not the description of a lane: {text[:80]}")
    return Description(**cast("dict[str, Any]", data))
