"""Two-way streams to guests' consoles, between libvirt's event loop and whoever reads and writes.

What belongs here: one stream, and the streams of one connection. What does not: opening a console (`operations.talking`).

Theory of operation. libvirt's thread calls `_heard` for as long as there is something to receive, so that it receives all of it
and queues it; readers wait for the queue. When nobody reads, receiving is put off at `HELD_BYTES`, and the guest waits. Once the
end was heard the callback goes, since libvirt would repeat it for ever, and nothing is sent any more: libvirtd 11.3.0 ends by a
fault when bytes arrive for a console whose domain has stopped, with QEMU and LXC alike (measured). What is in flight when a guest
stops cannot be called back.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from virtproof_driver.binding import LibvirtError, Stream
from virtproof_driver.constants import StreamEvent
from virtproof_driver.edge import last_error
from virtproof_driver.edge.waits import waitable
from virtproof_driver.error_table import translate
from virtproof_driver.errors import ConnectionLost, ConsoleEnded, DriverError, OperationTimeout
from virtproof_driver.values import ConsoleEnd

PIECE_BYTES = 64 * 1024
HELD_BYTES = 1024 * 1024
WRITE_SECONDS = 30.0
NOTICE_SECONDS = 1.25
"""A QEMU before 8.2 looks once a second whether anybody reads, and drops what its guest writes until then (char-pty.c)."""
_HEARING = StreamEvent.READABLE | StreamEvent.ERROR | StreamEvent.HANGUP
_UNHEARING = StreamEvent.ERROR | StreamEvent.HANGUP

Ending = Callable[[], DriverError]


def _ended(reason: ConsoleEnd) -> Ending:
    return lambda: ConsoleEnded(reason)


class LiveConsole:
    """Implements `contract.ConsoleStream` over a stream that is non-blocking. `on_close` is told when its user closed it."""

    def __init__(self, stream: Stream, libvirt_error: type[LibvirtError], on_close: Callable[["LiveConsole"], None]) -> None:
        self._stream: Stream | None = stream
        self._libvirt_error = libvirt_error
        self._on_close = on_close
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._received = bytearray()
        self._ending: Ending | None = None
        self._heard_last = False
        self._room = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def listen(self) -> None:
        """Begin to receive. Raises the error of libvirt's refusal."""
        self._asked(lambda stream: stream.eventAddCallback(int(_HEARING), self._heard, None))

    def await_notice(self) -> None:
        """Wait as long as the hypervisor may take to see that there is a reader; shorter when anything comes, or the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._received or self._ending, NOTICE_SECONDS)

    def read(self, timeout: float) -> bytes:
        """See `contract.ConsoleStream`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._received or self._ending, waitable(timeout)):
                raise OperationTimeout("byte from the console", timeout)
            if not self._received and self._ending is not None:
                raise self._ending()
            data = bytes(self._received)
            self._received.clear()
            if len(data) >= HELD_BYTES:
                self._watch(_HEARING)
            return data

    def write(self, data: bytes) -> None:
        """See `contract.ConsoleStream`."""
        with self._writing:
            rest = memoryview(bytes(data))
            while rest:
                rest = rest[self._sent(bytes(rest[:PIECE_BYTES])) :]

    def close(self) -> None:
        """Give the console up; a read that waits ends with ConsoleEnded. A second call changes nothing."""
        self.end(_ended(ConsoleEnd.CLOSED))
        self._on_close(self)
        self.release()

    def end(self, ending: Ending) -> None:
        """Let reads and writes end with this error; the first word stands. Asks no host."""
        with self._changed:
            self._ending = self._ending or ending
            self._changed.notify_all()

    def release(self) -> None:
        """Give the stream back to libvirt, and let go of it, because it keeps its connection open."""
        with self._changed:
            stream, self._stream = self._stream, None
            heard_last, self._heard_last = self._heard_last, True
        if stream is None:
            return
        if not heard_last:
            with suppress(self._libvirt_error):
                stream.eventRemoveCallback()
        with suppress(self._libvirt_error):  # it ended by itself, or its connection did
            stream.abort()

    # --- receiving, on libvirt's thread -------------------------------------------------------------------------------

    def _heard(self, _stream: Stream, events: int, _opaque: object) -> None:
        if events & StreamEvent.WRITABLE:
            self._make_room()
        last_error.forget()
        try:
            while self._received_more():
                pass
        except self._libvirt_error as error:
            self._hear_no_more(self._failure(error))

    def _received_more(self) -> bool:
        stream = self._stream
        piece = -1 if stream is None or self._heard_last else stream.recv(PIECE_BYTES)
        if isinstance(piece, int):  # -2: nothing more for now
            return False
        if not piece:
            self._hear_no_more(_ended(ConsoleEnd.INSTANCE_ENDED))
            return False
        with self._changed:
            self._received += piece
            full = len(self._received) >= HELD_BYTES
            self._changed.notify_all()
            if full:  # under the lock: a reader who takes all of it now watches again after this
                self._watch(_UNHEARING)
        return not full

    def _hear_no_more(self, ending: Ending) -> None:
        with self._changed:
            stream = None if self._heard_last else self._stream
            self._heard_last = True
        if stream is not None:
            with suppress(self._libvirt_error):
                stream.eventRemoveCallback()
        self.end(ending)

    def _failure(self, error: LibvirtError) -> Ending:
        """What a stream's error says: the connection broke, or another client took the console over (39/38 in QEMU's driver)."""
        found = _translated(error)
        return (lambda: ConnectionLost(str(found))) if isinstance(found, ConnectionLost) else _ended(ConsoleEnd.TAKEN_OVER)

    # --- sending ------------------------------------------------------------------------------------------------------

    def _sent(self, piece: bytes) -> int:
        """How much of the piece the host took, after waiting for room where it takes nothing."""
        while True:
            with self._changed:
                if self._ending is not None:
                    raise self._ending()
                self._room = False
            count = self._asked(lambda stream: stream.send(piece))
            if count >= 0:
                return count
            self._await_room()

    def _asked(self, call: Callable[[Stream], object]) -> int:
        """Call the stream; its failure ends the console. A stream given back by now has an ending to raise."""
        stream = self._stream
        last_error.forget()
        try:
            answer = call(stream) if stream is not None else -1
        except self._libvirt_error as error:
            self._hear_no_more(self._failure(error))
            answer = -1
        with self._changed:
            if self._ending is not None and answer == -1:
                raise self._ending()
        return answer if isinstance(answer, int) else 0

    def _await_room(self) -> None:
        self._watch(_HEARING | StreamEvent.WRITABLE)
        with self._changed:
            if not self._changed.wait_for(lambda: self._room or self._ending, WRITE_SECONDS):
                raise OperationTimeout("room in the console's stream", WRITE_SECONDS)

    def _make_room(self) -> None:
        self._watch(_HEARING)
        with self._changed:
            self._room = True
            self._changed.notify_all()

    def _watch(self, events: StreamEvent) -> None:
        stream = None if self._heard_last else self._stream
        if stream is not None:
            with suppress(self._libvirt_error):  # it ended meanwhile, which the callback or the next call tells
                stream.eventUpdateCallback(int(events))


class Consoles:
    """The streams of one connection; they end with it at the latest. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[LiveConsole] = set()
        self._ending: Ending | None = None

    def begin(self, stream: Stream, libvirt_error: type[LibvirtError]) -> LiveConsole:
        """Listen on a stream. Raises what ended the connection, and what libvirt's refusal means."""
        console = LiveConsole(stream, libvirt_error, self._closed)
        with self._lock:
            if self._ending is not None:
                raise self._ending()
            self._open.add(console)
        try:
            console.listen()
        except BaseException:
            self._closed(console)
            raise
        return console

    def end(self, ending: Ending) -> None:
        """Let every stream end with this error, and every later one at once. Asks no host."""
        with self._lock:
            self._ending = self._ending or ending
            open_ = tuple(self._open)
        for console in open_:
            console.end(ending)

    def release(self) -> None:
        """Give the streams back to libvirt; a host that does not answer can hold this up."""
        with self._lock:
            open_, self._open = tuple(self._open), set()
        for console in open_:
            console.release()

    def _closed(self, console: LiveConsole) -> None:
        with self._lock:
            self._open.discard(console)


def _translated(error: LibvirtError) -> DriverError:
    said = last_error.said(error)
    return translate(said.get_error_code(), said.get_error_domain(), said.get_error_message())
