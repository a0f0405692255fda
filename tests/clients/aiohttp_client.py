"""aiohttp: both directions at once, and 100 Continue. Reports what it got."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from tests.clients.facts import BOTH_WAYS, CHUNK, CHUNKS, FILES, content


async def pieces(size: int) -> AsyncIterator[bytes]:
    data = content(size)
    for start in range(0, size, CHUNK):
        await asyncio.sleep(0)
        yield data[start : start + CHUNK]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def report(base: str) -> dict[str, Any]:
    async with aiohttp.ClientSession(base) as session:

        async def got(path: str) -> bytes:
            async with session.get(path) as answer:
                return await answer.read()

        async def told(path: str, data: Any, **more: Any) -> Any:
            async with session.post(path, data=data, **more) as answer:
                return await answer.json()

        found: dict[str, Any] = {"kept": await got("/peer") == await got("/peer")}
        async with session.get("/stream") as answer:
            streamed = hashlib.sha256()
            async for piece in answer.content.iter_any():
                streamed.update(piece)
        found["stream"] = streamed.hexdigest()
        found["large"] = digest(await got("/large"))
        sent = await told("/digest", pieces(CHUNK * CHUNKS))
        found["sent"] = [sent["size"], sent["sha256"], sent["chunked"]]
        async with session.post("/both-ways", data=pieces(BOTH_WAYS)) as answer:
            found["both_ways"] = digest(await answer.read())
        form = aiohttp.FormData(quote_fields=False)
        for name, size in FILES:
            form.add_field("files", content(size), filename=name)
        found["upload"] = await told("/upload", form)
        async with session.get("/files/large.bin", headers={"Range": "bytes=100-199"}) as part:
            found["range"] = [part.status, part.headers["Content-Range"], digest(await part.read())]
            tag = part.headers["ETag"]
        async with session.get("/files/large.bin", headers={"If-None-Match": tag}) as same:
            found["conditional"] = [same.status, len(await same.read())]
        async with session.head("/large") as head:
            found["head"] = [head.status, head.headers["Content-Length"], len(await head.read())]
        async with session.post("/small", data=content(2000)) as refused:
            found["too_large"] = refused.status
        found["after"] = (await got("/peer")).isdigit()
        continued = await told("/digest", content(5000), expect100=True)
        found["continued"] = [continued["expects"], continued["size"]]
    return found
