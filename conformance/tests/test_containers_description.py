"""A lane's container as workers are told of it, and what a worker makes of that."""

from dataclasses import replace
from pathlib import Path

import pytest

from virtproof.backends import load
from virtproof.errors import LaneUnavailable
from virtproof.lanes.containers import options
from virtproof.lanes.containers.description import Description, from_json, to_json
from virtproof.lanes.containers.shared import HandedLanes
from virtproof.lanes.model import Furniture, Worker

TOLD = Description(
    container="0123456789ab", image="virtproof-host:x", folder="/tmp/virtproof-a b", port=40001, kvm=True, pool="p", network="n"
)


def test_a_description_goes_to_workers_and_back() -> None:
    assert from_json(to_json(TOLD)) == TOLD
    assert from_json(to_json(replace(TOLD, kvm=False))) == replace(TOLD, kvm=False)
    assert TOLD.furniture == Furniture(pool="p", network="n")


@pytest.mark.parametrize("text", ["[]", "{}", '{"container": "x"}', "nonsense"])
def test_what_is_no_description_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"not the description|Expecting value"):
        from_json(text)


def test_the_uris_lead_to_the_container() -> None:
    assert TOLD.uri("qemu:///system", "unix") == "qemu+unix:///system?socket=/tmp/virtproof-a%20b/libvirt-sock"
    assert TOLD.uri("lxc:///system", "tcp") == "lxc+tcp://127.0.0.1:40001/system"
    assert TOLD.socket == Path("/tmp/virtproof-a b/libvirt-sock")


def test_a_worker_has_what_it_was_handed() -> None:
    handed = HandedLanes({"qemu": to_json(TOLD), "lxc": "!no engine answers; start one"})
    assert handed.description(load("qemu")) == TOLD
    with pytest.raises(LaneUnavailable, match=r"^no engine answers; start one$"):
        handed.description(load("lxc"))
    with pytest.raises(LaneUnavailable, match="provisioned no container"):
        HandedLanes({}).description(load("qemu"))


def test_a_worker_of_no_run_has_no_container() -> None:
    worker = Worker(run="0a1b2c", name="gw0", prefix="vp-0a1b2c-gw0-")
    with pytest.raises(LaneUnavailable, match="qemu: no process provisioned a container"):
        worker.shared(load("qemu"))


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
    assert "listen_tcp = 1" in text
