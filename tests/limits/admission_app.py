"""Handlers that work until another request lets them go, for what is in flight at once."""

import asyncio
import threading

from covet import Covet

main = Covet()
begun = list[str]()
released = asyncio.Event()
released_thread = threading.Event()


@main.get("/work")
async def work(name: str) -> str:
    """Until `/release`."""
    begun.append(name)
    await released.wait()
    return name


@main.get("/more")
async def more(name: str) -> str:
    """The same on another route."""
    return await work(name)


@main.get("/thread", max_concurrency=1, timeout=0.2)
def thread(name: str) -> str:
    """The same in a thread of the pool, longer than its time."""
    begun.append(name)
    released_thread.wait()
    return name


@main.get("/begun")
async def who() -> list[str]:
    """Who was begun, in order."""
    return begun


@main.get("/release")
async def release() -> None:
    """Lets all go."""
    released.set()
    released_thread.set()
