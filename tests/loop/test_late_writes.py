"""What is written to a connection that already ends reaches a peer that is slow to take it."""

import asyncio
import pathlib
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

import pytest

from covet.loop import EventLoop

SMALL = 65_536
"""Bytes that a socket of these tests holds; where the system chooses it may swallow megabytes."""
CHUNK = b"x" * 131_072
CHUNKS = 64
PATIENCE = 20


def slow_pair() -> tuple[socket.socket, socket.socket]:
    """A socket for a transport, and its peer, which blocks and gives up after a while."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    theirs.settimeout(PATIENCE)
    return ours, theirs


def on_a_thread(work: Callable[[], Any]) -> "asyncio.Future[Any]":
    return asyncio.get_running_loop().run_in_executor(None, work)


def test_what_resume_writing_writes_after_close_is_sent(loop: EventLoop) -> None:
    class Refilling(asyncio.Protocol):
        """Has more to write as soon as there is room, as TLS has."""

        more = CHUNKS
        is_paused = False

        def __init__(self) -> None:
            self.lost: asyncio.Future[BaseException | None] = loop.create_future()

        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def pause_writing(self) -> None:
            self.is_paused = True

        def resume_writing(self) -> None:
            self.is_paused = False
            while self.more and not self.is_paused:
                self.more -= 1
                self.transport.write(CHUNK)

        def connection_lost(self, exc: BaseException | None) -> None:
            self.lost.set_result(exc)

    ours, theirs = slow_pair()

    def receive() -> int:
        count = 0
        while data := theirs.recv(SMALL):
            count += len(data)
        return count

    async def main() -> None:
        transport, protocol = await loop.connect_accepted_socket(Refilling, ours)
        transport.write(CHUNK * 4)
        assert transport.get_write_buffer_size(), "the socket was to be full"
        transport.close()
        assert await on_a_thread(receive) == len(CHUNK) * (4 + CHUNKS)
        assert await asyncio.wait_for(protocol.lost, PATIENCE) is None

    with theirs:
        loop.run_until_complete(main())


@pytest.fixture
def contexts(certificate: pathlib.Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's and the client's."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=certificate)
    server.load_cert_chain(certificate)
    return server, client


class ByHand:
    """TLS of a blocking socket, whose end can be said without waiting for the other's."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._until_done(self._tls.do_handshake)

    def _until_done(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.flush()
                if not (data := self._sock.recv(SMALL)):
                    self._incoming.write_eof()
                self._incoming.write(data)
            finally:
                self.flush()

    def flush(self) -> None:
        if self._outgoing.pending:
            self._sock.sendall(self._outgoing.read())

    def say_end(self) -> None:
        with pytest.raises(ssl.SSLWantReadError):
            self._tls.unwrap()
        self.flush()

    def receive(self) -> int:
        """How many bytes come before the other side says its end."""
        count = 0
        try:
            while True:
                count += len(self._until_done(lambda: self._tls.read(SMALL)))
        except ssl.SSLZeroReturnError:
            return count


def test_tls_sends_its_backlog_to_a_peer_that_has_said_its_end(
    loop: EventLoop, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """CPython's own test of it fills the stock transport's private socket by hand, which a native one has not."""
    ours, theirs = slow_pair()
    may_end = threading.Event()

    def serve() -> int:
        peer = ByHand(theirs, contexts[0])
        assert may_end.wait(PATIENCE)
        peer.say_end()
        return peer.receive()

    async def main() -> None:
        served = on_a_thread(serve)
        reader, writer = await asyncio.open_connection(sock=ours, ssl=contexts[1], server_hostname="localhost")
        transport: Any = writer.transport
        for _ in range(CHUNKS):
            transport._test__append_write_backlog(CHUNK)
        may_end.set()
        assert await reader.read() == b""
        assert await asyncio.wait_for(served, PATIENCE) == len(CHUNK) * CHUNKS
        writer.close()

    with theirs:
        loop.run_until_complete(main())
