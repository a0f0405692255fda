"""HTTP clients and WebSockets in one loop with a Covet server: aiohttp, httpx on anyio, websockets."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from covet import Covet, Request, Server, StreamingResponse
from covet.loop import run
from tests.libraries.services import certificate, library

aiohttp = library("aiohttp")
httpx = library("httpx")
websockets = library("websockets.asyncio.client")
websockets_server = library("websockets.asyncio.server")

main_app = Covet()
CHUNKS = [bytes([number]) * 10_000 for number in range(50)]


@main_app.get("/json/{number}")
async def as_json(number: int) -> dict[str, int]:
    await asyncio.sleep(0)
    return {"number": number}


@main_app.post("/digest")
async def digest(request: Request) -> dict[str, str]:
    return {"digest": hashlib.sha256(await request.body()).hexdigest()}


@main_app.get("/stream")
async def stream() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        for chunk in CHUNKS:
            yield chunk
            await asyncio.sleep(0)

    return StreamingResponse(parts())


@main_app.get("/slow")
async def slow() -> str:
    await asyncio.sleep(60)
    return "too late"


async def body() -> AsyncIterator[bytes]:
    for chunk in CHUNKS:
        yield chunk


DIGEST = hashlib.sha256(b"".join(CHUNKS)).hexdigest()


def test_aiohttp() -> None:
    async def main() -> None:
        async with Server(main_app, port=0) as server, aiohttp.ClientSession(server.url) as session:

            async def number(value: int) -> Any:
                async with session.get(f"/json/{value}") as answer:
                    return (await answer.json())["number"]

            assert await asyncio.gather(*[number(value) for value in range(200)]) == list(range(200))
            async with session.post("/digest", data=body()) as answer:
                assert (await answer.json())["digest"] == DIGEST
            async with session.get("/stream") as answer:
                assert b"".join([part async for part in answer.content.iter_any()]) == b"".join(CHUNKS)
            with pytest.raises(TimeoutError):
                await session.get("/slow", timeout=aiohttp.ClientTimeout(total=0.05))
            assert await number(1) == 1

    run(main())


def test_httpx_on_anyio() -> None:
    async def main() -> None:
        async with (
            Server(main_app, port=0) as server,
            httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
        ):
            answers = await asyncio.gather(*[client.get(f"/json/{value}") for value in range(50)])
            assert [answer.json()["number"] for answer in answers] == list(range(50))
            assert (await client.post("/digest", content=body())).json()["digest"] == DIGEST
            async with client.stream("GET", "/stream") as answer:
                assert b"".join([part async for part in answer.aiter_bytes()]) == b"".join(CHUNKS)
            with pytest.raises(httpx.ReadTimeout):
                await client.get("/slow", timeout=0.05)
            assert (await client.get("/json/1")).status_code == 200

    run(main())


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's."""
    chain, key, authority = certificate(folder)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(chain, key)
    return ours, ssl.create_default_context(cafile=str(authority))


@pytest.mark.parametrize("is_tls", [False, True])
def test_websockets(tmp_path: Path, is_tls: bool) -> None:
    ours, theirs = contexts(tmp_path) if is_tls else (None, None)

    async def echo(socket: Any) -> None:
        async for message in socket:
            await socket.send(message)

    async def main() -> None:
        async with websockets_server.serve(echo, "127.0.0.1", 0, ssl=ours, max_size=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            url = f"{'wss' if is_tls else 'ws'}://localhost:{port}"
            async with websockets.connect(url, ssl=theirs, max_size=None, proxy=None) as socket:
                for message in ("text", b"bytes", "x" * 3_000_000, b""):
                    await socket.send(message)
                    assert await socket.recv() == message
                assert await (await socket.ping()) > 0
                for number in range(200):
                    await socket.send(str(number))
                assert [await socket.recv() for _ in range(200)] == [str(number) for number in range(200)]

    run(main())


def test_aiohttp_over_tls_on_both_sides(tmp_path: Path) -> None:
    ours, theirs = contexts(tmp_path)
    web = library("aiohttp.web")

    async def answer(request: Any) -> Any:
        return web.Response(body=hashlib.sha256(await request.read()).hexdigest())

    async def main() -> None:
        app = web.Application(client_max_size=10_000_000)
        app.router.add_post("/", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ours)
        await site.start()
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=theirs)) as session:
            for _ in range(20):
                async with session.post(f"https://localhost:{port}/", data=b"".join(CHUNKS)) as got:
                    assert await got.text() == DIGEST
        await runner.cleanup()

    run(main())
