"""Asynchronous tests as a user writes them, with pytest-asyncio and with anyio. `test_frameworks` runs them."""

import asyncio
from collections.abc import AsyncIterator

import anyio
import pytest
import pytest_asyncio

from covet import Covet, Server

app = Covet()


@app.get("/{seconds}")
async def wait(seconds: float) -> str:
    with anyio.fail_after(10):
        await anyio.sleep(seconds)
    return "waited"


async def ask(server: Server) -> bytes:
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(b"GET /0.01 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        got = b""
        while not got.endswith(b"waited"):
            got += await stream.receive()
        return got


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(app, port=0) as started:
        yield started


@pytest.mark.asyncio
async def test_with_a_fixture(server: Server) -> None:
    assert (await ask(server)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.asyncio
async def test_with_two_servers(server: Server) -> None:
    async with Server(app, port=0) as other:
        answers = await asyncio.gather(ask(server), ask(other))
    assert all(answer.endswith(b"waited") for answer in answers)


@pytest.fixture(
    params=[
        pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
        pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop"),
    ]
)
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return request.param


@pytest.fixture
async def anyio_server(anyio_backend: object) -> AsyncIterator[Server]:
    async with Server(app, port=0) as started:
        yield started


@pytest.mark.anyio
async def test_under_anyio(anyio_server: Server) -> None:
    answers: list[bytes] = []

    async def one() -> None:
        answers.append(await ask(anyio_server))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(one)
    assert all(answer.endswith(b"waited") for answer in answers)
    assert len(answers) == 3
