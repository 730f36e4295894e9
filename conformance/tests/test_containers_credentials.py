"""The credentials of a lane's container: made, told apart, kept private, and never shown."""

import stat
from pathlib import Path

import pytest

from virtproof.lanes.containers.credentials import Credentials, make_credentials
from virtproof.lanes.containers.doors import Asking, asking_for, files_of
from virtproof.lanes.containers.keyring import write_keyring

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def made() -> Credentials:
    return make_credentials(HOST)


@pytest.fixture
def ring(made: Credentials, tmp_path: Path) -> Path:
    write_keyring(tmp_path / "keyring", made, HOST)
    return tmp_path / "keyring"


def test_every_secret_is_another_one_each_time(made: Credentials) -> None:
    again = make_credentials(HOST)
    assert len(set(made.secrets) | set(again.secrets)) == 2 * len(made.secrets)


def test_no_secret_shows_in_a_repr(made: Credentials) -> None:
    shown = repr(made).encode()
    assert [secret for secret in made.secrets if secret in shown] == []


def test_the_keyring_is_this_users_alone(ring: Path) -> None:
    found = {path: stat.S_IMODE(path.stat().st_mode) for path in (ring, *ring.rglob("*"))}
    assert len(found) > 20
    assert [path for path, mode in found.items() if mode & 0o077] == []


def test_the_password_is_in_one_file_and_each_key_where_it_belongs(ring: Path, made: Credentials) -> None:
    files = [path for path in ring.rglob("*") if path.is_file()]
    assert [path.name for path in files if made.password.encode() in path.read_bytes()] == ["auth.conf"]
    assert [path for path in files if made.server.key in path.read_bytes()] == []
    assert [path for path in files if made.host_key.private in path.read_bytes()] == []


def test_known_hosts_name_the_host_at_any_port(ring: Path, made: Credentials) -> None:
    lines = (ring / "ssh" / "known_hosts").read_text(encoding="ascii").splitlines()
    assert [line.split()[0] for line in lines] == [HOST, f"[{HOST}]:*"]
    assert {line.split(" ", 1)[1] for line in lines} == {made.host_key.public.decode()}
    assert (ring / "ssh-unknown" / "known_hosts").read_bytes() == b""


def test_ssh_is_run_with_the_runs_own_configuration(ring: Path) -> None:
    assert (ring / "ssh" / "ssh").read_text(encoding="utf-8") == f'#!/bin/sh\nexec ssh -F "{ring}/ssh/config" "$@"\n'
    settings = dict(line.split(" ", 1) for line in (ring / "ssh" / "config").read_text().splitlines() if line[0] != "#")
    assert settings["UserKnownHostsFile"] == f"{ring}/ssh/known_hosts"
    assert settings["StrictHostKeyChecking"] == "yes"
    assert "~" not in "".join(settings.values())


def test_one_door_asks_for_a_password_and_the_other_does_not(made: Credentials) -> None:
    at_tcp, at_tls = (files_of(made, asking)["doors.conf"].decode() for asking in Asking)
    assert 'auth_tcp = "sasl"' in at_tcp
    assert 'auth_tls = "none"' in at_tcp
    assert 'auth_tcp = "none"' in at_tls
    assert 'auth_tls = "sasl"' in at_tls


@pytest.mark.parametrize(
    ("transport", "asking"),
    [("unix", "tcp"), ("tls", "tcp"), ("ssh", "tcp"), ("tcp-sasl", "tcp"), ("tcp", "tls"), ("tls-sasl", "tls")],
)
def test_a_lanes_own_door_asks_only_where_its_transport_says_so(transport: str, asking: str) -> None:
    assert asking_for(transport) == asking
