"""TLS: which hosts the driver trusts, which clients a host does, and what the errors say of it.

What belongs here: cases whose ids begin with `connection.tls`. What does not: passwords (`test_authentication`), and cases of
other areas, which run over TLS where a lane does.
"""

import traceback

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Connect, Small
from virtproof.lanes.model import Ways
from virtproof.suite.common import SPAWNED, Said
from virtproof_driver import Capability
from virtproof_driver.errors import DriverError, HostNotTrusted, HostUnreachable, PermissionDenied
from virtproof_driver.values import PowerState

OVER_TLS = frozenset({Capability.CONNECTION_TLS, Capability.HOST_INFO})
HOSTS = ["authority", "no-authority", "name", "expired"]
CLIENTS = ["none", "foreign", "expired"]
REMOTE = "https://libvirt.org/kbase/tlscerts.html; error 45 or 38 of domain 7 (measured, libvirt 9.0.0)"


def refused(connect: Connect, uri: str) -> DriverError:
    """The error of connecting, which must be of the driver's."""
    with pytest.raises(DriverError) as error:
        connect(uri)
    return error.value


@case(
    "connection.tls.right",
    Level.MUST,
    requirement="Over TLS, with certificates that each side trusts, the driver is connected and works.",
    source="https://libvirt.org/uri.html: pkipath",
    since="1.0",
    needs=OVER_TLS | SPAWNED,
)
def test_right_certificates(connect: Connect, ways: Ways, small: Small) -> None:
    driver = connect(ways.right("tls"))
    assert driver.host().hostname
    assert driver.spawn(small()).state is PowerState.RUNNING


@case(
    "connection.tls.untrusted",
    Level.MUST,
    requirement="A host whose certificate is of another authority, for another name, or expired is HostNotTrusted.",
    source=REMOTE,
    since="1.0",
    needs=OVER_TLS,
)
@pytest.mark.parametrize("wrong", HOSTS)
def test_hosts_that_are_not_trusted(connect: Connect, ways: Ways, wrong: str) -> None:
    uri = ways.wrong(f"tls.{wrong}")
    error = refused(connect, uri)
    assert isinstance(error, HostNotTrusted)
    assert error.uri == uri


@case(
    "connection.tls.untrusted.remedy",
    Level.SHOULD,
    requirement="The error of a host that is not trusted names its address, and the file or parameter to look at.",
    source="driver contract: every message names the offender, and the remedy where the caller can do something",
    since="1.0",
    needs=OVER_TLS,
)
@pytest.mark.parametrize("wrong", HOSTS)
def test_what_to_do_about_an_untrusted_host(connect: Connect, ways: Ways, wrong: str) -> None:
    uri = ways.wrong(f"tls.{wrong}")
    said = str(refused(connect, uri))
    assert uri in said
    assert "pkipath" in said.replace(uri, "")
    assert "certificate" in said or "cacert.pem" in said.replace(uri, "")


@case(
    "connection.tls.client",
    Level.MUST,
    requirement="A client without a certificate, or with one that is expired or of another authority, is PermissionDenied.",
    source=REMOTE,
    since="1.0",
    needs=OVER_TLS,
)
@pytest.mark.parametrize("wrong", CLIENTS)
def test_clients_that_are_not_let_in(connect: Connect, ways: Ways, wrong: str) -> None:
    uri = ways.wrong(f"tls.client-{wrong}")
    error = refused(connect, uri)
    assert isinstance(error, PermissionDenied)
    assert "clientcert.pem" in str(error).replace(uri, "")


@case(
    "connection.tls.absent",
    Level.MUST,
    requirement="A port where nobody listens, or nobody speaks TLS, is HostUnreachable, and no matter of trust.",
    source=REMOTE,
    since="1.0",
    needs=OVER_TLS,
)
@pytest.mark.parametrize("wrong", ["nobody", "plain"])
def test_nobody_there(connect: Connect, ways: Ways, wrong: str) -> None:
    assert type(refused(connect, ways.wrong(f"tls.{wrong}"))) is HostUnreachable


@case(
    "connection.tls.again",
    Level.MUST,
    requirement="A refusal is not kept, and neither is trust: right and wrong ways work and fail in turn.",
    source="driver contract: each factory call opens by itself",
    since="1.0",
    needs=OVER_TLS,
)
def test_right_after_wrong(connect: Connect, ways: Ways) -> None:
    for _ in range(2):
        assert isinstance(refused(connect, ways.wrong("tls.authority")), HostNotTrusted)
        assert connect(ways.right("tls")).host().hostname


@case(
    "connection.tls.secret",
    Level.MUST,
    requirement="No private key shows in an error, traceback, repr, log or output, nor in the evidence.",
    source="driver contract: secrets appear in no repr, log or error",
    since="1.0",
    needs=OVER_TLS,
)
@pytest.mark.parametrize("outcome", ["accepted", "refused"])
def test_no_key_shows(connect: Connect, ways: Ways, said: Said, outcome: str) -> None:
    if outcome == "refused":
        shown = "".join(traceback.format_exception(refused(connect, ways.wrong("tls.client-foreign"))))
    else:
        driver = connect(ways.right("tls"))
        shown = f"{driver!r} {driver} {driver.host()!r}"
    everywhere = (shown + said()).encode()
    assert [secret for secret in ways.secrets if secret in everywhere] == []
