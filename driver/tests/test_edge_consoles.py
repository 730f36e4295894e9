"""Consoles' streams over a stream in memory: what is received, how it ends, and that nothing is sent after the end."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from virtproof_driver.binding import LibvirtError, StreamCallback
from virtproof_driver.constants import ErrorCode, ErrorDomain, StreamEvent
from virtproof_driver.edge import consoles as module
from virtproof_driver.edge.consoles import HELD_BYTES, PIECE_BYTES, Consoles, LiveConsole
from virtproof_driver.errors import ConnectionLost, ConsoleEnded, DriverClosed, DriverError, OperationTimeout
from virtproof_driver.values import ConsoleEnd

PATIENCE = 20.0
NOTHING = -2  # libvirt's answer when a stream that does not block would


class Failure(LibvirtError):
    """A failed call."""

    def __init__(self, code: ErrorCode, domain: ErrorDomain) -> None:
        super().__init__(code, domain)
        self.code, self.domain = code, domain

    def get_error_code(self) -> int | None:
        return self.code

    def get_error_domain(self) -> int | None:
        return self.domain

    def get_error_message(self) -> str | None:
        return "failed"


TAKEN = Failure(ErrorCode.RPC, ErrorDomain.STREAMS)
LOST = Failure(ErrorCode.INTERNAL_ERROR, ErrorDomain.RPC)


class MemoryStream:
    """A stream whose far end is the test: `comes` is what is received, and `room` how much is taken at once."""

    def __init__(self) -> None:
        self.comes: list[bytes | Failure] = []
        self.sent = b""
        self.room: list[int] = []
        self.watched: list[int] = []
        self.removed = 0
        self.aborted = 0
        self._callback: StreamCallback | None = None

    def recv(self, nbytes: int) -> bytes | int:
        if not self.comes:
            return NOTHING
        piece = self.comes.pop(0)
        if isinstance(piece, Failure):
            raise piece
        if len(piece) > nbytes:
            self.comes.insert(0, piece[nbytes:])
        return piece[:nbytes]

    def send(self, data: bytes) -> int:
        taken = self.room.pop(0) if self.room else len(data)
        self.sent += data[: max(taken, 0)]
        return taken

    def finish(self) -> int:
        raise AssertionError("a console's stream is given up, never finished")

    def abort(self) -> int:
        self.aborted += 1
        return 0

    def eventAddCallback(self, events: int, cb: StreamCallback, opaque: object) -> object:
        del opaque
        self.watched.append(events)
        self._callback = cb
        return None

    def eventUpdateCallback(self, events: int) -> int:
        self.watched.append(events)
        return 0

    def eventRemoveCallback(self) -> int:
        self.removed += 1
        self._callback = None
        return 0

    def tell(self, *comes: bytes | Failure, events: int = StreamEvent.READABLE) -> None:
        """What libvirt's thread does when something came."""
        self.comes += comes
        if self._callback is not None:
            self._callback(self, events, None)


@pytest.fixture
def stream() -> MemoryStream:
    return MemoryStream()


@pytest.fixture
def consoles() -> Consoles:
    return Consoles()


@pytest.fixture
def console(consoles: Consoles, stream: MemoryStream) -> LiveConsole:
    return consoles.begin(stream, Failure)


def ended(use: Callable[[], object]) -> ConsoleEnd:
    """The reason that a use of a console ends with."""
    with pytest.raises(ConsoleEnded) as error:
        use()
    return error.value.reason


def test_what_came_is_read_once_and_as_a_whole(console: LiveConsole, stream: MemoryStream) -> None:
    stream.tell(b"one ", b"two")
    assert console.read(0) == b"one two"
    with pytest.raises(OperationTimeout) as late:
        console.read(0.01)
    assert late.value.seconds == 0.01


def test_a_read_that_waits_is_woken(console: LiveConsole, stream: MemoryStream) -> None:
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(console.read, PATIENCE)
        stream.tell(b"news")
        assert reading.result(PATIENCE) == b"news"


def test_a_reader_that_is_to_be_noticed_waits_for_the_first_byte_at_most(console: LiveConsole, stream: MemoryStream) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(console.await_notice)
        stream.tell(b"hello")
        waiting.result(PATIENCE)
    console.await_notice()
    assert console.read(0) == b"hello"


def test_nothing_is_waited_for_once_a_stream_ended(console: LiveConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NOTICE_SECONDS", PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(console.await_notice)
        console.close()
        assert waiting.result(PATIENCE / 2) is None


def test_a_silent_guest_is_waited_for_no_longer_than_it_takes(console: LiveConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NOTICE_SECONDS", 0.01)
    console.await_notice()
    with pytest.raises(OperationTimeout):
        console.read(0)


def test_the_end_is_told_after_all_that_came_before_it(console: LiveConsole, stream: MemoryStream) -> None:
    stream.tell(b"last words", b"")
    assert console.read(0) == b"last words"
    assert ended(lambda: console.read(0)) is ConsoleEnd.INSTANCE_ENDED
    assert stream.removed == 1, "libvirt repeats the end for ever"


def test_nothing_is_sent_after_the_end(console: LiveConsole, stream: MemoryStream) -> None:
    stream.tell(b"")
    assert ended(lambda: console.write(b"x")) is ConsoleEnd.INSTANCE_ENDED
    console.close()
    assert ended(lambda: console.write(b"x")) is ConsoleEnd.INSTANCE_ENDED
    assert (stream.sent, stream.removed, stream.aborted) == (b"", 1, 1)


@pytest.mark.parametrize(("failure", "error"), [(TAKEN, ConsoleEnded), (LOST, ConnectionLost)], ids=["taken", "lost"])
def test_a_stream_that_fails_ends(console: LiveConsole, stream: MemoryStream, failure: Failure, error: type[DriverError]) -> None:
    stream.tell(failure)
    with pytest.raises(error):
        console.read(0)
    with pytest.raises(error):
        console.write(b"x")


def test_a_taken_console_says_so(console: LiveConsole, stream: MemoryStream) -> None:
    stream.tell(TAKEN)
    assert ended(lambda: console.read(0)) is ConsoleEnd.TAKEN_OVER


def test_all_bytes_are_sent_in_pieces(console: LiveConsole, stream: MemoryStream) -> None:
    data = bytes(range(256)) * (PIECE_BYTES // 128)
    stream.room = [100, 1]
    console.write(data)
    assert stream.sent == data


def test_a_write_waits_for_room(console: LiveConsole, stream: MemoryStream) -> None:
    stream.room = [NOTHING]
    asked = threading.Event()

    def update(events: int) -> int:
        if events & StreamEvent.WRITABLE:
            asked.set()
        return 0

    stream.eventUpdateCallback = update  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(console.write, b"patient")
        assert asked.wait(PATIENCE)
        stream.tell(events=StreamEvent.WRITABLE)
        writing.result(PATIENCE)
    assert stream.sent == b"patient"


def test_receiving_is_put_off_while_nobody_reads(console: LiveConsole, stream: MemoryStream) -> None:
    stream.tell(bytes(3 * HELD_BYTES))
    first = console.read(0)
    assert HELD_BYTES <= len(first) < HELD_BYTES + PIECE_BYTES
    assert not stream.watched[-2] & StreamEvent.READABLE
    assert stream.watched[-1] & StreamEvent.READABLE
    stream.tell()
    assert len(console.read(0)) >= HELD_BYTES


def test_closing_wakes_a_reader_and_gives_the_stream_back(console: LiveConsole, stream: MemoryStream) -> None:
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(console.read, PATIENCE)
        console.close()
        with pytest.raises(ConsoleEnded):
            reading.result(PATIENCE)
    console.close()
    assert (stream.removed, stream.aborted) == (1, 1)
    assert ended(lambda: console.read(0)) is ConsoleEnd.CLOSED


def test_a_block_closes_it(consoles: Consoles, stream: MemoryStream) -> None:
    with consoles.begin(stream, Failure) as console:
        stream.tell(b"hello")
        assert console.read(0) == b"hello"
    assert stream.aborted == 1


def test_streams_end_with_their_connection(consoles: Consoles, console: LiveConsole, stream: MemoryStream) -> None:
    consoles.end(lambda: DriverClosed("closed"))
    with pytest.raises(DriverClosed):
        console.read(0)
    assert stream.aborted == 0, "ending asks no host"
    consoles.release()
    consoles.release()
    assert stream.aborted == 1


def test_no_stream_begins_after_the_end_of_the_connection(consoles: Consoles) -> None:
    consoles.end(lambda: ConnectionLost("broken"))
    late = MemoryStream()
    with pytest.raises(ConnectionLost):
        consoles.begin(late, Failure)
    assert late.watched == []


def test_a_stream_that_cannot_be_listened_to_is_let_go(consoles: Consoles, stream: MemoryStream) -> None:
    def refuse(events: int, cb: StreamCallback, opaque: object) -> object:
        del events, cb, opaque
        raise LOST

    stream.eventAddCallback = refuse  # type: ignore[method-assign]
    with pytest.raises(ConnectionLost):
        consoles.begin(stream, Failure)
    consoles.release()
    assert stream.aborted == 0
