"""django-bolt, written as its documentation does."""

import asyncio
import time
from typing import Any

import deep_routes
import msgspec
import rows
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


class Order(msgspec.Struct):
    """What is posted."""

    book: int
    title: str
    price: float
    gift: bool


class Row(msgspec.Struct):
    """One of the rows."""

    id: int
    name: str
    price: float
    available: bool
    tags: list[str]


TYPED_ROWS = [Row(**row) for row in rows.ROWS]


@api.post("/orders")
async def order(order: Order) -> Order:
    return order


@api.get("/rows")
async def list_rows() -> list[dict[str, Any]]:
    return rows.ROWS


@api.get("/rows-typed")
async def typed_rows() -> list[Row]:
    return TYPED_ROWS


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
