"""Reading all domains of a host: in bulk or one by one, the same is found."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from virtproof_driver.binding import Binding, Connection
from virtproof_driver.edge.event_loop import ensure_running
from virtproof_driver.edge.inventory import read_inventory
from virtproof_driver.events import Found
from virtproof_driver.hypervisors import Hypervisor, hypervisor_for
from virtproof_driver.values import PowerState

if TYPE_CHECKING:
    from tests.conftest import Domains

TEST = hypervisor_for("TEST")


@pytest.fixture
def connection(binding: Binding, node_uri: str) -> Iterator[Connection]:
    ensure_running(binding)
    connection = binding.open(node_uri)
    yield connection
    connection.close()


@pytest.mark.parametrize("hypervisor", [TEST, replace(TEST, bulk_state=False)], ids=["bulk", "one by one"])
def test_every_domain_is_found_as_it_is(
    connection: Connection, binding: Binding, domains: "Domains", hypervisor: Hypervisor
) -> None:
    for name in ("off", "on", "paused"):
        connection.defineXML(domains.xml(name))
    for name in ("on", "paused"):
        connection.lookupByName(name).create()
    connection.lookupByName("paused").suspend()
    transient = connection.defineXML(domains.xml("transient"))
    transient.create()
    transient.undefineFlags(0)
    ids = {name: connection.lookupByName(name).ID() for name in ("on", "paused", "transient")}

    found = read_inventory(binding, connection, hypervisor)

    assert found == {
        domains.uuid("off"): Found(name="off", state=PowerState.OFF, reason="unknown", persistent=True),
        domains.uuid("on"): Found(name="on", state=PowerState.RUNNING, reason="booted", persistent=True, domain_id=ids["on"]),
        domains.uuid("paused"): Found(
            name="paused", state=PowerState.PAUSED, reason="user", persistent=True, domain_id=ids["paused"]
        ),
        domains.uuid("transient"): Found(
            name="transient", state=PowerState.RUNNING, reason="booted", persistent=False, domain_id=ids["transient"]
        ),
    }


class Gone:
    """A domain that ended between being listed and being asked; what it raises is what libvirt would."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def state(self) -> object:
        return self._connection.lookupByName("nobody")


class Listing:
    """A connection that lists a domain that is gone, and one that is not."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def listAllDomains(self, flags: int = 0) -> list[object]:
        return [] if flags else [Gone(self._connection), *self._connection.listAllDomains()]


def as_connection(stub: object) -> Connection:
    return cast("Connection", stub)


def test_a_domain_that_went_meanwhile_is_left_out(connection: Connection, binding: Binding, domains: "Domains") -> None:
    connection.defineXML(domains.xml("stays"))
    listing = as_connection(Listing(connection))
    assert list(read_inventory(binding, listing, replace(TEST, bulk_state=False))) == [domains.uuid("stays")]


def test_an_empty_host_has_none(connection: Connection, binding: Binding) -> None:
    assert read_inventory(binding, connection, TEST) == {}
