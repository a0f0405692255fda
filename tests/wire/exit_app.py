"""Handlers that end the program: one for each way in which a handler runs."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from covet import Covet, StreamingResponse

main = Covet()


@main.get("/step")
async def step() -> str:
    sys.exit(7)


@main.get("/task")
async def task() -> str:
    await asyncio.sleep(0)
    sys.exit(7)


@main.get("/inline", blocking=False)
def inline() -> str:
    sys.exit(7)


@main.get("/pool")
def pool() -> str:
    time.sleep(0)
    sys.exit(7)


@main.get("/pool/keyword")
def keyword(*, code: int = 7) -> str:
    time.sleep(0)
    sys.exit(code)


@main.get("/stream")
async def stream() -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        yield "first"
        sys.exit(7)

    return StreamingResponse(parts())


@main.get("/pool/stream")
def pool_stream() -> StreamingResponse:
    def parts() -> Iterator[str]:
        yield "first"
        time.sleep(0)
        sys.exit(7)

    return StreamingResponse(parts())


class Exits(dict[str, int]):
    """What cannot be encoded: reading it exits."""

    def items(self) -> Any:
        sys.exit(7)


@main.get("/pool/encoding")
def encoding() -> Any:
    time.sleep(0)
    return [Exits()]
