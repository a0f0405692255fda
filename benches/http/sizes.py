"""Memory and start: an idle connection, the hello app, a burst of large bodies, the time to the first answer, a busy pool.

User space only: Rss and Pss of the server's processes; what the kernel keeps for sockets is not in it.
It must not know how throughput is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import statistics
import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from benches.http import load
from benches.http.processes import (
    HOST,
    Failed,
    ask,
    cores,
    end,
    memory,
    raise_descriptor_limit,
    running,
    spawn,
    wait_until_answering,
    wait_until_free,
)
from benches.http.servers import covet_command
from benches.http.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from benches.http.run import Run
    from benches.http.servers import Server

HELLO = WORKLOADS["text"]
IDLE_CONNECTIONS = 10_000
FEWEST_CONNECTIONS = 500
STARTS = 10
BURST_CONNECTIONS = 64
BURST_BYTES = 1536 * 1024
SIZED = (
    "floor",
    "covet",
    "nginx",
    "go net/http",
    "uvicorn, raw ASGI",
    "granian, RSGI",
    "weft, raw ASGI",
    "django-bolt",
    "robyn",
    "fastapi",
)


def ask_once(port: int, path: str) -> socket.socket:
    """A connection that asked once, read the whole answer, and stays open."""
    connection = socket.create_connection((HOST, port), timeout=10)
    connection.sendall(f"GET {path} HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
    received = b""
    while not received.endswith(b"Hello, World!"):
        part = connection.recv(4096)
        if not part:
            raise Failed("closed instead of answering")
        received += part
    return connection


def settled(pid: int) -> dict[str, int]:
    """Memory once it has stopped changing, at most 5 s later."""
    last = memory(pid)
    for _ in range(20):
        time.sleep(0.25)
        now = memory(pid)
        if now == last:
            break
        last = now
    return last


def open_idle(port: int, count: int, connections: list[socket.socket]) -> None:
    """Fill the list with idle connections; a server that takes fewer is measured at what it takes, at least 500."""
    try:
        while len(connections) < count:
            connections.append(ask_once(port, HELLO.path))
    except (Failed, OSError):
        if len(connections) < FEWEST_CONNECTIONS:
            raise


def idle_connections(run: Run, server: Server) -> dict[str, Any]:
    """Memory of idle keep-alive connections after one answer each."""
    count = min(IDLE_CONNECTIONS, int(raise_descriptor_limit() * 0.85))
    with running(run.start(server, HELLO)) as process:
        for _ in range(100):
            ask_once(run.port, HELLO.path).close()
        before = settled(process.pid)
        connections: list[socket.socket] = []
        try:
            open_idle(run.port, count, connections)
            after = settled(process.pid)
        finally:
            for connection in connections:
                connection.close()
        closed = settled(process.pid)
    opened = len(connections)
    return {
        "connections": opened,
        "resident": before["rss"],
        "resident_pss": before["pss"],
        "bytes_each": round((after["pss"] - before["pss"]) / opened, 1),
        "bytes_each_rss": round((after["rss"] - before["rss"]) / opened, 1),
        "resident_after_closing": closed["rss"],
    }


def start_once(run: Run, server: Server, command: list[str]) -> float:
    """Seconds from the start of the process to its first answer."""
    start = run.start(server, HELLO, command)
    wait_until_free(run.port)
    began = time.perf_counter()
    process = spawn(start)
    try:
        wait_until_answering(process, start)
        return time.perf_counter() - began
    finally:
        end(process)


def starts(run: Run, server: Server, command: list[str]) -> dict[str, Any]:
    """The median of ten starts, after one that fills the page cache."""
    start_once(run, server, command)
    found = sorted(start_once(run, server, command) for _ in range(STARTS))
    return {
        "median_s": round(statistics.median(found), 4),
        "least_s": round(found[0], 4),
        "most_s": round(found[-1], 4),
        "starts": STARTS,
    }


def typed_routes(run: Run, server: Server) -> dict[str, Any]:
    """Start and memory of an application with a thousand typed routes."""
    command = covet_command(run.port, app="typed_routes")
    started = starts(run, server, command)
    with running(run.start(server, HELLO, command)) as process:
        ask_once(run.port, HELLO.path).close()
        return {**started, "resident": settled(process.pid)["rss"]}


async def send_large_bodies(port: int) -> None:
    """All connections send one large body at the same time, read the answer and close."""

    async def send() -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        head = f"POST /upload HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: {BURST_BYTES}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + bytes(BURST_BYTES))
        await writer.drain()
        answer = await reader.read()
        writer.close()
        if b" 200 " not in answer[:20] or str(BURST_BYTES).encode() not in answer:
            raise Failed(f"a large body was answered {answer[:80]!r}")

    await asyncio.gather(*(send() for _ in range(BURST_CONNECTIONS)))


def burst(run: Run, server: Server) -> dict[str, Any]:
    """Resident memory before and after bursts of large bodies."""
    with running(run.start(server, HELLO)) as process:
        load.run(load.wrk_command(run.port, load.Asked(HELLO.path), 1), 60)
        before = settled(process.pid)
        peak = before["rss"]
        for _ in range(3):
            asyncio.run(send_large_bodies(run.port))
            peak = max(peak, memory(process.pid)["rss"])
        after = settled(process.pid)
    return {
        "connections": BURST_CONNECTIONS,
        "body_bytes": BURST_BYTES,
        "before": before["rss"],
        "peak": peak,
        "after": after["rss"],
        "ratio": round(after["rss"] / before["rss"], 3),
    }


@contextlib.contextmanager
def busy_pool(port: int, jobs: int = 2) -> Generator[list[float]]:
    """CPU-bound `def` handlers, so many at a time, for as long as the block runs. Gives the times at which they ended."""
    stop = threading.Event()
    ended: list[float] = []

    def keep_busy() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                ask(port, "/cpu", timeout=30)
                ended.append(time.monotonic())

    threads = [threading.Thread(target=keep_busy) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        yield ended
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def beside_busy_pool(run: Run, server: Server) -> list[dict[str, Any]]:
    """Latency of the JSON answer at 1,000 a second while CPU-bound `def` handlers run, on one core and on two."""
    found = []
    path = WORKLOADS["json"].path
    for cpus in (frozenset({cores()[0]}), frozenset(cores())):
        with running(replace(run.start(server, WORKLOADS["json"]), cpus=cpus)):
            quiet = load.latency(run.paced, run.port, path, rate=1000, connections=8)
            status, _ = ask(run.port, "/cpu")
            if status != 200:
                raise Failed(f"/cpu answered {status}")
            with busy_pool(run.port):
                busy = load.latency(run.paced, run.port, path, rate=1000, connections=8)
        found.append({"cores": len(cpus), "quiet": quiet, "busy": busy})
    return found


def attempt(run: Run, server: str, what: str, measure: Callable[[], Any]) -> Any:
    """A measurement, or nothing where the server cannot do it."""
    try:
        found = measure()
    except (Failed, OSError) as failure:
        run.cannot(server, what, str(failure))
        return None
    print(f"{what:16} {server:18} {found}", flush=True)
    return found


def measure_all(run: Run) -> dict[str, Any]:
    """Every size of every contestant that takes part in this run."""
    gc.disable()
    sizes: dict[str, Any] = {"idle": {}, "start": {}, "burst": {}, "busy_pool": {}}
    for name, server in run.servers.items():
        if server.absent or name not in SIZED:
            continue
        sizes["idle"][name] = attempt(run, name, "idle connection", partial(idle_connections, run, server))
        command = server.command(run.port, HELLO)
        sizes["start"][name] = attempt(run, name, "start", partial(starts, run, server, command))
        if name == "covet":
            sizes["start"]["covet, supervised"] = attempt(
                run, name, "supervised start", partial(starts, run, server, covet_command(run.port, workers=1))
            )
            sizes["typed_routes"] = attempt(run, name, "1,000 routes", partial(typed_routes, run, server))
            sizes["burst"][name] = attempt(run, name, "burst", partial(burst, run, server))
        if name in {"covet", "fastapi"}:
            sizes["busy_pool"][name] = attempt(run, name, "busy pool", partial(beside_busy_pool, run, server))
    gc.enable()
    return sizes
