"""`async with Server(...)` inside a running program, on every kind of loop."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from covet import ConfigurationError, Covet, Server
from tests.embedding.loops import LOOPS, TARGETS, get, make_app, port_of, run_on
from tests.wire.connection import Connection, ask

pytestmark = pytest.mark.parametrize("kind", LOOPS)


def attached(loop: asyncio.AbstractEventLoop) -> list[str]:
    """What a server left on the loop."""
    return [name for name in vars(loop) if name == "_covet_driver" or name.startswith("call_")]


@pytest.mark.parametrize("debug", [False, True])
def test_every_kind_of_handler_answers(kind: str, debug: bool) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.slow_callback_duration = 60.0
        async with Server(make_app(), port=0) as server:
            for target, body in TARGETS.items():
                assert await get(server, target) == body
        assert not attached(loop)

    run_on(kind, main(), debug=debug)


def test_two_servers_in_one_loop_come_and_go_independently(kind: str) -> None:
    async def main() -> None:
        async with Server(make_app(), port=0) as first:
            async with Server(make_app(), port=0) as second:
                assert first.url != second.url
                assert await get(first, "/turn") == await get(second, "/turn") == "turn"
            assert await get(first, "/timer") == "timer"
            with pytest.raises(ConnectionRefusedError):
                await get(second)
        assert not attached(asyncio.get_running_loop())

    run_on(kind, main())


def test_ways_to_listen(kind: str) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            async with Server(make_app(), sockets=[one, two]) as server:
                for listener in (one, two):
                    answer = await asyncio.to_thread(ask, listener.getsockname()[1], "GET", "/")
                    assert answer.body == b"inline"
                assert port_of(server) == one.getsockname()[1]
            assert one.fileno() >= 0
            async with Server(make_app(), fd=two.fileno()) as server:
                assert await get(server) == "inline"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "socket")
            async with Server(make_app(), uds=path) as server:
                assert server.url == f"unix:{path}"
                reader, writer = await asyncio.open_unix_connection(path)
                writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                assert (await reader.read()).endswith(b"inline")
                writer.close()
                await writer.wait_closed()
            assert not path.exists()

    run_on(kind, main())


def test_a_program_goes_on_beside_its_server(kind: str) -> None:
    """Timers, streams, threads and futures of the program's own, with connections of the server open."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        before = loop.create_future()
        loop.call_later(0.02, before.set_result, "before")
        async with Server(make_app(), port=0) as server:
            own = await asyncio.start_server(echo, "127.0.0.1", 0)
            async with own:
                reader, writer = await asyncio.open_connection(*own.sockets[0].getsockname())
                writer.write(b"line\n")
                assert await reader.read() == b"line\n"
                writer.close()
                await writer.wait_closed()
            assert await before == "before"
            with Connection(port_of(server)) as kept:
                assert (await asyncio.to_thread(kept.ask, "GET", "/")).status == 200
                assert server.connections == 1
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await asyncio.Event().wait()
                order: list[int] = []
                for number in range(5):
                    (loop.call_soon if number % 2 else loop.call_soon_threadsafe)(order.append, number)
                await asyncio.sleep(0)
                assert order == [0, 1, 2, 3, 4]

    run_on(kind, main())


def test_what_is_scheduled_outlives_the_server(kind: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        seen: list[str] = []
        over = asyncio.Event()
        async with Server(make_app(), port=0):
            loop.call_later(0.02, seen.append, "timer")
            loop.call_later(0.03, over.set)
            cancelled = loop.call_later(0.01, seen.append, "cancelled")
            kept_call, kept_timer = loop.call_soon, loop.call_later
        cancelled.cancel()
        kept_call(seen.append, "call")
        kept_timer(0, seen.append, "short")
        await over.wait()
        assert seen == ["call", "short", "timer"]

    run_on(kind, main())


def test_the_lifespan_surrounds_serving(kind: str) -> None:
    events: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(app: Covet) -> AsyncIterator[None]:
        events.append("start")
        try:
            yield
        finally:
            events.append("end")

    app = Covet(lifespan=lifespan)

    @app.get("/")
    def hello() -> str:
        return "hello"

    class Failure(Exception):
        pass

    async def main() -> None:
        with pytest.raises(Failure):
            async with Server(app, port=0) as server:
                assert await get(server) == "hello"
                raise Failure
        assert events == ["start", "end"]
        with socket.create_server(("127.0.0.1", 0)) as taken:
            with pytest.raises(OSError, match="port in use"):
                async with Server(app, port=taken.getsockname()[1]):
                    pass
        assert events == ["start", "end"]

    run_on(kind, main())


def test_stop_in_a_handler_answers_and_ends(kind: str) -> None:
    app = Covet()

    @app.get("/")
    async def stop() -> str:
        server.stop()
        await asyncio.sleep(0)
        return "stopping"

    server = Server(app, port=0)

    async def main() -> None:
        async with server:
            asking = asyncio.create_task(get(server))
            await server.wait_closed()
            assert await asking == "stopping"
        with pytest.raises(ConfigurationError, match="started before"):
            async with server:
                pass

    run_on(kind, main())


def test_a_cancelled_program_cuts_its_server(kind: str) -> None:
    began, ended = asyncio.Event(), list[str]()
    app = Covet()

    @app.get("/")
    async def slow() -> str:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return "never"

    async def serve(server: Server) -> None:
        async with server:
            try:
                await server.serve()
            finally:
                asyncio.get_running_loop().call_soon(serving.cancel)  # again, while it drains

    async def main() -> None:
        nonlocal serving
        server = Server(app, port=0)
        serving = asyncio.create_task(serve(server))
        while not server._url:
            await asyncio.sleep(0)
        asking = asyncio.create_task(get(server))
        await began.wait()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        with pytest.raises(Exception, match="b''"):
            await asking
        assert ended == ["cancelled"]
        assert not attached(asyncio.get_running_loop())

    serving: asyncio.Task[None]
    run_on(kind, main())


def test_drain_has_a_limit(kind: str) -> None:
    began = asyncio.Event()
    app = Covet()

    @app.get("/")
    async def slow() -> str:
        began.set()
        await asyncio.Event().wait()
        return "never"

    async def main() -> None:
        async with Server(app, port=0) as server:
            asking = asyncio.create_task(get(server))
            await began.wait()
            await server.drain(0.05)
            with pytest.raises(Exception, match="b''"):
                await asking

    run_on(kind, main())


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_handler_ends_the_program(kind: str, error: type[BaseException]) -> None:
    app = Covet()

    @app.get("/")
    async def interrupt() -> str:
        await asyncio.sleep(0)
        raise error("from a handler")

    ended: list[str] = []

    async def main() -> None:
        async with Server(app, port=0) as server:
            try:
                with contextlib.suppress(Exception):
                    await get(server)
                await asyncio.Event().wait()
            finally:
                ended.append("left")

    with pytest.raises(error):
        run_on(kind, main())
    gc.collect()
    assert ended == ["left"]


def test_a_signal_reaches_its_python_handler(kind: str) -> None:
    """A plain `signal.signal` handler runs while the server waits for work."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        seen = asyncio.Event()

        def handler(number: int, frame: object) -> None:
            loop.call_soon_threadsafe(seen.set)

        before = signal.signal(signal.SIGUSR1, handler)
        try:
            async with Server(make_app(), port=0) as server:
                assert await get(server) == "inline"
                await asyncio.to_thread(os.kill, os.getpid(), signal.SIGUSR1)
                await seen.wait()
        finally:
            signal.signal(signal.SIGUSR1, before)

    run_on(kind, main())


def test_signal_handlers_only_where_asked(kind: str) -> None:
    names = [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]

    async def main() -> None:
        before = [signal.getsignal(name) for name in names]
        async with Server(make_app(), port=0):
            assert [signal.getsignal(name) for name in names] == before
        async with Server(make_app(), port=0, signals=[signal.SIGTERM]) as server:
            assert signal.getsignal(signal.SIGTERM) is not before[0]
            os.kill(os.getpid(), signal.SIGTERM)
            await server.wait_closed()
        assert [signal.getsignal(name) for name in names] == before

    run_on(kind, main())


def test_a_signal_that_cannot_be_handled(kind: str) -> None:
    """Prevents the start, and leaves nothing of it."""

    async def main() -> None:
        before = signal.getsignal(signal.SIGTERM)
        server = Server(make_app(), port=0, signals=[signal.SIGTERM, signal.SIGKILL])
        with pytest.raises(RuntimeError, match="cannot be caught"):
            await server.__aenter__()
        assert signal.getsignal(signal.SIGTERM) == before
        with pytest.raises(RuntimeError, match="does not listen yet"):
            _ = server.url
        assert not attached(asyncio.get_running_loop())

    run_on(kind, main())


def test_a_loop_closed_with_its_server_open(kind: str) -> None:
    """Nothing crashes; what was forgotten is reported, once for each server."""
    loop = LOOPS[kind]()

    async def start() -> Server:
        server = Server(make_app(), port=0)
        await server.__aenter__()
        assert await get(server) == "inline"
        return server

    server = loop.run_until_complete(start())
    kept = Connection(port_of(server))
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon(print)
    with pytest.warns(ResourceWarning, match="unclosed <covet.Server http"):
        del server
        gc.collect()
    del loop
    gc.collect()
    kept.socket.close()


def test_a_loop_runs_many_times_with_one_server(kind: str) -> None:
    """As in a notebook, whose cells run one after another."""
    loop = LOOPS[kind]()
    server = Server(make_app(), port=0)
    loop.run_until_complete(server.__aenter__())
    for target, body in TARGETS.items():
        assert loop.run_until_complete(get(server, target)) == body
        loop.call_soon(loop.stop)
        loop.run_forever()
    loop.run_until_complete(server.__aexit__(None, None, None))
    assert not attached(loop)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"uds": "a", "fd": 3}, "uds and fd are both given: give one"),
        ({"fd": 3, "sockets": [socket.socket()]}, "fd and sockets are both given"),
        ({"port": 65536}, "port is 65536"),
        ({"port": "80"}, "port is '80'"),
    ],
)
def test_mistakes(kind: str, words: dict[str, Any], error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        Server(Covet(), **words)
    for sock in words.get("sockets", ()):
        sock.close()


def test_before_it_runs(kind: str) -> None:
    async def main() -> None:
        server = Server(make_app(), port=0)
        assert server.connections == 0
        with pytest.raises(RuntimeError, match="does not listen yet"):
            _ = server.url
        for use in (server.drain, server.wait_closed):
            with pytest.raises(RuntimeError, match="does not run"):
                await use()

    run_on(kind, main())


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
@pytest.mark.timeout(320)  # a soak is no measurement: other work on the machine must not end it
@pytest.mark.parametrize("times", [100, pytest.param(1000, marks=pytest.mark.soak)])
def test_started_and_stopped_many_times_it_leaves_nothing(kind: str, times: int) -> None:
    app = make_app()

    async def once() -> None:
        async with Server(app, port=0) as server:
            assert await get(server, "/timer") == "timer"

    async def main() -> None:
        for _ in range(30):
            await once()
        gc.collect()
        files, memory, tasks = descriptors(), resident(), len(asyncio.all_tasks())
        for _ in range(times):
            await once()
        gc.collect()
        assert descriptors() == files
        assert len(asyncio.all_tasks()) == tasks
        assert resident() - memory < 4 * 1024 * 1024
        assert not attached(asyncio.get_running_loop())

    run_on(kind, main(), patience=300)
