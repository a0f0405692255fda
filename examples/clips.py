"""Streams, events, uploads and files: `covet run examples.clips:main`. The page docs/handlers.md shows it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from covet import Covet, Event, FileResponse, Form, HTMLResponse, Request, StreamingResponse, UploadFile

main = Covet(title="Clips", version="1.0")
folder = tempfile.TemporaryDirectory(prefix="clips-")
CLIPS = Path(folder.name)


@dataclass
class Square:
    """A number and its square."""

    number: int
    square: int


@dataclass
class Clip:
    """What was uploaded."""

    title: str
    name: str
    size: int


@main.get("/squares")
async def squares(upto: int = 3) -> AsyncIterator[Square]:
    """Lines of JSON, as they are made."""
    for number in range(upto):
        yield Square(number, number**2)


@main.get("/ticks")
async def ticks(request: Request, upto: int = 3) -> AsyncIterator[Event[Square]]:
    """Events; a client that comes back goes on where it was."""
    seen = int(request.headers.get("last-event-id", "0"))
    for number in range(seen + 1, upto + 1):
        yield Event(Square(number, number**2), event="tick", id=str(number))


@main.get("/squares.csv")
async def table(upto: int = 3) -> StreamingResponse:
    """Text in pieces; the iterator runs in a thread."""

    def lines() -> Iterator[str]:
        yield "number,square\n"
        for number in range(upto):
            yield f"{number},{number**2}\n"

    return StreamingResponse(lines(), media_type="text/csv")


@main.post("/length", max_body=None)
async def length(request: Request) -> int:
    """A body of any size, of which nothing is kept."""
    count = 0
    async for piece in request.stream():
        count += len(piece)
    return count


@main.get("/patience", on_disconnect="finish")
async def patience(request: Request) -> str:
    """Work that looks whether anybody still waits for it."""
    for _ in range(10):
        if await request.is_disconnected():
            return "nobody is there"
        await asyncio.sleep(0.001)
    return "thank you"


@main.get("/")
async def page(request: Request) -> HTMLResponse:
    """A page whose style the client may fetch meanwhile."""
    request.early_hints({"link": "</files/style.css>; rel=preload; as=style"})
    await asyncio.sleep(0.001)
    return HTMLResponse("<link rel=stylesheet href=/files/style.css><p>Clips")


@main.post("/clips", status_code=201, max_body="20MiB", max_concurrency=4, queue=16)
async def upload(clip: UploadFile, title: Annotated[str, Form()]) -> Clip:
    """Keep a file, under a name of our own."""
    name = f"{uuid4().hex}.clip"
    await clip.save(CLIPS / name)
    return Clip(title, name, clip.size)


@main.get("/clips/{name}")
async def download(name: str) -> FileResponse:
    """One that was kept, to be saved."""
    return FileResponse(name, root=CLIPS, filename=name)


main.static("/files", CLIPS)
