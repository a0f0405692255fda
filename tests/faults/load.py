"""A client that loads a server and tells apart how requests end. Half of its workers keep their connections."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

REQUEST = b"POST /late HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n%b\r\nhi"
KEPT, ALONE = REQUEST % b"", REQUEST % b"Connection: close\r\n"
PATIENCE = 10.0


@dataclass
class Tally:
    """How the requests ended."""

    answered: int = 0
    refused: int = 0
    """Could not connect: nobody listens any more."""
    let_go: int = 0
    """On a kept connection that the server had said it would close, or closed before the request was sent."""
    failed: Counter[str] = field(default_factory=Counter)
    """Sent, and not answered as they should be, by what happened."""


class Load:
    """`clients` at once, each one request after the other, until `stop` or `most` requests."""

    def __init__(self, port: int, clients: int, most: int) -> None:
        self.port = port
        self.clients = clients
        self.left = most
        self.tally = Tally()
        self._milestones: list[tuple[int, asyncio.Event]] = []

    async def run(self) -> Tally:
        """Until all is done, or nobody listens any more."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.clients):
                group.create_task(self._keeps() if number % 2 else self._comes_anew())
        return self.tally

    def stop(self) -> None:
        """No further request."""
        self.left = 0

    async def reached(self, answered: int) -> None:
        """Until so many requests have been answered from now on."""
        event = asyncio.Event()
        self._milestones.append((self.tally.answered + answered, event))
        await event.wait()

    def _another(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def _answered(self) -> None:
        self.tally.answered += 1
        for target, event in self._milestones:
            if self.tally.answered >= target:
                event.set()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A new connection; None once nobody listens."""
        try:
            return await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            self.tally.refused += 1
            self.stop()
            return None
        except ConnectionError as error:
            self.tally.failed[f"connecting: {error!r}"] += 1
            return None

    async def _comes_anew(self) -> None:
        while self._another():
            connection = await self._connect()
            if connection is not None:
                await self._ask(*connection, ALONE)
                connection[1].close()

    async def _keeps(self) -> None:
        connection = None
        while self._another():
            if connection is None or connection[1].is_closing():
                connection = await self._connect()
            if connection is not None and not await self._ask(*connection, KEPT):
                connection[1].close()
        if connection is not None:
            connection[1].close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bool:
        """One request; whether the connection goes on."""
        try:
            async with asyncio.timeout(PATIENCE):
                if reader.at_eof():
                    self.tally.let_go += 1
                    return False
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(2)
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError) as error:
            self.tally.failed[repr(error)] += 1
            return False
        if not head.startswith(b"HTTP/1.1 200 ") or body != b"hi":
            self.tally.failed[(head + body).decode("latin-1")] += 1
            return False
        self._answered()
        return b"connection: close" not in head.lower()
