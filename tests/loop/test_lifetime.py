"""Loops come and go: many in a row, one per thread, moved between threads, after a fork."""

import asyncio
import gc
import os
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from covet.loop import EventLoop, new_event_loop, run


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))


def resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def use_everything() -> None:
    loop = asyncio.get_running_loop()
    loop.call_later(3600, print)
    async with asyncio.timeout(60):
        await asyncio.gather(*[asyncio.sleep(0) for _ in range(10)])


def test_many_loops_one_after_another_leave_nothing_behind() -> None:
    for _ in range(20):
        run(use_everything())
    gc.collect()
    files, memory = descriptors(), resident() if sys.platform == "linux" else 0
    for _ in range(300):
        run(use_everything())
    gc.collect()
    assert descriptors() == files
    if sys.platform == "linux":
        assert resident() - memory < 2 * 1024 * 1024


def test_a_loop_runs_many_times(loop: EventLoop) -> None:
    async def number(value: int) -> int:
        await asyncio.sleep(0)
        return value

    before = None
    for value in range(200):
        assert loop.run_until_complete(number(value)) == value
        before = before or descriptors()
    assert descriptors() == before


def test_closing_with_everything_pending_is_quiet() -> None:
    loop = new_event_loop()
    task = loop.create_task(asyncio.sleep(3600))
    loop.run_until_complete(asyncio.sleep(0))
    loop.call_soon(print)
    loop.call_later(1, print)
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    assert loop.is_closed()
    # Cancelling a timer of a closed loop is allowed: the sleeping task will do it.
    del task
    gc.collect()


def test_a_running_loop_is_not_closed(loop: EventLoop) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="Cannot close a running event loop"):
            loop.close()

    loop.run_until_complete(main())


def in_thread(function: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def test_two_threads_each_with_a_loop_talk_to_each_other() -> None:
    rounds = 200
    loops = [new_event_loop(), new_event_loop()]
    queues: list[asyncio.Queue[int]] = [asyncio.Queue(), asyncio.Queue()]

    async def play(me: int) -> int:
        other = 1 - me
        ball = 0
        for _ in range(rounds):
            loops[other].call_soon_threadsafe(queues[other].put_nowait, ball + 1)
            ball = await queues[me].get()
        return ball

    results = [0, 0]

    def drive(me: int) -> None:
        results[me] = loops[me].run_until_complete(play(me))
        loops[me].close()

    threads = [threading.Thread(target=drive, args=(me,)) for me in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [rounds, rounds]


def test_a_loop_moves_between_threads(loop: EventLoop) -> None:
    async def ident() -> int:
        await asyncio.sleep(0.001)
        return threading.get_ident()

    assert loop.run_until_complete(ident()) == threading.get_ident()
    assert in_thread(lambda: loop.run_until_complete(ident())) != threading.get_ident()
    assert loop.run_until_complete(ident()) == threading.get_ident()


def test_a_loop_that_ran_elsewhere_is_closed_here() -> None:
    files = descriptors()
    loop = new_event_loop()
    in_thread(lambda: loop.run_until_complete(asyncio.sleep(0)))
    loop.close()
    assert descriptors() == files


def test_a_loop_on_a_daemon_thread_is_stopped_from_outside() -> None:
    loop = new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    future = asyncio.run_coroutine_threadsafe(asyncio.sleep(0.001, "result"), loop)
    assert future.result(10) == "result"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def wait_for_child(child: Callable[[], bytes]) -> bytes:
    """Fork; return what `child` returned in the child."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, child())
        except BaseException as error:
            os.write(writing, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    return answer


def test_a_forked_child_has_no_running_loop_and_leaves_the_parents_alone(loop: EventLoop) -> None:
    def child() -> bytes:
        assert asyncio._get_running_loop() is None
        try:
            run(asyncio.sleep(0))
        except RuntimeError as error:
            assert "a child forked inside one" in str(error), error
        loop._tear_down()
        return str(in_thread(lambda: run(asyncio.sleep(0.001, "ran")))).encode()

    async def main() -> bytes:
        answer = wait_for_child(child)
        # The child tore its copy down: the parent's timers and descriptors still work.
        await asyncio.sleep(0.001)
        await asyncio.to_thread(int)
        reader, writer = os.pipe()
        loop.add_reader(reader, done.set)
        os.write(writer, b"x")
        await done.wait()
        loop.remove_reader(reader)
        os.close(reader)
        os.close(writer)
        return answer

    done = asyncio.Event()
    assert loop.run_until_complete(main()) == b"ran"


def test_a_forked_child_runs_a_loop_of_its_own(loop: EventLoop) -> None:
    loop.run_until_complete(asyncio.sleep(0))
    assert wait_for_child(lambda: run(asyncio.sleep(0.001, b"ran"))) == b"ran"
    loop.run_until_complete(asyncio.sleep(0.001))
