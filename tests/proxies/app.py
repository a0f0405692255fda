"""What is asked through proxies: who asks, answers that name their request, and an echo for everything else."""

import asyncio
from typing import Any

from covet import Covet, Request, Response

main = Covet(title="Behind")


@main.get("/who")
async def who(request: Request) -> dict[str, Any]:
    assert request.client is not None
    return {"client": list(request.client), "url": str(request.url)}


@main.get("/victim/{number}")
async def victim(request: Request, number: int) -> list[int]:
    """The number, and the port of the proxy's connection."""
    assert request.client is not None
    return [number, request.client.port]


@main.post("/work/{number}")
async def work(request: Request, number: int) -> list[Any]:
    """Some requests take a moment, so that connections are idle for different times."""
    body = await request.body()
    await asyncio.sleep(number % 7 / 1000)
    return [number, len(body)]


@main.route("/{rest:path}", methods="*")
async def echo(request: Request) -> Response:
    return Response(await request.body(), media_type="application/octet-stream")
