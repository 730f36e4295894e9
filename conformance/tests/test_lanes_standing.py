"""Connections of observers: opened on demand, kept, opened anew."""

from typing import Any

import pytest

from virtproof.lanes import standing
from virtproof.lanes.bare import bare_binding
from virtproof.lanes.standing import OnDemand, Standing


class Host:
    """Opens connections that break when they are told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[Any] = []  # each a Connected, where a Connection is wanted
        monkeypatch.setattr(standing, "opened", self.open)

    def open(self, _uri: str) -> "Connected":
        made = Connected()
        self.opened.append(made)
        return made


class Connected:
    """A connection; closing one that broke is an error."""

    def __init__(self) -> None:
        self.alive = True
        self.closed = False

    def isAlive(self) -> int:
        return int(self.alive)

    def close(self) -> None:
        self.closed = True
        if not self.alive:
            raise bare_binding().libvirtError("broken")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    """What is opened, in place of libvirt."""
    return Host(monkeypatch)


def test_a_connection_on_demand_is_opened_once_and_anew_after_closing(host: Host) -> None:
    on_demand = OnDemand("any")
    on_demand.close()
    assert not on_demand.broken()
    assert host.opened == []
    assert [on_demand.connection(), on_demand.connection()] == [host.opened[0]] * 2
    on_demand.close()
    assert host.opened[0].closed
    assert on_demand.connection() is host.opened[1]


def test_a_connection_stands_from_case_to_case(host: Host) -> None:
    kept = Standing("any")
    assert host.opened == []
    assert [kept.connection(), kept.connection()] == [host.opened[0]] * 2


def test_a_connection_that_broke_is_closed_and_replaced(host: Host) -> None:
    kept = Standing("any")
    kept.connection()
    host.opened[0].alive = False
    second: object = kept.connection()
    assert second is host.opened[1]
    kept.close()
    assert [made.closed for made in host.opened] == [True, True]
