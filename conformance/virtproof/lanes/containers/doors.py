"""A container's side of its credentials: which door asks for what, as files that go into it before its daemon starts.

What belongs here: the files, by their paths inside, and the daemon's lines about its doors. What does not: how they get there
(`container`), what stands in the image for every run (`virtproof/images`), and a client's side (`keyring`).

One libvirtd has one answer for a door, so of the two that can ask for a password one does: a run over plain tcp has it at the TLS
port, every other run at the tcp port.
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final

from virtproof.lanes.containers.credentials import Credentials

SECRET_KEYS: Final = ("server-key.pem", "host_key")
FOLDER: Final = "/etc/virtproof"  # as `entry` has it


@unique
class Asking(StrEnum):
    """The door at which the daemon asks for user and password, by SASL."""

    TCP = "tcp"
    TLS = "tls"


ASKING: Final[Mapping[str, Asking]] = MappingProxyType({"tcp": Asking.TLS, "tls-sasl": Asking.TLS})
"""By transport; at every other one it is the tcp port."""


def asking_for(transport: str) -> Asking:
    """Where the daemon of a lane asks for a password."""
    return ASKING.get(transport, Asking.TCP)


def files_of(credentials: Credentials, asking: Asking) -> Mapping[str, bytes]:
    """What goes into the container's folder, by name."""
    return {
        **asking_file(asking),
        "ca.pem": credentials.server.authority,
        "server.pem": credentials.server.certificate,
        "server-key.pem": credentials.server.key,
        "host_key": credentials.host_key.private,
        "authorized_keys": credentials.client_key.public + b"\n",
        "user": credentials.user.encode(),
        "password": credentials.password.encode(),
    }


def asking_file(asking: Asking) -> Mapping[str, bytes]:
    """The one of these files that tells where a password is asked for, by name."""
    return {"doors.conf": _configuration(asking).encode()}


def _configuration(asking: Asking) -> str:
    auth = {door: "sasl" if door is asking else "none" for door in Asking}
    return f"""\
listen_tcp = 1
listen_tls = 1
auth_tcp = "{auth[Asking.TCP]}"
auth_tls = "{auth[Asking.TLS]}"
ca_file = "{FOLDER}/ca.pem"
cert_file = "{FOLDER}/server.pem"
key_file = "{FOLDER}/server-key.pem"
"""
