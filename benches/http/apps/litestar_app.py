"""Litestar, written as its documentation does."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import deep_routes
import rows
from litestar import Litestar, MediaType, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Stream
from litestar.static_files import create_static_files_router


@get("/text", media_type=MediaType.TEXT)
async def text() -> str:
    return "Hello, World!"


@get("/json")
async def json() -> dict[str, str]:
    return {"hello": "world"}


@get("/items/{id:int}")
async def item(id: int, q: str, limit: int = 10) -> dict[str, int | str]:
    return {"id": id, "q": q, "limit": limit}


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


@post("/orders", status_code=200)
async def order(data: Order) -> Order:
    return data


@get("/rows")
async def list_rows() -> list[dict[str, Any]]:
    return rows.ROWS


@get("/rows-typed")
async def typed_rows() -> list[Row]:
    return TYPED_ROWS


@get("/sleep0")
async def sleep0() -> dict[str, str]:
    await asyncio.sleep(0)
    return {"hello": "world"}


@get("/sleep1ms")
async def sleep1ms() -> dict[str, str]:
    await asyncio.sleep(0.001)
    return {"hello": "world"}


def greeting() -> dict[str, str]:
    return {"hello": "world"}


@get("/pool", sync_to_thread=True)
def pool() -> dict[str, str]:
    return greeting()


@get("/pool-yields", sync_to_thread=True)
def pool_yields() -> dict[str, str]:
    time.sleep(0)
    return {"hello": "world"}


CHUNKS = [b"0123456789abcdef" * 4096 for _ in range(16)]


async def chunks() -> AsyncIterator[bytes]:
    for chunk in CHUNKS:
        yield chunk


@get("/stream")
async def stream() -> Stream:
    return Stream(chunks(), media_type="application/octet-stream")


@dataclass
class Form:
    """What is uploaded."""

    file: UploadFile


@post("/form", status_code=200)
async def form(data: Annotated[Form, Body(media_type=RequestEncodingType.MULTI_PART)]) -> dict[str, int]:
    return {"bytes": data.file.file.seek(0, os.SEEK_END)}


@get([path.replace("{id}", "{id:int}") for path in deep_routes.paths()])
async def deep(id: int) -> dict[str, str]:
    return {"hello": "world"}


files = create_static_files_router("/static", directories=[os.environ["BENCH_STATIC"]])
main = Litestar(
    [files, text, json, item, sleep0, sleep1ms, pool, pool_yields, deep, order, list_rows, typed_rows, stream, form],
    openapi_config=None,
    request_max_body_size=16 * 1024 * 1024,
)
