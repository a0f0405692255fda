"""A body is awaited as a coroutine is: in tasks, together, with a time-out, by several at once."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from covet import Covet, Request, Server
from tests.wire.answers import Answer, take_answer
from tests.wire.loop_client import run
from tests.wire.server_process import PATIENCE

Handler = Callable[[Request], Awaitable[Any]]


async def in_tasks(request: Request) -> list[Any]:
    tasks = [asyncio.create_task(request.text()), asyncio.ensure_future(request.json())]
    return [await task for task in tasks]


async def gathered(request: Request) -> list[Any]:
    text, body, value = await asyncio.gather(request.text(), request.body(), request.json())
    return [text, body.decode(), value]


async def in_a_group(request: Request) -> list[Any]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(request.text()), group.create_task(request.text())]
    return [task.result() for task in tasks]


async def in_time(request: Request) -> Any:
    return await asyncio.wait_for(request.json(), 20)


async def shielded(request: Request) -> Any:
    return await asyncio.shield(request.json())


async def too_late_at_first(request: Request) -> list[Any]:
    """One that gives up takes the body from nobody: neither from one that waits now, nor from one that comes later."""
    patient = asyncio.create_task(request.text())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(request.body(), 0.01)
    arrives.set()
    return [await patient, await request.json()]


async def cancelled(request: Request) -> list[Any]:
    task = asyncio.create_task(request.body())
    await asyncio.sleep(0)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task
    arrives.set()
    return [task.cancelled(), await request.json()]


async def by_hand(request: Request) -> list[Any]:
    body: Coroutine[Any, Any, bytes] = request.body()
    assert asyncio.iscoroutine(body)
    assert inspect.isawaitable(body)
    assert isinstance(body, Coroutine)
    body.close()
    thrown = request.body()
    with pytest.raises(KeyError, match="thrown"):
        thrown.throw(KeyError("thrown"))
    with pytest.raises(ZeroDivisionError):
        thrown.throw(ZeroDivisionError)
    return [await request.json()]


CASES: dict[str, tuple[Handler, Any]] = {
    "tasks": (in_tasks, ["[1]", [1]]),
    "gather": (gathered, ["[1]", "[1]", [1]]),
    "group": (in_a_group, ["[1]", "[1]"]),
    "wait_for": (in_time, [1]),
    "shield": (shielded, [1]),
    "by hand": (by_hand, [[1]]),
}
BEFORE_IT_COMES: dict[str, tuple[Handler, Any]] = {
    "time-out": (too_late_at_first, ["[1]", [1]]),
    "cancel": (cancelled, [True, [1]]),
}
arrives: asyncio.Event


async def asked(handler: Handler, *, late: bool, waits: bool) -> Answer:
    """The answer of `handler` to a body that comes with the head, or `late`, or not before it `waits` for it."""
    global arrives  # noqa: PLW0603 - made on the loop that uses it
    arrives = asyncio.Event()
    started = asyncio.Event()
    app = Covet()

    @app.post("/")
    async def handle(request: Request) -> Any:
        started.set()
        return await handler(request)

    async with asyncio.timeout(PATIENCE), Server(app, port=0) as server:
        port = int(server.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\n"
        writer.write(head if late else head + b"[1]")
        await started.wait()
        if waits:
            await arrives.wait()
        if late:
            writer.write(b"[1]")
        answer = take_answer(bytearray(await reader.read()), at_end=True)
        writer.close()
        await writer.wait_closed()
    assert answer is not None
    return answer


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_awaited(name: str, *, late: bool) -> None:
    handler, expected = CASES[name]
    answer = run(asked(handler, late=late, waits=False))
    assert (answer.status, answer.json()) == (200, expected)


@pytest.mark.parametrize("name", BEFORE_IT_COMES)
def test_given_up_before_it_comes(name: str) -> None:
    handler, expected = BEFORE_IT_COMES[name]
    answer = run(asked(handler, late=True, waits=True))
    assert (answer.status, answer.json()) == (200, expected)
