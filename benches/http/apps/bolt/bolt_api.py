"""django-bolt, written as its documentation does."""

import asyncio
import time

import deep_routes
from django_bolt import BoltAPI
from django_bolt.responses import PlainText

api = BoltAPI()


@api.get("/text")
async def text():
    return PlainText("Hello, World!")


@api.get("/json")
async def json() -> dict[str, str]:
    return {"hello": "world"}


@api.get("/items/{id}")
async def item(id: int, q: str, limit: int = 10) -> dict[str, int | str]:
    return {"id": id, "q": q, "limit": limit}


@api.get("/sleep0")
async def sleep0() -> dict[str, str]:
    await asyncio.sleep(0)
    return {"hello": "world"}


@api.get("/sleep1ms")
async def sleep1ms() -> dict[str, str]:
    await asyncio.sleep(0.001)
    return {"hello": "world"}


def greeting() -> dict[str, str]:
    return {"hello": "world"}


@api.get("/pool")
def pool() -> dict[str, str]:
    return greeting()


@api.get("/pool-yields")
def pool_yields() -> dict[str, str]:
    time.sleep(0)
    return {"hello": "world"}


async def deep(id: int) -> dict[str, str]:
    return {"hello": "world"}


for path in deep_routes.paths():
    api.get(path)(deep)
