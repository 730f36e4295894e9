"""What the caller answers when a host asks for credentials, and how addresses are told without them.

What belongs here: the request as a value, the callback's type, and what a URI says of credentials. What does not: libvirt's
lists of lists that carry requests and answers; those are in `edge.credentials`. No value here ever holds an answer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from virtproof_driver.constants import CredentialType


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRequest:
    """One thing that the host asks for: what kind, its prompt for a person, and libvirt's challenge and default, if any."""

    kind: CredentialType
    prompt: str
    challenge: str | None = None
    default: str | None = None


Authenticate = Callable[[CredentialRequest], str | None]
"""Answers a request; None cancels, and connecting ends with PermissionDenied. Called once a request, also when the driver
reconnects.

An exception that it raises ends connecting with PermissionDenied and is that error's cause.
"""

_FILE = re.compile(r"[?&]authfile=")
_PASSWORD = re.compile(r"(://[^/?#:]*):[^/?#]*@")


def without_credentials(uri: str) -> str:
    """The URI without the password of its user part; the user's name stays, as it says what was tried."""
    return _PASSWORD.sub(r"\1@", uri)


def names_a_file(uri: str) -> bool:
    """Whether the URI names a file that answers for the caller: `authfile`, https://libvirt.org/auth.html#client-configuration."""
    return _FILE.search(uri) is not None
