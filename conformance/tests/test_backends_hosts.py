"""A backend that ships, on a host of the user's: what `--uri` makes of it."""

import pytest

from virtproof.backends import load
from virtproof.backends.hosts import on_host, to_toml
from virtproof.backends.loading import PROVISIONERS
from virtproof.backends.model import Backend, Basis, KnownBug, Unsupported
from virtproof.backends.reading import read
from virtproof.errors import UsageError
from virtproof_driver import Capability

BEYOND = {
    *(Capability.CONNECTION_AUTH, Capability.CONNECTION_TLS, Capability.CONNECTION_SSH),
    *(Capability.CONNECTION_KEEPALIVE, Capability.CONNECTION_RECONNECT, Capability.EVENTS_HOST, Capability.GUESTS),
    *(Capability.AGENT_PASSWORD, Capability.AGENT_QUIESCE),
    *(Capability.MIGRATION_LIVE, Capability.MIGRATION_PEER_TO_PEER, Capability.MIGRATION_PAUSED, Capability.MIGRATION_OFFLINE),
    *(Capability.MIGRATION_STORAGE, Capability.MIGRATION_AUTO_CONVERGE, Capability.MIGRATION_POST_COPY),
}


@pytest.mark.parametrize("name", ["qemu", "lxc"])
def test_it_keeps_its_manifest_and_declares_what_is_out_of_reach(name: str) -> None:
    shipped = load(name)
    users = on_host(shipped, f"{name}+ssh://me@host/system")
    assert (users.uri, users.provisioner, users.transports) == (f"{name}+ssh://me@host/system", "", ("direct",))
    assert {entry.capability for entry in users.unsupported} == {entry.capability for entry in shipped.unsupported} | BEYOND


def test_its_toml_reads_as_itself() -> None:
    made = Backend(
        name="mine",
        basis=Basis.REAL,
        uri="qemu:///system",
        origin="host.toml",
        unsupported=(
            Unsupported(capability=Capability.SUSPEND, reason='it says "no"\\never', when="libvirt < 10.0"),
            Unsupported(capability=Capability.TPM, reason="ohne Grund: ünïcode"),
        ),
        known_bugs=(KnownBug(case="a.b[c]", reason="why", link="https://example.org/1", when="qemu < 9"),),
    )
    users = on_host(made, "qemu+tcp://host/system")
    assert read(to_toml(users), "host.toml", PROVISIONERS) == users


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("nonsense", "--uri: 'nonsense' is no libvirt URI"),
        ("lxc:///system", "it leads to lxc, and the backend qemu is qemu; name the backend for it"),
    ],
)
def test_a_uri_that_cannot_be_is_told(uri: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        on_host(load("qemu"), uri)


def test_a_backend_without_a_uri_of_its_own_takes_any() -> None:
    assert on_host(load("test"), "test:///default").uri == "test:///default"
