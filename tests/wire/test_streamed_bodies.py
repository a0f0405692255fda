"""Bodies read in pieces over a socket, and handlers that ask whether their client is there."""

import asyncio

import pytest

from covet import Covet, HTTPException, Request, StreamingResponse
from tests.wire.connection import request
from tests.wire.loop_client import Client, served


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
