"""Answers that an iterator gives, over a socket: framing, pace, errors, and clients that leave."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from covet import Covet, HTTPException, NotFound, Response, StreamingResponse
from tests.wire.connection import request
from tests.wire.loop_client import Client, served
from tests.wire.server_process import PATIENCE


async def three() -> AsyncIterator[bytes | str]:
    yield b"one "
    await asyncio.sleep(0)
    yield ""
    yield "zwei "
    yield bytearray(b"three")  # type: ignore[misc]


def three_in_a_thread() -> Iterator[bytes | str]:
    assert threading.current_thread() is not threading.main_thread()
    yield b"one "
    yield ""
    yield "zwei "
    yield b"three"


@pytest.mark.parametrize("content", [three, three_in_a_thread, lambda: [b"one ", "zwei ", b"three"]])
def test_content(content: Callable[[], Any]) -> None:
    app = Covet()

    @app.get("/async")
    async def answer() -> StreamingResponse:
        await asyncio.sleep(0)
        return StreamingResponse(content(), 201, {"x-kind": "stream"}, "text/plain")

    @app.get("/def")
    def blocking() -> Response:
        return StreamingResponse(content(), 201, {"x-kind": "stream"}, "text/plain")

    async def use(client: Client) -> None:
        for target in ("/async", "/def"):
            answer = await client.ask("GET", target)
            assert (answer.status, answer.body) == (201, b"one zwei three")
            assert dict(answer.fields)["x-kind"] == "stream"
            assert dict(answer.fields)["content-type"] == "text/plain; charset=utf-8"
            assert dict(answer.fields)["transfer-encoding"] == "chunked"

    served(app, use)


@pytest.mark.parametrize("size", [1, 1000, 16 * 1024, 16 * 1024 + 1, 1_000_000])
@pytest.mark.parametrize("blocking", [False, True])
def test_sizes(size: int, *, blocking: bool) -> None:
    app = Covet()
    count = max(3, min(20_000, 300_000 // size))  # a part costs what a request does, and the client is in Python

    async def items() -> AsyncIterator[bytes]:
        for number in range(count):
            yield bytes([number % 256]) * size

    def items_in_a_thread() -> Iterator[bytes]:
        for number in range(count):
            yield bytes([number % 256]) * size

    @app.get("/")
    async def answer() -> StreamingResponse:
        return StreamingResponse(items_in_a_thread() if blocking else items())

    async def use(client: Client) -> None:
        answer = await client.ask("GET", "/")
        assert answer.body == b"".join(bytes([number % 256]) * size for number in range(count))

    served(app, use)


WHO: contextvars.ContextVar[str] = contextvars.ContextVar("WHO", default="nobody")


@pytest.mark.parametrize("blocking", [False, True])
def test_what_the_handler_set_in_its_context(*, blocking: bool) -> None:
    app = Covet()

    async def items() -> AsyncIterator[str]:
        yield WHO.get()

    def items_in_a_thread() -> Iterator[str]:
        yield WHO.get()
        WHO.set("the iterator")
        yield " and " + WHO.get()

    @app.get("/{who}")
    async def answer(who: str) -> StreamingResponse:
        await asyncio.sleep(0)
        WHO.set(who)
        return StreamingResponse(items_in_a_thread() if blocking else items())

    async def use(client: Client) -> None:
        more = b" and the iterator" if blocking else b""
        for who in (b"one", b"two"):
            assert (await client.ask("GET", f"/{who.decode()}")).body == who + more
        assert WHO.get() == "nobody"

    served(app, use)


@pytest.mark.parametrize("said", [2, 3, 4])
def test_a_length_that_the_application_knows(said: int) -> None:
    app = Covet()

    @app.get("/")
    async def answer() -> StreamingResponse:
        response = StreamingResponse([b"a", b"bc"], headers={"Content-Length": str(said)})
        response.set_cookie("a", "b")
        return response

    async def use(client: Client) -> None:
        head = await client.ask("HEAD", "/")
        assert dict(head.fields)["content-length"] == str(said)
        await client.send(request("GET", "/"))
        assert b"\r\ncontent-length: %d\r\n" % said in await client.head()
        body = await client.reader.readexactly(3) if said == 3 else await client.reader.read()
        assert body == (b"a" if said == 2 else b"abc")

    served(app, use)


@pytest.mark.parametrize("said", ["", "x", "-1", "+1", "1.0", "99999999999999999999"])
def test_what_is_no_length(said: str) -> None:
    with pytest.raises(ValueError, match="Content-Length is .*; it is a number of bytes"):
        StreamingResponse([], headers={"Content-Length": said})


def test_head_starts_nothing() -> None:
    app = Covet()
    started = []

    async def items() -> AsyncIterator[bytes]:
        started.append(1)
        yield b"x"

    @app.get("/")
    async def answer() -> StreamingResponse:
        return StreamingResponse(items())

    async def use(client: Client) -> None:
        for _ in range(2):
            assert (await client.ask("HEAD", "/")).status == 200
        assert not started
        assert (await client.ask("GET", "/")).body == b"x"

    served(app, use)


@pytest.mark.parametrize("blocking", [False, True])
def test_a_client_that_leaves_closes_the_iterator(*, blocking: bool) -> None:
    app = Covet()
    closed = threading.Event()

    async def items() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
        finally:
            await asyncio.sleep(0)
            closed.set()

    def items_in_a_thread() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
        finally:
            closed.set()

    @app.get("/")
    async def answer() -> StreamingResponse:
        return StreamingResponse(items_in_a_thread() if blocking else items())

    async def use(client: Client) -> None:
        await client.send(request("GET", "/"))
        await client.head()
        assert not closed.is_set()
        await client.leave()
        assert await asyncio.to_thread(closed.wait, PATIENCE)

    served(app, use)


def test_a_client_that_leaves_cancels_a_wait() -> None:
    app = Covet()
    ended = asyncio.Event()

    async def items() -> AsyncIterator[bytes]:
        try:
            yield b"x"
            await asyncio.Event().wait()
        finally:
            ended.set()

    @app.get("/")
    async def answer() -> StreamingResponse:
        return StreamingResponse(items())

    async def use(client: Client) -> None:
        await client.send(request("GET", "/"))
        await client.until(b"1\r\nx\r\n")
        await client.leave()
        await ended.wait()

    served(app, use)


@pytest.mark.parametrize("blocking", [False, True])
def test_a_slow_reader_holds_the_iterator_back(*, blocking: bool) -> None:
    app = Covet()
    given = 0
    total = 64 * 1024 * 1024

    async def items() -> AsyncIterator[bytes]:
        nonlocal given
        while given < total:
            given += 65536
            yield bytes(65536)

    def items_in_a_thread() -> Iterator[bytes]:
        nonlocal given
        while given < total:
            given += 65536
            yield bytes(65536)

    @app.get("/")
    async def answer() -> StreamingResponse:
        return StreamingResponse(items_in_a_thread() if blocking else items())

    async def use(client: Client) -> None:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await client.send(request("GET", "/"))
        before, still = -1, 0
        while still < 500:
            before, still = given, still + 1 if given == before and given > 0 else 0
            await (asyncio.to_thread(int) if blocking else asyncio.sleep(0))
        assert 0 < given < total // 2
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert len((await client.answer()).body) == total

    served(app, use)


def fails_late() -> Iterator[bytes]:
    yield b"x"
    raise ZeroDivisionError


async def fails_late_on_the_loop() -> AsyncIterator[bytes]:
    yield b"x"
    await asyncio.sleep(0.01)
    raise ZeroDivisionError


async def of_numbers() -> AsyncIterator[Any]:
    yield b"x"
    await asyncio.sleep(0.01)
    yield 1


@pytest.mark.parametrize("content", [fails_late_on_the_loop, of_numbers])
def test_an_error_after_the_first_byte_cuts(content: Callable[[], Any], caplog: pytest.LogCaptureFixture) -> None:
    app = Covet()

    @app.get("/")
    async def answer() -> StreamingResponse:
        return StreamingResponse(content())

    async def use(client: Client) -> None:
        await client.send(request("GET", "/"))
        head = await client.head()
        assert b" 200 " in head
        assert await client.reader.read() == b"1\r\nx\r\n"

    served(app, use)
    assert len(caplog.records) == 1


async def fails_at_once(error: Exception) -> AsyncIterator[bytes]:
    await asyncio.sleep(0)
    raise error
    yield b""


def fails_in_a_thread(error: Exception) -> Iterator[bytes]:
    raise error
    yield b""


@pytest.mark.parametrize("content", [fails_at_once, fails_in_a_thread])
@pytest.mark.parametrize(("error", "status"), [(ZeroDivisionError(), 500), (NotFound("no report"), 404)])
def test_an_error_before_it_is_an_answer(
    content: Callable[[Exception], Any], error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    app = Covet()

    @app.get("/")
    async def answer() -> StreamingResponse:
        return StreamingResponse(content(error))

    async def use(client: Client) -> None:
        for _ in range(2):
            assert (await client.ask("GET", "/")).status == status

    served(app, use)
    assert len(caplog.records) == (0 if isinstance(error, HTTPException) else 2)


@pytest.mark.parametrize("content", [b"bytes", "text", 1, None])
def test_what_is_no_stream(content: Any) -> None:
    with pytest.raises(TypeError, match="content must be an iterator or async iterator, not "):
        StreamingResponse(content)
