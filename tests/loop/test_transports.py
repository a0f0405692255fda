"""The native stream transport against what asyncio's promises: order, flow control, half-close, errors, ends."""

import array
import asyncio
import contextvars
import gc
import logging
import os
import pathlib
import socket
import struct
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from covet._transports import SocketTransport
from covet.loop import EventLoop


class Recorder(asyncio.Protocol):
    """Notes what it is told."""

    def __init__(self, loop: asyncio.AbstractEventLoop, keeps_open: bool = False) -> None:
        self.seen: list[Any] = []
        self.keeps_open = keeps_open
        self.lost: asyncio.Future[Any] = loop.create_future()
        self.received = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.seen.append("made")

    def data_received(self, data: bytes) -> None:
        self.seen.append(data)
        self.received.set()

    def eof_received(self) -> bool:
        self.seen.append("eof")
        self.received.set()
        return self.keeps_open

    def pause_writing(self) -> None:
        self.seen.append("pause")

    def resume_writing(self) -> None:
        self.seen.append("resume")

    def connection_lost(self, exc: BaseException | None) -> None:
        self.seen.append("lost")
        self.lost.set_result(exc)


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    return ours, theirs


@pytest.fixture(params=[tcp_pair, socket.socketpair], ids=["tcp", "unix"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A socket for a transport, and its peer, which blocks and gives up after a while."""
    ours, theirs = request.param()
    ours.setblocking(False)
    # Where the system chooses the sizes a socket may swallow megabytes.
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    theirs.settimeout(20)
    yield ours, theirs
    ours.close()
    theirs.close()


async def connected(sock: socket.socket, make: Callable[..., Any] = Recorder) -> tuple[Any, Any]:
    loop = asyncio.get_running_loop()
    return await loop.connect_accepted_socket(lambda: make(loop), sock)


def received(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := sock.recv(count - len(data))):
        data += more
    return data


def reset(sock: socket.socket) -> None:
    """Close with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_what_a_connection_is_told_in_order(loop: EventLoop, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair

    async def main() -> None:
        transport, protocol = await connected(ours)
        assert type(transport) is SocketTransport
        assert isinstance(transport, asyncio.Transport)
        assert protocol.seen == ["made"]
        theirs.sendall(b"hello")
        await protocol.received.wait()
        theirs.close()
        assert await protocol.lost is None
        assert protocol.seen == ["made", b"hello", "eof", "lost"]
        assert transport.is_closing()
        assert ours.fileno() == -1

    loop.run_until_complete(main())


def test_the_callbacks_of_a_start_and_an_end_are_queued(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    ours, theirs = pair
    theirs.sendall(b"waiting")

    async def main() -> None:
        protocol = Recorder(loop)
        waiter = loop.create_future()
        transport = loop._make_socket_transport(ours, protocol, waiter)
        assert protocol.seen == []
        loop.call_soon(protocol.seen.append, "after")
        await waiter
        assert protocol.seen == ["made", "after"], "the socket is read after connection_made"
        await protocol.received.wait()
        transport.close()
        assert protocol.seen[-1] == b"waiting", "connection_lost is never called from close()"
        await asyncio.sleep(0)
        assert protocol.seen[-1] == "lost"

    loop.run_until_complete(main())


@pytest.mark.parametrize(
    "data", [b"bytes", bytearray(b"array"), memoryview(b"view"), memoryview(b"every other")[::2], b""]
)
def test_what_may_be_written(loop: EventLoop, pair: tuple[Any, Any], data: Any) -> None:
    ours, theirs = pair

    async def main() -> None:
        transport, _ = await connected(ours)
        transport.write(data)
        transport.write(b"!")
        transport.close()

    loop.run_until_complete(main())
    assert received(theirs, 100) == bytes(data) + b"!"


@pytest.mark.parametrize("data", ["text", None, 1, [b"list"], array.array("b", [1])])
def test_what_may_not_be_written(loop: EventLoop, pair: tuple[Any, Any], data: object) -> None:
    async def main() -> None:
        transport, _ = await connected(pair[0])
        name = type(data).__name__
        with pytest.raises(TypeError, match=f"data argument must be a bytes-like object, not '{name}'"):
            transport.write(data)
        transport.close()

    loop.run_until_complete(main())


def test_the_first_write_goes_at_once_and_the_rest_of_a_turn_together(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    ours, theirs = pair

    async def main() -> None:
        transport, _ = await connected(ours)
        transport.write(b"first")
        assert received(theirs, 5) == b"first"
        transport.write(b"second")
        transport.writelines([b"third", bytearray(b"fourth")])
        assert transport.get_write_buffer_size() == 17
        await asyncio.sleep(0)
        assert transport.get_write_buffer_size() == 0
        assert received(theirs, 17) == b"secondthirdfourth"
        transport.close()

    loop.run_until_complete(main())


@pytest.mark.parametrize("end", ["close", "abort", "write_eof", "stop"])
def test_what_was_gathered_is_sent_before_an_end(loop: EventLoop, pair: tuple[Any, Any], end: str) -> None:
    ours, theirs = pair

    async def main() -> Any:
        transport, protocol = await connected(ours)
        transport.write(b"first")
        transport.write(b"second")
        (loop.stop if end == "stop" else getattr(transport, end))()
        return transport, protocol

    task = loop.create_task(main())
    if end == "stop":
        loop.run_forever()
    transport, protocol = loop.run_until_complete(task)
    assert received(theirs, 11) == b"firstsecond"
    if end != "stop":
        assert theirs.recv(1) == b""
    transport.close()
    loop.run_until_complete(asyncio.wait_for(protocol.lost, 20))


def test_water_marks(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    ours, theirs = pair

    async def main() -> None:
        transport, protocol = await connected(ours)
        assert transport.get_write_buffer_limits() == (16 * 1024, 64 * 1024)
        blob = os.urandom(8 << 20)
        transport.write(blob)
        assert protocol.seen == ["made", "pause"]
        assert 64 * 1024 < transport.get_write_buffer_size() < len(blob)
        got = await loop.run_in_executor(None, received, theirs, len(blob))
        assert got == blob
        while protocol.seen[-1] != "resume":
            await asyncio.sleep(0)
        assert transport.get_write_buffer_size() <= 16 * 1024
        transport.close()

    loop.run_until_complete(main())


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, (16384, 65536)),
        ({"high": 100}, (25, 100)),
        ({"low": 100}, (100, 400)),
        ({"high": 0}, (0, 0)),
        ({"high": 7, "low": 7}, (7, 7)),
        ({"high": 1, "low": 2}, "high (1) must be >= low (2) must be >= 0"),
        ({"high": -1}, "high (-1) must be >= low (-1) must be >= 0"),
    ],
)
def test_setting_water_marks(loop: EventLoop, pair: tuple[Any, Any], limits: dict[str, int], expected: Any) -> None:
    async def main() -> None:
        transport, _ = await connected(pair[0])
        if isinstance(expected, str):
            with pytest.raises(ValueError) as refused:
                transport.set_write_buffer_limits(**limits)
            assert str(refused.value) == expected
        else:
            transport.set_write_buffer_limits(**limits)
            assert transport.get_write_buffer_limits() == expected
        transport.close()

    loop.run_until_complete(main())


def test_close_sends_what_waits_and_abort_does_not(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    ours, theirs = pair
    blob = b"x" * (8 << 20)

    async def closing() -> None:
        transport, protocol = await connected(ours)
        transport.write(blob)
        transport.close()
        assert not protocol.lost.done()
        assert await loop.run_in_executor(None, received, theirs, len(blob)) == blob
        assert await protocol.lost is None

    async def aborting(sock: socket.socket) -> None:
        transport, protocol = await connected(sock)
        transport.write(blob)
        transport.abort()
        assert transport.get_write_buffer_size() == 0
        assert await protocol.lost is None

    loop.run_until_complete(closing())
    other, peer = socket.socketpair()
    other.setblocking(False)
    with peer:
        loop.run_until_complete(aborting(other))
        assert len(received(peer, len(blob))) < len(blob)


def test_half_close(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    ours, theirs = pair

    async def main() -> None:
        transport, protocol = await connected(ours, lambda loop: Recorder(loop, keeps_open=True))
        theirs.sendall(b"question")
        theirs.shutdown(socket.SHUT_WR)
        while "eof" not in protocol.seen:
            protocol.received.clear()
            await protocol.received.wait()
        assert not transport.is_closing()
        assert transport.can_write_eof()
        transport.write(b"answer")
        transport.write_eof()
        for method, data in (("write", b"more"), ("writelines", [b"more"])):
            with pytest.raises(RuntimeError, match=rf"Cannot call {method}\(\) after write_eof\(\)"):
                getattr(transport, method)(data)
        assert received(theirs, 100) == b"answer"
        transport.close()
        assert await protocol.lost is None
        assert protocol.seen.count("eof") == 1

    loop.run_until_complete(main())


def test_paused_reading_keeps_bytes_with_the_peer(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    ours, theirs = pair

    async def main() -> None:
        transport, protocol = await connected(ours)
        transport.pause_reading()
        transport.pause_reading()
        assert not transport.is_reading()
        theirs.sendall(b"later")
        for _ in range(50):
            await asyncio.sleep(0)
        assert protocol.seen == ["made"]
        transport.resume_reading()
        assert transport.is_reading()
        await protocol.received.wait()
        assert protocol.seen == ["made", b"later"]
        transport.close()
        transport.resume_reading()
        assert not transport.is_reading()

    loop.run_until_complete(main())


def test_much_and_little_arrive_unchanged(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    """After much, the next read goes straight into a `bytes`, of which little may be filled."""
    ours, theirs = pair
    messages = [bytes([number]) * size for number, size in enumerate([1, 1 << 20, 3, 300_000, 65_536, 65_535, 10])]

    async def main() -> None:
        transport, protocol = await connected(ours)
        for message in messages:
            sending = loop.run_in_executor(None, theirs.sendall, message)
            arrived = b""
            while len(arrived) < len(message):
                await protocol.received.wait()
                protocol.received.clear()
                arrived = b"".join(protocol.seen[1:])
            assert arrived == message
            del protocol.seen[1:]
            await sending
        transport.close()
        await protocol.lost

    loop.run_until_complete(main())


def test_turns_that_follow_each_other_starve_no_transport(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    """Where no server runs, turns of few callbacks follow each other at once, but not for ever."""
    ours, theirs = pair
    turns = 0

    def spin() -> None:
        nonlocal turns
        turns += 1
        spinning.append(loop.call_soon(spin))

    spinning: deque[asyncio.Handle] = deque(maxlen=1)

    async def main() -> None:
        transport, protocol = await connected(ours)
        spin()
        before = turns
        for _ in range(10):
            theirs.send(b"x")
            await protocol.received.wait()
            protocol.received.clear()
        spinning[0].cancel()
        assert turns - before < 10 * 30, f"{turns - before} turns for 10 messages"
        transport.close()
        await protocol.lost

    loop.run_until_complete(main())


def test_a_protocol_that_pauses_reading_gets_one_piece(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    ours, theirs = pair

    class Pausing(Recorder):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.transport.pause_reading()

    async def main() -> None:
        transport, protocol = await connected(ours, Pausing)
        sending = loop.run_in_executor(None, theirs.sendall, b"x" * (2 << 20))
        total = 0
        while total < 2 << 20:
            await protocol.received.wait()
            protocol.received.clear()
            total += len(protocol.seen.pop())
            assert protocol.seen == ["made"]
            transport.resume_reading()
        await sending
        transport.close()

    loop.run_until_complete(main())


class Buffered(asyncio.BufferedProtocol):
    def __init__(self, loop: asyncio.AbstractEventLoop, size: int = 10) -> None:
        self.buffer = bytearray(size)
        self.seen: list[Any] = []
        self.lost: asyncio.Future[Any] = loop.create_future()

    def get_buffer(self, sizehint: int) -> Any:
        assert sizehint == -1
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.seen.append(bytes(self.buffer[:nbytes]))

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost.set_result(exc)


def test_a_buffered_protocol(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    ours, theirs = pair

    async def main() -> None:
        _, protocol = await connected(ours, Buffered)
        theirs.sendall(b"0123456789abcdefghijk")
        theirs.close()
        assert await protocol.lost is None
        assert protocol.seen == [b"0123456789", b"abcdefghij", b"k"]

    loop.run_until_complete(main())


@pytest.mark.parametrize(
    ("buffer", "method"),
    [(b"", "get_buffer"), (bytearray(), "get_buffer"), (None, "get_buffer"), (b"read-only", "get_buffer")],
    ids=["empty", "empty array", "none", "read-only"],
)
def test_a_buffer_that_cannot_be_used(
    loop: EventLoop, pair: tuple[Any, Any], reports: list[dict[str, Any]], buffer: Any, method: str
) -> None:
    ours, theirs = pair

    async def main() -> None:
        _, protocol = await connected(ours, Buffered)
        protocol.buffer = buffer
        theirs.sendall(b"hello")
        assert isinstance(await protocol.lost, Exception)
        assert protocol.seen == []

    loop.run_until_complete(main())
    if buffer != b"read-only":
        assert [report["message"] for report in reports] == [f"Fatal error: protocol.{method}() call failed."]


@pytest.mark.parametrize("method", ["data_received", "eof_received", "buffer_updated"])
def test_what_a_protocol_raises_ends_its_connection(
    loop: EventLoop, pair: tuple[Any, Any], reports: list[dict[str, Any]], method: str
) -> None:
    ours, theirs = pair
    base: Any = Buffered if method == "buffer_updated" else Recorder

    def fail(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    async def main() -> None:
        transport, protocol = await connected(ours, type("Failing", (base,), {method: fail}))
        theirs.sendall(b"hello")
        theirs.shutdown(socket.SHUT_WR)
        assert isinstance(await protocol.lost, ZeroDivisionError)
        (report,) = reports
        assert report["message"] == f"Fatal error: protocol.{method}() call failed."
        assert report["transport"] is transport
        assert report["protocol"] is protocol

    loop.run_until_complete(main())


@pytest.mark.parametrize("method", ["pause_writing", "resume_writing"])
def test_what_flow_control_raises_is_reported(
    loop: EventLoop, pair: tuple[Any, Any], reports: list[dict[str, Any]], method: str
) -> None:
    ours, theirs = pair

    def fail(_: object) -> None:
        raise ZeroDivisionError("on purpose")

    async def main() -> None:
        transport, _ = await connected(ours, type("Failing", (Recorder,), {method: fail}))
        blob = b"x" * (4 << 20)
        transport.write(blob)
        assert await loop.run_in_executor(None, received, theirs, len(blob)) == blob
        while not reports:
            await asyncio.sleep(0)
        assert reports[0]["message"] == f"protocol.{method}() failed"
        assert not transport.is_closing()
        transport.close()

    loop.run_until_complete(main())


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_exit_leaves_the_loop(loop: EventLoop, pair: tuple[Any, Any], kind: type[BaseException]) -> None:
    ours, theirs = pair

    class Leaving(Recorder):
        def data_received(self, data: bytes) -> None:
            self.seen.append(data)
            raise kind

    transport, protocol = loop.run_until_complete(connected(ours, Leaving))
    theirs.sendall(b"hello")
    with pytest.raises(kind):
        loop.run_forever()
    transport.close()
    loop.run_until_complete(protocol.lost)
    assert protocol.seen == ["made", b"hello", "lost"]


def test_a_reset_reaches_connection_lost_and_no_report(loop: EventLoop, reports: list[dict[str, Any]]) -> None:
    ours, theirs = tcp_pair()
    ours.setblocking(False)

    async def main() -> None:
        _, protocol = await connected(ours)
        reset(theirs)
        error = await protocol.lost
        assert isinstance(error, ConnectionResetError)
        assert error.args == (104, "Connection reset by peer")
        assert protocol.seen == ["made", "lost"]

    loop.run_until_complete(main())
    assert reports == []


def test_writes_to_a_lost_connection_are_noted(
    loop: EventLoop, pair: tuple[Any, Any], reports: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = pair

    async def main() -> None:
        transport, protocol = await connected(ours)
        transport.pause_reading()
        reset(theirs)
        while not transport.is_closing():
            transport.write(b"x")
            await asyncio.sleep(0)
        assert isinstance(await protocol.lost, (BrokenPipeError, ConnectionResetError))
        for _ in range(10):
            transport.write(b"unheard")

    with caplog.at_level(logging.WARNING, "asyncio"):
        loop.run_until_complete(main())
    assert "socket.send() raised exception." in caplog.messages
    assert reports == []


def test_another_protocol_takes_over(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    ours, theirs = pair

    async def main() -> None:
        transport, first = await connected(ours)
        second = Buffered(loop)
        transport.set_protocol(second)
        assert transport.get_protocol() is second
        theirs.sendall(b"hello")
        theirs.close()
        assert await second.lost is None
        assert (first.seen, second.seen) == (["made"], [b"hello"])

    loop.run_until_complete(main())


def test_extra_info_outlives_the_socket(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    ours, theirs = pair

    async def main() -> None:
        transport, protocol = await connected(ours)
        names = ours.getsockname(), theirs.getsockname()
        sock = transport.get_extra_info("socket")
        assert isinstance(sock, asyncio.trsock.TransportSocket)
        assert sock.fileno() == ours.fileno()
        assert transport.get_extra_info("no such") is None
        assert transport.get_extra_info("no such", 7) == 7
        transport.close()
        await protocol.lost
        assert (transport.get_extra_info("sockname"), transport.get_extra_info("peername")) == names

    loop.run_until_complete(main())


def test_the_protocol_runs_in_the_context_of_its_creation(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    ours, theirs = pair
    name = contextvars.ContextVar("name", default="nobody's")

    class Asking(Recorder):
        def data_received(self, data: bytes) -> None:
            super().data_received(name.get().encode())
            name.set("changed")

    async def main() -> None:
        name.set("the maker's")
        transport, protocol = await connected(ours, Asking)
        name.set("later")
        for _ in range(2):
            theirs.sendall(b"?")
            await protocol.received.wait()
            protocol.received.clear()
        assert protocol.seen == ["made", b"the maker's", b"changed"]
        assert name.get() == "later"
        transport.close()

    loop.run_until_complete(main())


def test_reprs(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    async def main() -> None:
        transport, protocol = await connected(pair[0])
        fd = pair[0].fileno()
        assert repr(transport) == f"<SocketTransport fd={fd} read=polling write=<idle, bufsize=0>>"
        transport.close()
        assert repr(transport) == f"<SocketTransport closing fd={fd} read=idle write=<idle, bufsize=0>>"
        await protocol.lost
        assert repr(transport) == f"<SocketTransport closed fd={fd}>"

    loop.run_until_complete(main())


def test_a_transport_that_nobody_closed_warns(pair: tuple[Any, Any]) -> None:
    loop = EventLoop()
    transport, _ = loop.run_until_complete(connected(pair[0]))
    known = weakref.ref(transport)
    del transport, _
    gc.collect()
    assert known() is not None, "an open transport lives"
    with pytest.warns(ResourceWarning, match=r"unclosed transport <SocketTransport fd="):
        loop.close()
        gc.collect()
    assert known() is None
    assert pair[0].fileno() == -1


def test_a_closed_transport_is_collected_with_its_protocol(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    async def main() -> Any:
        transport, protocol = await connected(pair[0])
        transport.back = protocol
        transport.close()
        await protocol.lost
        return weakref.ref(transport), weakref.ref(protocol)

    refs = loop.run_until_complete(main())
    loop.run_until_complete(asyncio.sleep(0))
    gc.collect()
    assert [ref() for ref in refs] == [None, None]


def test_a_descriptor_of_a_transport_is_nobody_elses(loop: EventLoop, pair: tuple[Any, Any]) -> None:
    async def main() -> None:
        transport, _ = await connected(pair[0])
        for refused in (loop.add_reader, loop.add_writer):
            with pytest.raises(RuntimeError, match=r"is used by transport"):
                refused(pair[0], print)
        with pytest.raises(RuntimeError, match=r"is used by transport"):
            await loop.sock_recv(pair[0], 1)
        transport.close()

    loop.run_until_complete(main())


def test_a_socket_closed_behind_the_transport_disturbs_no_other(loop: EventLoop) -> None:
    """The registration of a number that is another socket's by now must not take that one's away."""

    async def main() -> None:
        first, first_peer = socket.socketpair()
        first.setblocking(False)
        number = first.fileno()
        transport, protocol = await connected(first)
        first.close()
        second, second_peer = socket.socketpair()
        assert number in (second.fileno(), second_peer.fileno())
        mine, other = (second, second_peer) if second.fileno() == number else (second_peer, second)
        mine.setblocking(False)
        transport.abort()
        await protocol.lost
        another, heir = await connected(mine)
        other.sendall(b"hello")
        await asyncio.wait_for(heir.received.wait(), 20)
        another.close()
        other.close()
        first_peer.close()

    loop.run_until_complete(main())


def test_debug_mode_speaks_of_the_connection(
    loop: EventLoop, pair: tuple[Any, Any], caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = pair
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0

    async def main() -> None:
        transport, protocol = await connected(ours)
        transport.pause_reading()
        transport.resume_reading()
        theirs.sendall(b"hello")
        theirs.shutdown(socket.SHUT_WR)
        await protocol.lost

    with caplog.at_level(logging.DEBUG, "asyncio"):
        loop.run_until_complete(main())
    said = "\n".join(caplog.messages)
    for words in ("pauses reading", "resumes reading", "received EOF", "_read_ready"):
        assert words in said


def test_a_file_is_sent(loop: EventLoop, pair: tuple[Any, Any], tmp_path: pathlib.Path) -> None:
    ours, theirs = pair
    blob = os.urandom(1 << 20)
    (tmp_path / "file").write_bytes(blob)

    async def main() -> None:
        transport, _ = await connected(ours)
        transport.write(b"head")
        with (tmp_path / "file").open("rb") as file:
            sending = asyncio.create_task(loop.sendfile(transport, file))
            await asyncio.sleep(0)
            for method, data in (("write", b"more"), ("writelines", [b"more"])):
                with pytest.raises(RuntimeError, match=f"unable to {method}; sendfile is in progress"):
                    getattr(transport, method)(data)
            got = await loop.run_in_executor(None, received, theirs, len(blob) + 4)
            assert await sending == len(blob)
        assert got == b"head" + blob
        transport.write(b"tail")
        assert received(theirs, 4) == b"tail"
        transport.close()

    loop.run_until_complete(main())
