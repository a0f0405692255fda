"""Litestar, written as its documentation does."""

import asyncio
import os
import time
from dataclasses import dataclass
from typing import Any

import deep_routes
import rows
from litestar import Litestar, MediaType, get, post
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


@get([path.replace("{id}", "{id:int}") for path in deep_routes.paths()])
async def deep(id: int) -> dict[str, str]:
    return {"hello": "world"}


files = create_static_files_router("/static", directories=[os.environ["BENCH_STATIC"]])
main = Litestar(
    [files, text, json, item, sleep0, sleep1ms, pool, pool_yields, deep, order, list_rows, typed_rows],
    openapi_config=None,
)
