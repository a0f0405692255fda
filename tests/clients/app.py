"""What real clients ask: streams both ways, uploads, files, a page for a browser.

The folder of files is the one that the environment variable COVET_TEST_FILES names.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from typing import Annotated, Any

from covet import Covet, Event, EventSourceResponse, File, HTMLResponse, Limits, Request, StreamingResponse, UploadFile
from tests.clients.facts import CHUNK, CHUNKS, LARGE, content

main = Covet(title="Clients", limits=Limits(max_body="32MiB"))
main.static("/files", os.environ["COVET_TEST_FILES"])


@main.get("/peer")
async def peer(request: Request) -> int:
    """The client's port: the same for requests of one connection."""
    assert request.client is not None
    return request.client.port


@main.get("/large")
async def large() -> bytes:
    return content(LARGE)


@main.get("/stream")
async def stream() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        data = content(CHUNK * CHUNKS)
        for start in range(0, len(data), CHUNK):
            yield data[start : start + CHUNK]
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type="application/octet-stream")


async def digested(request: Request) -> dict[str, Any]:
    size, digest = 0, hashlib.sha256()
    async for piece in request.stream():
        size += len(piece)
        digest.update(piece)
    return {
        "size": size,
        "sha256": digest.hexdigest(),
        "chunked": request.headers.get("transfer-encoding") == "chunked",
        "expects": request.headers.get("expect"),
    }


@main.post("/digest")
async def digest(request: Request) -> dict[str, Any]:
    return await digested(request)


@main.post("/small", max_body="1KiB")
async def small(request: Request) -> dict[str, Any]:
    return await digested(request)


@main.post("/both-ways")
async def both_ways(request: Request) -> StreamingResponse:
    return StreamingResponse(request.stream(), media_type="application/octet-stream")


async def shown(file: UploadFile) -> list[Any]:
    return [file.filename, file.size, file.sha256]


@main.post("/upload")
async def upload(files: Annotated[list[UploadFile], File(sha256=True)]) -> list[Any]:
    return [await shown(file) for file in files]


@main.get("/events")
async def events(request: Request) -> EventSourceResponse[dict[str, int]]:
    last = int(request.headers.get("last-event-id") or 0)

    async def three() -> AsyncIterator[Event[dict[str, int]]]:
        # Ends after each: the client comes again, and says what it has.
        yield Event({"number": last + 1}, event="step", id=str(last + 1), retry=1)

    return EventSourceResponse(three())


PAGE = """<!doctype html><title>Covet</title>
<form method="post" action="/browser/files" enctype="multipart/form-data"><input type="file" name="files" multiple></form>
<script>
const input = document.querySelector("input"), form = document.querySelector("form");
const bytes = size => Uint8Array.from({length: size}, (_, i) => i % 251);
const chosen = new DataTransfer();
for (const [name, size] of FILES) chosen.items.add(new File([bytes(size)], name));
input.files = chosen.files;
const seen = [], source = new EventSource("/events");
source.addEventListener("step", event => {
    seen.push([event.lastEventId, JSON.parse(event.data).number]);
    if (seen.length < 3) return;
    source.close();
    fetch("/browser/events", {method: "POST", body: JSON.stringify(seen)}).then(() => form.submit());
});
</script>"""

outcome: dict[str, asyncio.Future[Any]] = {}


def told(name: str) -> asyncio.Future[Any]:
    """What the browser will say."""
    return outcome.setdefault(name, asyncio.get_running_loop().create_future())


@main.get("/browser/page")
async def page(files: str) -> HTMLResponse:
    return HTMLResponse(PAGE.replace("FILES", files))


@main.post("/browser/events")
async def browser_events(request: Request) -> None:
    told("events").set_result(await request.json())


@main.post("/browser/files")
async def browser_files(files: Annotated[list[UploadFile], File(sha256=True)]) -> HTMLResponse:
    told("files").set_result([await shown(file) for file in files])
    return HTMLResponse("<p>thank you")


@main.get("/browser/told/{name}")
async def browser_told(name: str) -> Any:
    async with asyncio.timeout(20):
        return await asyncio.shield(told(name))
