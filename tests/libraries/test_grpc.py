"""grpc.aio, whose own thread wakes the loop: a server and a client in one loop."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from covet.loop import run
from tests.libraries.services import library

grpc = library("grpc")


async def shout(message: bytes, context: Any) -> bytes:
    await asyncio.sleep(0)
    return message.upper()


async def count(message: bytes, context: Any) -> AsyncIterator[bytes]:
    for number in range(int(message)):
        yield str(number).encode()


async def echo(messages: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
    async for message in messages:
        yield message


async def refuse(message: bytes, context: Any) -> bytes:
    await context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")
    return b""


async def stall(message: bytes, context: Any) -> bytes:
    await asyncio.sleep(60)
    return b""


def test_unary_streams_errors_and_deadlines() -> None:
    handlers = {
        "Shout": grpc.unary_unary_rpc_method_handler(shout),
        "Count": grpc.unary_stream_rpc_method_handler(count),
        "Echo": grpc.stream_stream_rpc_method_handler(echo),
        "Refuse": grpc.unary_unary_rpc_method_handler(refuse),
        "Stall": grpc.unary_unary_rpc_method_handler(stall),
    }

    async def main() -> None:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Service", handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary("/test.Service/Shout")
            answers = await asyncio.gather(*[call(b"hello %d" % number) for number in range(100)])
            assert answers == [b"HELLO %d" % number for number in range(100)]
            got = [message async for message in channel.unary_stream("/test.Service/Count")(b"50")]
            assert got == [str(number).encode() for number in range(50)]
            both = channel.stream_stream("/test.Service/Echo")()
            for number in range(20):
                await both.write(b"%d" % number)
                assert await both.read() == b"%d" % number
            await both.done_writing()
            assert await both.read() == grpc.aio.EOF
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await channel.unary_unary("/test.Service/Refuse")(b"")
            assert refused.value.code() == grpc.StatusCode.NOT_FOUND
            with pytest.raises(grpc.aio.AioRpcError) as late:
                await channel.unary_unary("/test.Service/Stall")(b"", timeout=0.05)
            assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        await server.stop(0)

    run(main())
