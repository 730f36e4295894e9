"""A proxy between driver and daemon, so that the driver's connections can be cut while daemon and guests live on.

What belongs here: passing bytes both ways, and refusing. What does not: the daemon, and whose connections they are; the suite's
own go past the proxy. One thread runs it all; `refuse` and `accept` return when what they ask for is done. While it refuses, its
address stays taken (by a bound socket that does not listen) and connecting to it fails at once, as with a daemon that is down.
"""

import queue
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from virtproof.errors import SuiteError

Address = str | tuple[str, int]
_CHUNK: Final = 65536
_BACKLOG_BYTES: Final = 1 << 20  # what a side that does not read may leave with us before the other side has to wait
_COMMAND_SECONDS: Final = 10.0


class _End:
    """One side of a forwarded connection, and the bytes that wait to be sent there."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(0)
        self.sock = sock
        self.pending = bytearray()
        self.peer = self

    @property
    def interest(self) -> int:
        """What the selector should watch for: room to write when bytes wait, bytes to read when the peer can take them."""
        reads = selectors.EVENT_READ if len(self.peer.pending) < _BACKLOG_BYTES else 0
        return reads | (selectors.EVENT_WRITE if self.pending else 0)


class Forwarder:
    """A listening address in front of a daemon's. It refuses until `accept` is called."""

    def __init__(self, upstream: Address, listen: Path | None) -> None:
        """Listen at a unix socket, or at a port of the loopback when `listen` is None."""
        self._upstream = upstream
        self._path = listen
        self._placeholder = self._bound(str(listen) if listen else ("127.0.0.1", 0))
        self.address: Address = self._placeholder.getsockname()
        self._listener: socket.socket | None = None
        self._selector = selectors.DefaultSelector()
        self._ends: set[_End] = set()
        self._commands: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]] = queue.SimpleQueue()
        self._waker, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="virtproof-lane-forwarder", daemon=True)
        self._thread.start()

    def accept(self) -> None:
        """Take connections; those taken already stay."""
        self._ask(self._start_listening)

    def refuse(self) -> None:
        """Break every connection and refuse new ones."""
        self._ask(self._stop_listening)

    def close(self) -> None:
        """Refuse, give up the address and end the thread; closing twice changes nothing."""
        if not self._closed:
            self._ask(self._finish)
            self._thread.join(_COMMAND_SECONDS)

    # --- on the thread of the proxy ---------------------------------------------------------------

    def _run(self) -> None:
        while not self._closed:
            for key, ready in self._selector.select():
                if key.fileobj is self._woken:
                    self._obey()
                elif self._listener is not None and key.fileobj is self._listener:
                    self._connect(self._listener)
                elif isinstance(key.data, _End) and key.data in self._ends:
                    self._move(key.data, ready)

    def _obey(self) -> None:
        self._woken.recv(1)
        action, done = self._commands.get()
        try:
            action()
        finally:
            done.set()

    def _connect(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        server = socket.socket(_family(self._upstream), socket.SOCK_STREAM)
        try:
            server.connect(self._upstream)
        except OSError:  # the daemon is down: break off at once, as its own socket would
            client.close()
            server.close()
            return
        ends = _End(client), _End(server)
        ends[0].peer, ends[1].peer = ends[1], ends[0]
        for end in ends:
            self._ends.add(end)
            self._selector.register(end.sock, end.interest, end)

    def _move(self, end: _End, ready: int) -> None:
        try:
            if ready & selectors.EVENT_WRITE:
                del end.pending[: end.sock.send(end.pending)]
            if ready & selectors.EVENT_READ:
                data = end.sock.recv(_CHUNK)
                if not data:
                    raise ConnectionResetError
                end.peer.pending += data
        except BlockingIOError:
            return
        except OSError:
            self._drop(end)
            return
        self._watch(end)
        self._watch(end.peer)

    def _watch(self, end: _End) -> None:
        if end.interest:
            self._modify(end)
        elif end.sock in self._selector.get_map():
            self._selector.unregister(end.sock)

    def _modify(self, end: _End) -> None:
        if end.sock in self._selector.get_map():
            self._selector.modify(end.sock, end.interest, end)
        else:
            self._selector.register(end.sock, end.interest, end)

    def _drop(self, end: _End) -> None:
        """Close both sides, what waits for the peer sent first as far as it takes it."""
        for each in (end, end.peer):
            with suppress(OSError):
                each.sock.send(each.pending)
            if each.sock in self._selector.get_map():
                self._selector.unregister(each.sock)
            each.sock.close()
            self._ends.discard(each)

    def _start_listening(self) -> None:
        if self._listener is None:
            if self._path is not None:
                self._path.unlink()
            self._listener = self._bound(self.address)
            self._listener.listen()
            self._selector.register(self._listener, selectors.EVENT_READ, None)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
        while self._ends:
            self._drop(next(iter(self._ends)))

    def _finish(self) -> None:
        self._stop_listening()
        self._closed = True
        self._selector.close()
        for each in (self._placeholder, self._waker, self._woken):
            each.close()

    # --- on the caller's thread -----------------------------------------------------------------------

    def _ask(self, action: Callable[[], None]) -> None:
        done = threading.Event()
        self._commands.put((action, done))
        self._waker.send(b"!")
        if not done.wait(_COMMAND_SECONDS):
            raise SuiteError("the proxy in front of the daemon does not answer")

    def _bound(self, address: Address) -> socket.socket:
        """A socket at the address. SO_REUSEADDR lets a listening one join the one that only keeps a TCP port (socket(7))."""
        sock = socket.socket(_family(address), socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        return sock


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
