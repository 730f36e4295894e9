"""The way in: a URI gives a driver that works, or an error that says what to do."""

import sys
from typing import TYPE_CHECKING

import pytest

from virtproof_driver import Capability, CredentialRequest, DriverClosed, HostUnreachable, InvalidSpec, Keepalive, connect
from virtproof_driver.binding import Binding

if TYPE_CHECKING:
    from tests.conftest import Daemon
    from virtproof_driver.contract import ComputeDriver


def test_the_driver_is_connected_and_ends_with_its_block(node_uri: str) -> None:
    with connect(node_uri) as driver:
        contract: ComputeDriver = driver
        assert contract.host().hypervisor == "TEST"
        assert list(driver.instances()) == []
    with pytest.raises(DriverClosed):
        driver.host()


def test_a_binding_of_the_callers_is_used(node_uri: str, binding: Binding) -> None:
    opened: list[str | None] = []

    class Recorder:
        __wrapped__ = binding

        def open(self, name: str | None = None) -> object:
            opened.append(name)
            return binding.open(name)

        def __getattr__(self, name: str) -> object:
            return getattr(binding, name)

    recorder: object = Recorder()
    with connect(node_uri, binding=recorder):  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        pass
    assert opened == [node_uri]


def test_credentials_and_read_only_reach_the_host(node_uri: str) -> None:
    asked: list[CredentialRequest] = []

    def auth(request: CredentialRequest) -> str:
        asked.append(request)
        return ""

    with connect(node_uri, auth=auth, read_only=True) as driver:
        assert driver.host().hypervisor == "TEST"
    assert asked == []


def test_without_libvirt_it_is_said_what_to_install(node_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libvirt", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        connect(node_uri)
    assert caught.value.__notes__ == ["install libvirt-python (pip install 'virtproof[libvirt]'), or pass a binding of your own"]


def test_nobody_there_is_said_at_once() -> None:
    with pytest.raises(HostUnreachable) as caught:
        connect("test+tcp://joe:s3cret@127.0.0.1:1/default")
    assert caught.value.uri == "test+tcp://joe@127.0.0.1:1/default"
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_behind_a_daemon_the_connection_can_be_kept_and_won_back(daemon: "Daemon", transport: str) -> None:
    uri = daemon.unix_uri if transport == "unix" else daemon.tcp_uri
    with connect(uri, keepalive=Keepalive(interval=1, count=2)) as driver:
        assert {Capability.CONNECTION_KEEPALIVE, Capability.CONNECTION_RECONNECT} <= driver.capabilities


def test_in_process_there_is_nothing_to_win_back(node_uri: str) -> None:
    with connect(node_uri) as driver:
        assert driver.capabilities.isdisjoint({Capability.CONNECTION_KEEPALIVE, Capability.CONNECTION_RECONNECT})


@pytest.mark.parametrize("field", ["interval", "count"])
def test_a_keepalive_below_zero_cannot_be(field: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        Keepalive(**{field: -1})
    assert caught.value.field == f"keepalive.{field}"


def test_patience_is_the_time_until_a_silent_host_is_lost() -> None:
    assert Keepalive(interval=1, count=2).patience_seconds == 3
    assert Keepalive(interval=0).patience_seconds == 30
