"""What is loaded: an answer at once, streams without end, bodies that are thrown away as they come."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from covet import Covet, Request, StreamingResponse

main = Covet(title="Loaded")
PIECE = b"0123456789abcdef" * 4096


def fresh(number: int) -> bytes:
    """A piece of its own memory, so that each that waits is counted."""
    return b"%016d" % number + PIECE[16:]


GIB = 1024**3


@main.get("/")
async def quick() -> str:
    return "quick"


@main.get("/large")
async def large() -> bytes:
    return PIECE * 16


@main.route("/body", methods=["GET", "POST"])
async def body(request: Request) -> int:
    return len(await request.body())


async def pieces() -> AsyncIterator[bytes]:
    for number in range(GIB // len(PIECE)):
        yield fresh(number)
        await asyncio.sleep(0)


def pieces_of_a_thread() -> Iterator[bytes]:
    for number in range(GIB // len(PIECE)):
        yield fresh(number)


@main.get("/stream")
async def stream() -> StreamingResponse:
    return StreamingResponse(pieces())


@main.get("/stream/thread")
async def stream_of_a_thread() -> StreamingResponse:
    return StreamingResponse(pieces_of_a_thread())


async def counted(request: Request) -> dict[str, Any]:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return {"size": size}


@main.post("/upload/64", max_body="64MiB")
async def upload(request: Request) -> dict[str, Any]:
    return await counted(request)


@main.post("/upload/1024", max_body="1GiB")
async def large_upload(request: Request) -> dict[str, Any]:
    return await counted(request)
