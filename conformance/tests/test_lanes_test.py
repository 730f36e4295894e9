"""The lane `test`: a host a case, and what is known of the lane."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from virtproof.backends import load
from virtproof.errors import SuiteError, UsageError
from virtproof.lanes import Lane, Worker, provision
from virtproof.lanes.node import node_uri, node_xml
from virtproof.lanes.smallest import smallest
from virtproof_driver import Capability, CredentialRequest, connect
from virtproof_driver.constants import CredentialType
from virtproof_driver.markup.domain import normalised
from virtproof_driver.values import PowerState

WORKER = Worker(run="0a1b2c", name="gw0", prefix="vp-0a1b2c-gw0-")


@pytest.fixture
def lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lane]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = provision(load("test"), "in-process", WORKER)
    yield made
    made.close()
    assert list(tmp_path.iterdir()) == []


def test_the_lane_says_what_it_is(lane: Lane) -> None:
    again = provision(load("test"), "in-process", WORKER)
    assert (lane.label, lane.transport, lane.reap()) == ("test", "in-process", ())
    assert {"libvirt", "libvirt-client", "libvirt-python", "python", "test"} == lane.versions.keys()
    assert lane.versions["libvirt"] == lane.versions["libvirt-client"]
    assert len(lane.fingerprint) == 16
    assert again.fingerprint == lane.fingerprint
    again.close()


def test_a_case_begins_with_a_network_and_a_pool_and_nothing_else(lane: Lane) -> None:
    with lane.open_case(exclusive=False) as world, closing(lane.binding.open(world.uri)) as host:
        assert (world.shared, world.daemon) == (False, None)
        assert host.listAllDomains() == []
        assert [(each.name(), each.isActive()) for each in host.listAllNetworks()] == [("default", 1)]
        assert [(each.name(), each.isActive()) for each in host.listAllStoragePools()] == [("default", 1)]


def test_cases_cannot_meet(lane: Lane) -> None:
    with lane.open_case(exclusive=False) as first, lane.open_case(exclusive=True) as second:
        assert first.uri != second.uri
        with connect(first.uri) as one, connect(second.uri) as two:
            spawned = one.spawn(first.small("vp-one", 1))
            assert [each.uuid for each in one.instances()] == [spawned.uuid]
            assert list(two.instances()) == []


def test_a_case_leaves_no_file(lane: Lane, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    with lane.open_case(exclusive=False) as world:
        assert world.authenticated() is not None
        assert sorted(tmp_path.rglob("*")) != before
    assert sorted(tmp_path.rglob("*")) == before


def test_the_observer_is_the_drivers_own_connection(lane: Lane) -> None:
    with lane.open_case(exclusive=False) as world, closing(lane.binding.open(world.uri)) as host:
        assert world.observer(host) is host
        with pytest.raises(SuiteError, match="ask for the driver first"):
            world.observer(None)


def test_a_host_that_asks_for_credentials_accepts_its_own(lane: Lane) -> None:
    with lane.open_case(exclusive=False) as world:
        asked = world.authenticated()
        assert asked is not None
        uri, user, password = asked

        def answer(request: CredentialRequest) -> str:
            return password if request.kind is CredentialType.PASSPHRASE else user

        with connect(uri, auth=answer) as driver:
            assert Capability.CONNECTION_AUTH in driver.capabilities
            assert list(driver.instances()) == []


def test_an_inhabited_host_has_the_running_instance_before_anybody_connects(lane: Lane) -> None:
    with lane.open_case(exclusive=False) as world:
        spec = world.small("vp-resident", 1)
        uri = world.inhabited(spec)
        assert uri != world.uri
        with connect(uri, read_only=True) as driver:
            assert [(each.uuid, each.state) for each in driver.instances()] == [(spec.uuid, PowerState.RUNNING)]
            assert driver.spec(spec.uuid) == normalised(spec)


def test_the_smallest_instance_is_the_same_each_time_and_differs_by_name_and_index() -> None:
    made = [smallest("TEST", name, index) for name, index in (("a", 1), ("a", 2), ("b", 1))]
    assert smallest("TEST", "a", 1) == made[0]
    assert len({spec.uuid for spec in made}) == 3
    assert len({spec.interfaces[0].mac for spec in made}) == 3
    assert smallest("QEMU", "a", 1).disks == ()


def test_a_transport_that_the_backend_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="no transport 'tcp'; there are in-process"):
        provision(load("test"), "tcp", WORKER)


def test_a_node_file_is_xml_and_its_uri_is_quoted() -> None:
    assert [child.tag for child in fromstring(node_xml())] == ["network", "pool"]
    assert [child.tag for child in fromstring(node_xml(authenticated=True))] == ["auth", "network", "pool"]
    assert node_uri(Path("/tmp/a b?/n.xml")) == "test:///tmp/a%20b%3F/n.xml"
