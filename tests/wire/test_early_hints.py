"""103 Early Hints from handlers: before the answer, only where they can be sent, and never more than fields."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from covet import Covet, Request
from tests.wire.answers import Answer
from tests.wire.connection import request
from tests.wire.loop_client import Client, served

LINK = {"Link": "</a.css>; rel=preload; as=style"}


async def hints(client: Client) -> bytes:
    """The head of the next answer, whichever it is."""
    return await client.head()


@pytest.mark.parametrize("path", ["/at-once", "/later", "/stream"])
def test_hints_come_before_the_answer(path: str) -> None:
    app = Covet()
    released = asyncio.Event()
    sent = list[bool]()

    @app.get("/at-once")
    async def at_once(request: Request) -> str:
        sent.append(request.early_hints(LINK))
        return "answer"

    @app.get("/later")
    async def later(request: Request) -> str:
        sent.append(request.early_hints(LINK))
        await released.wait()
        return "answer"

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[int]:
        sent.append(request.early_hints(LINK))
        await released.wait()
        yield 1
        await asyncio.sleep(0)
        sent.append(request.early_hints(LINK))

    async def use(client: Client) -> None:
        await client.send(request("GET", path))
        first = await hints(client)
        assert first == b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload; as=style\r\n\r\n"
        released.set()
        answer = await client.answer()
        assert (answer.status, answer.get("link")) == (200, None)
        assert sent[0] is True
        if path == "/stream":
            assert sent == [True, False], "not once the head is sent"
        assert (await client.ask("GET", "/missing")).status == 404

    served(app, use)


def test_an_old_client_gets_none() -> None:
    app = Covet()
    sent = list[bool]()

    @app.get("/")
    async def hinted(request: Request) -> str:
        sent.append(request.early_hints(LINK))
        return "answer"

    async def use(client: Client) -> None:
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        answer: Answer = await client.answer()
        assert (answer.status, answer.body) == (200, b"answer")
        assert sent == [False]

    served(app, use)


REFUSED: list[tuple[Any, type[Exception], str]] = [
    ({"link": "a\r\nx: y"}, ValueError, "the value of header 'link' has the control character"),
    ({"link": "a\nx"}, ValueError, "has the control character"),
    ({"link": "a\0"}, ValueError, "has the control character"),
    ({"li nk": "a"}, ValueError, "is not a token"),
    ({"link\r\nx": "a"}, ValueError, "is not a token"),
    ({"link": "\u20ac"}, ValueError, "beyond ISO 8859-1"),
    ({"transfer-encoding": "chunked"}, ValueError, "is written by the server itself"),
    ({"Content-Length": "5"}, ValueError, "early hints have no body"),
    (["link"], TypeError, "headers must be a mapping of str to str"),
    ({"link": 1}, TypeError, "headers must be a mapping of str to str"),
]


@pytest.mark.parametrize(("headers", "error", "words"), REFUSED)
def test_what_is_no_field_is_not_sent(headers: Mapping[str, str], error: type[Exception], words: str) -> None:
    app = Covet()
    caught = list[Exception]()

    @app.get("/")
    async def hinted(request: Request) -> str:
        try:
            request.early_hints(headers)
        except (TypeError, ValueError) as raised:
            caught.append(raised)
        return "answer"

    async def use(client: Client) -> None:
        answer = await client.ask("GET", "/")
        assert (answer.status, answer.body) == (200, b"answer")

    served(app, use)
    (raised,) = caught
    assert type(raised) is error
    assert words in str(raised).replace('"', "'")
