"""The ways to a host, by the transports' names: each as a URI of libvirt's.

What belongs here: the table of transports that go over the network, and URIs made of it. What does not: the files that parameters
name (`keyring`), and whether anybody is there. A transport's name is libvirt's word for it (https://libvirt.org/uri.html), with
`-sasl` where the daemon also asks for user and password.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlsplit

from virtproof.lanes.containers import keyring

Parameters = Mapping[str, str]


def _nothing(_folder: Path) -> Parameters:
    return {}


def _tls_and_sasl(folder: Path) -> Parameters:
    return {**keyring.tls(folder), **keyring.sasl(folder)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A transport: libvirt's word in the URI, the door that it goes to, whom it comes as, and the parameters it takes."""

    word: str
    door: str
    parameters: Callable[[Path], Parameters] = _nothing
    user: str = ""


UNIX: Final = "unix"
WAYS: Final[Mapping[str, Way]] = MappingProxyType(
    {
        "tcp": Way(word="tcp", door="tcp"),
        "tls": Way(word="tls", door="tls", parameters=keyring.tls),
        "ssh": Way(word="ssh", door="ssh", parameters=keyring.ssh, user="root"),
        "libssh": Way(word="libssh", door="ssh", parameters=keyring.libssh, user="root"),
        "tcp-sasl": Way(word="tcp", door="tcp", parameters=keyring.sasl),
        "tls-sasl": Way(word="tls", door="tls", parameters=_tls_and_sasl),
    }
)


def unix_uri(of_backend: str, socket: Path | str) -> str:
    """A backend's URI, such as `qemu:///system`, over a unix socket."""
    parts = urlsplit(of_backend)
    return f"{parts.scheme}+unix://{parts.path}?socket={quote(str(socket))}"


def way_uri(of_backend: str, way: Way, address: tuple[str, int], parameters: Parameters) -> str:
    """A backend's URI over a way to an address."""
    parts = urlsplit(of_backend)
    user = f"{way.user}@" if way.user else ""
    query = "&".join(f"{name}={quote(value)}" for name, value in parameters.items())
    host, port = address
    return f"{parts.scheme}+{way.word}://{user}{host}:{port}{parts.path}{'?' if query else ''}{query}"
