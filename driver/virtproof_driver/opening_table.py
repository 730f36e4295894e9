"""What libvirt's errors mean to the driver while it opens a connection: not trusted, not let in, or not there.

What belongs here: the table of numbers, the table of words for what the numbers leave open, and the remedies. What does not: the
errors of calls (`error_table`).

libvirt has one code for many refusals: 45 of domain 7 is a wrong password as much as a certificate that did not verify, and 38 of
domain 7 is a host that is off as much as one whose ssh key has changed, which OpenSSH tells by words alone. Phrases are theirs,
measured with libvirt 9.0.0 and OpenSSH 9.2 against libvirt 11.3.0 and OpenSSH 10.0. libvirt's are translated where a program has
asked for it (setlocale(3)); then the numbers decide alone, and a certificate that did not verify is
PermissionDenied. Codes: https://libvirt.org/html/libvirt-virterror.html. URIs: https://libvirt.org/uri.html.
"""

from collections.abc import Callable

from virtproof_driver.constants import ErrorCode as Code
from virtproof_driver.constants import ErrorDomain as Domain
from virtproof_driver.error_table import pair_of
from virtproof_driver.errors import DriverError, HostNotTrusted, HostUnreachable, PermissionDenied

Make = Callable[[str, str, str], DriverError]
"""URI, libvirt's message and the remedy to an error."""


def _denied(uri: str, text: str, remedy: str) -> DriverError:
    return PermissionDenied(f"{uri}: {text}; {remedy}")


def _unreachable(uri: str, text: str, remedy: str) -> DriverError:
    return HostUnreachable(uri, f"{text}; {remedy}")


_CERTIFICATE = (
    "libvirt does not say why: see that the host's certificate is signed by cacert.pem in the folder that the URI's pkipath "
    "names, is for the name in the URI, and has not expired"
)
_AUTHORITY = "see cacert.pem in the folder that the URI's pkipath names"
_CLIENT = "see clientcert.pem and clientkey.pem in the folder that the URI's pkipath names"
_NO_CLIENT = f"a host ends a connection so when it does not accept the client's certificate: {_CLIENT}"
_TLS_PORT = "see that the URI's port is the host's for TLS"
_HOST_KEY = "learn the host's key in another way, and correct the file of known hosts (the URI's known_hosts, or ssh's own)"
_KEY = "see the URI's user and keyfile, and what the host accepts (authorized_keys)"
_ANSWERS = "see user and password, from the factory's auth callback or the file that the URI's authfile names"
_GIVE_ONE = "the host asks for credentials, so pass the factory an auth callback"

WORDS: tuple[tuple[str, Make, str], ...] = (
    # libvirt's rpc/virnettlscontext.c: the host's certificate, our own, and neither
    ("Failed to verify peer's certificate", HostNotTrusted, _CERTIFICATE),
    ("Cannot read CA certificate", HostNotTrusted, _AUTHORITY),
    ("The CA certificate", HostNotTrusted, _AUTHORITY),
    ("The client certificate", _denied, _CLIENT),
    ("Our own certificate", _denied, _CLIENT),
    ("Unable to read TLS confirmation", _denied, _NO_CLIENT),
    ("TLS handshake failed", _unreachable, _TLS_PORT),
    # OpenSSH's sshconnect.c and sshconnect2.c, passed on by libvirt
    ("Host key verification failed", HostNotTrusted, _HOST_KEY),
    ("Permission denied (", _denied, _KEY),
    # libvirt's rpc/virnetlibsshsession.c
    ("Can't verify the session host key", HostNotTrusted, _HOST_KEY),
    ("SSH HOST KEY VERIFICATION FAILED", HostNotTrusted, _HOST_KEY),
    ("failed to authenticate: ", _denied, _KEY),
    ("Key file path must be provided", _denied, _KEY),
    # Cyrus SASL, where nobody offers to answer
    ("No worthy mechs found", _denied, _GIVE_ONE),
)
"""Phrases, of which the first that is found decides."""

_NO_CALLBACK = (Code.INVALID_ARG, Domain.AUTH)  # credentials are asked for and the caller gave no callback

DENIED: frozenset[tuple[Code, Domain | None]] = frozenset(
    {
        (Code.AUTH_FAILED, None),
        (Code.AUTH_CANCELLED, None),
        (Code.OPERATION_DENIED, None),
        (Code.ACCESS_DENIED, None),
        _NO_CALLBACK,
    }
)
"""The errors of opening that are PermissionDenied where no phrase decides; all others are HostUnreachable."""


def credentials_declined(uri: str, message: str) -> DriverError:
    """The error of opening where the caller answered none of what was asked, or not all of it."""
    return _denied(uri, message, _ANSWERS)


def translate_opening(code: int | None, domain: int | None, message: str | None, *, uri: str) -> DriverError:
    """The error of opening a connection to `uri`, which must be without credentials."""
    text = message or "libvirt gave no message"
    for phrase, make, remedy in WORDS:
        if phrase in text:
            return make(uri, text, remedy)
    if {pair_of(code or 0, domain), pair_of(code or 0, None)} & DENIED:
        return _denied(uri, text, _GIVE_ONE if pair_of(code or 0, domain) == _NO_CALLBACK else _ANSWERS)
    return HostUnreachable(uri, text)
