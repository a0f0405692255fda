"""What programs with no server rely on: runners, loops in a row, exception handlers, what a shutdown does, other processes."""

import asyncio
import concurrent.futures
import contextvars
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from covet.loop import EventLoop, new_event_loop, run


def test_a_runner_keeps_its_loop_and_context() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="unset")

    async def put(value: str) -> asyncio.AbstractEventLoop:
        name.set(value)
        return asyncio.get_running_loop()

    async def read() -> str:
        return name.get()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        first = runner.run(put("set"))
        assert runner.run(read()) == "set"
        assert runner.get_loop() is first
        assert type(first) is EventLoop
    assert first.is_closed()
    assert name.get() == "unset"


def test_a_runners_debug_mode_is_the_loops() -> None:
    async def is_debug() -> bool:
        return asyncio.get_running_loop().get_debug()

    with asyncio.Runner(loop_factory=new_event_loop, debug=True) as runner:
        assert runner.run(is_debug())
    code = "import asyncio, covet.loop; print(covet.loop.new_event_loop().get_debug())"
    for value, expected in (("1", "True"), ("", "False")):
        environment = os.environ | {"PYTHONASYNCIODEBUG": value}
        words = [sys.executable, "-W", "ignore", "-c", code]
        assert (
            subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout.strip()
            == expected
        )


def test_what_is_left_at_the_end_of_run_is_cancelled() -> None:
    ended: list[str] = []

    async def forever(name: str) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    async def main() -> int:
        left.extend(asyncio.create_task(forever(name)) for name in "ab")
        await asyncio.sleep(0)
        return 7

    left: list[asyncio.Task[None]] = []
    assert run(main()) == 7
    assert sorted(ended) == ["a", "b"]


def test_loops_of_both_kinds_one_after_another() -> None:
    async def work() -> int:
        ours, theirs = os.pipe()
        got = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(ours, got.set)
        os.write(theirs, b"x")
        await got.wait()
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)
        return await asyncio.to_thread(int, "5")

    for runs in (run, asyncio.run, run, asyncio.run, run):
        assert runs(work()) == 5


def test_a_stock_loop_runs_on_another_thread_meanwhile() -> None:
    async def main() -> list[int]:
        return await asyncio.gather(
            *[asyncio.to_thread(asyncio.run, asyncio.sleep(0.001, number)) for number in range(5)]
        )

    assert run(main()) == list(range(5))


class TestExceptionHandler:
    @staticmethod
    def fail() -> None:
        raise ZeroDivisionError

    def test_it_is_set_asked_for_and_taken_back(self, loop: EventLoop, caplog: pytest.LogCaptureFixture) -> None:
        seen: list[Any] = []

        def handle(where: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            seen.append((where, type(context["exception"])))

        assert loop.get_exception_handler() is None
        loop.set_exception_handler(handle)
        assert loop.get_exception_handler() is handle
        loop.call_soon(self.fail)
        loop.run_until_complete(asyncio.sleep(0))
        assert seen == [(loop, ZeroDivisionError)]
        assert not caplog.records
        loop.set_exception_handler(None)
        loop.call_soon(self.fail)
        loop.run_until_complete(asyncio.sleep(0))
        assert len(seen) == 1
        assert "Exception in callback TestExceptionHandler.fail()" in caplog.text
        with pytest.raises(TypeError, match="A callable object or None is expected"):
            loop.set_exception_handler(7)

    def test_one_that_fails_is_reported(self, loop: EventLoop, caplog: pytest.LogCaptureFixture) -> None:
        loop.set_exception_handler(lambda *_: self.fail())
        loop.call_soon(self.fail)
        loop.run_until_complete(asyncio.sleep(0))
        assert "Unhandled error in exception handler" in caplog.text

    def test_one_that_exits_ends_the_run(self, loop: EventLoop) -> None:
        def leave(*_: object) -> None:
            raise SystemExit(3)

        loop.set_exception_handler(leave)
        loop.call_soon(self.fail)
        with pytest.raises(SystemExit):
            loop.run_forever()
        loop.set_exception_handler(None)
        loop.run_until_complete(asyncio.sleep(0))

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="the handler runs in the callback's context since 3.12")
    def test_it_runs_in_the_callbacks_context(self, loop: EventLoop) -> None:
        name: contextvars.ContextVar[str] = contextvars.ContextVar("name")
        context = contextvars.copy_context()
        context.run(name.set, "inside")
        seen: list[str] = []
        loop.set_exception_handler(lambda *_: seen.append(name.get()))
        loop.call_soon(self.fail, context=context)
        loop.run_until_complete(asyncio.sleep(0))
        assert seen == ["inside"]


class TestShutdown:
    def test_generators_are_closed_together_and_failures_reported(
        self, loop: EventLoop, reports: list[dict[str, object]]
    ) -> None:
        closed: list[int] = []

        async def numbers(number: int) -> AsyncIterator[int]:
            try:
                yield number
            finally:
                await asyncio.sleep(0)
                closed.append(number)
                if number == 2:
                    raise ZeroDivisionError

        async def main() -> None:
            for number in range(5):
                kept.append(numbers(number))
                await anext(kept[-1])
            await loop.shutdown_asyncgens()

        kept: list[Any] = []
        loop.run_until_complete(main())
        assert sorted(closed) == list(range(5))
        assert [type(report["exception"]) for report in reports] == [ZeroDivisionError]

    def test_a_generator_that_starts_afterwards_is_warned_about(self, loop: EventLoop) -> None:
        async def numbers() -> AsyncIterator[int]:
            yield 1

        async def main() -> None:
            await loop.shutdown_asyncgens()
            late = numbers()
            with pytest.warns(ResourceWarning, match="after loop.shutdown_asyncgens"):
                await anext(late)
            await late.aclose()  # type: ignore[attr-defined]

        loop.run_until_complete(main())

    def test_the_executor_finishes_its_work_and_takes_no_more(self, loop: EventLoop) -> None:
        gate = threading.Event()

        async def main() -> None:
            working = loop.run_in_executor(None, gate.wait, 10)
            loop.call_soon(gate.set)
            await loop.shutdown_default_executor()
            assert working.done()
            assert await working
            with pytest.raises(RuntimeError, match="Executor shutdown has been called"):
                loop.run_in_executor(None, int)

        loop.run_until_complete(main())

    @pytest.mark.skipif(sys.version_info < (3, 13), reason="3.12 waits all the same")
    def test_an_executor_that_does_not_finish_is_left(self, loop: EventLoop) -> None:
        gate = threading.Event()

        async def main() -> None:
            loop.run_in_executor(None, gate.wait, 10)
            with pytest.warns(RuntimeWarning, match="did not finish"):
                await loop.shutdown_default_executor(timeout=0.01)
            gate.set()

        loop.run_until_complete(main())

    def test_an_executor_of_ones_own(self, loop: EventLoop) -> None:
        with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="own") as executor:
            loop.set_default_executor(executor)
            name = loop.run_until_complete(asyncio.to_thread(lambda: threading.current_thread().name))
        assert name.startswith("own")
        with pytest.raises(TypeError):
            loop.set_default_executor(7)


class TestOtherProcesses:
    """Work handed to processes from a running loop, in each way that a process can start."""

    @pytest.fixture
    def quiet_fork(self) -> Iterator[None]:
        """3.12 and later warn about a fork beside threads; whether it works is what is tested."""
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield

    @pytest.mark.usefixtures("quiet_fork")
    @pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
    def test_a_process_pool(self, method: str) -> None:
        async def main() -> list[int]:
            loop = asyncio.get_running_loop()
            await asyncio.to_thread(int)
            context = multiprocessing.get_context(method)
            with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
                return await asyncio.gather(*[loop.run_in_executor(pool, pow, number, 2) for number in range(8)])

        assert run(main()) == [number**2 for number in range(8)]

    @pytest.mark.usefixtures("quiet_fork")
    def test_a_forked_child_runs_asyncios_own_loop(self) -> None:
        async def main() -> int:
            reading, writing = os.pipe()
            pid = os.fork()
            if pid == 0:
                try:
                    os.write(writing, asyncio.run(asyncio.sleep(0.001, b"ran")))
                except BaseException as error:
                    os.write(writing, repr(error).encode())
                finally:
                    os._exit(0)
            os.close(writing)
            with open(reading, "rb") as pipe:
                answer = await asyncio.to_thread(pipe.read)
            os.waitpid(pid, 0)
            assert answer == b"ran"
            return await asyncio.sleep(0.001, 7)

        assert run(main()) == 7

    def test_a_signal_for_the_child_does_not_reach_the_parents_handlers(self, loop: EventLoop) -> None:
        got: list[int] = []

        async def main() -> int | None:
            loop.add_signal_handler(signal.SIGUSR1, got.append, 1)
            code = "import signal, sys; signal.signal(signal.SIGUSR1, lambda *_: sys.exit(5)); print('ready', flush=True); input()"
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdin=pipe, stdout=pipe)
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
            process.send_signal(signal.SIGUSR1)
            await process.communicate()
            return process.returncode

        assert loop.run_until_complete(main()) == 5
        assert got == []
        assert loop.remove_signal_handler(signal.SIGUSR1)


def test_a_slow_step_of_a_task_is_named(loop: EventLoop, caplog: pytest.LogCaptureFixture) -> None:
    loop.set_debug(True)
    loop.slow_callback_duration = 0.001

    async def dawdle() -> None:
        await asyncio.sleep(0)
        until = time.monotonic() + 0.002
        while time.monotonic() < until:
            pass

    loop.run_until_complete(dawdle())
    slow = [record.getMessage() for record in caplog.records if "took" in record.getMessage()]
    assert any("dawdle()" in message and message.startswith("Executing <Task") for message in slow), slow


def test_debug_mode_refuses_a_call_from_another_thread_and_its_own_loop_says_so(loop: EventLoop) -> None:
    loop.set_debug(True)

    async def main() -> None:
        with pytest.raises(RuntimeError, match="Non-thread-safe operation"):
            await asyncio.to_thread(loop.call_soon, print)
        with pytest.raises(TypeError, match="coroutines cannot be used"):
            loop.call_soon(main)

    loop.run_until_complete(main())


def test_a_task_factory_makes_the_tasks(loop: EventLoop) -> None:
    class Task(asyncio.Task[Any]):
        pass

    loop.set_task_factory(lambda where, coroutine, **words: Task(coroutine, loop=where, **words))

    async def main() -> bool:
        return type(asyncio.current_task()) is Task and type(asyncio.create_task(asyncio.sleep(0))) is Task

    assert loop.run_until_complete(main())
    loop.run_until_complete(asyncio.sleep(0))
