"""Ways to a container that a driver must refuse, or be refused on, by what is wrong with them.

What belongs here: the table, and all ways together as a case has them. What does not: right ways (`ways`) and the files that
parameters name (`keyring`). All but one differ from a right way in what the client has; a host whose certificate has expired is
played by a listener of the suite's own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from virtproof.lanes.containers import keyring
from virtproof.lanes.containers.description import Description
from virtproof.lanes.containers.doors import Asking
from virtproof.lanes.containers.expired_door import ExpiredDoor
from virtproof.lanes.containers.ways import WAYS, Parameters, way_uri

Place = tuple[str, int]
_NOBODY: Final = 1  # tcpmux, which nothing serves


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A wrong way: its transport, the client's part, and where it leads when not to the transport's door."""

    transport: str
    parameters: Callable[[Path], Parameters]
    place: Callable[[Description], Place] | None = None


def _alias(told: Description) -> Place:
    return told.alias, told.ports["tls"]


def _plain(told: Description) -> Place:
    return told.host, told.ports["tcp"]


def _nobody(told: Description) -> Place:
    return told.host, _NOBODY


EXPIRED: Final = "tls.expired"
WRONG: Final[Mapping[str, Wrong]] = MappingProxyType(
    {
        "tls.authority": Wrong(transport="tls", parameters=partial(keyring.tls, pki="pki-stranger")),
        "tls.no-authority": Wrong(transport="tls", parameters=partial(keyring.tls, pki="pki-nowhere")),
        "tls.name": Wrong(transport="tls", parameters=keyring.tls, place=_alias),
        EXPIRED: Wrong(transport="tls", parameters=keyring.tls),
        "tls.client-none": Wrong(transport="tls", parameters=partial(keyring.tls, pki="pki-none")),
        "tls.client-foreign": Wrong(transport="tls", parameters=partial(keyring.tls, pki="pki-unsigned")),
        "tls.client-expired": Wrong(transport="tls", parameters=partial(keyring.tls, pki="pki-expired")),
        "tls.plain": Wrong(transport="tls", parameters=keyring.tls, place=_plain),
        "tls.nobody": Wrong(transport="tls", parameters=keyring.tls, place=_nobody),
        "ssh.unknown": Wrong(transport="ssh", parameters=partial(keyring.ssh, kept="ssh-unknown")),
        "ssh.changed": Wrong(transport="ssh", parameters=partial(keyring.ssh, kept="ssh-changed")),
        "ssh.key": Wrong(transport="ssh", parameters=partial(keyring.ssh, kept="ssh-stranger")),
        "ssh.nobody": Wrong(transport="ssh", parameters=keyring.ssh, place=_nobody),
        "libssh.unknown": Wrong(transport="libssh", parameters=partial(keyring.libssh, kept="ssh-unknown")),
        "libssh.changed": Wrong(transport="libssh", parameters=partial(keyring.libssh, kept="ssh-changed")),
        "libssh.key": Wrong(transport="libssh", parameters=partial(keyring.libssh, kept="ssh-stranger")),
        "libssh.nobody": Wrong(transport="libssh", parameters=keyring.libssh, place=_nobody),
    }
)


class ContainerWays:
    """The ways to one container, for one case. What plays a host is there from the first time that it is asked for."""

    def __init__(self, of_backend: str, told: Description) -> None:
        self._of_backend = of_backend
        self._told = told
        self._expired: ExpiredDoor | None = None

    def right(self, transport: str) -> str:
        """A way on which the host lets the suite in: with a password where it asks for one."""
        asked = WAYS[transport].door == self._told.asking and f"{transport}-sasl" in WAYS
        return self._told.uri(self._of_backend, f"{transport}-sasl" if asked else transport)

    def wrong(self, fault: str) -> str:
        wrong = WRONG[fault]
        way = WAYS[wrong.transport]
        return way_uri(self._of_backend, way, self._place(fault, wrong), wrong.parameters(self._told.keyring))

    @property
    def secrets(self) -> frozenset[bytes]:
        return keyring.secrets_in(self._told.keyring)

    def authenticated(self) -> tuple[str, str, str]:
        """The way to the door that asks for a password, without one; and what it accepts."""
        asking = Asking(self._told.asking)
        return self._told.uri(self._of_backend, asking), *keyring.user_and_password(self._told.keyring)

    def close(self) -> None:
        """End what plays a host."""
        if self._expired is not None:
            self._expired.close()

    def _place(self, fault: str, wrong: Wrong) -> Place:
        if fault == EXPIRED:
            return self._expired_door().address
        return wrong.place(self._told) if wrong.place is not None else self._door(wrong)

    def _door(self, wrong: Wrong) -> Place:
        return self._told.host, self._told.ports[WAYS[wrong.transport].door]

    def _expired_door(self) -> ExpiredDoor:
        if self._expired is None:
            self._expired = ExpiredDoor(self._told.keyring / "pki-expired-server")
        return self._expired
