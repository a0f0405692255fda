"""What is particular to a driver: how the engine gets into a loop that is not covet's, and out of it again."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from covet import ConfigurationError, Covet, Request, Server
from covet._drivers import attach, loop_factory
from covet._native import GuestDriver, StockDriver
from covet.loop import EventLoop
from covet.settings import ServerSettings
from tests.embedding.loops import LOOPS, Overriding, get, make_app, port_of, run_on
from tests.wire.server_process import PATIENCE


@pytest.mark.parametrize(
    ("kind", "driver"),
    [
        ("covet", None),
        ("asyncio", StockDriver),
        ("uvloop", GuestDriver),
        ("asyncio without descriptor", GuestDriver),
        ("asyncio overridden", GuestDriver),
    ],
)
def test_which_driver_a_loop_gets(kind: str, driver: type | None) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with Server(make_app(), port=0):
            used = vars(loop).get("_covet_driver")
            assert used is None if driver is None else isinstance(used, driver)
            if isinstance(loop, Overriding):
                before = loop.soon
                loop.call_soon(int)
                assert loop.soon == before + 1

    run_on(kind, main())


def test_a_stock_loop_gets_everything_back() -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        before, selector = dict(vars(loop)), loop._selector
        async with Server(make_app(), port=0):
            assert loop._selector is not selector
            assert loop._selector.fileno() == selector.fileno()
            assert loop._selector.get_map().keys() == selector.get_map().keys()
            assert "call_soon" in vars(loop)
        await asyncio.sleep(0)
        assert loop._selector is selector
        assert vars(loop).keys() == before.keys()

    run_on("asyncio", main())


def test_a_loop_that_cannot_watch_descriptors() -> None:
    class Deaf(Overriding):
        def add_reader(self, *words: Any) -> Any:  # type: ignore[override]
            raise NotImplementedError

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(ConfigurationError, match=r"Deaf cannot drive the server.*Server\(app\)\.thread\(\)"):
            async with Server(make_app(), port=0):
                pass
        assert "_covet_driver" not in vars(loop)

    with asyncio.Runner(loop_factory=Deaf) as runner:
        runner.run(main())


def test_a_loop_that_is_not_installed() -> None:
    assert loop_factory("covet") is EventLoop
    with pytest.raises(
        ConfigurationError, match="the event loop nosuchloop cannot be imported.*pip install nosuchloop"
    ):
        loop_factory("nosuchloop")


def test_what_is_scheduled_past_the_replaced_methods_runs() -> None:
    """By a method of the class, from a callback and from a handler, while the engine waits in `select`."""
    app = Covet()
    seen: list[str] = []

    @app.get("/")
    async def past() -> str:
        loop: Any = asyncio.get_running_loop()
        done = loop.create_future()
        asyncio.SelectorEventLoop.call_soon(loop, seen.append, "soon")
        asyncio.SelectorEventLoop.call_at(loop, loop.time(), done.set_result, "timer")
        return str(await done)

    async def main() -> None:
        async with Server(app, port=0) as server:
            assert await get(server) == "timer"
            assert seen == ["soon"]

    run_on("asyncio", main())


def test_timers_from_before_the_server_ring_in_time() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        rung = [loop.create_future() for _ in range(3)]
        for number, future in enumerate(rung):
            loop.call_later(0.005 * number, future.set_result, number)
        async with Server(make_app(), port=0):
            assert await asyncio.gather(*rung) == [0, 1, 2]

    run_on("asyncio", main())


def test_a_loop_run_again_inside_a_callback_is_refused() -> None:
    """As nest_asyncio does it: `_run_once` is called by a callback of the loop."""

    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        async with Server(make_app(), port=0) as server:
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match=r"ran the event loop again.*Server\(app\)\.thread\(\)"):
                loop._run_once()
            assert await get(server) == "inline"

    run_on("asyncio", main())


def test_a_guest_rests_after_clients_that_left() -> None:
    """Whatever woke their tasks last: a visit finds nothing to do."""
    app, cut = Covet(), []

    @app.get("/")
    async def slow() -> str:
        try:
            await asyncio.sleep(60)
        finally:
            cut.append(1)
        return "never"

    async def main() -> None:
        async with Server(app, port=0) as server:
            driver = vars(asyncio.get_running_loop())["_covet_driver"]
            for _ in range(20):
                _, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
                writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                await asyncio.sleep(0.002)
                writer.close()
                await writer.wait_closed()
            while len(cut) < 20:
                await asyncio.sleep(0.001)
            assert not driver._visit()

    run_on("uvloop", main())


@pytest.mark.parametrize("kind", LOOPS)
def test_the_engines_timers_outlive_a_handler_that_exits(kind: str) -> None:
    """A guest may have called it while it looked at the timers: it must look again."""
    app = Covet()

    @app.get("/")
    async def leave() -> str:
        raise SystemExit(3)

    @app.post("/")
    async def whole(request: Request) -> int:
        return len(await request.body())

    loop = LOOPS[kind]()
    server = Server(app, port=0, settings=ServerSettings(body_timeout=0.1))

    def be_late() -> None:
        """The request is there when the loop's timers are overdue: they come next."""
        loop.remove_reader(ours)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.1)

    async def wait_for_the_deadline() -> bytes:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1")
            answer = await reader.read()
            writer.close()
            return answer

    loop.run_until_complete(server.__aenter__())
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_connection(("127.0.0.1", port_of(server))) as client:
        loop.add_reader(ours, be_late)
        theirs.send(b"now")
        with pytest.raises(SystemExit):
            loop.run_forever()
    assert loop.run_until_complete(wait_for_the_deadline()).startswith(b"HTTP/1.1 408 ")
    loop.run_until_complete(server.__aexit__(None, None, None))
    loop.close()


@pytest.mark.parametrize("kind", LOOPS)
def test_stop_in_a_handler_ends_run_forever(kind: str) -> None:
    app = Covet()
    loop = LOOPS[kind]()

    @app.get("/")
    async def stop() -> str:
        loop.stop()
        return "stopped"

    server = Server(app, port=0)
    loop.run_until_complete(server.__aenter__())
    asking = loop.create_task(get(server))
    loop.run_forever()
    loop.run_until_complete(asking)
    assert asking.result() == "stopped"
    loop.run_until_complete(server.__aexit__(None, None, None))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_debug_mode_of_a_stock_loop_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with Server(make_app(), port=0):
            await asyncio.sleep(0)
            with pytest.raises(TypeError, match="coroutines cannot be used with call_soon"):
                loop.call_soon(main)
            handle = loop.call_soon(print)
            assert "created at" in repr(handle)
            assert f"{__name__.rpartition('.')[2]}.py" in repr(handle)
            handle.cancel()
            reports: list[dict[str, Any]] = []
            loop.set_exception_handler(lambda _, context: reports.append(context))
            loop.call_soon(lambda: 1 / 0)
            loop.slow_callback_duration = 0.0
            with caplog.at_level(logging.WARNING, "asyncio"):
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            loop.slow_callback_duration = 60.0
            assert isinstance(reports[0]["exception"], ZeroDivisionError)
            assert "source_traceback" in reports[0]
            loop.set_debug(False)
            await asyncio.sleep(0.001)
            assert "created at" not in repr(loop.call_soon(int))

    run_on("asyncio", main(), debug=True)
    assert "Executing" in caplog.text


def test_calls_from_other_threads_while_servers_come_and_go() -> None:
    """None is lost in the moment when the loop gets its methods back."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        calls, over = [0], [False]
        count = [0]

        def one() -> None:
            calls[0] += 1

        def call() -> None:
            kept: Callable[..., Any] = loop.call_soon_threadsafe
            while not over[0]:
                for soon in (loop.call_soon_threadsafe, kept):
                    soon(one)
                    count[0] += 1

        calling = asyncio.create_task(asyncio.to_thread(call))
        app = make_app()
        for _ in range(20):
            async with Server(app, port=0) as server:
                assert await get(server) == "inline"
        over[0] = True
        await calling
        while calls[0] < count[0]:
            await asyncio.sleep(0.001)
        assert calls == count

    run_on("asyncio", main())


def test_an_engine_without_its_driver_says_so() -> None:
    async def main() -> None:
        driver = attach(asyncio.get_running_loop())
        driver.release()
        driver = attach(asyncio.get_running_loop())
        assert vars(asyncio.get_running_loop())["_covet_driver"] is driver
        driver.release()

    for kind in ("asyncio", "uvloop"):
        run_on(kind, main())
