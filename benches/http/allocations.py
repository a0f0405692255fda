"""Rust heap allocations and pool reuse per request, in steady state: `python -m benches.http.allocations`.

Builds the extension with a counting allocator beside the ordinary one, serves a few handlers inside this program and
asks over keep-alive connections. Prints one JSON object.
"""

import asyncio
import importlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".bench" / "counting"
REQUESTS = 20_000
WARM_UP = 2_000


def build() -> None:
    """The package with the counting extension, in a folder of its own."""
    environment = {**os.environ, "PYO3_PYTHON": sys.executable}
    command = ["cargo", "build", "--release", "--locked", "-p", "covet-py", "--features", "count-allocations"]
    subprocess.run([*command, "--target-dir", str(FOLDER / "target")], cwd=ROOT, env=environment, check=True)
    package = FOLDER / "covet"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(ROOT / "python" / "covet", package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    library = FOLDER / "target" / "release" / ("lib_native.dylib" if sys.platform == "darwin" else "lib_native.so")
    shutil.copy2(library, package / f"_native{sysconfig.get_config_var('EXT_SUFFIX')}")


async def measure(path: str, port: int) -> dict[str, float]:
    """Counts of `REQUESTS` requests on one connection, after a warm-up; the client here allocates nothing in Rust."""
    native = importlib.import_module("covet._native")  # this build has a function more than the stub

    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    async def ask(count: int) -> None:
        for _ in range(count):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)

    await ask(WARM_UP)
    before = native.allocation_counts()
    await ask(REQUESTS)
    allocations, taken, fresh = (after - old for after, old in zip(native.allocation_counts(), before, strict=True))
    writer.close()
    return {"allocations_per_request": allocations / REQUESTS, "pool_reuse": 1 - fresh / max(taken, 1)}


async def serve_and_ask() -> dict[str, dict[str, float]]:
    """Serve, ask each path, stop."""
    from covet import Covet, Server

    app = Covet()

    @app.get("/text")
    async def text() -> str:
        return "Hello, World!"

    @app.get("/json")
    async def document() -> dict[str, str]:
        return {"hello": "world"}

    @app.get("/items/{id}")
    async def item(id: int, q: str) -> dict[str, int | str]:
        return {"id": id, "q": q}

    async with Server(app, port=0) as server:
        port = int(server.url.rsplit(":", 1)[1])
        return {path: await measure(path, port) for path in ("/text", "/json", "/items/7?q=a")}


def main() -> None:
    """Build, then measure in a process that imports the counting package."""
    if os.environ.get("COVET_COUNTING") == "1":
        from covet.loop import run

        print(json.dumps(run(serve_and_ask()), indent=1))
        return
    build()
    environment = {**os.environ, "COVET_COUNTING": "1", "PYTHONPATH": str(FOLDER)}
    command = [sys.executable, str(Path(__file__).resolve())]
    subprocess.run(command, env=environment, check=True, cwd=FOLDER)


if __name__ == "__main__":
    main()
