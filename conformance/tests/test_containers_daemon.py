"""Power over a container's libvirtd: which words its `entry` is given, and when the container starts and goes."""

from pathlib import Path
from typing import cast

import pytest

from virtproof.errors import SuiteError
from virtproof.lanes.containers import daemon as module
from virtproof.lanes.containers.container import Host, Order
from virtproof.lanes.containers.daemon import ContainerDaemon, HostDaemon


class Box:
    """A container that notes what is done to it."""

    def __init__(self) -> None:
        self.ports = {"tcp": 32768}
        self.done: list[str] = []

    def do(self, *words: str) -> bytes:
        self.done.append(" ".join(words))
        return b""

    def tails(self, paths: dict[str, str]) -> dict[str, bytes]:
        return {name: f"tail of {path}".encode() for name, path in paths.items()}

    def remove(self) -> None:
        self.done.append("removed")


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def orders(box: Box, monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    """What containers were started from."""
    made: list[Order] = []

    def start(order: Order) -> Host:
        made.append(order)
        return cast("Host", cast("object", box))

    monkeypatch.setattr(module, "start", start)
    return made


def new(*, tcp: bool) -> ContainerDaemon:
    return ContainerDaemon(Path("/tmp/virtproof-1/2"), tcp=tcp, image="virtproof-host:sid-0", run="0a1b2c")


def test_the_container_starts_with_the_daemon_and_stays_when_that_ends(box: Box, orders: list[Order]) -> None:
    daemon = new(tcp=False)
    assert (daemon.runs, daemon.last_log(), orders) == (False, b"", [])
    daemon.start()
    daemon.start()
    assert (daemon.runs, daemon.port, len(orders), box.done) == (True, None, 1, [])
    assert (orders[0].image, orders[0].run, orders[0].folder, orders[0].kvm) == (
        "virtproof-host:sid-0",
        "0a1b2c",
        daemon.folder,
        False,
    )
    daemon.stop()
    daemon.stop()
    assert (daemon.runs, box.done) == (False, ["entry end TERM"])
    daemon.start()
    assert (daemon.runs, len(orders), box.done) == (True, 1, ["entry end TERM", "entry daemon"])
    assert daemon.last_log() == b"tail of /var/log/libvirt/libvirtd.log"
    daemon.close()
    daemon.close()
    assert (daemon.runs, daemon.last_log(), box.done[2:]) == (False, b"", ["removed"])


def test_a_port_is_told_where_it_was_asked_for(orders: list[Order]) -> None:
    daemon = new(tcp=True)
    daemon.start()
    assert (daemon.port, len(orders)) == (32768, 1)


def test_a_daemon_that_is_down_is_neither_frozen_nor_thawed(box: Box, orders: list[Order]) -> None:
    daemon = new(tcp=False)
    with pytest.raises(SuiteError, match="start it first"):
        daemon.freeze()
    daemon.thaw()
    daemon.kill()
    daemon.start()
    daemon.freeze()
    daemon.thaw()
    daemon.kill()
    daemon.thaw()
    with pytest.raises(SuiteError, match="start it first"):
        daemon.freeze()
    assert (len(orders), box.done) == (1, ["entry freeze", "entry thaw", "entry end KILL"])


def test_the_daemon_of_a_running_container_runs_at_first(box: Box) -> None:
    daemon = HostDaemon(cast("Host", cast("object", box)))
    daemon.start()
    assert (daemon.runs, box.done) == (True, [])


def test_a_state_that_is_there_already_costs_the_container_nothing(box: Box) -> None:
    daemon = HostDaemon(cast("Host", cast("object", box)))
    daemon.thaw()
    assert box.done == []
    daemon.freeze()
    daemon.freeze()
    daemon.thaw()
    daemon.thaw()
    assert box.done == ["entry freeze", "entry thaw"]


def test_a_frozen_daemon_that_was_ended_is_not_frozen_when_it_is_back(box: Box) -> None:
    daemon = HostDaemon(cast("Host", cast("object", box)))
    daemon.freeze()
    daemon.end("KILL")
    daemon.start()
    daemon.thaw()
    assert box.done == ["entry freeze", "entry end KILL", "entry daemon"]


def test_a_daemon_that_may_be_frozen_is_thawed(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = HostDaemon(cast("Host", cast("object", box)))

    def refuses(*words: str) -> bytes:
        raise SuiteError(" ".join(words))

    with monkeypatch.context() as patched:
        patched.setattr(box, "do", refuses)
        with pytest.raises(SuiteError, match="entry freeze"):
            daemon.freeze()
    daemon.thaw()
    assert box.done == ["entry thaw"]
