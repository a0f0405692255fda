"""Many short conversations at once: bytes are sent, everything that comes back is kept.

A conversation ends when the server ends it. Where the answers leave the connection open, one more request follows which
asks for the end: it shows that the server reads on where it should.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from tests.wire.answers import Answer, MalformedError, take_answer

AT_ONCE = 16
DEADLINE = 15.0
"""Seconds for one conversation."""
LAST_REQUEST = b"GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

_K = TypeVar("_K", bound=Hashable)


@dataclass
class Conversation:
    """What is sent, and when it is over."""

    pieces: list[bytes]
    answers: int = 1
    """Final answers after which nothing more is expected."""


@dataclass
class Outcome:
    """What came back, without the answer to the last request."""

    interim: list[int] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    closed: bool = False
    """Whether the server ended the connection without having been asked to."""
    left_open: bool = False
    """Whether it did not end in time."""
    malformed: str = ""

    @property
    def statuses(self) -> list[int]:
        """Of the final answers."""
        return [answer.status for answer in self.answers]

    @property
    def bodies(self) -> list[bytes]:
        """Of the final answers."""
        return [answer.body for answer in self.answers]


def converse(port: int, conversations: Mapping[_K, Conversation]) -> dict[_K, Outcome]:
    """Hold them all; the outcomes by the same keys."""

    async def all_of_them() -> dict[_K, Outcome]:
        turn = asyncio.Semaphore(AT_ONCE)
        other = await asyncio.open_connection("127.0.0.1", port)
        pause = _round_trip(*other)

        async def one(conversation: Conversation) -> Outcome:
            async with turn:
                return await _hold(port, conversation, pause)

        held = await asyncio.gather(*map(one, conversations.values()))
        other[1].close()
        return dict(zip(conversations, held, strict=True))

    return asyncio.run(all_of_them())


def _round_trip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Callable[[], Awaitable[None]]:
    """A request on a connection of its own: when it is answered, the server has read what was sent before."""
    alone = asyncio.Lock()

    async def pause() -> None:
        async with alone:
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")

    return pause


async def _hold(port: int, conversation: Conversation, pause: Callable[[], Awaitable[None]]) -> Outcome:
    outcome = Outcome()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        for number, piece in enumerate(conversation.pieces):
            if number:
                await pause()
            writer.write(piece)
            try:
                await writer.drain()
            except ConnectionError:
                return

    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(DEADLINE):
            await _read(reader, writer, conversation, outcome)
    except TimeoutError:
        outcome.left_open = True
    except MalformedError as error:
        outcome.malformed = repr(error)
    finally:
        sending.cancel()
        writer.close()
    return outcome


async def _read(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, conversation: Conversation, outcome: Outcome
) -> None:
    """Until the end; ask for it when all has been answered and it does not come by itself."""
    buffer = bytearray()
    head_asked = conversation.pieces[0].startswith(b"HEAD ")
    asked_to_end = False
    while True:
        try:
            piece = await reader.read(65536)
        except ConnectionError:
            piece = b""
        buffer += piece
        while answer := take_answer(buffer, bodiless=head_asked and not outcome.answers, at_end=not piece):
            if answer.status < 200:
                outcome.interim.append(answer.status)
            else:
                outcome.answers.append(answer)
        if not piece:
            break
        if not asked_to_end and len(outcome.answers) >= conversation.answers and not outcome.answers[-1].closes:
            asked_to_end = True
            writer.write(LAST_REQUEST)
    if buffer:
        raise MalformedError(bytes(buffer[:200]))
    outcome.closed = not (asked_to_end and len(outcome.answers) > conversation.answers)
    if not outcome.closed:
        outcome.answers.pop()
