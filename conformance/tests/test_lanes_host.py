"""A user's own URI: what needs no permission, what needs it, what is out of reach, and that only ours is touched."""

from contextlib import closing
from pathlib import Path

import pytest

from virtproof.backends import Backend, Basis, load
from virtproof.errors import LaneUnavailable, SuiteError, UsageError
from virtproof.lanes import Worker, provision
from virtproof.lanes.bare import bare_binding
from virtproof.lanes.facts import dotted
from virtproof.lanes.node import node_uri, node_xml
from virtproof.lanes.reaper import reap
from virtproof.lanes.smallest import smallest
from virtproof_driver.binding import Connection
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.markup.network import network_xml
from virtproof_driver.markup.snapshot import snapshot_xml
from virtproof_driver.markup.storage import pool_xml, volume_xml
from virtproof_driver.spec import ForwardMode, NetworkSpec, PoolSpec, SnapshotSpec, VolumeSpec

WORKER = Worker(run="0a1b2c", name="gw0", prefix="vp-0a1b2c-gw0-")


def backend(uri: str) -> Backend:
    return Backend(name="mine", basis=Basis.MOCK, uri=uri, origin="mine.toml")


def fill(host: Connection, prefix: str, index: int) -> None:
    """One of each kind under a prefix, with all that makes removing hard."""
    domain = host.defineXML(domain_xml(smallest("TEST", f"{prefix}vm", index), TEST))
    domain.create()
    domain.snapshotCreateXML(snapshot_xml(SnapshotSpec(name="s")), 0)
    domain.managedSave(0)
    pool = host.storagePoolDefineXML(pool_xml(PoolSpec(name=f"{prefix}pool", target=f"/virtproof/{index}")))
    pool.create()
    pool.createXML(volume_xml(VolumeSpec(name=f"{prefix}volume", capacity_bytes=1024)))
    host.networkDefineXML(network_xml(NetworkSpec(name=f"{prefix}net", forward=ForwardMode.ISOLATED))).create()


def held(host: Connection) -> set[str]:
    domains = {each.name() for each in host.listAllDomains()}
    pools = {each.name() for each in host.listAllStoragePools()}
    return domains | pools | {each.name() for each in host.listAllNetworks()}


def test_a_host_in_this_process_needs_no_permission() -> None:
    lane = provision(backend("test:///default"), "direct", WORKER)
    with lane.open_case(exclusive=False) as world:
        assert (lane.label, world.uri, world.shared, world.daemon) == ("mine", "test:///default", True, None)
        assert [each.name() for each in world.observer(None).listAllDomains()] == ["test"]
        assert world.authenticated() is not None
        assert world.small("x", 1).interfaces
    lane.close()


def test_a_node_file_of_the_users_is_private_to_each_connection(tmp_path: Path) -> None:
    path = tmp_path / "node.xml"
    path.write_text(node_xml(), encoding="utf-8")
    lane = provision(backend(node_uri(path)), "direct", WORKER)
    with lane.open_case(exclusive=False) as world, closing(lane.binding.open(world.uri)) as host:
        assert not world.shared
        assert world.observer(host) is host
        with pytest.raises(SuiteError, match="ask for the driver first"):
            world.observer(None)
    lane.close()


@pytest.mark.parametrize("allow_host", [False, True])
def test_a_host_out_of_reach_is_told_in_one_line_with_the_remedy(allow_host: bool) -> None:
    with pytest.raises(LaneUnavailable) as raised:
        provision(backend("test+unix:///default?socket=/nowhere/sock"), "direct", WORKER, allow_host=allow_host)
    assert str(raised.value) == (
        "mine.toml: cannot reach test+unix:///default?socket=/nowhere/sock: Failed to connect socket to '/nowhere/sock': "
        "No such file or directory; check the host until `virsh -c 'test+unix:///default?socket=/nowhere/sock' list` works"
    )


def test_a_host_within_reach_is_used_only_when_that_was_allowed() -> None:
    daemons = provision(load("test-rpc"), "unix", WORKER)
    with daemons.open_case(exclusive=False) as behind:
        users = backend(behind.uri)
        with pytest.raises(
            UsageError, match=r"mine\.toml: uri: .* is a host that virtproof did not set up; to use it, add --allow-host"
        ):
            provision(users, "direct", WORKER)
        lane = provision(users, "direct", WORKER, allow_host=True)
        with lane.open_case(exclusive=True) as world:
            assert (world.shared, world.daemon, world.authenticated()) == (True, None, None)
            fill(world.observer(None), WORKER.prefix, 1)
        assert len(lane.reap()) == 4
        lane.close()
    daemons.close()


def test_only_what_bears_the_prefix_is_reaped(tmp_path: Path) -> None:
    path = tmp_path / "node.xml"
    path.write_text(node_xml(), encoding="utf-8")
    with closing(bare_binding().open(node_uri(path))) as host:
        fill(host, "vp-ours-", 1)
        fill(host, "vp-other-", 2)
        before = held(host)
        assert reap(bare_binding(), host, "vp-ours-") == (
            "domain vp-ours-vm",
            "volume vp-ours-volume",
            "pool vp-ours-pool",
            "network vp-ours-net",
        )
        assert held(host) == {name for name in before if not name.startswith("vp-ours-")}
        assert reap(bare_binding(), host, "vp-ours-") == ()
        with pytest.raises(ValueError, match="empty prefix"):
            reap(bare_binding(), host, "")


def test_version_numbers_are_dotted() -> None:
    assert [dotted(number) for number in (9000000, 12008001, 2)] == ["9.0.0", "12.8.1", "0.0.2"]
