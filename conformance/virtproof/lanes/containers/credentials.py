"""What a lane's container and its clients know each other by: certificates, ssh keys and a password, made for one container.

What belongs here: making them, and the value. What does not: where they go (`keyring` on this machine, `doors` in the container).
Nothing here shows in a repr. A certificate is for one name, so that any other name of the host proves a driver's checks.
"""

import importlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from virtproof.errors import LaneUnavailable

USER: Final = "virtproof"
_PASSWORD_BYTES: Final = 18
_PAST: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate with its key and the authority that signed it, each in PEM."""

    authority: bytes
    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKey:
    """A key pair: the private half as OpenSSH keeps it, the public half as one line."""

    private: bytes = field(repr=False)
    public: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What opens one container's doors, and beside it what a client must be refused with.

    `expired_server` and `expired_client` are of the right authority and of yesterday; `stranger` is of another authority.
    """

    server: Certificate
    client: Certificate
    expired_server: Certificate
    expired_client: Certificate
    stranger: Certificate
    host_key: SshKey
    client_key: SshKey
    strange_key: SshKey
    user: str = USER
    password: str = field(repr=False)

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """What must show nowhere: the password, and a piece of the middle of each private key."""
        certificates = (self.server, self.client, self.expired_server, self.expired_client, self.stranger)
        keys = (
            *(each.key for each in certificates),
            *(each.private for each in (self.host_key, self.client_key, self.strange_key)),
        )
        return (self.password.encode(), *map(telling_line, keys))


def telling_line(key: bytes) -> bytes:
    """A line of a private key that only this key has: the third, since the first two hold little but what kind of key it is."""
    return key.splitlines()[2]


def make_credentials(*names: str) -> Credentials:
    """New ones for a host that is reached by these names and addresses. Raises LaneUnavailable where they cannot be made."""
    trustme = _module("trustme")
    authority, other = trustme.CA(), trustme.CA()
    past = {"not_before": datetime.now(UTC) - 2 * _PAST, "not_after": datetime.now(UTC) - _PAST}
    return Credentials(
        server=_certificate(authority, *names),
        client=_certificate(authority, USER),
        expired_server=_certificate(authority, *names, **past),
        expired_client=_certificate(authority, USER, **past),
        stranger=_certificate(other, USER),
        host_key=_ssh_key(),
        client_key=_ssh_key(),
        strange_key=_ssh_key(),
        password=secrets.token_urlsafe(_PASSWORD_BYTES),
    )


def _certificate(authority: Any, *names: str, **validity: datetime) -> Certificate:
    issued = authority.issue_cert(*names, common_name=names[0], **validity)
    return Certificate(
        authority=authority.cert_pem.bytes(),
        certificate=b"".join(each.bytes() for each in issued.cert_chain_pems),
        key=issued.private_key_pem.bytes(),
    )


def _ssh_key() -> SshKey:
    ed25519: Any = _module("cryptography.hazmat.primitives.asymmetric.ed25519")
    forms: Any = _module("cryptography.hazmat.primitives.serialization")
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.OpenSSH, forms.NoEncryption())
    return SshKey(private=private, public=key.public_key().public_bytes(forms.Encoding.OpenSSH, forms.PublicFormat.OpenSSH))


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise LaneUnavailable(f"{name} cannot be imported ({error}); install virtproof[containers]") from error
