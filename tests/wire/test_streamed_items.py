"""Items as they are made, over a socket: JSON lines and server-sent events."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, get_args

import pytest

from covet import Covet, Event, EventSourceResponse, Request, Server
from covet.json import EncodeError
from tests.wire.connection import request
from tests.wire.loop_client import Client, run, served
from tests.wire.server_process import PATIENCE


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


@dataclass
class Base:
    id: int


@dataclass
class Wider(Base):
    secret: str = "hidden"


@dataclass
class Other:
    id: int


TYPED: list[tuple[Any, object, str]] = [
    (Base, Base(1), '{"id":1}'),
    (Base, Wider(2), '{"id":2}'),
    (Base | None, None, "null"),
    (list[Base], [Wider(1), Base(2)], '[{"id":1},{"id":2}]'),
    (date, date(2026, 3, 2), '"2026-03-02"'),
    (dict[str, Base], {"a": Wider(1)}, '{"a":{"id":1}}'),
    (Any, {"id": 1, "secret": "x"}, '{"id":1,"secret":"x"}'),
]
"""A type, a value of it or of a class below it, and its JSON."""

UNTYPED: list[tuple[Any, object]] = [(Base, Other(1)), (Base, {"id": 1}), (int, "1"), (int, True), (list[int], ["x"])]
"""A type and what is none of it."""


def giving(app: Covet, item: Any, values: list[Any], *, blocking: bool) -> None:
    """`GET /` whose handler gives `values`, declared to be of type `item`."""
    if blocking:

        def sync() -> Any:
            yield from values

        sync.__annotations__["return"] = Iterator[item]
        app.get("/")(sync)
        return

    async def items() -> Any:
        for value in values:
            yield value

    items.__annotations__["return"] = AsyncIterator[item]
    app.get("/")(items)


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize(("item", "value", "text"), TYPED, ids=lambda value: str(value)[:20])
def test_an_item_is_what_was_declared(item: Any, value: object, text: str, *, blocking: bool) -> None:
    lines, events = Covet(), Covet()
    giving(lines, item, [value, value], blocking=blocking)
    giving(events, Event[item], [Event(value), value], blocking=blocking)

    async def use_lines(client: Client) -> None:
        assert (await client.ask("GET", "/")).body.decode() == f"{text}\n{text}\n"

    async def use_events(client: Client) -> None:
        assert (await client.ask("GET", "/")).body.decode() == f"data: {text}\n\n" * 2

    served(lines, use_lines)
    served(events, use_events)


def test_text_of_an_event_is_text_where_that_is_declared() -> None:
    app = Covet()
    giving(app, Event[str], [Event("one\ntwo"), "three"], blocking=False)

    async def use(client: Client) -> None:
        assert (await client.ask("GET", "/")).body == b"data: one\ndata: two\n\ndata: three\n\n"

    served(app, use)


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize(("item", "value"), [*UNTYPED, (Event[int], Event("1")), (Event[Base], Event(Other(1)))])
def test_an_item_of_another_type_ends_the_stream(
    item: Any, value: object, caplog: pytest.LogCaptureFixture, *, blocking: bool
) -> None:
    fits = {Base: Base(7), int: 7, list[int]: [7]}
    good: Any = Event(fits[get_args(item)[0]]) if isinstance(value, Event) else fits[item]
    app = Covet()
    giving(app, item, [good, value, good], blocking=blocking)

    async def use(client: Client) -> None:
        await client.send(request("GET", "/"))
        assert b" 200 " in await client.head()
        rest = await client.reader.read()
        assert rest.count(b"7") == 1, rest
        assert not rest.endswith(b"0\r\n\r\n"), "it does not pass for the whole"

    served(app, use)
    (record,) = caplog.records
    assert "GET / (" in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], EncodeError), record.exc_info


def test_the_first_item_of_another_type_is_a_500() -> None:
    app = Covet()
    giving(app, int, ["1"], blocking=False)

    async def use(client: Client) -> None:
        assert (await client.ask("GET", "/")).status == 500

    served(app, use)
