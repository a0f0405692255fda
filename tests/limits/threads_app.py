"""Handlers that take a thread each, and ones that tell of the interpreter and of JSON."""

import sys
import threading
from typing import Any

from covet import Covet

main = Covet()
begun = list[str]()
released = threading.Event()


@main.get("/thread")
def thread(name: str) -> str:
    """Until `/release`."""
    begun.append(name)
    released.wait()
    return name


@main.get("/begun")
async def who() -> list[str]:
    """Who has a thread, or had one."""
    return begun


@main.get("/release")
async def release() -> None:
    """Lets all go."""
    released.set()


@main.get("/switch")
async def switch() -> float:
    """Seconds."""
    return sys.getswitchinterval()


@main.post("/json")
async def json(body: dict[str, Any]) -> int:
    """How many fields the body has."""
    return len(body)
