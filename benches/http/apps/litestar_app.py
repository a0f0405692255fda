"""Litestar, written as its documentation does."""

import asyncio
import time

import deep_routes
from litestar import Litestar, MediaType, get


@get("/text", media_type=MediaType.TEXT)
async def text() -> str:
    return "Hello, World!"


@get("/json")
async def json() -> dict[str, str]:
    return {"hello": "world"}


@get("/items/{id:int}")
async def item(id: int, q: str, limit: int = 10) -> dict[str, int | str]:
    return {"id": id, "q": q, "limit": limit}


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


main = Litestar([text, json, item, sleep0, sleep1ms, pool, pool_yields, deep], openapi_config=None)
