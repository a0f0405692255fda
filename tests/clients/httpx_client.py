"""httpx, asynchronous and not. Reports what it got."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from tests.clients.facts import BOTH_WAYS, CHUNK, CHUNKS, FILES, content


def pieces(size: int) -> Iterator[bytes]:
    data = content(size)
    for start in range(0, size, CHUNK):
        yield data[start : start + CHUNK]


async def pieces_in_time(size: int) -> AsyncIterator[bytes]:
    for piece in pieces(size):
        await asyncio.sleep(0)
        yield piece


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sent(told: dict[str, Any]) -> list[Any]:
    return [told["size"], told["sha256"], told["chunked"]]


def report(base: str) -> dict[str, Any]:
    with httpx.Client(base_url=base, trust_env=False) as client:
        port = client.get("/peer").json()
        with client.stream("GET", "/stream") as answer:
            streamed = hashlib.sha256()
            for piece in answer.iter_bytes():
                streamed.update(piece)
        found = {
            "kept": client.get("/peer").json() == port,
            "stream": streamed.hexdigest(),
            "large": digest(client.get("/large").content),
            "sent": sent(client.post("/digest", content=pieces(CHUNK * CHUNKS)).json()),
            "both_ways": digest(client.post("/both-ways", content=pieces(BOTH_WAYS)).content),
            "upload": client.post("/upload", files=[("files", (name, content(size))) for name, size in FILES]).json(),
        }
        part = client.get("/files/large.bin", headers={"Range": "bytes=100-199"})
        found["range"] = [part.status_code, part.headers["content-range"], digest(part.content)]
        same = client.get("/files/large.bin", headers={"If-None-Match": part.headers["etag"]})
        found["conditional"] = [same.status_code, len(same.content)]
        head = client.head("/large")
        found["head"] = [head.status_code, head.headers["content-length"], len(head.content)]
        found["too_large"] = client.post("/small", content=content(2000)).status_code
        found["after"] = client.get("/peer").status_code == 200
    return found


async def report_in_time(base: str) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
        port = (await client.get("/peer")).json()
        async with client.stream("GET", "/stream") as answer:
            streamed = hashlib.sha256()
            async for piece in answer.aiter_bytes():
                streamed.update(piece)
        kept = (await client.get("/peer")).json()
        answers = await asyncio.gather(*(client.get("/large") for _ in range(4)))
        found = {
            "kept": port == kept,
            "stream": streamed.hexdigest(),
            "large": {digest(answer.content) for answer in answers}.pop(),
            "sent": sent((await client.post("/digest", content=pieces_in_time(CHUNK * CHUNKS))).json()),
            "both_ways": digest((await client.post("/both-ways", content=pieces_in_time(BOTH_WAYS))).content),
        }
        files = [("files", (name, content(size))) for name, size in FILES]
        found["upload"] = (await client.post("/upload", files=files)).json()
        part = await client.get("/files/large.bin", headers={"Range": "bytes=100-199"})
        found["range"] = [part.status_code, part.headers["content-range"], digest(part.content)]
        same = await client.get("/files/large.bin", headers={"If-None-Match": part.headers["etag"]})
        found["conditional"] = [same.status_code, len(same.content)]
        head = await client.head("/large")
        found["head"] = [head.status_code, head.headers["content-length"], len(head.content)]
        found["too_large"] = (await client.post("/small", content=content(2000))).status_code
        found["after"] = (await client.get("/peer")).status_code == 200
    return found
