"""Streams over a socket: iterators out, bodies in, events, and clients that leave."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from covet import (
    Covet,
    Event,
    EventSourceResponse,
    HTTPException,
    NotFound,
    Request,
    Response,
    Server,
    StreamingResponse,
)
from covet.loop import run
from tests.wire.answers import Answer
from tests.wire.connection import request
from tests.wire.server_process import PATIENCE


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
    count = max(3, 300_000 // size)

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


def test_a_body_in_pieces() -> None:
    app = Covet()

    @app.post("/count", max_body=None)
    async def count(request: Request) -> dict[str, int]:
        sizes = [len(piece) async for piece in request.stream()]
        return {"pieces": len(sizes), "bytes": sum(sizes), "least": min(sizes, default=0)}

    @app.post("/echo", max_body=None)
    async def echo(request: Request) -> StreamingResponse:
        return StreamingResponse(request.stream())

    @app.post("/twice")
    async def twice(request: Request) -> list[str]:
        body = await request.body()
        pieces = [piece async for piece in request.stream()]
        assert pieces == ([body] if body else [])
        texts = []
        for read in (request.body, request.stream):
            try:
                await read()  # type: ignore[misc]
            except RuntimeError as error:
                texts.append(str(error))
        return texts

    async def use(client: Client) -> None:
        for size in (0, 1, 5_000_000):
            answer = await client.ask("POST", "/count", bytes(size))
            counted = answer.json()
            assert counted["bytes"] == size
            assert counted["least"] > 0 or size == 0
        taken = "the body is read elsewhere: use one of stream(), body(), json() and text()"
        assert (await client.ask("POST", "/twice", b"body")).json() == [taken, taken]
        head = request("POST", "/echo", (("Transfer-Encoding", "chunked"),))
        await client.send(head + b"3\r\none\r\n")
        assert b" 200 " in await client.head()
        assert await client.until(b"\r\none\r\n") == b"3\r\none\r\n"
        await client.send(b"3\r\ntwo\r\n0\r\n\r\n")
        assert await client.until(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"
        body = bytes(range(256)) * 4000
        assert (await client.ask("POST", "/echo", body)).body == body

    served(app, use)


def test_who_gives_up_on_a_piece_loses_none() -> None:
    app = Covet()
    arrives = asyncio.Event()

    @app.post("/")
    async def count(request: Request) -> list[str]:
        pieces = request.stream()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(pieces), 0.01)
        task = asyncio.create_task(anext(pieces))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        thrown = anext(pieces)
        with pytest.raises(KeyError):
            thrown.throw(KeyError)  # type: ignore[attr-defined]
        thrown.close()  # type: ignore[attr-defined]
        arrives.set()
        return [piece.decode() async for piece in pieces]

    async def use(client: Client) -> None:
        await client.send(request("POST", "/", (("Content-Length", "4"),)))
        await arrives.wait()
        await client.send(b"body")
        assert "".join((await client.answer()).json()) == "body"

    served(app, use)


@pytest.mark.parametrize(("size", "status"), [(9, 200), (10, 200), (11, 413)])
def test_the_limit_of_a_body_in_pieces(size: int, status: int) -> None:
    app = Covet()
    errors = []

    @app.post("/", max_body=10)
    async def count(request: Request) -> int:
        try:
            return sum([len(piece) async for piece in request.stream()])
        except HTTPException as error:
            errors.append(error.status_code)
            raise

    async def use(client: Client) -> None:
        head = request("POST", "/", (("Transfer-Encoding", "chunked"),))
        await client.send(head + b"1\r\nx\r\n" * size + b"0\r\n\r\n")
        assert (await client.answer()).status == status

    served(app, use)
    assert errors == ([] if status == 200 else [413])


def test_a_handler_that_asks_whether_its_client_is_there() -> None:
    app = Covet()
    ended = asyncio.Event()
    started = asyncio.Event()

    @app.post("/")
    async def work(request: Request) -> None:
        assert await request.is_disconnected() is False
        started.set()
        while not await request.is_disconnected():
            await asyncio.sleep(0)
        ended.set()

    async def use(client: Client) -> None:
        await client.send(request("POST", "/"))
        await started.wait()
        await client.leave()
        await ended.wait()

    served(app, use)


@pytest.mark.parametrize("written", ["async", "def", "returned"])
def test_items_as_json_lines(written: str) -> None:
    app = Covet()
    items: list[dict[str, Any]] = [{"id": 1, "name": "a\nb"}, {"id": 2, "name": "é"}]

    if written == "async":

        @app.get("/")
        async def listed(count: int = 2) -> AsyncIterator[dict[str, Any]]:
            for item in items[:count]:
                await asyncio.sleep(0)
                yield item
    elif written == "def":

        @app.get("/")
        def listed_in_a_thread(count: int = 2) -> Iterator[dict[str, Any]]:
            assert threading.current_thread() is not threading.main_thread()
            yield from items[:count]
    else:

        @app.get("/")
        async def returned(count: int = 2) -> AsyncIterator[dict[str, Any]]:
            async def inner() -> AsyncIterator[dict[str, Any]]:
                for item in items[:count]:
                    yield item

            return inner()

    async def use(client: Client) -> None:
        answer = await client.ask("GET", "/")
        assert answer.body.decode() == '{"id":1,"name":"a\\nb"}\n{"id":2,"name":"é"}\n'
        assert dict(answer.fields)["content-type"] == "application/jsonl"
        assert (await client.ask("GET", "/?count=0")).body == b""
        assert (await client.ask("GET", "/?count=x")).status == 422
        assert (await client.ask("HEAD", "/")).status == 200

    served(app, use)


def test_a_generator_without_annotation() -> None:
    app = Covet()

    @app.get("/")
    async def numbers():  # type: ignore[no-untyped-def]
        yield 1
        yield [2]

    async def use(client: Client) -> None:
        assert (await client.ask("GET", "/")).body == b"1\n[2]\n"

    served(app, use)


@pytest.mark.parametrize("status", [200, 504])
def test_the_time_of_a_generator_counts_until_its_first_item(status: int) -> None:
    app = Covet()
    ended = asyncio.Event()

    @app.get("/", timeout=0.05)
    async def slow() -> AsyncIterator[int]:
        try:
            if status == 200:
                yield 1
            await asyncio.sleep(0.15 if status == 200 else PATIENCE)
            yield 2
        finally:
            ended.set()

    async def use(client: Client) -> None:
        answer = await client.ask("GET", "/")
        assert answer.status == status
        if status == 200:
            assert answer.body == b"1\n2\n"
        await ended.wait()

    served(app, use)


EVENTS: list[tuple[Any, str]] = [
    (Event("text"), "data: text\n\n"),
    (Event({"a": [1, "x\ny"]}), 'data: {"a":[1,"x\\ny"]}\n\n'),
    (Event("one\ntwo\rthree\r\nfour\n"), "data: one\ndata: two\ndata: three\ndata: four\ndata: \n\n"),
    (Event("x", event="tick", id="7", retry=1500), "event: tick\nid: 7\nretry: 1500\ndata: x\n\n"),
    (Event(1, comment="a\ndata: no"), ": a\n: data: no\ndata: 1\n\n"),
    (Event("\n\nevent: forged"), "data: \ndata: \ndata: event: forged\n\n"),
    ("bare", "data: bare\n\n"),
    (None, "data: null\n\n"),
]


@pytest.mark.parametrize("blocking", [False, True])
def test_events(*, blocking: bool) -> None:
    app = Covet()
    seen = []

    async def events() -> AsyncIterator[Any]:
        for item, _ in EVENTS:
            yield item

    @app.get("/")
    async def answer(request: Request) -> EventSourceResponse[Any]:
        seen.append(request.headers.get("last-event-id"))
        return EventSourceResponse([item for item, _ in EVENTS] if blocking else events())

    async def use(client: Client) -> None:
        await client.send(request("GET", "/", (("Last-Event-ID", "42"),)))
        answer = await client.answer()
        assert answer.body.decode() == "".join(text for _, text in EVENTS)
        fields = dict(answer.fields)
        assert fields["content-type"] == "text/event-stream; charset=utf-8"
        assert fields["cache-control"] == "no-store"
        assert seen == ["42"]

    served(app, use)


def test_a_handler_of_events() -> None:
    app = Covet()

    @app.get("/")
    async def ticks() -> AsyncIterator[Event[int]]:
        for number in range(3):
            yield Event(number, id=str(number))

    async def use(client: Client) -> None:
        answer = await client.ask("GET", "/")
        assert answer.body == b"id: 0\ndata: 0\n\nid: 1\ndata: 1\n\nid: 2\ndata: 2\n\n"
        assert dict(answer.fields)["content-type"] == "text/event-stream; charset=utf-8"

    served(app, use)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"event": "a\nb"}, "event has a line break"),
        ({"event": "a\rdata: x"}, "event has a line break"),
        ({"id": "a\r\nb"}, "id has a line break"),
        ({"id": "a\0b"}, "id has a NUL"),
        ({"retry": -1}, "retry is negative"),
    ],
)
def test_what_an_event_cannot_say(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Event("x", **words)


@pytest.mark.parametrize("ping", [0, -1, float("nan")])
def test_what_a_ping_cannot_be(ping: float) -> None:
    with pytest.raises(ValueError, match="ping is "):
        EventSourceResponse([], ping=ping)


def test_silence_is_filled_with_comments() -> None:
    app = Covet()
    heard = asyncio.Event()

    async def events() -> AsyncIterator[str]:
        await heard.wait()
        yield "at last"

    @app.get("/")
    async def answer() -> EventSourceResponse[str]:
        return EventSourceResponse(events(), ping=0.01)

    async def use(client: Client) -> None:
        await client.send(request("GET", "/"))
        await client.head()
        for _ in range(3):
            await client.until(b"8\r\n: ping\n\n\r\n")
        heard.set()
        assert (await client.until(b"0\r\n\r\n")).endswith(b"data: at last\n\n\r\n0\r\n\r\n")

    served(app, use)


@pytest.mark.parametrize("blocking", [False, True])
def test_events_end_when_the_server_drains(*, blocking: bool) -> None:
    app = Covet()
    closed = threading.Event()
    goes_on = threading.Event()

    async def events() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    def events_in_a_thread() -> Iterator[int]:
        try:
            yield 1
            goes_on.wait(PATIENCE)
            yield 2
        finally:
            closed.set()

    @app.get("/")
    async def answer() -> EventSourceResponse[int]:
        return EventSourceResponse(events_in_a_thread() if blocking else events())

    async def main() -> None:
        async with asyncio.timeout(PATIENCE), Server(app, port=0) as server:
            port = int(server.url.rpartition(":")[2])
            client = Client(*await asyncio.open_connection("127.0.0.1", port))
            await client.send(request("GET", "/"))
            await client.until(b"data: 1\n\n\r\n")
            drained = asyncio.create_task(server.drain())
            assert await client.reader.read() == b"0\r\n\r\n"
            goes_on.set()
            await drained
            assert await asyncio.to_thread(closed.wait, PATIENCE)
            client.writer.close()

    run(main())
