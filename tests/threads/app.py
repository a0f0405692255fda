"""Handlers that tell which thread they run on: `covet run tests.threads.app:main --threads 3`."""

import asyncio
import gc
import os
import threading
import time
from collections.abc import AsyncIterator

from covet import Covet, Request, Response

of_thread = threading.local()
living = list[str]()
"""Names of the threads whose lifespan has begun and not ended."""


async def lifespan(_: Covet) -> AsyncIterator[None]:
    name = threading.current_thread().name
    if name == os.environ.get("FAILING_THREAD"):
        raise ValueError(f"not on {name}")
    of_thread.loop = asyncio.get_running_loop()
    living.append(name)
    try:
        yield
    finally:
        living.remove(name)
        os.write(1, f"{name} ended, {len(living)} left\n".encode())  # whole, whatever other threads write


main = Covet(lifespan=lifespan)


@main.get("/where")
async def where() -> tuple[int, int, str]:
    """Process, thread and its name; after a moment on the loop of this thread's lifespan."""
    assert of_thread.loop is asyncio.get_running_loop()
    await asyncio.sleep(0)
    return os.getpid(), threading.get_ident(), threading.current_thread().name


@main.get("/loop")
async def loop() -> tuple[str, str]:
    """The thread's name, and the package that its loop is of."""
    return threading.current_thread().name, type(asyncio.get_running_loop()).__module__.partition(".")[0]


@main.get("/living")
async def alive() -> list[str]:
    return living


@main.get("/block")
async def block() -> None:
    time.sleep(600)  # the line that the log must name


@main.get("/leave")
async def leave() -> None:
    raise SystemExit(7)


@main.get("/collect", blocking=True)
def collect() -> int:
    return gc.collect()


@main.get("/sleep/{seconds:float}")
async def sleep(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return threading.current_thread().name


@main.get("/pool", blocking=True)
def pool() -> str:
    return threading.current_thread().name


@main.post("/late")
async def late(request: Request) -> Response:
    return Response(await request.body())
