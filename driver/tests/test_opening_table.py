"""Errors of opening: by their numbers, and where these leave it open, by libvirt's and OpenSSH's words."""

import pytest

from virtproof_driver.errors import DriverError, HostNotTrusted, HostUnreachable, PermissionDenied
from virtproof_driver.opening_table import WORDS, translate_opening

# As libvirt 9.0.0 told them, paths and fingerprints shortened.
MEASURED = [
    pytest.param(45, 7, "failed: Failed to verify peer's certificate", HostNotTrusted, "pkipath", id="certificate"),
    pytest.param(38, 7, "Cannot read CA certificate '/p/ca': No such file", HostNotTrusted, "cacert.pem", id="no authority"),
    pytest.param(38, 7, "Our own certificate /p failed validation", PermissionDenied, "clientcert.pem", id="foreign client"),
    pytest.param(38, 7, "The client certificate /p has expired", PermissionDenied, "clientcert.pem", id="expired client"),
    pytest.param(38, 7, "Unable to read TLS confirmation: Input/output", PermissionDenied, "clientcert.pem", id="no client"),
    pytest.param(45, 7, "TLS handshake failed An unexpected TLS packet", HostUnreachable, "port", id="no TLS there"),
    pytest.param(38, 7, "Cannot recv data: No ED25519 host key is known for [h]:1 and you have requested strict checking. "
                 "Host key verification failed.: Connection reset by peer", HostNotTrusted, "known hosts", id="unknown key, ssh"),
    pytest.param(38, 7, "Cannot recv data: root@h: Permission denied (publickey).: Connection reset by peer", PermissionDenied,
                 "keyfile", id="wrong key, ssh"),
    pytest.param(98, 66, "libssh transport error: No user interaction callback provided: Can't verify the session host key",
                 HostNotTrusted, "known_hosts", id="unknown key, libssh"),
    pytest.param(45, 66, "authentication failed: !!! SSH HOST KEY VERIFICATION FAILED !!!: Identity of host differs",
                 HostNotTrusted, "known_hosts", id="changed key, libssh"),
    pytest.param(98, 66, "libssh transport error: failed to authenticate: Access denied for 'publickey'", PermissionDenied,
                 "keyfile", id="wrong key, libssh"),
    pytest.param(45, 7, "authentication failed: Failed to start SASL negotiation: -4 (SASL(-4): no mechanism available: "
                 "No worthy mechs found)", PermissionDenied, "auth", id="nobody answers SASL"),
    pytest.param(45, 7, "authentication failed: authentication failed", PermissionDenied, "authfile", id="wrong password"),
    pytest.param(38, 7, "unable to connect to server at 'h:1': Connection refused", HostUnreachable, "", id="nobody listens"),
    pytest.param(38, 7, "Cannot recv data: ssh: connect to host h port 1: Connection refused: Connection reset by peer",
                 HostUnreachable, "", id="nobody listens, ssh"),
    pytest.param(5, 66, "no connection driver available for SSH session", HostUnreachable, "", id="no ssh there"),
]  # fmt: skip
URI = "qemu+tls://h/system"


@pytest.mark.parametrize(("code", "domain", "text", "expected", "remedy"), MEASURED)
def test_what_was_measured_is_told_apart(code: int, domain: int, text: str, expected: type[DriverError], remedy: str) -> None:
    error = translate_opening(code, domain, text, uri=URI)
    assert type(error) is expected
    assert str(error).count(text) == 1
    assert URI in str(error)
    assert remedy in str(error).replace(text, "")


def test_who_is_not_trusted_cannot_be_reached_either() -> None:
    error = translate_opening(45, 7, "Failed to verify peer's certificate", uri=URI)
    assert isinstance(error, HostUnreachable)
    assert (error.uri, "pkipath" in getattr(error, "remedy", "")) == (URI, True)


@pytest.mark.parametrize(("phrase", "make", "remedy"), WORDS)
def test_each_row_has_a_remedy_and_is_reached(phrase: str, make: object, remedy: str) -> None:
    assert callable(make)
    assert remedy in str(translate_opening(0, 0, f"before {phrase} after", uri=URI))


@pytest.mark.parametrize(
    ("code", "domain", "expected"),
    [
        pytest.param(38, 7, HostUnreachable, id="refused"),
        pytest.param(1, 45, HostUnreachable, id="a URI that cannot be parsed"),
        pytest.param(27, 12, HostUnreachable, id="a file that is not there"),
        pytest.param(5, 0, HostUnreachable, id="no such driver"),
        pytest.param(None, None, HostUnreachable, id="no numbers"),
        pytest.param(45, 12, PermissionDenied, id="wrong password"),
        pytest.param(45, 46, PermissionDenied, id="cancelled by the callback"),
        pytest.param(79, 46, PermissionDenied, id="cancelled"),
        pytest.param(8, 46, PermissionDenied, id="nobody to ask"),
        pytest.param(88, 20, PermissionDenied, id="access control"),
    ],
)
def test_where_words_say_nothing_the_numbers_decide(code: int | None, domain: int | None, expected: type[DriverError]) -> None:
    error = translate_opening(code, domain, "words", uri="test:///x")
    assert type(error) is expected
    assert "test:///x" in str(error)
