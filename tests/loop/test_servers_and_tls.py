"""Servers and TLS on the native transports: plain, Unix and encrypted, both ends on the loop."""

import asyncio
import contextlib
import os
import pathlib
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from covet._tls import TlsProtocol
from covet._transports import SocketTransport
from covet.loop import EventLoop

BLOB = bytes(range(256)) * 8192


@contextlib.contextmanager
def followed(factory: Callable[[], Any]) -> Iterator[tuple[Callable[[], Any], list[Any]]]:
    """A factory, and the protocols that it has made."""
    made: list[Any] = []

    def make() -> Any:
        made.append(factory())
        return made[-1]

    yield make, made


async def ended(protocols: list[Any]) -> None:
    """Wait for their connections, which a server does not do before 3.12.1."""
    for protocol in protocols:
        await asyncio.wait_for(protocol.lost, 20)


@pytest.fixture(params=["tcp", "unix", "tls", "tls over unix"])
def ends(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Any:
    """How to start a server for a protocol's factory, and how to connect to it."""
    kind = request.param
    server_words: dict[str, Any] = {}
    client_words: dict[str, Any] = {}
    if "tls" in kind:
        where = request.getfixturevalue("certificate")
        server_words["ssl"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server_words["ssl"].load_cert_chain(where)
        client_words = {"ssl": ssl.create_default_context(cafile=where), "server_hostname": "localhost"}

    @contextlib.asynccontextmanager
    async def serve(factory: Any) -> AsyncIterator[Any]:
        loop = asyncio.get_running_loop()
        with followed(factory) as (factory, made):
            if "unix" in kind:
                server = await loop.create_unix_server(factory, tmp_path / "socket", **server_words)
            else:
                server = await loop.create_server(factory, "127.0.0.1", 0, **server_words)
            async with server:
                yield server
            await ended(made)

    async def connect(server: Any, factory: Any) -> Any:
        loop = asyncio.get_running_loop()
        if "unix" in kind:
            return await loop.create_unix_connection(factory, tmp_path / "socket", **client_words)
        return await loop.create_connection(factory, *server.sockets[0].getsockname(), **client_words)

    return serve, connect


class Collecting(asyncio.Protocol):
    """Keeps what it reads, tells when there is enough and when it is over."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.data = bytearray()
        self.lost: asyncio.Future[Any] = loop.create_future()
        self.grown = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert type(data) is bytes
        self.data += data
        self.grown.set()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost.set_result(exc)

    async def has(self, count: int) -> None:
        while len(self.data) < count:
            self.grown.clear()
            await asyncio.wait_for(self.grown.wait(), 20)


class Echo(Collecting):
    """Sends everything back; slowly where the client is."""

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()


@pytest.mark.parametrize("size", [1, 1000, 16_384, 16_385, 100_000, len(BLOB)])
def test_what_is_written_comes_back(loop: EventLoop, ends: Any, size: int) -> None:
    serve, connect = ends

    async def main() -> None:
        async with serve(Echo) as server:
            transport, protocol = await connect(server, Collecting)
            for start in range(0, size, 50_000):
                transport.write(BLOB[start : min(start + 50_000, size)])
            await protocol.has(size)
            assert protocol.data == BLOB[:size]
            transport.close()
            assert await asyncio.wait_for(protocol.lost, 20) is None

    loop.run_until_complete(main())


def test_many_small_writes_and_every_kind_of_bytes(loop: EventLoop, ends: Any) -> None:
    serve, connect = ends

    async def main() -> None:
        async with serve(Echo) as server:
            transport, protocol = await connect(server, Collecting)
            for number in range(1000):
                kind = (bytes, bytearray, memoryview)[number % 3]
                transport.write(kind(b"%04d" % number))
            transport.writelines([b"end", bytearray(b"of"), memoryview(b"it")])
            await protocol.has(4007)
            assert protocol.data == b"".join(b"%04d" % number for number in range(1000)) + b"endofit"
            transport.close()
            await asyncio.wait_for(protocol.lost, 20)

    loop.run_until_complete(main())


def test_a_buffered_protocol_over_everything(loop: EventLoop, ends: Any) -> None:
    serve, connect = ends

    class Buffered(asyncio.BufferedProtocol):
        def __init__(self) -> None:
            self.room = bytearray(1000)
            self.transport: Any = None
            self.lost: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def get_buffer(self, sizehint: int) -> memoryview:
            return memoryview(self.room)

        def buffer_updated(self, nbytes: int) -> None:
            self.transport.write(self.room[:nbytes])

        def connection_lost(self, exc: BaseException | None) -> None:
            self.lost.set_result(exc)

    async def main() -> None:
        async with serve(Buffered) as server:
            transport, protocol = await connect(server, Collecting)
            transport.write(BLOB[:100_000])
            await protocol.has(100_000)
            assert protocol.data == BLOB[:100_000]
            transport.close()
            await asyncio.wait_for(protocol.lost, 20)

    loop.run_until_complete(main())


def test_the_server_ends_the_connection(loop: EventLoop, ends: Any) -> None:
    serve, connect = ends

    class Parting(Collecting):
        def data_received(self, data: bytes) -> None:
            self.transport.write(data + b"bye")
            self.transport.close()

    async def main() -> None:
        async with serve(Parting) as server:
            transport, protocol = await connect(server, Collecting)
            transport.write(b"hello, ")
            assert await asyncio.wait_for(protocol.lost, 20) is None
            assert protocol.data == b"hello, bye"
            assert transport.is_closing()

    loop.run_until_complete(main())


def test_tls_upgrades_a_plain_connection(loop: EventLoop, certificate: pathlib.Path) -> None:
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"STARTTLS\n"
        writer.write(b"go\n")
        await writer.start_tls(ours)
        writer.write(b"secret: " + await reader.readline())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def main() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"STARTTLS\n")
            assert await reader.readline() == b"go\n"
            await writer.start_tls(ssl.create_default_context(cafile=certificate), server_hostname="localhost")
            writer.write(b"hello\n")
            assert await reader.read() == b"secret: hello\n"
            writer.close()
            await writer.wait_closed()

    if sys.version_info < (3, 12):
        pytest.skip("StreamWriter.start_tls swaps the reader's transport since 3.12")
    loop.run_until_complete(main())


def test_tls_says_what_it_agreed_on(loop: EventLoop, certificate: pathlib.Path) -> None:
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)

    async def main() -> None:
        with followed(Echo) as (factory, made):
            server = await loop.create_server(factory, "127.0.0.1", 0, ssl=ours)
        async with server:
            context = ssl.create_default_context(cafile=certificate)
            address = server.sockets[0].getsockname()
            transport, protocol = await loop.create_connection(
                Collecting, *address, ssl=context, server_hostname="localhost"
            )
            below: Any = transport
            assert isinstance(below._ssl_protocol, TlsProtocol)
            assert type(below._ssl_protocol._transport) is SocketTransport
            assert transport.get_extra_info("peername") == address
            assert transport.get_extra_info("cipher")[1].startswith("TLS")
            transport.close()
            await asyncio.wait_for(protocol.lost, 20)
            await ended(made)

    loop.run_until_complete(main())


def test_a_certificate_that_is_not_trusted_is_refused(
    loop: EventLoop, certificate: pathlib.Path, reports: list[dict[str, Any]]
) -> None:
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)

    async def main() -> None:
        async with await loop.create_server(Echo, "127.0.0.1", 0, ssl=ours) as server:
            with pytest.raises(ssl.SSLCertVerificationError):
                await loop.create_connection(
                    Collecting,
                    *server.sockets[0].getsockname(),
                    ssl=ssl.create_default_context(),
                    server_hostname="localhost",
                )
            # The server's end, which no protocol was told of.
            while any(transport._sock is not None for transport in list(loop._transports.values())):
                await asyncio.sleep(0)

    loop.run_until_complete(main())


def test_a_server_knows_its_connections(loop: EventLoop) -> None:
    async def main() -> None:
        served: list[Any] = []

        def factory() -> Any:
            served.append(Collecting())
            return served[-1]

        server = await loop.create_server(factory, "127.0.0.1", 0)
        transport, client = await loop.create_connection(Collecting, *server.sockets[0].getsockname())
        transport.write(b"x")
        while not served:
            await asyncio.sleep(0)
        await served[0].has(1)
        server.close()
        waiting = asyncio.ensure_future(server.wait_closed())
        for _ in range(5):
            await asyncio.sleep(0)
        if sys.version_info >= (3, 12, 1):
            assert not waiting.done(), "a connection is open"
        if sys.version_info >= (3, 13):
            server.close_clients()
        else:
            served[0].transport.close()
        await asyncio.wait_for(waiting, 20)
        assert await asyncio.wait_for(client.lost, 20) is None
        await ended(served)

    loop.run_until_complete(main())


def test_a_thousand_connections_leave_nothing(loop: EventLoop) -> None:
    async def main() -> None:
        with followed(Echo) as (factory, made):
            server = await loop.create_server(factory, "127.0.0.1", 0)
        async with server:
            address = server.sockets[0].getsockname()
            before = len(os.listdir("/dev/fd"))
            for _ in range(1000):
                transport, protocol = await loop.create_connection(Collecting, *address)
                transport.write(b"hello")
                await protocol.has(5)
                transport.close()
                await protocol.lost
                # The other end's is on its way.
                assert len(os.listdir("/dev/fd")) < before + 10
            await ended(made)
            assert len(os.listdir("/dev/fd")) <= before

    loop.run_until_complete(main())
