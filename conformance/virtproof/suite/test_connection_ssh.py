"""ssh, by OpenSSH's program and by libssh: which hosts the driver trusts, which keys a host does, and what the errors say of it.

What belongs here: cases whose ids begin with `connection.ssh`. What does not: cases of other areas, which run over ssh where a
lane does.
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

OVER_SSH = frozenset({Capability.CONNECTION_SSH, Capability.HOST_INFO})
BY = pytest.mark.parametrize("by", ["ssh", "libssh"])
HOSTS = pytest.mark.parametrize("wrong", ["unknown", "changed"])
MEASURED = "https://libvirt.org/uri.html: ssh and libssh; error 38 of domain 7, 98 and 45 of domain 66 (measured, libvirt 9.0.0)"


def refused(connect: Connect, uri: str) -> DriverError:
    """The error of connecting, which must be of the driver's."""
    with pytest.raises(DriverError) as error:
        connect(uri)
    return error.value


@case(
    "connection.ssh.right",
    Level.MUST,
    requirement="Over ssh, with a key that the host takes and a host whose key is known, the driver is connected and works.",
    source="https://libvirt.org/uri.html: keyfile, command, known_hosts",
    since="1.0",
    needs=OVER_SSH | SPAWNED,
)
@BY
def test_right_keys(connect: Connect, ways: Ways, small: Small, by: str) -> None:
    driver = connect(ways.right(by))
    assert driver.host().hostname
    assert driver.spawn(small()).state is PowerState.RUNNING


@case(
    "connection.ssh.untrusted",
    Level.MUST,
    requirement="A host whose key is not known, or is another one than the known, is HostNotTrusted.",
    source=MEASURED,
    since="1.0",
    needs=OVER_SSH,
)
@BY
@HOSTS
def test_hosts_that_are_not_trusted(connect: Connect, ways: Ways, by: str, wrong: str) -> None:
    uri = ways.wrong(f"{by}.{wrong}")
    error = refused(connect, uri)
    assert isinstance(error, HostNotTrusted)
    assert error.uri == uri


@case(
    "connection.ssh.untrusted.remedy",
    Level.SHOULD,
    requirement="The error of a host that is not trusted names its address, and the known hosts as what to look at.",
    source="driver contract: every message names the offender, and the remedy where the caller can do something",
    since="1.0",
    needs=OVER_SSH,
)
@BY
@HOSTS
def test_what_to_do_about_an_untrusted_host(connect: Connect, ways: Ways, by: str, wrong: str) -> None:
    uri = ways.wrong(f"{by}.{wrong}")
    said = str(refused(connect, uri))
    assert uri in said
    assert "known hosts" in said.replace("_", " ").replace(uri.replace("_", " "), "")


@case(
    "connection.ssh.key",
    Level.MUST,
    requirement="A key that the host does not take is PermissionDenied, and the error names the key's parameter.",
    source=MEASURED,
    since="1.0",
    needs=OVER_SSH,
)
@BY
def test_keys_that_are_not_taken(connect: Connect, ways: Ways, by: str) -> None:
    uri = ways.wrong(f"{by}.key")
    error = refused(connect, uri)
    assert isinstance(error, PermissionDenied)
    assert "keyfile" in str(error).replace(uri, "")


@case(
    "connection.ssh.absent",
    Level.MUST,
    requirement="A port where nobody listens is HostUnreachable, and no matter of trust.",
    source=MEASURED,
    since="1.0",
    needs=OVER_SSH,
)
@BY
def test_nobody_there(connect: Connect, ways: Ways, by: str) -> None:
    assert type(refused(connect, ways.wrong(f"{by}.nobody"))) is HostUnreachable


@case(
    "connection.ssh.again",
    Level.MUST,
    requirement="A refusal is not kept, and neither is trust: right and wrong ways work and fail in turn.",
    source="driver contract: each factory call opens by itself",
    since="1.0",
    needs=OVER_SSH,
)
@BY
def test_right_after_wrong(connect: Connect, ways: Ways, by: str) -> None:
    for _ in range(2):
        assert isinstance(refused(connect, ways.wrong(f"{by}.unknown")), HostNotTrusted)
        assert connect(ways.right(by)).host().hostname


@case(
    "connection.ssh.secret",
    Level.MUST,
    requirement="No private key shows in an error, traceback, repr, log or output, nor in the evidence.",
    source="driver contract: secrets appear in no repr, log or error",
    since="1.0",
    needs=OVER_SSH,
)
@BY
@pytest.mark.parametrize("outcome", ["accepted", "refused"])
def test_no_key_shows(connect: Connect, ways: Ways, said: Said, by: str, outcome: str) -> None:
    if outcome == "refused":
        shown = "".join(traceback.format_exception(refused(connect, ways.wrong(f"{by}.key"))))
    else:
        driver = connect(ways.right(by))
        shown = f"{driver!r} {driver} {driver.host()!r}"
    everywhere = (shown + said()).encode()
    assert [secret for secret in ways.secrets if secret in everywhere] == []
