"""A lane's container as workers are told of it, and what a worker makes of that."""

from dataclasses import replace
from pathlib import Path

import pytest

from virtproof.backends import load
from virtproof.errors import LaneUnavailable
from virtproof.lanes.containers import options
from virtproof.lanes.containers.description import Description, from_json, to_json
from virtproof.lanes.containers.shared import HandedLanes
from virtproof.lanes.containers.ways import UNIX, WAYS
from virtproof.lanes.model import Furniture, Worker

TOLD = Description(
    container="0123456789ab",
    image="virtproof-host:x",
    folder="/tmp/virtproof-a b",
    host="127.0.0.1",
    alias="localhost",
    ports={"tcp": 40001, "tls": 40002, "ssh": 40003},
    asking="tcp",
    kvm=True,
    pool="p",
    network="n",
)
KEYRING = "/tmp/virtproof-a%20b/keyring"
KNOWN = f"known_hosts={KEYRING}/ssh/known_hosts"


def test_a_description_goes_to_workers_and_back() -> None:
    assert from_json(to_json(TOLD)) == TOLD
    assert from_json(to_json(replace(TOLD, kvm=False))) == replace(TOLD, kvm=False)
    assert TOLD.furniture == Furniture(pool="p", network="n")


@pytest.mark.parametrize("text", ["[]", "{}", '{"container": "x"}', "nonsense"])
def test_what_is_no_description_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"not the description|Expecting value"):
        from_json(text)


@pytest.mark.parametrize(
    ("transport", "uri"),
    [
        ("unix", "qemu+unix:///system?socket=/tmp/virtproof-a%20b/run/libvirt-sock"),
        ("tcp", "qemu+tcp://127.0.0.1:40001/system"),
        ("tls", f"qemu+tls://127.0.0.1:40002/system?pkipath={KEYRING}/pki"),
        ("ssh", f"qemu+ssh://root@127.0.0.1:40003/system?command={KEYRING}/ssh/ssh&keyfile={KEYRING}/ssh/key&no_tty=1"),
        (
            "libssh",
            f"qemu+libssh://root@127.0.0.1:40003/system?keyfile={KEYRING}/ssh/key&{KNOWN}&known_hosts_verify=normal&sshauth=privkey",
        ),
        ("tcp-sasl", f"qemu+tcp://127.0.0.1:40001/system?authfile={KEYRING}/auth.conf"),
        ("tls-sasl", f"qemu+tls://127.0.0.1:40002/system?pkipath={KEYRING}/pki&authfile={KEYRING}/auth.conf"),
    ],
)
def test_the_uris_lead_to_the_container(transport: str, uri: str) -> None:
    assert TOLD.uri("qemu:///system", transport) == uri


def test_every_transport_of_a_container_has_its_way() -> None:
    assert set(load("qemu").transports) == set(load("lxc").transports) == {UNIX, *WAYS}


def test_a_proxy_has_the_address_and_the_transport_its_upstream() -> None:
    assert TOLD.uri("qemu:///system", "tls", ("127.0.0.1", 7)) == f"qemu+tls://127.0.0.1:7/system?pkipath={KEYRING}/pki"
    assert TOLD.uri("qemu:///system", "unix", "/p") == "qemu+unix:///system?socket=/p"
    assert TOLD.upstream("libssh") == ("127.0.0.1", 40003)
    assert TOLD.upstream("unix") == "/tmp/virtproof-a b/run/libvirt-sock"


def test_a_worker_has_what_it_was_handed() -> None:
    handed = HandedLanes({"qemu/tcp": to_json(TOLD), "lxc/tcp": "!no engine answers; start one"})
    assert handed.description(load("qemu"), "unix") == handed.description(load("qemu"), "ssh") == TOLD
    with pytest.raises(LaneUnavailable, match=r"^no engine answers; start one$"):
        handed.description(load("lxc"), "tls")
    with pytest.raises(LaneUnavailable, match="provisioned no container"):
        handed.description(load("qemu"), "tcp")  # it needs a door that asks nobody for a password


def test_a_worker_of_no_run_has_no_container() -> None:
    worker = Worker(run="0a1b2c", name="gw0", prefix="vp-0a1b2c-gw0-")
    with pytest.raises(LaneUnavailable, match="qemu: no process provisioned a container"):
        worker.shared(load("qemu"), "unix")


def test_each_extra_right_has_its_reason() -> None:
    for table in (options.CAPABILITIES, options.DEVICES, options.SECURITY):
        assert all(len(reason.split()) > 3 for reason in table.values())
    assert "SYS_RESOURCE" not in options.CAPABILITIES
    assert list(options.CAPABILITIES) == sorted(options.CAPABILITIES)


def test_kvm_goes_in_only_where_it_is_wanted() -> None:
    assert options.KVM not in options.devices(kvm=False)
    assert set(options.devices(kvm=True)) - {options.KVM} == set(options.DEVICES)


def test_the_daemon_listens_where_the_lane_looks() -> None:
    text = (Path(options.__file__).parents[2] / "images" / "libvirtd.conf").read_text(encoding="utf-8")
    assert f'unix_sock_dir = "{options.SOCKETS}"' in text
