"""A client and the server that it talks to in one event loop, for tests that watch both ends."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from covet import Covet, Server
from covet._drivers import loop_factory
from tests.wire.answers import Answer
from tests.wire.connection import request
from tests.wire.server_process import LOOP, PATIENCE

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a program to its end on a loop of the kind that is tested."""
    with asyncio.Runner(loop_factory=loop_factory(LOOP)) as runner:
        return runner.run(main)


class Client:
    """One connection, inside the loop of the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def ask(self, method: str, target: str, body: bytes = b"") -> Answer:
        """One request and its answer."""
        await self.send(request(method, target, (), body))
        return await self.answer(bodiless=method == "HEAD")

    async def answer(self, *, bodiless: bool = False) -> Answer:
        """The next answer; a chunked one must end as it should."""
        first, *lines = (await self.head()).decode("latin-1").split("\r\n")[:-2]
        fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        known = dict(fields)
        body = bytearray()
        if bodiless:
            pass
        elif known.get("transfer-encoding") == "chunked":
            while size := int(await self.until(b"\r\n"), 16):
                body += await self.reader.readexactly(size)
                assert await self.reader.readexactly(2) == b"\r\n"
            assert await self.reader.readexactly(2) == b"\r\n"
        else:
            body += await self.reader.readexactly(int(known["content-length"]))
        return Answer(int(first.split()[1]), fields, bytes(body))

    async def until(self, end: bytes) -> bytes:
        return await self.reader.readuntil(end)

    async def head(self) -> bytes:
        return await self.until(b"\r\n\r\n")

    async def leave(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


Use = Callable[[Client], Awaitable[None]]


def served(app: Covet, use: Use) -> None:
    """Let `use` talk to `app`."""

    async def main() -> None:
        async with asyncio.timeout(PATIENCE), Server(app, port=0) as server:
            port = int(server.url.rpartition(":")[2])
            client = Client(*await asyncio.open_connection("127.0.0.1", port))
            try:
                await use(client)
            finally:
                client.writer.close()

    run(main())
