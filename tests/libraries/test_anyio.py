"""aiofiles and anyio: threads, task groups, sockets and processes as those libraries use the loop."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from covet.loop import EventLoop, new_event_loop, run
from tests.libraries.services import library

aiofiles = library("aiofiles")
anyio = library("anyio")


def test_aiofiles_writes_and_reads(tmp_path: Path) -> None:
    lines = [f"line {number}\n" for number in range(500)]

    async def one(name: str) -> list[str]:
        async with aiofiles.open(tmp_path / name, "w") as file:
            for line in lines:
                await file.write(line)
        async with aiofiles.open(tmp_path / name) as file:
            return [line async for line in file]

    async def main() -> list[list[str]]:
        return await asyncio.gather(*[one(str(number)) for number in range(5)])

    assert run(main()) == [lines] * 5


def test_anyio_runs_on_this_loop_and_its_parts_work(tmp_path: Path) -> None:
    async def handle(stream: Any) -> None:
        async with stream:
            async for data in stream:
                await stream.send(data)

    async def main() -> None:
        assert isinstance(asyncio.get_running_loop(), EventLoop)
        assert await anyio.to_thread.run_sync(lambda: anyio.from_thread.run_sync(int, "5")) == 5
        with anyio.move_on_after(0.01) as scope:
            await anyio.sleep(60)
        assert scope.cancelled_caught
        async with anyio.create_task_group() as group:
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
            group.start_soon(listener.serve, handle)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                for number in range(50):
                    await stream.send(b"%d" % number)
                    assert await stream.receive() == b"%d" % number
                await stream.send(b"x" * 100_000)
                got = b""
                while len(got) < 100_000:
                    got += await stream.receive()
            group.cancel_scope.cancel()
        await listener.aclose()
        result = await anyio.run_process([sys.executable, "-c", "print(input())"], input=b"hello\n")
        assert result.stdout == b"hello\n"
        async with await anyio.open_file(tmp_path / "file", "w") as file:
            await file.write("text")
        assert await anyio.Path(tmp_path / "file").read_text() == "text"

    anyio.run(main, backend_options={"loop_factory": new_event_loop})


def test_an_exception_group_comes_out_of_anyio() -> None:
    async def fail() -> None:
        await anyio.sleep(0)
        raise ZeroDivisionError

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(fail)
            await anyio.sleep(60)

    with pytest.raises(ExceptionGroup) as caught:
        anyio.run(main, backend_options={"loop_factory": new_event_loop})
    assert caught.group_contains(ZeroDivisionError)
