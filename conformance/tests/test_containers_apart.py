"""Hosts that share nothing with who uses them: how they are told of, entered, and what is put into the client."""

import io
import json
import socket
import ssl
import stat
import tarfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from virtproof.backends import load
from virtproof.cli.apart import words_of
from virtproof.cli.arguments import RunArguments
from virtproof.errors import LaneUnavailable, SuiteError
from virtproof.lanes.containers.archives import packed_trees
from virtproof.lanes.containers.credentials import make_credentials
from virtproof.lanes.containers.description import KEYRING, Description, from_json, to_json
from virtproof.lanes.containers.expired_door import ExpiredDoor
from virtproof.lanes.containers.handed_in import VARIABLE, HandedIn, check_provisioner, is_handed_in
from virtproof.lanes.containers.inside import InsideBySsh
from virtproof.lanes.containers.keyring import write_keyring
from virtproof.lanes.containers.pair import has_pairs, remove_pair, standing_pair
from virtproof.lanes.containers.wrong import WRONG, ContainerWays
from virtproof.lanes.model import Worker

HOST = "127.0.0.1"


def told(folder: Path, **changes: object) -> Description:
    plain = Description(
        container="0123",
        image="x",
        folder=str(folder),
        host=HOST,
        alias="localhost",
        ports={"tcp": 11, "tls": 12, "ssh": 13},
        asking="tcp",
        kvm=False,
        pool="p",
        network="n",
        apart=True,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("host")
    write_keyring(made / KEYRING, make_credentials(HOST), HOST)
    return made


def test_a_host_apart_is_observed_at_a_door_that_asks_nobody(folder: Path) -> None:
    assert told(folder).observed("qemu:///system").startswith(f"qemu+tls://{HOST}:12/system?pkipath=")
    assert told(folder, asking="tls").observed("lxc:///system") == f"lxc+tcp://{HOST}:11/system"
    assert told(folder, apart=False).observed("qemu:///system").startswith("qemu+unix:///system?socket=")


def test_each_worker_has_a_spare_of_its_own(folder: Path) -> None:
    spares = tuple(asdict(told(folder, host=f"spare-{number}")) for number in range(2))
    known = from_json(to_json(told(folder, spares=spares)))
    assert [known.spare(number).host for number in range(2)] == ["spare-0", "spare-1"]
    with pytest.raises(LaneUnavailable, match="worker 2 has none"):
        known.spare(2)


def test_each_worker_has_a_pair_of_its_own(folder: Path) -> None:
    pairs = tuple(
        tuple(asdict(told(folder, host=f"{which}-{number}")) for which in ("source", "destination")) for number in range(2)
    )
    known = from_json(to_json(told(folder, pairs=pairs)))
    assert [[each.host for each in known.pair(number)] for number in range(2)] == [
        ["source-0", "destination-0"],
        ["source-1", "destination-1"],
    ]
    handed = standing_pair(known, 1, "0a1b2c")
    assert (handed.origin, handed.address, handed.pool, handed.things) == ("source-1", "destination-1", "vp-0a1b2c-shared", ())
    remove_pair(handed)
    assert (folder / KEYRING).is_dir(), "who handed it in removes it"
    with pytest.raises(LaneUnavailable, match="worker 2 has none"):
        known.pair(2)


@pytest.mark.parametrize(("backend", "expected"), [("qemu", True), ("lxc", False)])
def test_pairs_are_for_backends_that_move_instances(backend: str, *, expected: bool) -> None:
    assert has_pairs(load(backend)) is expected


@pytest.mark.parametrize(("name", "number"), [("gw0", 0), ("gw12", 12), ("main", 0)])
def test_a_worker_has_a_number(name: str, number: int) -> None:
    assert Worker(run="0a1b2c", name=name, prefix="vp-").number == number


def test_lanes_are_handed_in_by_a_file(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert not is_handed_in()
    file = tmp_path / "lanes.json"
    file.write_text(json.dumps({"qemu/tcp": to_json(told(folder))}), encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(file))
    assert is_handed_in()
    check_provisioner()  # asks no engine
    with pytest.raises(LaneUnavailable, match="lxc: nobody provisioned a container for ssh"):
        HandedIn("0a1b2c").description(load("lxc"), "ssh")
    assert HandedIn("0a1b2c").secrets == frozenset()


def test_what_cannot_be_done_inside_is_told(folder: Path) -> None:
    inside = InsideBySsh(told(folder, ports={"tcp": 1, "tls": 1, "ssh": 1}))
    with pytest.raises(SuiteError, match=r"entry freeze in the lane's container ended with 255: .*(refused|port 1)"):
        inside.do("entry", "freeze")
    assert inside.tails({"log": "/var/log/x"}) == {}


def test_every_wrong_way_differs_from_the_right_one(folder: Path) -> None:
    ways = ContainerWays("qemu:///system", told(folder))
    try:
        right = {ways.right(transport) for transport in ("tls", "ssh", "libssh")}
        wrong = [ways.wrong(fault) for fault in WRONG]
    finally:
        ways.close()
    assert len(set(wrong)) == len(WRONG)
    assert right.isdisjoint(wrong)


def test_a_right_way_has_a_password_where_one_is_asked_for(folder: Path) -> None:
    ways = ContainerWays("qemu:///system", told(folder, asking="tls"))
    assert "authfile=" in ways.right("tls")
    assert "authfile=" not in ways.right("ssh")
    uri, user, password = ways.authenticated()
    assert (uri.startswith("qemu+tls://"), "authfile" in uri, user) == (True, False, "virtproof")
    assert password.encode() in ways.secrets


def test_a_certificate_of_yesterday_is_shown(folder: Path) -> None:
    door = ExpiredDoor(folder / KEYRING / "pki-expired-server")
    context = ssl.create_default_context(cafile=folder / KEYRING / "pki" / "cacert.pem")
    try:
        for _ in range(2):  # one refusal does not end it
            with socket.create_connection(door.address) as plain, pytest.raises(ssl.SSLCertVerificationError, match="expired"):
                context.wrap_socket(plain, server_hostname=HOST)
    finally:
        door.close()


def test_what_goes_into_the_client_is_roots_and_keeps_its_modes(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "package" / "__pycache__").mkdir(parents=True)
    (tmp_path / "package" / "__init__.py").touch()
    with tarfile.open(fileobj=io.BytesIO(packed_trees([folder / KEYRING, tmp_path / "package"]))) as tar:
        entries = {entry.name: entry for entry in tar}
    assert {(entry.uid, entry.gid) for entry in entries.values()} == {(0, 0)}
    assert stat.S_IMODE(entries["keyring/ssh/ssh"].mode) == 0o700
    assert stat.S_IMODE(entries["keyring/ssh/key"].mode) == 0o600
    assert {name for name in entries if name.startswith("package")} == {"package", "package/__init__.py"}


def test_the_client_is_asked_for_the_same_run() -> None:
    given = RunArguments(
        backends=("qemu",),
        transports=("tls",),
        driver="m:f",
        profile="core",
        suite="",
        workers=2,
        keyword="pause or tls",
        out=Path("here"),
        seed=7,
        allow_host=False,
        uri="",
        no_same_host=True,
        case_seconds=60.0,
        pytest_args=("-x",),
    )
    assert words_of(given) == [
        *("run", "--backend=qemu", "--transport=tls", "--driver=m:f", "--profile=core", "--seed=7", "--case-timeout=60.0"),
        *("-n", "2", "-k", "pause or tls", "--out=/var/lib/virtproof/out", "--", "-x"),
    ]
