"""Calls on the loop's own threads against what asyncio and `concurrent.futures` promise of them."""

import asyncio
import concurrent.futures
import contextvars
import gc
import sys
import sysconfig
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from covet._executor import Threads
from covet.loop import EventLoop

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def raises(error: BaseException) -> None:
    raise error


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0)


def threads_of(loop: EventLoop) -> Threads:
    threads = loop._default_executor
    assert type(threads) is Threads
    return threads


def test_arguments_and_answers(loop: EventLoop) -> None:
    async def main() -> None:
        answers = [loop.run_in_executor(None, pow, number, 2) for number in range(100)]
        assert await asyncio.gather(*answers) == [number**2 for number in range(100)]
        names = [loop.run_in_executor(None, lambda: threading.current_thread().name) for _ in range(20)]
        assert all(name.startswith("asyncio_") for name in await asyncio.gather(*names))
        assert 1 <= len(threads_of(loop)._threads) <= threads_of(loop)._max_workers

    loop.run_until_complete(main())


def test_a_thread_that_waits_is_used_again(loop: EventLoop) -> None:
    async def main() -> None:
        await loop.run_in_executor(None, int)
        threads: Any = threads_of(loop)
        await until(lambda: len(threads._idle_semaphore._waiting) == 1)
        for _ in range(50):
            await loop.run_in_executor(None, int)
            await until(lambda: len(threads._idle_semaphore._waiting) == 1)
        assert len(threads._threads) == 1

    loop.run_until_complete(main())


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (KeyError("x"), KeyError),
        (SystemExit(3), SystemExit),
        (concurrent.futures.CancelledError(), asyncio.CancelledError),
        (concurrent.futures.InvalidStateError(), asyncio.InvalidStateError),
    ],
)
def test_what_a_call_raises(loop: EventLoop, raised: BaseException, seen: type[BaseException]) -> None:
    async def main() -> None:
        answer = loop.run_in_executor(None, raises, raised)
        await asyncio.wait([answer])
        assert type(answer.exception()) is seen

    loop.run_until_complete(main())


def test_a_call_is_let_go_with_its_answer(loop: EventLoop) -> None:
    class Kept:
        pass

    async def main() -> list[weakref.ref[Any]]:
        argument = Kept()
        gone: list[weakref.ref[Any]] = [weakref.ref(argument)]
        for function in (str, int):
            answer = loop.run_in_executor(None, function, argument)
            await asyncio.wait([answer])
            assert answer.done()
            answer.exception()
            gone.append(weakref.ref(answer))
        return gone

    def is_gone() -> bool:
        if FREE_THREADED:  # what a thread made is let go when that thread runs again, however few its references are
            loop.run_in_executor(None, int)
        return all(reference() is None for reference in gone)

    gc.disable()
    try:
        gone = loop.run_until_complete(main())
        loop.run_until_complete(until(is_gone))
    finally:
        gc.enable()


def test_a_call_that_is_cancelled_before_its_turn_is_not_made(loop: EventLoop) -> None:
    gate, made = threading.Event(), []

    async def main() -> None:
        await loop.run_in_executor(None, int)
        count = threads_of(loop)._max_workers
        busy = [loop.run_in_executor(None, gate.wait, 20) for _ in range(count)]
        waiting = loop.run_in_executor(None, made.append, 1)
        last = loop.run_in_executor(None, int)
        waiting.cancel()
        running = busy[0]
        running.cancel()
        gate.set()
        assert await last == 0
        assert await asyncio.gather(*busy[1:]) == [True] * (count - 1)
        assert waiting.cancelled()
        assert running.cancelled()

    loop.run_until_complete(main())
    assert made == []


def test_what_waits_is_cancelled_with_the_executor(loop: EventLoop) -> None:
    gate = threading.Event()

    async def main() -> None:
        await loop.run_in_executor(None, int)
        threads = threads_of(loop)
        busy = [loop.run_in_executor(None, gate.wait, 20) for _ in range(threads._max_workers)]
        waiting = loop.run_in_executor(None, int)
        await until(lambda: threads._work_queue.qsize() == 1)
        threads.shutdown(wait=False, cancel_futures=True)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gate.set()
        assert await asyncio.gather(*busy) == [True] * len(busy)
        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
            loop.run_in_executor(None, int)

    loop.run_until_complete(main())


def test_an_answer_after_the_loop_was_closed_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    loop, gate, ended = EventLoop(), threading.Event(), threading.Event()

    def work() -> None:
        gate.wait(20)
        ended.set()

    async def main() -> None:
        loop.run_in_executor(None, work)

    loop.run_until_complete(main())
    threads = threads_of(loop)
    loop.close()
    gate.set()
    assert ended.wait(20)
    threads.shutdown()
    assert capfd.readouterr().err == ""


def test_a_closed_loop_and_debug_mode(loop: EventLoop) -> None:
    async def function() -> None: ...

    async def main() -> None:
        loop.set_debug(True)
        with pytest.raises(TypeError, match="coroutines cannot be used with run_in_executor"):
            loop.run_in_executor(None, function)
        assert await loop.run_in_executor(None, int) == 0
        loop.set_debug(False)
        assert await loop.run_in_executor(None, int) == 0

    loop.run_until_complete(main())
    loop.close()
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.run_in_executor(None, int)


def test_a_thread_has_the_context_that_is_passed(loop: EventLoop) -> None:
    variable = contextvars.ContextVar("variable", default=0)
    # A new thread has that of its maker on free-threaded Python, and where `-X thread_inherit_context` says so.
    inherited = int(getattr(sys.flags, "thread_inherit_context", False))

    async def main() -> None:
        variable.set(1)
        assert await asyncio.to_thread(variable.get) == 1
        assert await loop.run_in_executor(None, variable.get) == inherited

    loop.run_until_complete(main())
