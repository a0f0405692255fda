"""FastAPI, written as its documentation does."""

import asyncio
import time

import deep_routes
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

main = FastAPI()


@main.get("/text", response_class=PlainTextResponse)
async def text() -> str:
    return "Hello, World!"


@main.get("/json")
async def json() -> dict[str, str]:
    return {"hello": "world"}


@main.get("/items/{id}")
async def item(id: int, q: str, limit: int = 10) -> dict[str, int | str]:
    return {"id": id, "q": q, "limit": limit}


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


@main.get("/cpu")
def cpu() -> dict[str, int]:
    return {"sum": sum(number * number for number in range(200_000))}


async def deep(id: int) -> dict[str, str]:
    return {"hello": "world"}


for path in deep_routes.paths():
    main.get(path)(deep)
