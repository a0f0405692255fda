"""A raw RSGI app for granian. It has no typed parameters and no router."""

import asyncio
import time

import orjson
from rows import ROWS

JSON = [("content-type", "application/json")]
TEXT = [("content-type", "text/plain; charset=utf-8")]


CHUNKS = [b"0123456789abcdef" * 4096 for _ in range(16)]


def greeting():
    return {"hello": "world"}


async def main(scope, protocol):
    path = scope.path
    if path == "/stream":
        transport = protocol.response_stream(200, [("content-type", "application/octet-stream")])
        for chunk in CHUNKS:
            await transport.send_bytes(chunk)
        return
    if path == "/text":
        protocol.response_str(200, TEXT, "Hello, World!")
        return
    if path == "/sleep0":
        await asyncio.sleep(0)
    elif path == "/sleep1ms":
        await asyncio.sleep(0.001)
    elif path == "/pool":
        await asyncio.get_running_loop().run_in_executor(None, greeting)
    elif path == "/pool-yields":
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0)
    protocol.response_bytes(200, JSON, orjson.dumps(ROWS if path == "/rows" else {"hello": "world"}))
