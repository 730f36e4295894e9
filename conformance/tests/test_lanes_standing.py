"""Connections of observers: opened on demand, kept, opened anew; and whether an event loop runs."""

from typing import Any, cast

import pytest

from virtproof.lanes import standing
from virtproof.lanes.bare import bare_binding
from virtproof.lanes.standing import OnDemand, Standing, loop_runs
from virtproof_driver.edge.event_loop import ensure_running


class Loop:
    """A binding whose loop was not registered, stands still, or runs."""

    libvirtError = bare_binding().libvirtError  # noqa: N815 - as in libvirt-python

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.timers: list[int] = []

    def virEventAddTimeout(self, timeout: int, callback: Any, opaque: object) -> int:
        if self.kind == "refuses":
            raise self.libvirtError("no loop")
        if self.kind == "none":
            return -1
        self.timers.append(timeout)
        if self.kind == "runs":
            callback(1, opaque)
        return 1

    def virEventRemoveTimeout(self, timer: int) -> int:
        self.timers.remove(0)
        return timer


@pytest.mark.parametrize(("kind", "runs"), [("refuses", False), ("none", False), ("stands", False), ("runs", True)])
def test_a_loop_runs_where_a_timer_goes_off(kind: str, runs: bool) -> None:
    loop = Loop(kind)
    assert loop_runs(cast("Any", loop), seconds=0.01) is runs
    assert loop.timers == [], "the timer is taken away again"


def test_the_real_loop_is_seen_to_run() -> None:
    ensure_running(bare_binding())
    assert loop_runs(bare_binding(), seconds=10)


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


def test_a_connection_stands_only_once_the_loop_runs(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True])

    def runs(_binding: object) -> bool:
        return next(answers)

    monkeypatch.setattr(standing, "loop_runs", runs)
    kept = Standing("any")
    assert kept.connection() is None
    assert host.opened == []
    assert kept.connection() is host.opened[0]
    assert kept.connection() is host.opened[0], "it is not asked again whether the loop runs"


def test_a_connection_that_broke_is_closed_and_replaced(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_running(bare_binding())
    kept = Standing("any")
    kept.connection()
    host.opened[0].alive = False
    second: object = kept.connection()
    assert second is host.opened[1]
    kept.close()
    assert [made.closed for made in host.opened] == [True, True]
