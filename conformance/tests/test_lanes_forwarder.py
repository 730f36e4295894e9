"""The proxy before a daemon: bytes pass both ways, and a refusal breaks what is there and forbids what comes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from virtproof.lanes.folders import make_folder, remove_folder
from virtproof.lanes.forwarder import Forwarder
from virtproof.lanes.test_rpc import short_base

BIG = bytes(range(256)) * 40_000  # about 10 MB: more than sockets and proxy hold


class Echo(threading.Thread):
    """An upstream that sends back what it gets."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen()

    def run(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.echo, args=(client,), daemon=True).start()

    @staticmethod
    def echo(client: socket.socket) -> None:
        with client:
            while data := client.recv(65536):
                client.sendall(data)


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_folder(short_base())
    yield made
    remove_folder(made)


@pytest.fixture(params=["unix", "tcp"])
def forwarder(request: pytest.FixtureRequest, folder: Path) -> Iterator[Forwarder]:
    echo = Echo(folder / "up")
    echo.start()
    made = Forwarder(str(folder / "up"), folder / "proxy" if request.param == "unix" else None)
    yield made
    made.close()
    made.close()
    echo.listener.close()


def connected(forwarder: Forwarder) -> socket.socket:
    client = socket.socket(socket.AF_UNIX if isinstance(forwarder.address, str) else socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(10)
    try:
        client.connect(forwarder.address)
    except OSError:
        client.close()
        raise
    return client


def read(client: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = client.recv(65536)
        if not chunk:
            break
        data += chunk
    return bytes(data)


def test_it_refuses_until_it_is_told_to_accept(forwarder: Forwarder) -> None:
    with pytest.raises(ConnectionRefusedError):
        connected(forwarder)
    forwarder.accept()
    with closing(connected(forwarder)) as client:
        client.sendall(b"hello")
        assert read(client, 5) == b"hello"


def test_more_than_the_buffers_hold_passes_whole(forwarder: Forwarder) -> None:
    forwarder.accept()
    with closing(connected(forwarder)) as client:
        sender = threading.Thread(target=client.sendall, args=(BIG,))
        sender.start()
        assert read(client, len(BIG)) == BIG
        sender.join(10)


def test_a_refusal_breaks_connections_and_forbids_new_ones_until_it_accepts_again(forwarder: Forwarder) -> None:
    for _ in range(3):
        forwarder.accept()
        forwarder.accept()
        first, second = connected(forwarder), connected(forwarder)
        first.sendall(b"x")
        assert read(first, 1) == b"x"
        forwarder.refuse()
        forwarder.refuse()
        assert (read(first, 1), read(second, 1)) == (b"", b"")
        with pytest.raises(ConnectionRefusedError):
            connected(forwarder)
        first.close()
        second.close()


def test_a_client_that_leaves_does_not_disturb_another(forwarder: Forwarder) -> None:
    forwarder.accept()
    with closing(connected(forwarder)) as stays:
        connected(forwarder).close()
        stays.sendall(b"y")
        assert read(stays, 1) == b"y"


def test_an_upstream_that_is_down_breaks_off_at_once(folder: Path) -> None:
    forwarder = Forwarder(str(folder / "nothing"), None)
    forwarder.accept()
    with closing(connected(forwarder)) as client:
        assert read(client, 1) == b""
    forwarder.close()


def test_its_thread_ends_with_it(folder: Path) -> None:
    forwarder = Forwarder(str(folder / "nothing"), None)
    forwarder.accept()
    forwarder.close()
    assert not forwarder._thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        connected(forwarder)
