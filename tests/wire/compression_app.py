"""The application that the compression tests ask: answers of each kind, and bodies in codings."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from covet import (
    Body,
    Compress,
    Covet,
    Event,
    FileResponse,
    Limits,
    PlainTextResponse,
    Request,
    Response,
    Router,
    StreamingResponse,
    UploadFile,
)
from tests.wire.words import WORDS

main = Covet(middleware=[Compress()])
_folder = tempfile.TemporaryDirectory(prefix="covet-compression-")
directory = Path(_folder.name)
(directory / "app.js").write_text(WORDS[:50_000])
main.static("/static", directory)


@main.get("/text/{length:int}")
async def text(length: int) -> str:
    return WORDS[:length]


@main.get("/json")
def listed() -> list[dict[str, int]]:
    return [{"id": number} for number in range(1000)]


@main.get("/bytes")
async def octets() -> Response:
    return Response(WORDS.encode(), media_type="text/css")


@main.get("/tagged")
async def tagged() -> PlainTextResponse:
    return PlainTextResponse(WORDS[:600], headers={"ETag": '"v1"', "Vary": "Origin"})


@main.get("/kept")
async def kept() -> PlainTextResponse:
    return PlainTextResponse(WORDS[:600], headers={"Cache-Control": "no-transform"})


@main.get("/file")
async def file() -> FileResponse:
    return FileResponse(directory / "app.js")


@main.get("/streamed")
async def streamed() -> StreamingResponse:
    def parts() -> Iterator[str]:
        for start in range(0, len(WORDS), 70_001):
            yield WORDS[start : start + 70_001]

    return StreamingResponse(parts(), media_type="text/plain")


# Each item waits for a word of the client's, so that none can come with the next.
steps: asyncio.Queue[None] = asyncio.Queue()


@main.post("/step")
async def step() -> None:
    steps.put_nowait(None)


@main.get("/events")
async def events() -> AsyncIterator[Event[int]]:
    for number in range(5):
        yield Event(number, id=str(number))
        await steps.get()


@main.get("/lines")
async def lines() -> AsyncIterator[dict[str, int]]:
    for number in range(5):
        yield {"number": number}
        await steps.get()


inner = Router("/inner", middleware=[Compress(minimum_size=10)])


@inner.get("/small")
async def small() -> str:
    return "a small text of 30 bytes or so"


@inner.get("/route", middleware=[Compress(minimum_size="1MB")])
async def route() -> str:
    return "the inner one is asked first, then the outer ones"


main.include_router(inner)

bodies = Router("/bodies", limits=Limits(compressed_body=True))


@dataclass
class Item:
    """A body."""

    name: str
    numbers: list[int]


@bodies.post("/model")
async def model(item: Item) -> dict[str, Any]:
    return {"name": item.name, "sum": sum(item.numbers)}


@bodies.post("/digest")
async def digest(request: Request) -> dict[str, Any]:
    body = await request.body()
    return {"sha256": hashlib.sha256(body).hexdigest(), "fields": sorted(request.headers.keys())}


@bodies.post("/pieces", max_body="100MB")
async def pieces(request: Request) -> int:
    length = 0
    async for piece in request.stream():
        length += len(piece)
    return length


@bodies.post("/upload")
async def upload(file: UploadFile) -> int:
    return file.size


@bodies.post("/limited", max_body=1000)
async def limited(body: Annotated[bytes, Body()]) -> int:
    return len(body)


main.include_router(bodies)


@main.post("/refuses")
async def refuses(body: Annotated[bytes, Body()]) -> int:
    return len(body)


@main.get("/memory")
async def memory() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if os.path.exists("/proc/self/statm") else 0
    return pages * os.sysconf("SC_PAGE_SIZE")


bare = Covet()


@bare.get("/text")
async def bare_text() -> str:
    return WORDS[:10_000]
