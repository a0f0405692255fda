"""What hangs, leaves orphans and tells of its process: `covet run tests.faults.app:main`."""

import asyncio
import os
import subprocess
import sys
import threading
import time

from covet import Covet

main = Covet()
lock = threading.Lock()


@main.get("/process")
def process() -> list[int]:
    return [os.getpid(), os.getppid()]


@main.get("/block")
async def block() -> None:
    print(f"process {os.getpid()} blocks", file=sys.stderr, flush=True)
    time.sleep(600)  # the line that the log must name


@main.get("/deadlock")
async def deadlock() -> None:
    with lock:
        lock.acquire()  # nobody will give it back


@main.get("/nap/{seconds:float}")
async def nap(seconds: float) -> None:
    time.sleep(seconds)


@main.get("/sleep/{seconds:float}")
async def sleep(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "slept"


@main.get("/ready")
async def ready() -> bool:
    return not main.is_draining


@main.get("/ready-in-the-pool", blocking=True)
def ready_in_the_pool() -> bool:
    return not main.is_draining


@main.get("/orphan")
async def orphan() -> int:
    """The process id of a child whose parent has ended."""
    shell = subprocess.run(["sh", "-c", "sleep 600 >/dev/null & echo $!"], stdout=subprocess.PIPE, check=True)
    return int(shell.stdout)


@main.get("/environment/{name}")
def environment(name: str) -> str:
    return os.environ.get(name, "unset")
