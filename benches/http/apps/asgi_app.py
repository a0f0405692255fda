"""A raw ASGI app: what a server costs with no framework on top. It has no typed parameters and no router."""

import asyncio
import time

import orjson
from rows import ROWS

TEXT = [(b"content-type", b"text/plain; charset=utf-8")]
JSON = [(b"content-type", b"application/json")]


CHUNKS = [b"0123456789abcdef" * 4096 for _ in range(16)]


async def stream(send):
    headers = [(b"content-type", b"application/octet-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for chunk in CHUNKS:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def greeting():
    return {"hello": "world"}


async def main(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path == "/stream":
        await stream(send)
        return
    if path == "/text":
        headers, body = TEXT, b"Hello, World!"
    else:
        if path == "/sleep0":
            await asyncio.sleep(0)
        elif path == "/sleep1ms":
            await asyncio.sleep(0.001)
        elif path == "/pool":
            await asyncio.get_running_loop().run_in_executor(None, greeting)
        elif path == "/pool-yields":
            await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0)
        headers, body = JSON, orjson.dumps(ROWS if path == "/rows" else {"hello": "world"})
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
