"""An application that says who asked it, and one that fails, for what is logged of either."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from covet import Covet
from covet.requests import Request

main = Covet()


@main.get("/request")
async def request(request: Request) -> dict[str, Any]:
    """The client and the URL, as the request has them."""
    assert request.client is not None
    return {"client": list(request.client), "url": str(request.url)}


@main.get("/items")
async def items(count: int, then: str = "end") -> AsyncIterator[int]:
    """So many lines of two bytes, then the end, a failure, or nothing for ever."""
    for number in range(count):
        yield number % 10
    if then == "fail":
        raise RuntimeError("fails in the middle")
    if then == "rest":
        await asyncio.Event().wait()


@main.get("/fails")
async def fails() -> None:
    """At once, in the turn of its request."""
    raise RuntimeError("fails")


@main.get("/fails/later")
async def fails_later() -> None:
    """As a task, in another turn."""
    await asyncio.sleep(0)
    raise RuntimeError("fails later")


@main.get("/fails/pool")
def fails_in_the_pool() -> None:
    """In a thread."""
    open("/nowhere/at/all")  # noqa: SIM115, PTH123


@main.post("/fails/body")
async def fails_after_its_body(request: Request) -> None:
    """Once the body is there."""
    await request.body()
    raise RuntimeError("fails with a body")
