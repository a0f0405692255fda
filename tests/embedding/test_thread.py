"""A server on a thread of its own, beside a synchronous program."""

import asyncio
import contextlib
import gc
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator

import pytest

from covet import Covet, Server
from tests.embedding.loops import TARGETS, make_app
from tests.wire.connection import ask


def fetch(url: str, target: str = "/") -> str:
    return ask(int(url.rpartition(":")[2]), "GET", target).body.decode()


def test_it_serves_beside_the_program() -> None:
    threads = threading.active_count()
    with Server(make_app(), port=0).thread() as server:
        for target, body in TARGETS.items():
            assert fetch(server.url, target) == body
    with pytest.raises(ConnectionRefusedError):
        fetch(server.url)
    assert threading.active_count() == threads


def test_several_at_once_and_inside_an_asyncio_program() -> None:
    async def main() -> None:
        with Server(make_app(), port=0).thread() as first, Server(make_app(), port=0).thread() as second:
            for server in (first, second):
                assert await asyncio.to_thread(fetch, server.url, "/turn") == "turn"

    asyncio.run(main())


def test_stop_ends_it_before_the_block_does() -> None:
    with Server(make_app(), port=0).thread() as server:
        server.stop()
        server.stop()
        assert server._thread is not None
        server._thread.join()
        server.stop()


def test_what_prevents_the_start_is_raised() -> None:
    @contextlib.asynccontextmanager
    async def broken(app: Covet) -> AsyncIterator[None]:
        raise ValueError("no database")
        yield

    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(OSError, match="port in use"):
            with Server(make_app(), port=taken.getsockname()[1]).thread():
                pass
    with pytest.raises(ValueError, match="no database"):
        with Server(Covet(lifespan=broken), port=0).thread():
            pass


def test_what_the_end_raises_is_raised() -> None:
    @contextlib.asynccontextmanager
    async def broken(app: Covet) -> AsyncIterator[None]:
        yield
        raise ValueError("the end failed")

    with pytest.raises(ValueError, match="the end failed"):
        with Server(Covet(lifespan=broken), port=0).thread():
            pass
    with pytest.raises(KeyError, match="program"):
        with Server(Covet(lifespan=broken), port=0).thread():
            raise KeyError("program")


def test_once_only() -> None:
    thread = Server(make_app(), port=0).thread()
    with pytest.raises(RuntimeError, match="does not listen yet"):
        _ = thread.url
    thread.stop()
    with thread:
        pass
    with pytest.raises(RuntimeError, match="started before"):
        with thread:
            pass


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
@pytest.mark.timeout(320)  # as in test_server
@pytest.mark.parametrize("times", [50, pytest.param(500, marks=pytest.mark.soak)])
def test_many_leave_nothing(times: int) -> None:
    app = make_app()

    def once() -> None:
        with Server(app, port=0).thread() as server:
            assert fetch(server.url, "/pool") == "pool"

    for _ in range(5):
        once()
    gc.collect()
    files = len(os.listdir("/proc/self/fd"))
    for _ in range(times):
        once()
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == files
