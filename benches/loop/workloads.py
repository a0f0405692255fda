"""What the loops are measured on: plain asyncio programs that know no loop by name.

Each workload prepares itself, then runs so many operations; only these are timed. Where a connection has two ends both
are on the loop under test, so a figure is the cost of both. It must run with nothing but the standard library, asyncpg
and redis.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

Operations = Callable[[int], Awaitable[None]]
Prepared = AbstractAsyncContextManager[Operations]

CONNECTIONS = 10
MESSAGE = b"x" * 1024
BULK = b"x" * (1 << 20)
QUERIES = 20
NOTICED = 1_000
"""Tasks or timers that exist at the same time."""


@dataclass(frozen=True)
class Workload:
    """One program: how it is named, what it does, how many operations a lap has."""

    name: str
    title: str
    words: str
    operations: int
    prepare: Callable[[], Prepared]
    needs: str | None = None
    """A variable of the environment that says where a service is."""


class Target(NamedTuple):
    """CovetPy's share of another loop's time that is aimed at."""

    workload: str
    peer: str
    factor: float


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _shared(count: int, clients: list[Callable[[int], Awaitable[None]]]) -> None:
    """`count` operations, in equal shares at the same time."""
    await asyncio.gather(*[client(count // len(clients)) for client in clients])


def _over_streams(server_tls: ssl.SSLContext | None, client_tls: ssl.SSLContext | None) -> Prepared:
    @contextlib.asynccontextmanager
    async def prepared() -> AsyncIterator[Operations]:
        server = await asyncio.start_server(_echo, "127.0.0.1", 0, ssl=server_tls)
        host, port = server.sockets[0].getsockname()
        name = "localhost" if client_tls else None
        made = [
            await asyncio.open_connection(host, port, ssl=client_tls, server_hostname=name) for _ in range(CONNECTIONS)
        ]

        def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Operations:
            async def run(count: int) -> None:
                for _ in range(count):
                    writer.write(MESSAGE)
                    await reader.readexactly(len(MESSAGE))

            return run

        clients = [client(*pair) for pair in made]
        yield lambda count: _shared(count, clients)
        for _, writer in made:
            writer.close()
        server.close()

    return prepared()


def echo_streams() -> Prepared:
    """Streams on both ends."""
    return _over_streams(None, None)


def echo_tls() -> Prepared:
    """Streams with TLS on both ends."""
    where = os.environ["COVET_BENCH_CERTIFICATE"]
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(where)
    return _over_streams(ours, ssl.create_default_context(cafile=where))


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class _BufferedEcho(asyncio.BufferedProtocol):
    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(65_536))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.transport.write(bytes(self.buffer[:nbytes]))


class _Asking(asyncio.Protocol):
    """Sends a message, waits for all of it, sends the next."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def ask(self, count: int) -> asyncio.Future[None]:
        self.left, self.missing = count, len(MESSAGE)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport.write(MESSAGE)
        return self.done

    def data_received(self, data: bytes) -> None:
        self.missing -= len(data)
        if self.missing:
            return
        self.left -= 1
        if self.left:
            self.missing = len(MESSAGE)
            self.transport.write(MESSAGE)
        else:
            self.done.set_result(None)


def _over_protocols(factory: Callable[[], Any]) -> Prepared:
    @contextlib.asynccontextmanager
    async def prepared() -> AsyncIterator[Operations]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(factory, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        made = [await loop.create_connection(_Asking, *address) for _ in range(CONNECTIONS)]
        yield lambda count: _shared(count, [protocol.ask for _, protocol in made])
        for transport, _ in made:
            transport.close()
        server.close()

    return prepared()


def echo_protocol() -> Prepared:
    """Protocols on both ends."""
    return _over_protocols(_Echo)


def echo_buffered() -> Prepared:
    """A buffered protocol answers."""
    return _over_protocols(_BufferedEcho)


@contextlib.asynccontextmanager
async def echo_sock() -> AsyncIterator[Operations]:
    """`sock_recv` and `sock_sendall` on both ends."""
    loop = asyncio.get_running_loop()
    pairs = [socket.socketpair() for _ in range(CONNECTIONS)]

    async def answer(sock: socket.socket) -> None:
        while data := await loop.sock_recv(sock, 65_536):
            await loop.sock_sendall(sock, data)

    def client(sock: socket.socket) -> Operations:
        async def run(count: int) -> None:
            for _ in range(count):
                await loop.sock_sendall(sock, MESSAGE)
                await loop.sock_recv(sock, 65_536)

        return run

    for pair in pairs:
        for sock in pair:
            sock.setblocking(False)
    answering = [asyncio.create_task(answer(theirs)) for _, theirs in pairs]
    yield lambda count: _shared(count, [client(ours) for ours, _ in pairs])
    for ours, _ in pairs:
        ours.close()
    await asyncio.gather(*answering)
    for _, theirs in pairs:
        theirs.close()


@contextlib.asynccontextmanager
async def bulk_streams() -> AsyncIterator[Operations]:
    """A mebibyte and one line back, over streams."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readexactly(len(BULK))
                writer.write(b".")
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0, limit=1 << 20)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())

    async def run(count: int) -> None:
        for _ in range(count):
            writer.write(BULK)
            await writer.drain()
            await reader.readexactly(1)

    yield run
    writer.close()
    server.close()


@contextlib.asynccontextmanager
async def connect() -> AsyncIterator[Operations]:
    """Connections made, used once and closed."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()

    async def run(count: int) -> None:
        for _ in range(count):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(MESSAGE)
            await reader.readexactly(len(MESSAGE))
            writer.close()
            await writer.wait_closed()

    yield run
    server.close()


@contextlib.asynccontextmanager
async def call_soon() -> AsyncIterator[Operations]:
    """Callbacks, a thousand a turn."""
    loop = asyncio.get_running_loop()

    def nothing() -> None:
        return None

    async def run(count: int) -> None:
        for _ in range(count // NOTICED):
            for _ in range(NOTICED):
                loop.call_soon(nothing)
            await asyncio.sleep(0)

    yield run


@contextlib.asynccontextmanager
async def call_later() -> AsyncIterator[Operations]:
    """Timers, a thousand at a time; half are cancelled, the others come due."""
    loop = asyncio.get_running_loop()

    async def run(count: int) -> None:
        for _ in range(count // NOTICED):
            done = loop.create_future()
            for number in range(NOTICED // 2):
                loop.call_later(1 + number, done.cancel).cancel()
                loop.call_later(0.0001 * (number % 7), int)
            loop.call_later(0.001, done.set_result, None)
            await done

    yield run


@contextlib.asynccontextmanager
async def tasks() -> AsyncIterator[Operations]:
    """Tasks that give way once, a thousand at a time."""

    async def one() -> None:
        await asyncio.sleep(0)

    async def run(count: int) -> None:
        for _ in range(count // NOTICED):
            await asyncio.gather(*[one() for _ in range(NOTICED)])

    yield run


@contextlib.asynccontextmanager
async def futures() -> AsyncIterator[Operations]:
    """Two tasks that wake each other with futures."""
    loop = asyncio.get_running_loop()

    async def run(count: int) -> None:
        for _ in range(count):
            future = loop.create_future()
            loop.call_soon(future.set_result, None)
            await future

    yield run


@contextlib.asynccontextmanager
async def executor() -> AsyncIterator[Operations]:
    """Calls of a thread, one after another."""
    loop = asyncio.get_running_loop()

    async def run(count: int) -> None:
        for _ in range(count):
            await loop.run_in_executor(None, int)

    yield run


@contextlib.asynccontextmanager
async def asyncpg() -> AsyncIterator[Operations]:
    """asyncpg: queries one after another."""
    driver = importlib.import_module("asyncpg")

    connection = await driver.connect(os.environ["COVET_BENCH_POSTGRES"])

    async def run(count: int) -> None:
        for _ in range(count):
            for number in range(QUERIES):
                await connection.fetchval("SELECT $1::int + 1", number)

    yield run
    await connection.close()


@contextlib.asynccontextmanager
async def redis() -> AsyncIterator[Operations]:
    """redis-py: commands one after another."""
    driver = importlib.import_module("redis.asyncio")

    client = driver.from_url(os.environ["COVET_BENCH_REDIS"])

    async def run(count: int) -> None:
        for _ in range(count):
            for number in range(QUERIES // 2):
                await client.set("key", number)
                await client.get("key")

    yield run
    await client.aclose()


ENDS = "both ends on the loop, 10 connections, 1 KiB each way"
WORKLOADS = (
    Workload(
        "echo_streams", "Echo, streams", f"`asyncio.start_server` and `open_connection`; {ENDS}.", 20_000, echo_streams
    ),
    Workload("echo_protocol", "Echo, protocols", f"`asyncio.Protocol`; {ENDS}.", 30_000, echo_protocol),
    Workload(
        "echo_buffered",
        "Echo, buffered protocol",
        f"`asyncio.BufferedProtocol` answers; {ENDS}.",
        30_000,
        echo_buffered,
    ),
    Workload(
        "echo_sock", "Echo, sock_*", f"`sock_recv` and `sock_sendall` on socket pairs; {ENDS}.", 10_000, echo_sock
    ),
    Workload("echo_tls", "Echo, TLS", f"Streams with TLS; {ENDS}.", 8_000, echo_tls, "COVET_BENCH_CERTIFICATE"),
    Workload("bulk_streams", "A mebibyte, streams", "1 MiB to the other end, one byte back.", 300, bulk_streams),
    Workload("connect", "Connections, streams", "Connect, 1 KiB each way, close; one after another.", 1_500, connect),
    Workload("call_soon", "call_soon", "A thousand callbacks a turn.", 400_000, call_soon),
    Workload("call_later", "call_later", "Timers, half of them cancelled, half of them run.", 100_000, call_later),
    Workload("tasks", "Tasks", "A thousand tasks at a time, each gives way once.", 60_000, tasks),
    Workload("futures", "Futures", "A task waits for one future after another.", 60_000, futures),
    Workload("executor", "Executor", "`run_in_executor`, one call after another.", 6_000, executor),
    Workload(
        "asyncpg", "asyncpg", "20 queries one after another on one connection.", 150, asyncpg, "COVET_BENCH_POSTGRES"
    ),
    Workload("redis", "redis-py", "20 commands one after another on one connection.", 100, redis, "COVET_BENCH_REDIS"),
)
TARGETS = tuple(Target(workload.name, "uvloop", 1.0) for workload in WORKLOADS)
