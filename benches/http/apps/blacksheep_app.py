"""BlackSheep, written as its documentation does. It calls `def` handlers on the loop, so the pool is asked for by hand."""

import asyncio
import os
import time
from dataclasses import dataclass

import deep_routes
import rows
from blacksheep import Application, FromJSON, Response, StreamedContent
from blacksheep import json as json_response
from blacksheep import text as text_response

main = Application()
main.serve_files(os.environ["BENCH_STATIC"], root_path="static", extensions={".bin"})


@main.router.get("/text")
async def text():
    return text_response("Hello, World!")


@main.router.get("/json")
async def json():
    return json_response({"hello": "world"})


@main.router.get("/items/{id}")
async def item(id: int, q: str, limit: int = 10):
    return json_response({"id": id, "q": q, "limit": limit})


@dataclass
class Order:
    """What is posted."""

    book: int
    title: str
    price: float
    gift: bool


@dataclass
class Row:
    """One of the rows."""

    id: int
    name: str
    price: float
    available: bool
    tags: list[str]


TYPED_ROWS = [Row(**row) for row in rows.ROWS]


@main.router.post("/orders")
async def order(data: FromJSON[Order]):
    return json_response(data.value)


@main.router.get("/rows")
async def list_rows():
    return json_response(rows.ROWS)


@main.router.get("/rows-typed")
async def typed_rows():
    return json_response(TYPED_ROWS)


@main.router.get("/sleep0")
async def sleep0():
    await asyncio.sleep(0)
    return json_response({"hello": "world"})


@main.router.get("/sleep1ms")
async def sleep1ms():
    await asyncio.sleep(0.001)
    return json_response({"hello": "world"})


def greeting():
    return {"hello": "world"}


@main.router.get("/pool")
async def pool():
    return json_response(await asyncio.to_thread(greeting))


@main.router.get("/pool-yields")
async def pool_yields():
    await asyncio.to_thread(time.sleep, 0)
    return json_response({"hello": "world"})


CHUNKS = [b"0123456789abcdef" * 4096 for _ in range(16)]


async def chunks():
    for chunk in CHUNKS:
        yield chunk


@main.router.get("/stream")
async def stream():
    return Response(200, content=StreamedContent(b"application/octet-stream", chunks))


async def deep(id: int):
    return json_response({"hello": "world"})


for path in deep_routes.paths():
    main.router.get(path)(deep)
