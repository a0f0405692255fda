"""A directory to serve with secrets around it, and what is asked of it in the loop of its server."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from covet import Covet, Server
from tests.wire.answers import Answer
from tests.wire.connection import Connection, Fields
from tests.wire.loop_client import run
from tests.wire.server_process import PATIENCE

T = TypeVar("T")

NUMBERS = bytes(at % 251 for at in range(100_000))
AT = "Sun, 06 Nov 1994 08:49:37 GMT"
"""When every file of the site was modified, by its time stamp."""
STAMP = 784111777


def laid_out(tmp_path: Path) -> Path:
    """The directory."""
    files = {
        "site/index.html": b"<p>index</p>",
        "site/a.txt": b"text",
        "site/numbers.bin": NUMBERS,
        "site/sub/index.html": b"<p>sub</p>",
        "site/bare/b.mjs": b"1",
        "site/bare/b.mjs.map": b"{}",
        "site/app.js": b"plain",
        "site/app.js.br": b"brotli",
        "site/app.js.zst": b"zstandard",
        "site/app.js.gz": b"gzipped",
        "site/app-BqD5k2lX.js": b"hashed",
        "site/.env": b"secret",
        "site/.git/config": b"secret",
        "site-other/secret": b"secret",
        "secret": b"secret",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (STAMP, STAMP))
    for link, target in {
        "inside": "a.txt",
        "escape": "../secret",
        "escapes": "..",
        "absolute": "/etc",
        "root": "/proc/self/root",
    }.items():
        (tmp_path / "site" / link).symlink_to(target)
    os.mkfifo(tmp_path / "site" / "pipe")
    return tmp_path / "site"


def served(app: Covet, client: Callable[[int], T]) -> T:
    """What `client` finds, in a thread of its own, at the port where `app` is served."""

    async def serve() -> T:
        async with asyncio.timeout(PATIENCE), Server(app, port=0) as server:
            return await asyncio.to_thread(client, int(server.url.rpartition(":")[2]))

    return run(serve())


def static(directory: Path, *, spa: bool = False) -> Covet:
    app = Covet()
    app.static("/s", directory, spa=spa)

    @app.get("/alive")
    async def alive() -> str:
        return "alive"

    return app


def asked(app: Covet, *questions: tuple[str, str, Fields]) -> list[Answer]:
    """The answers to method, target and fields, on one connection, which still works after them."""

    def converse(port: int) -> list[Answer]:
        with Connection(port) as connection:
            answers = [connection.ask(*question) for question in questions]
            assert connection.ask("GET", "/alive").body == b"alive"
            return answers

    return served(app, converse)
