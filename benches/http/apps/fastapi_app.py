"""FastAPI, written as its documentation does."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import deep_routes
import rows
from fastapi import FastAPI, UploadFile
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

main = FastAPI()
main.mount("/static", StaticFiles(directory=os.environ["BENCH_STATIC"]))


@main.get("/text", response_class=PlainTextResponse)
async def text() -> str:
    return "Hello, World!"


@main.get("/json")
async def json() -> dict[str, str]:
    return {"hello": "world"}


@main.get("/items/{id}")
async def item(id: int, q: str, limit: int = 10) -> dict[str, int | str]:
    return {"id": id, "q": q, "limit": limit}


class Order(BaseModel):
    """What is posted."""

    book: int
    title: str
    price: float
    gift: bool


class Row(BaseModel):
    """One of the rows."""

    id: int
    name: str
    price: float
    available: bool
    tags: list[str]


TYPED_ROWS = [Row(**row) for row in rows.ROWS]


@main.post("/orders")
async def order(order: Order) -> Order:
    return order


@main.get("/rows")
async def list_rows() -> list[dict[str, Any]]:
    return rows.ROWS


@main.get("/rows-typed")
async def typed_rows() -> list[Row]:
    return TYPED_ROWS


@main.get("/sleep0")
async def sleep0() -> dict[str, str]:
    await asyncio.sleep(0)
    return {"hello": "world"}


@main.get("/sleep1ms")
async def sleep1ms() -> dict[str, str]:
    await asyncio.sleep(0.001)
    return {"hello": "world"}


def greeting() -> dict[str, str]:
    return {"hello": "world"}


@main.get("/pool")
def pool() -> dict[str, str]:
    return greeting()


@main.get("/pool-yields")
def pool_yields() -> dict[str, str]:
    time.sleep(0)
    return {"hello": "world"}


CHUNKS = [b"0123456789abcdef" * 4096 for _ in range(16)]


async def chunks() -> AsyncIterator[bytes]:
    for chunk in CHUNKS:
        yield chunk


@main.get("/stream")
async def stream() -> StreamingResponse:
    return StreamingResponse(chunks(), media_type="application/octet-stream")


@main.post("/form")
async def form(file: UploadFile) -> dict[str, int | None]:
    return {"bytes": file.size}


@main.get("/cpu")
def cpu() -> dict[str, int]:
    return {"sum": sum(number * number for number in range(200_000))}


async def deep(id: int) -> dict[str, str]:
    return {"hello": "world"}


for path in deep_routes.paths():
    main.get(path)(deep)
